"""The media panel: a tile for every scene, the recordings with their waveforms, and the music."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from videoflow.pipeline.asset_facts import ALT_LIMIT
from videoflow.pipeline.board import Board
from videoflow.pipeline.editing.looks import MUSIC_LEVELS_DB, look_revision
from videoflow.pipeline.editing.music import mood_of, music_shown
from videoflow.pipeline.editing.scenes_media import CANDIDATES_MOST, asset_revision
from videoflow.pipeline.editing.scenes_service import picture_service
from videoflow.pipeline.editing.staleness import staleness_of
from videoflow.pipeline.editing.uploads import CLIP_LIMIT_BYTES, MUSIC_LIMIT_BYTES
from videoflow.pipeline.models import Asset, Project, Scene, Script, Speech, Turn, Upload, script_current
from videoflow.pipeline.panels.base import Content, host_names
from videoflow.pipeline.stages.video_composition import MUSIC_LEVEL_DB
from videoflow.providers.embedded_music.music import music_moods
from videoflow.providers.services import EMBEDDED, service_label
from videoflow.translation import translated

WAVE_HEIGHT = 40
_WAVE_STEP = 3
_LAYOUT_ICONS = {"stale": "clock", "locked": "lock", "yours": "user", "chosen": "shuffle", "ready": "check"}
_STATE_WORDS = {
    "stale": gettext_lazy("Words changed"),
    "locked": gettext_lazy("Locked"),
    "yours": gettext_lazy("Yours"),
    "chosen": gettext_lazy("Chosen"),
    "ready": gettext_lazy("Ready"),
}


@dataclass(frozen=True)
class Tile:
    """A scene as the board shows it."""

    scene: Scene
    said: str
    """The words that are heard while it is on screen."""
    who: str
    speaker: str
    tried: int
    is_stale: bool
    shape: str

    @cached_property
    def state(self) -> str:
        """What holds for it: stale, locked, yours (brought), chosen (another one of ours) or ready."""
        if self.is_stale:
            return "stale"
        if self.scene.is_locked:
            return "locked"
        if self.scene.asset.origin == Asset.UPLOAD:
            return "yours"
        return "chosen" if self.is_replaced else "ready"

    @property
    def is_replaced(self) -> bool:
        return self.scene.made_id is not None and self.scene.asset_id != self.scene.made_id

    @property
    def state_words(self) -> str:
        return str(_STATE_WORDS[self.state])

    @property
    def state_icon(self) -> str:
        return _LAYOUT_ICONS[self.state]

    @property
    def number(self) -> int:
        return self.scene.position + 1

    @property
    def source(self) -> str:
        """Who made what is shown, and what it cost."""
        asset = self.scene.asset
        if asset.origin == Asset.UPLOAD:
            return " · ".join(filter(None, [_("Brought by you"), asset.licence]))
        if asset.source_key:
            return " · ".join(filter(None, [asset.credit, asset.licence]))
        if asset.origin != EMBEDDED:
            return " · ".join(filter(None, [service_label(asset.origin), asset.model]))
        return " · ".join([translated(service_label(asset.origin)), _("no cost")])


@dataclass(frozen=True, slots=True)
class Wave:
    """A recording to be drawn: bars of its loudness, and where each word begins."""

    bars: str
    """Data of an SVG path, in a box of ``width`` x 40."""
    marks: str
    width: int
    times: str
    """Beginnings and ends of the words, in seconds: ``0.00-0.31 0.31-0.62``."""


@dataclass(frozen=True, slots=True)
class Recording:
    speech: Speech
    name: str
    wave: Wave


def media_content(project: Project, board: Board) -> Content:
    """Pictures, recordings and music of the newest script; twelve queries at most."""
    current = script_current(project)
    if current is None:
        return {"tiles": [], "recordings": []}
    tiles = tiles_of(project, current)
    speeches = Speech.objects.filter(turn__script=current).select_related("turn", "asset").order_by("turn__position")
    names = host_names(project)
    kinds = [tile.scene.asset.kind for tile in tiles]
    return {
        "tiles": tiles,
        "recordings": [
            Recording(speech, names.get(speech.turn.speaker, ""), wave_of(speech.asset.peaks, speech.turn)) for speech in speeches
        ],
        "clips": sum(kind == Asset.Kind.CLIP for kind in kinds),
        "own": sum(tile.scene.asset.origin == Asset.UPLOAD for tile in tiles),
        "locked": sum(tile.scene.is_locked for tile in tiles),
        "stale": sum(tile.is_stale for tile in tiles),
        **music_content(project, current),
    }


def _scenes(script: Script) -> QuerySet[Scene]:
    return (
        script.scenes.select_related("asset").annotate(tried=Count("candidates")).order_by("position")
    )  # counting drops the order


def tiles_of(project: Project, script: Script, only: Scene | None = None) -> list[Tile]:
    """Return the scenes as tiles, in their order; six queries."""
    stale = set(staleness_of(project, script, None).scenes)
    turns = list(script.turns.select_related("speech"))
    names = host_names(project)
    shape = {"9:16": "tile-tall", "1:1": "tile-square"}.get(project.aspect, "")
    rows = _scenes(script).filter(pk=only.pk) if only else _scenes(script)
    tiles = []
    for scene in rows:
        said, speaker = _said(scene, turns)
        tried: int = scene.tried  # type: ignore[attr-defined]  # annotated
        tiles.append(Tile(scene, said, names.get(speaker, ""), speaker, tried, scene.position in stale, shape))
    return tiles


def tile_of(project: Project, scene: Scene) -> Tile:
    return tiles_of(project, scene.script, only=scene)[0]


def _said(scene: Scene, turns: Sequence[Turn]) -> tuple[str, str]:
    """Return the words heard during a scene and who says them; whole lines where their times are not known."""
    under = [turns[position] for position in scene.turn_positions if position < len(turns)]
    heard: list[str] = []
    first = ""
    for turn in under:
        speech = getattr(turn, "speech", None)
        if speech is None or not turn.words:
            words = [turn.text]
        else:
            at = speech.start
            words = [text for text, begin, _end in turn.words if scene.start <= at + begin + 0.02 < scene.start + scene.seconds]
        if words and not first:
            first = turn.speaker
        heard += words
    return " ".join(heard), first


def wave_of(peaks: Sequence[int] | None, turn: Turn | None = None) -> Wave:
    """Return what is drawn of a recording; without peaks a line."""
    heights = list(peaks or []) or [0] * 40
    middle = WAVE_HEIGHT / 2
    bars = "".join(
        f"M{index * _WAVE_STEP + 1} {middle - half:.1f}V{middle + half:.1f}"
        for index, height in enumerate(heights)
        for half in [max(0.6, height / 100 * (middle - 4))]
    )
    width = len(heights) * _WAVE_STEP
    words = turn.words if turn else []
    seconds = (turn.measured_seconds if turn else 0.0) or 1.0
    marks = "".join(f"M{begin / seconds * width:.1f} {WAVE_HEIGHT - 4}V{WAVE_HEIGHT}" for _text, begin, _end in words)
    times = " ".join(f"{begin:.2f}-{end:.2f}" for _text, begin, end in words)
    return Wave(bars, marks, width, times)


def music_content(project: Project, script: Script | None) -> Content:
    """Return the music with its choices; two queries."""
    bed = music_shown(project)
    pending = project.uploads.filter(scene_key=None, state=Upload.State.RECEIVING)
    return {
        "music": bed,
        "music_wave": wave_of(bed.peaks) if bed else None,
        "music_is_own": bed is not None and bed.origin == Asset.UPLOAD,
        "music_is_on": bool(project.music.get("is_on", True)),
        "music_level": float(project.music.get("level_db", MUSIC_LEVEL_DB)),
        "music_levels": MUSIC_LEVELS_DB,
        "music_revision": look_revision(project, "music"),
        "music_describe_revision": asset_revision(bed) if bed else "",
        "mood": mood_of(project),
        "moods": music_moods(),
        "music_pending": list(pending),
        "music_limit_bytes": MUSIC_LIMIT_BYTES,
        "can_lay_music": script is not None and script.media_seconds is not None,
    }


def scene_content(project: Project, scene: Scene) -> dict[str, Any]:
    """Return all that one scene is shown with; ten queries at most."""
    tile = tile_of(project, scene)
    others = list(scene.candidates.order_by("created_at"))
    if scene.made is not None and scene.made not in others:
        others.insert(0, scene.made)
    if tile.scene.asset not in others:
        others.append(tile.scene.asset)
    keys = list(scene.script.scenes.values_list("key", flat=True))
    at = tile.scene.position
    return {
        "tile": tile,
        "candidates": others,
        "service": picture_service(project),
        "maker": service_label(tile.scene.asset.origin),
        "refused": [other for other in others if other.is_refused],
        "can_redraw": scene.script.media_seconds is not None and tile.tried < CANDIDATES_MOST,
        "before": keys[at - 1] if at else None,
        "after": keys[at + 1] if at + 1 < len(keys) else None,
        "count": len(keys),
        "describe_revision": asset_revision(tile.scene.asset),
        "alt_limit": ALT_LIMIT,
        "pending": list(project.uploads.filter(scene_key=scene.key, state=Upload.State.RECEIVING)),
        "limit_bytes": CLIP_LIMIT_BYTES,
    }
