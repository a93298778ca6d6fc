"""Plans a conversation about the user's own notes: every statement in it is a sentence of theirs."""

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NoReturn

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, Cue, DraftTurn, Evidence, Exchange, TopicBrief
from videoflow.providers.embedded_writer.composer import WORDS_PER_MINUTE, Composer, Draft, seconds_of
from videoflow.providers.embedded_writer.figures import say_clock, say_list, spoken_words
from videoflow.providers.embedded_writer.notes import Note, Vocabulary, content_words, notes_read
from videoflow.providers.embedded_writer.record import Record
from videoflow.providers.embedded_writer.sections import Section, sections_make
from videoflow.providers.embedded_writer.stock import Said, stock_read
from videoflow.providers.embedded_writer.theme_facts import Angle
from videoflow.providers.embedded_writer.theme_script import POOL_SHARE, REQUIRED_SHARE, exchanges_of
from videoflow.sentences import Sentence

MATERIAL_SHARE = 0.42
"""At least this much of the spoken time comes from the notes; the rest is the hosts' talk around them."""
_MOST_SIGNS = 200_000
_OPENING, _CLOSING = 0, 99
_OPENING_HEADINGS = ("Opening", "Where we start", "First things first")
_CLOSING_HEADINGS = ("To sum up", "What stays", "The short version")
_TITLES = (
    "{topic}: A Conversation",
    "{topic}, Explained",
    "{topic}: What the Notes Say",
    "Understanding {topic}",
    "{topic}, Step by Step",
)
_LETTERS = re.compile(r"[^\W\d_]", re.UNICODE)


def topic_write(brief: TopicBrief) -> Conversation:
    """A conversation about a topic with notes.

    Raises: BadInput for no words, no notes, notes in another script than Latin, or too few of them.
    """
    topic = re.sub(r"\s+", " ", brief.topic).strip()
    if len(_LETTERS.findall(topic)) < 2:
        raise BadInput(
            "The topic has no words in it. Name what the video is about in a few words, such as “How coral reefs grow”."
        )
    letters = _LETTERS.findall(brief.notes)
    if 0 < len(letters) < 20:
        raise _too_short(len(brief.notes.split()), brief.minimum_seconds)
    if not letters:
        raise BadInput(
            Sentence(
                "“%(topic)s” is only a topic so far. The embedded writer says nothing that it has no evidence "
                "for, so add your notes or an article (about %(words)s words for %(length)s), or set up a "
                "writer service.",
                topic=topic[:80],
                words=_words_for(brief.minimum_seconds),
                length=say_clock(brief.minimum_seconds),
            )
        )
    if len(brief.notes) > _MOST_SIGNS:
        raise BadInput(
            Sentence(
                "The notes have %(notes)s characters; %(limit)s are read at most. Keep the part that the video is about.",
                notes=f"{len(brief.notes):,}",
                limit=f"{_MOST_SIGNS:,}",
            )
        )
    if sum(1 for letter in letters if ord(letter) < 0x250) < 0.7 * len(letters):
        raise BadInput(
            "The embedded writer writes English, and these notes are in another script. Paste a finished script instead."
        )
    return _TopicScript(brief, topic).write()


def _too_short(words: int, minimum_seconds: float) -> BadInput:
    return BadInput(
        Sentence(
            "Too short: your notes have %(count)s of the roughly %(words)s words that %(length)s need, and the embedded writer "
            "says nothing that does not stand there. Add what you know, paste an article, or ask for a shorter video.",
            count=words,
            words=_words_for(minimum_seconds),
            length=say_clock(minimum_seconds),
        ),
        details={"words": words, "words_missing": _words_for(minimum_seconds) - words},
    )


def notes_evidence(notes: str) -> tuple[Evidence, ...]:
    """Every sentence of the notes as a piece of evidence."""
    record = _record_of(notes_read(notes))
    return record.all()


def _record_of(notes: Sequence[Note]) -> Record:
    record = Record("Your notes")
    for note in notes:
        record.add(note.key, "user", note.text, data=note.figures)
    return record


def _words_for(seconds: float) -> int:
    """Words of notes that fill a length: MATERIAL_SHARE of what is said has to come from them."""
    return math.ceil(seconds / 60 * WORDS_PER_MINUTE * MATERIAL_SHARE / 50) * 50


class _TopicScript:
    def __init__(self, brief: TopicBrief, topic: str) -> None:
        self._brief = brief
        self._dice = random.Random(f"topic:{brief.seed}")
        self._hosts: dict[str, str] = {host.speaker: host.name for host in brief.hosts}
        self._topic = topic if len(topic) <= 80 else topic[:79].rsplit(" ", 1)[0] + "…"
        self._notes = notes_read(brief.notes)
        self._record = _record_of(self._notes)
        if not self._notes:
            raise BadInput("The notes have no full sentences. Write a few sentences of at least four words each.")
        self._vocabulary = Vocabulary(self._notes)
        self._counts = self._vocabulary.counts
        self._made: list[Section] = sections_make(self._notes, self._vocabulary)
        names = [*self._hosts.values(), self._topic, *(section.heading for section in self._made)]
        self._composer = Composer(stock_read("topic"), [name for name in names if len(name.split()) > 0], self._dice)
        self._drafts: list[Draft] = []
        self._seconds = 0.0
        self._met: Counter[str] = Counter()
        self._headings = {
            _OPENING: self._dice.choice(_OPENING_HEADINGS),
            _CLOSING: self._dice.choice(_CLOSING_HEADINGS),
            **{number + 1: section.heading for number, section in enumerate(self._made)},
        }

    def write(self) -> Conversation:
        minimum = self._brief.minimum_seconds
        self._frame()
        units = self._units()
        openers = {section: next(unit for unit in units if unit[0] == section) for section in {unit[0] for unit in units}}
        order = [*sorted(openers.values(), key=lambda unit: unit[0])]
        order += sorted((unit for unit in units if unit not in order), key=self._worth, reverse=True)
        step = 1 / (len(order) + 1)
        for number, unit in enumerate(order):
            if self._seconds >= POOL_SHARE * minimum:
                break
            is_opener = openers[unit[0]] == unit
            required = is_opener or self._seconds < REQUIRED_SHARE * minimum - 8
            self._speak(unit, is_opener=is_opener, is_required=required, priority=1 - step * (number + 1))
        told = {key for draft in self._drafts for turn in draft.turns for key in turn.sources}
        material = sum(spoken_words(note.text) for note in self._notes if note.key in told) / WORDS_PER_MINUTE * 60
        if min(self._seconds, material / MATERIAL_SHARE) < minimum:
            self._refuse(minimum, min(self._seconds, material / MATERIAL_SHARE))
        return self._conversation()

    def _refuse(self, minimum: float, seconds: float) -> NoReturn:
        said = sum(len(note.text.split()) for note in self._notes)
        missing = math.ceil((minimum - seconds) * WORDS_PER_MINUTE / 60 * MATERIAL_SHARE / 10) * 10
        raise BadInput(
            Sentence(
                "These notes carry about %(length)s; %(wanted)s need roughly %(missing)s more words. Add "
                "details, figures, examples or the opposite view, or ask for a shorter video.",
                length=say_clock(seconds),
                wanted=say_clock(minimum),
                missing=max(missing, 20),
            ),
            details={"seconds": round(seconds), "words": said, "words_missing": max(missing, 20)},
        )

    # Frame -----------------------------------------------------------------------------------------------------------

    def _title(self) -> str:
        topic = self._topic[:1].upper() + self._topic[1:]
        asks = re.match(r"(?:how|why|what|where|when|who)\b", topic, re.IGNORECASE)
        titles = [line.format(topic=topic) for line in _TITLES if not (asks and line.startswith("Understanding"))]
        fitting = [title for title in titles if len(title) <= 90]
        if self._topic.endswith("?") or not fitting:
            return self._topic[:90]
        return self._dice.choice(fitting)

    def _frame(self) -> None:
        title = self._spoken_title = self._title()
        headings = tuple(section.heading for section in self._made)
        facts = {
            "topic": Said(self._vocabulary.mid(self._topic.rstrip("."))),
            "headings": Said(say_list([self._vocabulary.mid(heading) for heading in headings])),
        }
        top = [phrase for note in self._notes for phrase in self._phrases(note)]
        if top:
            facts["k"] = Said(max(top, key=lambda phrase: (top.count(phrase), phrase)))
        cues = {"title": Cue("title", title, text=self._topic), "list": Cue("list", "In this video", items=headings)}
        cues["recap"] = Cue("recap", self._headings[_CLOSING], items=headings)
        cues["outro"] = Cue("outro", title)
        for move, section, place in (("hook", 0, 0), ("welcome", 0, 1), ("preview", 0, 2), ("recap", 99, 0), ("outro", 99, 1)):
            turns = self._composer.say(Angle(move, facts, frozenset(), cues), base=self._hosts)
            if turns:
                self._keep(turns, section, place, is_required=True, priority=1)

    def _keep(self, turns: Sequence[DraftTurn], section: int, place: float, *, is_required: bool, priority: float) -> None:
        self._drafts.append(Draft(tuple(turns), section, place, is_required, priority))
        self._seconds += seconds_of(turns)

    # Units -----------------------------------------------------------------------------------------------------------

    def _units(self) -> list[tuple[int, tuple[Note, ...]]]:
        """Sentences that belong together, with their section: a sentence that leans on the one before stays with it."""
        units: list[tuple[int, tuple[Note, ...]]] = []
        for number, section in enumerate(self._made):
            for note in section.notes:
                last = units[-1] if units and units[-1][0] == number + 1 else None
                if last and note.leans_on_previous and len(last[1]) < 4 and last[1][-1].index == note.index - 1:
                    units[-1] = (number + 1, (*last[1], note))
                else:
                    units.append((number + 1, (note,)))
        return units

    def _weight(self, note: Note) -> float:
        words = content_words(note.text)
        common = sum(self._counts[word] for word in words) / max(6, len(words))
        return common + 0.8 * len(note.figures) + 0.3 * len(note.kinds)

    def _worth(self, unit: tuple[int, tuple[Note, ...]]) -> tuple[float, int]:
        return (max(self._weight(note) for note in unit[1]), -unit[1][0].index)

    def _speak(self, unit: tuple[int, tuple[Note, ...]], *, is_opener: bool, is_required: bool, priority: float) -> None:
        section, notes = unit
        turns: list[DraftTurn] = []
        rest = list(notes)
        if is_opener:
            turns += self._say("chapter", rest[:1], section)
            rest = rest[1:] if turns else rest
        while rest:
            turns += self._next(rest, section)
        phrase = next((item for item in self._phrases(notes[-1]) if self._met[item] == 2), "")
        for note in notes:
            self._met.update(self._phrases(note)[:2])
        if phrase and not is_opener:
            turns += self._composer.say(Angle("link", {"k": Said(phrase, (notes[-1].key,))}), base=self._hosts) or ()
        self._keep(turns, section, notes[0].index, is_required=is_required, priority=priority)

    def _next(self, rest: list[Note], section: int) -> Iterator[DraftTurn]:
        """Turns for the next one or two sentences, which are taken off ``rest``."""
        if len(rest) >= 2 and (turns := self._say("pair", rest[:2], section)):
            del rest[:2]
            return iter(turns)
        note = rest.pop(0)
        moves = [kind for kind in note.kinds if kind != "number" or "year" not in note.kinds]
        for move in [*moves[:3], "plain"]:
            if turns := self._say(move, [note], section):
                return iter(turns)
        return iter(self._bare(note))

    def _say(self, move: str, notes: Sequence[Note], section: int) -> tuple[DraftTurn, ...]:
        facts = {"s": Said(notes[0].text, (notes[0].key,)), "heading_mid": Said(self._vocabulary.mid(self._headings[section]))}
        if len(notes) > 1:
            facts["s2"] = Said(notes[1].text, (notes[1].key,))
        if phrases := self._phrases(notes[0]):
            facts["k"] = Said(phrases[0])
        return self._composer.say(Angle(move, facts, frozenset(), _cues(notes, self._headings[section])), base=self._hosts) or ()

    def _bare(self, note: Note) -> tuple[DraftTurn, ...]:
        """The sentence by itself, from whoever has spoken less."""
        words = self._composer.words
        speaker = "A" if words["A"] <= words["B"] else "B"
        turn = DraftTurn("A" if speaker == "A" else "B", note.text, (note.key,), _sentence_cue(note))
        if not self._composer.accepts([turn]):
            return ()
        self._composer.take([turn])
        return (turn,)

    def _phrases(self, note: Note) -> list[str]:
        return self._vocabulary.phrases(note.text)

    def _conversation(self) -> Conversation:
        exchanges: tuple[Exchange, ...] = exchanges_of(
            [draft for draft in self._drafts if draft.turns], self._headings, keep_order=True
        )
        keys = {key for exchange in exchanges for turn in exchange.turns for key in turn.sources}
        return Conversation(
            self._spoken_title, exchanges, self._record.named(keys), self._topic, _keywords(self._made, self._counts, self._topic)
        )


def _sentence_cue(note: Note) -> Cue:
    if note.text.endswith("?"):
        return Cue("question", note.text)
    if note.figures and "year" not in note.kinds:
        return Cue("figure", note.figures[0].label, text=note.text, data=note.figures[:1])
    return Cue("statement", note.text.rstrip("."), attribution="From the notes")


def _cues(notes: Sequence[Note], heading: str) -> dict[str, Cue]:
    note = notes[0]
    plain = _sentence_cue(note)
    figures = note.figures
    items = tuple(part.strip(" .") for part in re.split(r",\s*(?:and |or )?|\s(?:and|or)\s", note.text) if part.strip(" ."))
    return {
        "chapter": Cue("chapter", heading),
        "statement": plain,
        "second": _sentence_cue(notes[-1]),
        "figure": plain,
        "line": plain,
        "list": Cue("list", heading, items=items[:6]) if 3 <= len(items) <= 7 else plain,
        "comparison": Cue("comparison", heading, text=note.text, data=figures[:2]) if len(figures) >= 2 else plain,
    }


def _keywords(sections: Sequence[Section], counts: Counter[str], topic: str) -> tuple[str, ...]:
    words = [word for word, count in counts.most_common(12) if count > 1]
    return tuple(dict.fromkeys([topic, *(section.heading for section in sections), *words]))[:12]
