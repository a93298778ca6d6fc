"""What a creator does to the pictures in time; every act is one step that can be undone."""

from collections.abc import Callable
from typing import Any, cast, get_args

from django.utils.translation import gettext_noop

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.editing.parts import PARTS, Stored
from videoflow.pipeline.editing.steps import edit
from videoflow.pipeline.keeping import SHORTEST_SECONDS
from videoflow.pipeline.models import Asset, Project, Scene
from videoflow.render.timeline import MotionKind, TransitionKind
from videoflow.sentences import Sentence

MOTIONS: tuple[str, ...] = get_args(MotionKind)
TRANSITIONS: tuple[str, ...] = get_args(TransitionKind)
_SHOWN = ("asset_id", "layout", "spec", "motion", "focus_x", "focus_y", "is_locked", "trim_start")
"""What moves along when two scenes change places. Time, turns, transition and what was made for them belong to the place: so a
moved picture counts as the creator's choice and stays when the media are made anew."""


class StaleScene(VideoflowError):
    """Somebody else has changed the scene meanwhile."""

    code = "STALE_REVISION"


def scene_change(*, scene: Scene, revision: int | None = None, **values: Any) -> None:
    """Set motion, transition, focus (0 to 1), the lock of a scene, or where its clip begins (``trim_start``, in its seconds).

    Raises:
        BadInput: a value is not one of those that there are.
        StaleScene: the scene was changed since ``revision``.
    """
    for name, known in (("motion", MOTIONS), ("transition", TRANSITIONS)):
        if name in values and values[name] not in known:
            raise BadInput(
                Sentence(
                    "“%(values)s” is not a %(name)s. Choose one of: %(known)s.",
                    values=values[name],
                    name=name,
                    known=", ".join(known),
                ),
                details={name: "unknown"},
            )
    for name in ("focus_x", "focus_y"):
        if name in values and not 0 <= values[name] <= 1:
            raise BadInput("The focus lies within the picture: 0 to 100 per cent.", details={name: "out of range"})
    if not set(values) <= {"motion", "transition", "focus_x", "focus_y", "is_locked", "trim_start"}:
        raise BadInput("A scene has no such property.")
    if "trim_start" in values:
        latest = clip_latest_start(scene)
        if not 0 <= values["trim_start"] <= latest:
            raise BadInput(
                Sentence("This clip can begin between 0 and %(latest)s s.", latest=f"{latest:.1f}"),
                details={"trim_start": "out of range"},
            )

    def change(rows: list[Stored], at: int) -> None:
        if rows[at] == rows[at] | values:
            return
        if revision is not None:
            revision_check(scene, revision)
        rows[at] |= values

    wording = _LABELS[_named(values)]
    _restructure(scene, Sentence(wording, number=scene.position + 1), change)


def clip_latest_start(scene: Scene) -> float:
    """Return the latest second of its clip at which a scene can begin, so that something of it is seen; 0 for a picture."""
    if scene.asset.kind != Asset.Kind.CLIP:
        return 0.0
    return max(0.0, (scene.asset.seconds or 0.0) - SHORTEST_SECONDS)


_LABELS = {
    "lock": gettext_noop("Lock scene %(number)s"),
    "unlock": gettext_noop("Unlock scene %(number)s"),
    "trim_start": gettext_noop("Change the beginning of scene %(number)s"),
    "focus": gettext_noop("Change the focus of scene %(number)s"),
    "motion": gettext_noop("Change the motion of scene %(number)s"),
    "transition": gettext_noop("Change the transition of scene %(number)s"),
}


def _named(values: dict[str, Any]) -> str:
    """Return the name of what is set foremost, as the step's label says it."""
    if "is_locked" in values:
        return "lock" if values["is_locked"] else "unlock"
    if "trim_start" in values:
        return "trim_start"
    return next((name for name in ("motion", "transition") if name in values), "focus")


def scene_move(*, scene: Scene, by: int) -> None:
    """Let a picture change places with the ones before (-n) or after (n) it; what is said keeps its time."""
    number = scene.position + 1
    earlier, later = (
        Sentence("Move scene %(number)s earlier", number=number),
        Sentence("Move scene %(number)s later", number=number),
    )

    def change(rows: list[Stored], at: int) -> None:
        to = max(0, min(len(rows) - 1, at + by))
        step = 1 if to > at else -1
        for index in range(at, to, step):
            one, other = rows[index], rows[index + step]
            for name in _SHOWN:
                one[name], other[name] = other[name], one[name]

    _restructure(scene, earlier if by < 0 else later, change)


def scene_trim(*, scene: Scene, end: float) -> None:
    """Move the cut at the end of a scene to ``end``, in seconds of the video; the next scene begins there.

    Raises:
        BadInput: it is the last scene, or one of the two would be too short to be seen.
    """

    def change(rows: list[Stored], at: int) -> None:
        if at + 1 >= len(rows):
            raise BadInput("The last scene ends with the video.")
        this, following = rows[at], rows[at + 1]
        earliest = this["start"] + SHORTEST_SECONDS
        latest = following["start"] + following["seconds"] - SHORTEST_SECONDS
        if not earliest <= end <= latest:
            raise BadInput(
                Sentence(
                    "The cut can be between %(earliest)s and %(latest)s s: both scenes last %(shortest)s s at least.",
                    earliest=f"{earliest:.1f}",
                    latest=f"{latest:.1f}",
                    shortest=SHORTEST_SECONDS,
                ),
                details={"end": "out of range"},
            )
        moved = end - following["start"]
        this["seconds"] += moved
        this["end_shift"] += moved
        following["start"] += moved
        following["seconds"] -= moved

    _restructure(scene, Sentence("Trim scene %(number)s", number=scene.position + 1), change)


def scene_show(*, scene: Scene, asset: Asset) -> None:
    """Show another picture or clip; the one before stays among the candidates.

    Raises:
        BadInput: it is neither picture nor clip, or another project's.
    """
    if asset.project_id != scene.project_id or asset.kind not in (Asset.Kind.IMAGE, Asset.Kind.CLIP):
        raise BadInput("Only a picture or a clip of this project can be shown in a scene.")

    def change(rows: list[Stored], at: int) -> None:
        scene.candidates.add(rows[at]["asset_id"])
        rows[at] |= {"asset_id": str(asset.pk), "trim_start": 0.0}

    _restructure(scene, Sentence("Replace the picture of scene %(number)s", number=scene.position + 1), change)


def scene_restore(*, scene: Scene) -> None:
    """Show again what the stage made for this place.

    Raises:
        BadInput: it is not there any more.
    """

    def change(rows: list[Stored], at: int) -> None:
        if not rows[at]["made_id"]:
            raise BadInput("What was made for this scene is not there any more. Make the media again.")
        if rows[at]["asset_id"] != rows[at]["made_id"]:
            scene.candidates.add(rows[at]["asset_id"])
        rows[at]["asset_id"] = rows[at]["made_id"]

    _restructure(scene, Sentence("Restore the picture of scene %(number)s", number=scene.position + 1), change)


def _restructure(scene: Scene, label: str, change: Callable[[list[Stored], int], None]) -> None:
    """Change the scenes of the current script as data and write back what differs, as one step."""
    scenes_rearrange(scene, label, lambda stored, at: change(cast(list[Stored], stored["scenes"]), at))


def scenes_rearrange(scene: Scene, label: str, change: Callable[[Stored, int], None], *, revision: int | None = None) -> None:
    """Change the scenes and what was tried in them, as data, and write back what differs, as one step.

    Raises:
        BadInput: the scene is gone.
        StaleScene: it was changed since ``revision``.
    """
    project: Project = scene.project
    with edit(project, "scenes", label):
        stored = PARTS["scenes"].read(project)
        at = next((index for index, row in enumerate(stored["scenes"]) if row["key"] == str(scene.key)), None)
        if at is None:
            raise BadInput("This scene is not there any more. The media were made anew.")
        if revision is not None:
            revision_check(scene, revision)
        change(stored, at)
        PARTS["scenes"].write(project, stored)


def revision_check(scene: Scene, revision: int) -> None:
    """Refuse what was decided on an older state of a scene; raises StaleScene."""
    if revision != Scene.objects.values_list("revision", flat=True).get(pk=scene.pk):
        raise StaleScene("This scene was changed elsewhere meanwhile. Look at it again.")
