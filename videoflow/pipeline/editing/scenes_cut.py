"""More and fewer scenes: one split in two, or one deleted, whose neighbour takes its time. Each is a step that can be undone."""

import uuid
from collections.abc import Sequence
from typing import Any

from videoflow.errors import BadInput
from videoflow.pipeline.arranging import Cover, Spans, covers_cut, covers_join, covers_of, turns_heard
from videoflow.pipeline.editing.parts import Stored
from videoflow.pipeline.editing.scenes import clip_latest_start, scenes_rearrange
from videoflow.pipeline.keeping import SHORTEST_SECONDS
from videoflow.pipeline.models import Asset, Scene, Turn
from videoflow.pipeline.spoken import words_key
from videoflow.sentences import Sentence

_OTHER_MOTION = {"push_in": "pull_out", "pull_out": "push_in", "pan_left": "pan_right", "pan_right": "pan_left"}
"""What the second half of a picture does; from any other, including none, it goes in."""
_FLOAT_SECONDS = 0.0005  # two times of the same cut differ by less


def split_second(scene: Scene, turns: Sequence[Turn]) -> float | None:
    """Return where to split a scene when nobody says where; None where it is too short to be split.

    It is where a line begins, else a word, nearest the middle, else the middle. ``turns`` bring their recordings.
    """
    first, last = split_limits(scene.start, scene.seconds)
    if first > last:
        return None
    middle = scene.start + scene.seconds / 2
    spoken = [turn for turn in turns if hasattr(turn, "speech")]
    lines = [turn.speech.start for turn in spoken if abs(turn.speech.start - middle) <= scene.seconds / 4]
    words = [turn.speech.start + begin for turn in spoken for _text, begin, _end in turn.words]
    places = [second for second in lines or words if first <= second <= last]
    return round(min(places, key=lambda second: abs(second - middle), default=middle), 2)


def split_limits(start: float, seconds: float) -> tuple[float, float]:
    """Return between which seconds of the video a scene can be split; the first is after the last where it is too short."""
    return start + SHORTEST_SECONDS, start + seconds - SHORTEST_SECONDS


def scene_split(*, scene: Scene, at: float | None = None, revision: int | None = None) -> uuid.UUID:
    """Make two scenes of one, cut ``at`` a second of the video, and return the second one's key.

    Both show the same picture; the second moves it another way, and a clip goes on where the first leaves it.

    Raises:
        BadInput: one of the two would be too short to be seen.
        StaleScene: the scene was changed since ``revision``.
    """
    key = uuid.uuid4()
    turns = _turns(scene)

    def change(stored: Stored, index: int) -> None:
        rows = stored["scenes"]
        row = rows[index]
        first, last = split_limits(row["start"], row["seconds"])
        if first > last:
            raise BadInput(
                Sentence(
                    "This scene is too short to be split: both parts last %(shortest)s s at least.", shortest=SHORTEST_SECONDS
                )
            )
        cut = split_second(scene, turns) if at is None else at
        if cut is None or not first - _FLOAT_SECONDS <= cut <= last + _FLOAT_SECONDS:
            raise BadInput(
                Sentence("This scene can be split between %(first)s and %(last)s s.", first=f"{first:.1f}", last=f"{last:.1f}"),
                details={"at": "out of range"},
            )
        _covers_fill(rows)
        rows.insert(index + 1, _second_part(scene, row, cut, key, turns))
        stored["candidates"][str(key)] = stored["candidates"][row["key"]]

    scenes_rearrange(scene, Sentence("Split scene %(number)s", number=scene.position + 1), change, revision=revision)
    return key


def _second_part(scene: Scene, row: Stored, cut: float, key: uuid.UUID, turns: Sequence[Turn]) -> Stored:
    """Shorten a row to its first part, and return the second."""
    start, end, spans = row["start"], row["start"] + row["seconds"], _spans(turns)
    under = row["turn_positions"]
    is_outdated = row["drawn_for"] != _words_key(turns, under)
    left, right = covers_cut(covers_of(row["covers"]), cut)
    second = row | {
        "key": str(key),
        "start": cut,
        "seconds": end - cut,
        "transition": "cut",
        "motion": _OTHER_MOTION.get(row["motion"], "push_in") if scene.asset.kind == Asset.Kind.IMAGE else row["motion"],
        "trim_start": _clip_goes_on(scene, row["trim_start"] + cut - start),
        "covers": [cover.stored() for cover in right],
        "turn_positions": turns_heard(under, spans, cut, end),
    }
    row |= {
        "seconds": cut - start,
        "end_shift": cut - left[-1].at(left[-1].ends),
        "covers": [cover.stored() for cover in left],
        "turn_positions": turns_heard(under, spans, start, cut),
    }
    for part in (row, second):
        part["drawn_for"] = "" if is_outdated else _words_key(turns, part["turn_positions"])
    return second


def _clip_goes_on(scene: Scene, second: float) -> float:
    """Return where in its clip the second part begins; a clip that ends before begins again."""
    length = scene.asset.seconds or 0.0
    if scene.asset.kind != Asset.Kind.CLIP or not length:
        return 0.0
    return min(second % length, clip_latest_start(scene))


def scene_delete(*, scene: Scene, revision: int | None = None) -> uuid.UUID:
    """Take a scene out; the one before, else the one after, takes its time and keeps its picture at hand. Return that one's key.

    Raises:
        BadInput: it is the only scene, or locked.
        StaleScene: it was changed since ``revision``.
    """
    turns = _turns(scene)
    neighbour = scene.script.scenes.filter(position=scene.position - 1 if scene.position else 1).first()
    if neighbour is None:
        raise BadInput("This is the only scene, and the video needs a picture. Replace it instead.")

    def change(stored: Stored, index: int) -> None:
        rows = stored["scenes"]
        row = rows[index]
        if row["is_locked"]:
            raise BadInput("This scene is locked. Unlock it first, then delete it.")
        _covers_fill(rows)
        rows.pop(index)
        _absorb(rows[max(0, index - 1)], row, turns, is_after=index > 0)
        neighbour.candidates.add(row["asset_id"])

    scenes_rearrange(scene, Sentence("Delete scene %(number)s", number=scene.position + 1), change, revision=revision)
    return neighbour.key


def _absorb(into: Stored, row: Stored, turns: Sequence[Turn], *, is_after: bool) -> None:
    """Give a row's time and lines to its neighbour; ``is_after`` says that the row came after it."""
    is_outdated = into["drawn_for"] != _words_key(turns, into["turn_positions"])
    theirs, mine = covers_of(row["covers"]), covers_of(into["covers"])
    first, second = (mine, theirs) if is_after else (theirs, mine)
    into["covers"] = [cover.stored() for cover in covers_join(first, second, pictured=mine)]
    into["turn_positions"] = sorted({*into["turn_positions"], *row["turn_positions"]})
    into["seconds"] += row["seconds"]
    if is_after:
        into["end_shift"] = row["end_shift"]
    else:
        into |= {"start": row["start"], "transition": row["transition"]}
    into["drawn_for"] = "" if is_outdated else _words_key(turns, into["turn_positions"])


def _covers_fill(rows: Sequence[dict[str, Any]]) -> None:
    """Write into scenes of an earlier release which shots they cover: each its own, before its cuts were moved."""
    shift = 0.0
    for number, row in enumerate(rows):
        end = row["start"] + row["seconds"] - row["end_shift"]
        if not row["covers"]:
            row["covers"] = [Cover(number, tuple(row["turn_positions"]), row["start"] - shift, end).stored()]
        shift = row["end_shift"]


def _turns(scene: Scene) -> list[Turn]:
    return list(scene.script.turns.select_related("speech"))


def _spans(turns: Sequence[Turn]) -> Spans:
    spoken = [turn for turn in turns if hasattr(turn, "speech")]
    return {turn.position: (turn.speech.start, turn.speech.start + turn.measured_seconds) for turn in spoken}


def _words_key(turns: Sequence[Turn], positions: Sequence[int]) -> str:
    return words_key([turns[position] for position in positions if position < len(turns)])
