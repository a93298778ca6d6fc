"""Other words for a line: what another draft of the same brief says at the same place, resting on the same evidence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from videoflow.providers.base import Conversation, Cue, DraftTurn, Evidence

_OPENING, _CLOSING = "opening", "closing"


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line as it stands in a script."""

    speaker: str
    text: str
    section: str
    sources: frozenset[str]
    cue_kind: str


@dataclass(frozen=True, slots=True)
class OtherWords:
    """Another wording with the evidence that it rests on."""

    text: str
    cue: Cue | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a line does in the conversation: whose it is, what it rests on, and what it leads to or answers.

    ``end`` is the first or the last section; the headings of all vary from draft to draft.
    """

    speaker: str
    end: str
    sources: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]
    cue_kind: str
    asks: bool


def lines_reword(
    lines: Sequence[WrittenLine], wanted: Iterable[int], drafts: Iterable[Conversation], *, known: Iterable[str] = ()
) -> dict[int, OtherWords]:
    """Return other words for the wanted lines, by index; one without any that fit its place is left out.

    ``drafts`` are taken one by one, only until every wanted line has its words. ``known`` texts are not given again.
    """
    said = {*(line.text for line in lines), *known}
    places = list(_places(lines))
    found: dict[int, OtherWords] = {}
    left = sorted(wanted)
    for draft in drafts:
        evidence = {entry.key: entry for entry in draft.evidence}
        turns = [(turn, exchange.section) for exchange in draft.exchanges for turn in exchange.turns]
        others = list(zip(_places([_written(turn, section) for turn, section in turns]), turns, strict=True))
        for index in left:
            fitting = [turn for place, (turn, _) in others if turn.text not in said and _fits(places[index], place)]
            if fitting:
                said.add(fitting[0].text)
                rests_on = tuple(evidence[key] for key in fitting[0].sources if key in evidence)
                found[index] = OtherWords(fitting[0].text, fitting[0].cue, rests_on)
        left = [index for index in left if index not in found]
        if not left:
            break
    return found


def _written(turn: DraftTurn, section: str) -> WrittenLine:
    return WrittenLine(turn.speaker, turn.text, section, frozenset(turn.sources), turn.cue.kind if turn.cue else "")


def _places(lines: Sequence[WrittenLine]) -> Iterator[_Place]:
    nothing: frozenset[str] = frozenset()
    ends = {lines[0].section: _OPENING, lines[-1].section: _CLOSING} if lines else {}
    for index, line in enumerate(lines):
        before = lines[index - 1].sources if index else nothing
        after = lines[index + 1].sources if index + 1 < len(lines) else nothing
        asks = line.text.rstrip("”\"'").endswith("?")
        yield _Place(line.speaker, ends.get(line.section, ""), line.sources, before, after, line.cue_kind, asks)


def _fits(place: _Place, other: _Place) -> bool:
    """Whether a line of another draft can stand at a place: the same evidence, or the same part in the exchange."""
    if (place.speaker, place.end, place.asks) != (other.speaker, other.end, other.asks):
        return False
    if place.sources or other.sources:
        return place.sources == other.sources
    follows = place.before == other.before
    leads = place.after == other.after
    if place.end:
        return follows and leads and place.cue_kind == other.cue_kind
    return (leads and bool(place.after)) or (follows and bool(place.before) and not place.asks)
