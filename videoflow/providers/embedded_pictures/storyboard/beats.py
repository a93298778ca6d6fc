"""Cuts the spoken turns into stretches of one picture each, on turn and phrase borders."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from videoflow.providers.base import Cue, SpeakerId, SpokenTurn, SpokenWord
from videoflow.providers.embedded_pictures.wording import is_small_word

LONGEST_SECONDS = 6.2
SHORTEST_SECONDS = 2.0
_QUESTION_SECONDS = 1.3
_WANTED_SECONDS = 4.4
_CHAPTER_SECONDS = 2.8
_LEAD_SECONDS = 0.10
"""A picture comes this much before the word it belongs to."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A stretch with one picture. ``part`` counts within its turn; ``opens`` is set where a section begins."""

    start: float
    end: float
    turn_indexes: tuple[int, ...]
    speaker: SpeakerId
    text: str
    words: tuple[SpokenWord, ...]
    cue: Cue | None
    section: str
    part: int = 0
    parts: int = 1
    opens: bool = False
    turn_text: str = ""
    """All that is said in the turn, of which ``text`` is this part."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


def beats_cut(turns: Sequence[SpokenTurn], total_seconds: float) -> list[Beat]:
    """Return beats that follow each other without a gap from 0 to ``total_seconds``."""
    ordered = sorted(turns, key=lambda turn: (turn.start, turn.index))
    starts = [0.0]
    for before, turn in pairwise(ordered):
        lead = min(_LEAD_SECONDS, max(0.0, turn.start - before.end) / 2)
        starts.append(min(max(starts[-1], turn.start - lead), total_seconds))
    whole: list[Beat] = []
    for number, turn in enumerate(ordered):
        end = starts[number + 1] if number + 1 < len(ordered) else total_seconds
        opens = number == 0 or turn.section != ordered[number - 1].section
        whole.append(
            Beat(
                starts[number],
                end,
                (turn.index,),
                turn.speaker,
                turn.text,
                turn.words,
                turn.cue,
                turn.section,
                opens=opens,
                turn_text=turn.text,
            )
        )
    beats: list[Beat] = []
    for beat in _short_joined([beat for beat in whole if beat.seconds > 1e-6]):
        beats += _split(beat)
    return beats


def _short_joined(beats: list[Beat]) -> list[Beat]:
    """Join turns too short for a picture of their own to their neighbour; the longer turn says what is shown."""
    joined: list[Beat] = []
    for beat in beats:
        last = joined[-1] if joined else None
        small = last is not None and (_is_short(beat) or _is_short(last))
        if last is not None and small and not beat.opens and last.seconds + beat.seconds <= LONGEST_SECONDS + 1.5:
            main = last if last.seconds >= beat.seconds else beat
            joined[-1] = Beat(
                last.start,
                beat.end,
                (*last.turn_indexes, *beat.turn_indexes),
                main.speaker,
                f"{last.text} {beat.text}",
                (*last.words, *beat.words),
                main.cue or last.cue or beat.cue,
                last.section,
                opens=last.opens,
                turn_text=f"{last.turn_text} {beat.turn_text}",
            )
        else:
            joined.append(beat)
    return joined


def _is_short(beat: Beat) -> bool:
    """Tell whether a turn is too short for a picture; a question is read quickly, and its answer would be shown too early."""
    return beat.seconds < (_QUESTION_SECONDS if beat.text.rstrip("”\"'’").endswith(("?", "？", "؟")) else SHORTEST_SECONDS)


def _split(beat: Beat) -> list[Beat]:
    """Cut a long turn at phrase borders; where a section opens, the first piece is as long as its card."""
    if beat.seconds <= LONGEST_SECONDS and not (beat.opens and beat.seconds > _CHAPTER_SECONDS + SHORTEST_SECONDS):
        return [beat]
    goals: list[float] = []
    at = beat.start
    if beat.opens:
        at += _CHAPTER_SECONDS
        goals.append(at)
    rest = beat.end - at
    pieces = max(1, round(rest / _WANTED_SECONDS)) if rest > LONGEST_SECONDS else 1
    goals += [at + rest * number / pieces for number in range(1, pieces)]
    cuts: list[float] = []
    for goal in goals:
        last = cuts[-1] if cuts else beat.start
        best = _border(beat, goal, last + SHORTEST_SECONDS, beat.end - SHORTEST_SECONDS)
        if best is not None:
            cuts.append(best)
    edges = [beat.start, *cuts, beat.end]
    parts: list[Beat] = []
    for number, (start, end) in enumerate(pairwise(edges)):
        last_part = number == len(edges) - 2
        words = tuple(word for word in beat.words if (word.start >= start or number == 0) and (word.start < end or last_part))
        text = " ".join(word.text for word in words) or beat.text
        parts.append(
            Beat(
                start,
                end,
                beat.turn_indexes,
                beat.speaker,
                text,
                words,
                beat.cue,
                beat.section,
                number,
                len(edges) - 1,
                beat.opens and number == 0,
                beat.turn_text,
            )
        )
    return parts


def _border(beat: Beat, goal: float, earliest: float, latest: float) -> float | None:
    """Return the phrase border nearest to ``goal``: after a sentence counts most, then after a clause, then after a word."""
    best, best_cost = None, 1e9
    quoting = False
    for before, word in pairwise(beat.words):
        quoting = (quoting or before.text[:1] in "“«„") and before.text.rstrip(".,;:!?")[-1:] not in ("”", "»")
        at = word.start - min(_LEAD_SECONDS, max(0.0, word.start - before.end) / 2)
        if not earliest <= at <= latest:
            continue
        ending = before.text.rstrip("”\"'’)")[-1:]
        named = ending.isdigit() or (
            before.text[:1].isupper() and word.text[:1].isupper() and ending.isalnum()
        )  # a name or a figure stays whole
        small = ending.isalnum() and is_small_word(before.text)  # "in | Entertainment"
        cost = (
            3.0 * named
            + 3.0 * quoting
            + 1.2 * small
            + abs(at - goal)
            + (0.0 if ending in ".!?…" else 0.5 if ending in ",;:—–" else 1.6)
        )
        if cost < best_cost:
            best, best_cost = at, cost
    if best is None and not beat.words and earliest <= goal <= latest:
        return goal
    return best
