"""Turns angles into exchanges: picks an unheard dialogue, fills it, casts it, and keeps the two voices in balance."""

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from videoflow.providers.base import Cue, Datum, DraftTurn, SpeakerId
from videoflow.providers.embedded_writer.figures import spoken_words
from videoflow.providers.embedded_writer.frames import Ledger
from videoflow.providers.embedded_writer.stock import Dialogue, FilledLine, Said, dialogue_fill
from videoflow.providers.embedded_writer.theme_facts import Angle

WORDS_PER_MINUTE = 165.0
PAUSE_SECONDS = 0.35
"""Silence between two turns, in seconds; the stage measures the real one."""
_TRIES = 3
"""Of so many dialogues that may be said, the one that leaves the two voices most even is taken."""
_QUESTION = re.compile(r"(?:[^.!?]|[.!?](?=[^\s.!?\"”’')\]]))*\?+(?=[\s!\"”’')\]\0]|$)")
"""A sign with more behind it at once (3.5, example.org/?q) ends no sentence."""
_WARM_UP_WORDS = 110
"""Until so many words have been said, the choice of dialogues is free."""
_EVEN = 0.05
"""How far a voice may be from half of the words before it counts in the choice."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An exchange on its way: the turns, and where in its section it stands."""

    turns: tuple[DraftTurn, ...]
    section: int
    place: float
    is_required: bool
    priority: float


def seconds_of(turns: Sequence[DraftTurn]) -> float:
    """An estimate of how long these turns take to say, in seconds."""
    return sum(spoken_words(turn.text) / WORDS_PER_MINUTE * 60 + PAUSE_SECONDS for turn in turns)


def question_of(text: str) -> str:
    """The last question asked in a text, empty when none is."""
    found = _QUESTION.findall(re.sub(r"“[^”]*”", lambda match: match.group(0).replace("?", "\0").replace(".", "\1"), text))
    return found[-1].strip().replace("\0", "?").replace("\1", ".") if found else ""


def cue_plain(text: str) -> Cue:
    """The picture of a turn that has no evidence of its own: its question, or its last sentence."""
    if question := question_of(text):
        return Cue("question", question)
    sentences = [part for part in re.split(r"(?<=[.!])\s+", text) if len(part.split()) >= 3]
    return Cue("statement", (sentences or [text])[0].rstrip("."))


class Composer:
    """The dialogue of one video. Every turn that it gives has a frame of its own."""

    def __init__(self, stock: Mapping[str, Sequence[Dialogue]], names: Sequence[str], dice: random.Random) -> None:
        self._stock = stock
        self._ledger = Ledger(names)
        self._dice = dice
        self._used: set[Dialogue] = set()
        self.words: Counter[SpeakerId] = Counter()

    def say(self, angle: Angle, *, base: Mapping[str, str]) -> tuple[DraftTurn, ...] | None:
        """An exchange about an angle, or None when the stock has no unheard one that fits.

        ``base`` has the hosts' names under A and B.
        """
        facts = {**{key: Said(value) for key, value in base.items()}, **angle.facts}
        fitting = [
            dialogue
            for dialogue in self._stock.get(angle.move, ())
            if dialogue not in self._used
            and dialogue.needs <= angle.flags
            and not dialogue.bars & angle.flags
            and dialogue.slots <= facts.keys()
        ]
        self._dice.shuffle(fitting)
        fitting.sort(key=lambda dialogue: "grave" not in dialogue.needs)
        options: list[tuple[float, Dialogue, tuple[DraftTurn, ...]]] = []
        tried = 0
        for dialogue in fitting:
            filled = dialogue_fill(dialogue, facts, self._dice)
            if not self._ledger.accepts([line.text for line in filled]):
                continue
            for cast in self._casts(filled):
                turns = tuple(self._turn(line, speaker, angle) for line, speaker in zip(filled, cast, strict=True))
                options.append((self._imbalance(turns), dialogue, turns))
            tried += 1
            if tried == _TRIES:
                break
        if not options:
            return None
        _, dialogue, turns = min(options, key=lambda option: option[0])
        self._used.add(dialogue)
        self.take(turns)
        return turns

    def accepts(self, turns: Sequence[DraftTurn]) -> bool:
        """Tell whether turns written elsewhere may be said in this video."""
        return self._ledger.accepts([turn.text for turn in turns])

    def take(self, turns: Sequence[DraftTurn]) -> None:
        """Count turns as said."""
        self._ledger.add([turn.text for turn in turns])
        for turn in turns:
            self.words[turn.speaker] += spoken_words(turn.text)

    def _casts(self, filled: Sequence[FilledLine]) -> list[list[SpeakerId]]:
        fixed: dict[str, SpeakerId] = {"A": "A", "B": "B"}
        if not any(line.role in "XY" for line in filled):
            return [[fixed[line.role] for line in filled]]
        ways: list[dict[str, SpeakerId]] = [{**fixed, "X": "A", "Y": "B"}, {**fixed, "X": "B", "Y": "A"}]
        return [[way[line.role] for line in filled] for way in ways]

    def _imbalance(self, turns: Sequence[DraftTurn]) -> float:
        words = Counter(self.words)
        for turn in turns:
            words[turn.speaker] += spoken_words(turn.text)
        total = words.total()
        if total < _WARM_UP_WORDS:
            return 0.0
        return max(0.0, abs(words["A"] / total - 0.5) - _EVEN)

    def _turn(self, line: FilledLine, speaker: SpeakerId, angle: Angle) -> DraftTurn:
        return DraftTurn(speaker, line.text, line.keys, _cue(line, angle))


def _cue(line: FilledLine, angle: Angle) -> Cue:
    if line.cue == "question":
        return cue_plain(line.text)
    if line.cue == "figure" or (line.cue and line.cue not in angle.cues and line.data):
        datum = _weightiest(line.data)
        if datum is not None:
            return Cue("figure", datum.label, text=datum.unit, data=(datum,))
    if line.cue in angle.cues:
        return angle.cues[line.cue]
    if line.cue == "chapter" and "label" in angle.facts:
        return Cue("chapter", angle.facts["label"].text)
    return cue_plain(line.text)


def _weightiest(data: Sequence[Datum]) -> Datum | None:
    """The first figure that is not a mere count of videos or channels, else the first."""
    return next((datum for datum in data if datum.unit not in ("videos", "channels")), data[0] if data else None)
