"""The editable parts of a project as plain data: read for the record of a step, written back when it is undone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db.models import F

from videoflow.pipeline.locked_lines import lines_seconds, lines_share_a
from videoflow.pipeline.models import Asset, Project, Scene, Script, Turn, script_current

PartName = Literal["script", "scenes", "look", "publish"]
Stored = dict[str, Any]

_OUT_OF_THE_WAY = 1_000_000  # positions are unique at every moment: rows step aside before they take their new ones
_TURN_FIELDS = ("speaker", "text", "section", "sources", "cue", "pause_seconds", "is_locked", "measured_seconds", "words")
_SCENE_FIELDS = (
    "turn_positions", "start", "seconds", "layout", "spec", "motion", "transition", "focus_x", "focus_y", "is_locked",
    "drawn_for", "trim_start", "end_shift", "asset_id", "made_id", "covers",
)  # fmt: skip
_LOOK_FIELDS = ("caption", "music", "pronunciations", "aspect")


@dataclass(frozen=True, slots=True)
class Part:
    read: Callable[[Project], Stored]
    write: Callable[[Project, Stored], None]


def _script_read(project: Project) -> Stored:
    script = script_current(project)
    if script is None:
        return {"script": None}
    under = {
        str(scene.key): [scene.turn_positions, scene.covers] for scene in script.scenes.only("key", "turn_positions", "covers")
    }
    return {"script": script.pk, "title": script.title, "turns": script_rows(script), "under": under}


def script_rows(script: Script) -> list[Stored]:
    """Return the turns of a script as plain data, in their order."""
    return [{"key": str(turn.key)} | {name: getattr(turn, name) for name in _TURN_FIELDS} for turn in script.turns.all()]


def _script_write(project: Project, stored: Stored) -> None:
    script = Script.objects.filter(project=project, pk=stored["script"]).first()
    if script is not None:  # a newer version may have replaced it; that one is not touched
        turns_write(script, stored["turns"])
        _lines_bring_back(script, stored.get("under", {}))  # a step of an earlier release has none
        Script.objects.filter(pk=script.pk).update(title=stored["title"])


def _lines_bring_back(script: Script, under: Mapping[str, Any]) -> None:
    """Put lines that are there again under the scenes that they were under, where these have not got others meanwhile."""
    for scene in script.scenes.only("key", "turn_positions"):
        positions, covers = under.get(str(scene.key), ([], []))
        if set(scene.turn_positions) < set(positions):
            script.scenes.filter(pk=scene.pk).update(turn_positions=positions, covers=covers)


def turns_write(script: Script, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make the script's turns these, in this order; a turn with a known key keeps its row, its recording and its revision + 1."""
    known = {str(turn.key): turn for turn in script.turns.all()}
    script.turns.exclude(key__in=[UUID(row["key"]) for row in rows]).delete()
    script.turns.update(position=F("position") + _OUT_OF_THE_WAY)
    for position, row in enumerate(rows):
        values = {name: row[name] for name in _TURN_FIELDS}
        turn = known.get(row["key"])
        if turn is None:
            Turn.objects.create(script=script, key=UUID(row["key"]), position=position, **values)
            continue
        is_changed = any(getattr(turn, name) != value for name, value in values.items())
        Turn.objects.filter(pk=turn.pk).update(position=position, revision=F("revision") + int(is_changed), **values)
    _scenes_follow(script, list(known), [row["key"] for row in rows])
    script_measure(script)


def _scenes_follow(script: Script, before: Sequence[str], after: Sequence[str]) -> None:
    """Keep the scenes with their lines when these move: what was chosen for one would else be found under another's words."""
    if after[: len(before)] == before:
        return
    places = {key: position for position, key in enumerate(after)}
    moved = {old: places[key] for old, key in enumerate(before) if key in places}

    def now(positions: Sequence[int]) -> list[int]:
        return sorted(moved[position] for position in positions if position in moved)

    for scene in script.scenes.only("turn_positions", "covers"):
        covers = [{**cover, "turns": now(cover["turns"])} for cover in scene.covers]
        script.scenes.filter(pk=scene.pk).update(turn_positions=now(scene.turn_positions), covers=covers)


def script_measure(script: Script) -> None:
    """Add up the script's length and talk share again, estimates included."""
    lines = list(script.turns.all())
    Script.objects.filter(pk=script.pk).update(measured_seconds=lines_seconds(lines), share_a=lines_share_a(lines))


def _scenes_read(project: Project) -> Stored:
    script = script_current(project)
    if script is None:
        return {"script": None, "scenes": []}
    rows = list(script.scenes.prefetch_related("candidates"))
    scenes = [{"key": str(scene.key)} | {name: _plain(getattr(scene, name)) for name in _SCENE_FIELDS} for scene in rows]
    tried = {str(scene.key): sorted(str(asset.pk) for asset in scene.candidates.all()) for scene in rows}
    return {"script": script.pk, "scenes": scenes, "candidates": tried}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _scenes_write(project: Project, stored: Stored) -> None:
    """Make the script's scenes these; one that was deleted comes back with what was tried there, one that is new gets it."""
    script = Script.objects.filter(project=project, pk=stored["script"]).first()
    if script is None:
        return
    known = {str(scene.key): scene for scene in script.scenes.all()}
    wanted = {row["key"] for row in stored["scenes"]}
    if wanted != known.keys() and (script.media_seconds is None or not wanted & known.keys()):
        return  # made anew meanwhile: these scenes are gone
    script.scenes.exclude(key__in=[UUID(key) for key in wanted]).delete()
    script.scenes.update(position=F("position") + _OUT_OF_THE_WAY)
    for position, row in enumerate(stored["scenes"]):
        scene = known.get(row["key"])
        values = {name: row[name] for name in _SCENE_FIELDS if name in row}  # a step of an earlier release has fewer
        if scene is None:
            scene = Scene.objects.create(project=project, script=script, key=UUID(row["key"]), position=position, **values)
            scene.candidates.set(Asset.objects.filter(project=project, pk__in=stored.get("candidates", {}).get(row["key"], ())))
            continue
        is_changed = scene.position != position or any(_plain(getattr(scene, name)) != value for name, value in values.items())
        script.scenes.filter(pk=scene.pk).update(position=position, revision=F("revision") + int(is_changed), **values)


def _look_read(project: Project) -> Stored:
    project.refresh_from_db(fields=_LOOK_FIELDS)
    return {name: getattr(project, name) for name in _LOOK_FIELDS}


def _look_write(project: Project, stored: Stored) -> None:
    for name in _LOOK_FIELDS:
        setattr(project, name, stored[name])
    project.save(update_fields=[*_LOOK_FIELDS, "updated_at"])


def _publish_read(project: Project) -> Stored:
    project.refresh_from_db(fields=["publish_draft", "publish_revision"])
    return {"publish_draft": project.publish_draft}


def _publish_write(project: Project, stored: Stored) -> None:
    project.publish_draft = stored["publish_draft"]
    Project.objects.filter(pk=project.pk).update(publish_draft=project.publish_draft, publish_revision=F("publish_revision") + 1)
    project.refresh_from_db(fields=["publish_revision"])


PARTS: dict[PartName, Part] = {
    "script": Part(_script_read, _script_write),
    "scenes": Part(_scenes_read, _scenes_write),
    "look": Part(_look_read, _look_write),
    "publish": Part(_publish_read, _publish_write),
}
