"""What no longer matches what was made: turns to speak, scenes to draw, and the video itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.pipeline.models import Project, Scene, Script, Turn, Video
from videoflow.pipeline.spoken import is_unspoken, words_key
from videoflow.pipeline.stages.video_composition import timeline_key, timeline_of

_SHAPE_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Staleness:
    """Positions of what must be made anew; ``is_composed`` says that the newest video shows the present state."""

    turns: tuple[int, ...]
    scenes: tuple[int, ...]
    is_composed: bool

    @property
    def is_fresh(self) -> bool:
        return not self.turns and not self.scenes and self.is_composed


def staleness_of(project: Project, script: Script, video: Video | None) -> Staleness:
    """Compare script, recordings, pictures and the newest video; four queries at most."""
    turns = list(script.turns.select_related("speech__asset"))
    scenes = list(script.scenes.select_related("asset"))
    unspoken = tuple(turn.position for turn in turns if is_unspoken(project, turn))
    outdated = tuple(scene.position for scene in scenes if scene_is_outdated(project, scene, turns))
    if unspoken or script.media_seconds is None or video is None:
        return Staleness(unspoken, outdated, is_composed=False)
    now = timeline_key(timeline_of(project, script, turns=turns, scenes=scenes))
    return Staleness(unspoken, outdated, is_composed=video.timeline_key == now)


def scene_is_outdated(project: Project, scene: Scene, turns: Sequence[Turn]) -> bool:
    """Say whether a scene's picture was drawn for other words, or for another format of the video."""
    if scene.is_locked or scene.asset_id != scene.made_id:  # the creator's choice stands whatever is said
        return False
    if _is_of_other_shape(project, scene):
        return True
    return scene.drawn_for != words_key([turns[position] for position in scene.turn_positions if position < len(turns)])


def _is_of_other_shape(project: Project, scene: Scene) -> bool:
    """Say whether a picture was drawn for another format of the video, so that it is cropped.

    A service's picture has a shape of its own and is always cropped; it is of another one when it lies and the video stands.
    """
    width_px, height_px = project.size_px
    drawn_width, drawn_height = scene.asset.width_px, scene.asset.height_px
    if not drawn_width or not drawn_height:
        return False
    if scene.asset.fingerprint:
        return (drawn_width - drawn_height) * (width_px - height_px) < 0
    return abs(drawn_width / drawn_height - width_px / height_px) > _SHAPE_TOLERANCE
