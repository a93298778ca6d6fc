"""Lines that the creator locked, when the script around them is written anew."""

from collections.abc import Sequence

from videoflow.pipeline.length import TAIL_SECONDS
from videoflow.pipeline.models import Turn

_CARRIED = ("key", "speaker", "text", "section", "sources", "cue", "pause_seconds", "measured_seconds", "words", "is_locked")


def locked_place(written: Sequence[Turn], locked: Sequence[Turn]) -> list[Turn]:
    """Return the new lines with the locked ones at the places they had; where a new line says the same, it becomes that one.

    None of these is saved. ``locked`` is in the order of the script that they come from.
    """
    lines = list(written)
    for old in locked:
        kept = Turn(**{name: getattr(old, name) for name in _CARRIED})
        same = next((index for index, line in enumerate(lines) if line.text == old.text and line.speaker == old.speaker), None)
        place = min(old.position, len(lines)) if same is None else same
        neighbour = lines[min(place, len(lines) - 1)]
        kept.section = neighbour.section
        if same is None:
            lines.insert(place, kept)
        else:
            kept.pause_seconds = neighbour.pause_seconds
            lines[same] = kept
    return lines


def lines_seconds(lines: Sequence[Turn]) -> float:
    """Return the length of the video that these lines make, pauses and tail included."""
    return sum(line.pause_seconds + line.measured_seconds for line in lines) + TAIL_SECONDS


def lines_share_a(lines: Sequence[Turn]) -> float:
    """Return speaker A's share of the speaking time, 0 to 1."""
    spoken = sum(line.measured_seconds for line in lines)
    return sum(line.measured_seconds for line in lines if line.speaker == "A") / max(0.001, spoken)
