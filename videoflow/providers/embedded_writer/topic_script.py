"""Plans a conversation about the user's own notes: every statement in it is a sentence of theirs."""

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NoReturn

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, Cue, DraftTurn, Evidence, Exchange, SpeakerId, TopicBrief
from videoflow.providers.embedded_writer.composer import WORDS_PER_MINUTE, Composer, Draft, seconds_of
from videoflow.providers.embedded_writer.figures import say_clock, say_list, spoken_words
from videoflow.providers.embedded_writer.notes import Note, Vocabulary, notes_read
from videoflow.providers.embedded_writer.record import Record
from videoflow.providers.embedded_writer.sections import Section, sections_make
from videoflow.providers.embedded_writer.stock import Said, stock_read
from videoflow.providers.embedded_writer.theme_facts import Angle
from videoflow.providers.embedded_writer.theme_script import POOL_SHARE, REQUIRED_SHARE, exchanges_of
from videoflow.sentences import Sentence

MATERIAL_SHARE = 0.42
"""At least this much of the spoken time comes from the notes; the rest is the hosts' talk around them."""
_LEAST_TALK = 0.30
"""Below this share of the hosts' own talk it would be notes read aloud."""
_POOL_TOLD = 1.25
"""Of the wanted length, spoken from notes: as much as may be used where there is plenty."""
_SECTION_SECONDS = 45.0
"""Of video for each section at least; every section costs an opening."""
_MOST_SIGNS = 200_000
_STRENGTHS = {"superlative": 2.0, "percent": 1.5, "compare": 1.2, "number": 1.0, "change": 0.5, "asked": -9.0, "definition": -1.0}
"""What makes a sentence one to begin a video with."""
_RANGE = re.compile(r"\bbetween\s+\S*\d\S*\s+and\s+\S*\d|\d\s?(?:to|–|-)\s?\d", re.IGNORECASE)
"""From one figure to another: neither alone says it."""
_LONGEST_CAPTION = 110
"""Characters under a large figure."""
_ANSWERING = re.compile(
    r"\b(?:in fact|instead|actually|also|too|however|but|still|therefore|that|this|these|those)\b", re.IGNORECASE
)
"""Words that answer to something said before."""
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
    lean = _TopicScript(brief, topic, most_talk=_lean_talk(brief))
    return lean.write() if lean.carries() else _TopicScript(brief, topic, most_talk=1 - MATERIAL_SHARE).write()


def _lean_talk(brief: TopicBrief) -> float:
    """Return how much of the spoken time the hosts' own talk may take: the more the notes say, the less."""
    told = sum(spoken_words(note.text) for note in notes_read(brief.notes)) / WORDS_PER_MINUTE * 60
    return min(1 - MATERIAL_SHARE, max(_LEAST_TALK, 1 - told / (_POOL_TOLD * brief.minimum_seconds)))


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
    def __init__(self, brief: TopicBrief, topic: str, *, most_talk: float) -> None:
        self._brief = brief
        self._most_talk = most_talk
        self._dice = random.Random(f"topic:{brief.seed}")
        self._hosts: dict[str, str] = {host.speaker: host.name for host in brief.hosts}
        self._topic = topic if len(topic) <= 80 else topic[:79].rsplit(" ", 1)[0] + "…"
        self._notes = notes_read(brief.notes)
        self._record = _record_of(self._notes)
        if not self._notes:
            raise BadInput("The notes have no full sentences. Write a few sentences of at least four words each.")
        self._vocabulary = Vocabulary(self._notes)
        self._counts = self._vocabulary.counts
        self._made: list[Section] = sections_make(
            self._notes, self._vocabulary, most=min(6, max(3, round(brief.minimum_seconds / _SECTION_SECONDS)))
        )
        names = [*self._hosts.values(), self._topic, *(section.heading for section in self._made)]
        self._composer = Composer(stock_read("topic"), [name for name in names if len(name.split()) > 0], self._dice)
        self._drafts: list[Draft] = []
        self._seconds = 0.0
        self._has_more = False
        self._teased: Note | None = None
        self._met: Counter[str] = Counter()
        self._headings = {
            _OPENING: self._dice.choice(_OPENING_HEADINGS),
            _CLOSING: self._dice.choice(_CLOSING_HEADINGS),
            **{number + 1: section.heading for number, section in enumerate(self._made)},
        }

    def carries(self) -> bool:
        """Tell whether the notes fill the wanted length; plans the conversation."""
        self._plan()
        return self._carried() >= self._brief.minimum_seconds

    def write(self) -> Conversation:
        if not self._drafts:
            self._plan()
        if self._carried() < self._brief.minimum_seconds:
            self._refuse(self._brief.minimum_seconds, self._carried())
        return self._conversation()

    def _plan(self) -> None:
        minimum = self._brief.minimum_seconds
        self._frame()
        units = self._units()
        openers = {section: next(unit for unit in units if unit[0] == section) for section in {unit[0] for unit in units}}
        order = [*sorted(openers.values(), key=lambda unit: unit[0])]
        order += sorted((unit for unit in units if unit not in order), key=self._turn_of)
        step = 1 / (len(order) + 1)
        for number, unit in enumerate(order):
            if self._seconds >= POOL_SHARE * minimum:
                self._has_more = True
                break
            is_opener = openers[unit[0]] == unit
            required = is_opener or self._seconds < REQUIRED_SHARE * minimum - 8
            self._speak(unit, is_opener=is_opener, is_required=required, priority=1 - step * (number + 1))

    def _told_seconds(self) -> float:
        """Return how much of what is planned comes from the notes."""
        told = {key for draft in self._drafts for turn in draft.turns for key in turn.sources}
        return sum(spoken_words(note.text) for note in self._notes if note.key in told) / WORDS_PER_MINUTE * 60

    def _carried(self) -> float:
        """Return the length that the notes fill, in seconds; as much as was planned where sentences are left over."""
        return self._seconds if self._has_more else min(self._seconds, self._told_seconds() / MATERIAL_SHARE)

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
        if (striking := self._striking()) is not None:
            teased = facts | {"s": Said(striking.text, (striking.key,))}
            turns = self._composer.say(Angle("hook_fact", teased, frozenset(), cues), base=self._hosts)
            if turns:
                self._teased = striking
                self._keep(turns, _OPENING, 0, is_required=True, priority=1)
        for move, section, place in (("hook", 0, 0), ("welcome", 0, 1), ("preview", 0, 2), ("recap", 99, 0), ("outro", 99, 1)):
            if move == "hook" and self._teased:
                continue
            turns = self._composer.say(Angle(move, facts, frozenset(), cues), base=self._hosts)
            if turns:
                self._keep(turns, section, place, is_required=True, priority=1)

    def _striking(self) -> Note | None:
        """Return the sentence to begin with: it stands alone, none leans on it, and it has an extreme, a share or a figure."""
        leant_on = {note.index - 1 for note in self._notes if note.leans_on_previous}
        openers = {section.notes[0].index for section in self._made}
        alone = [
            note
            for note in self._notes
            if not note.leans_on_previous
            and note.index not in leant_on | openers
            and 7 <= len(note.text.split()) <= 18
            and self._strength(note) > 0
            and not _ANSWERING.search(note.text)
        ]
        return max(alone, key=lambda note: (self._strength(note), -note.index), default=None)

    def _strength(self, note: Note) -> float:
        return sum(_STRENGTHS.get(kind, 0.0) for kind in note.kinds)

    def _keep(self, turns: Sequence[DraftTurn], section: int, place: float, *, is_required: bool, priority: float) -> None:
        self._drafts.append(Draft(tuple(turns), section, place, is_required, priority))
        self._seconds += seconds_of(turns)

    # Units -----------------------------------------------------------------------------------------------------------

    def _units(self) -> list[tuple[int, tuple[Note, ...]]]:
        """Sentences that belong together, with their section: a sentence that leans on the one before stays with it."""
        units: list[tuple[int, tuple[Note, ...]]] = []
        for number, section in enumerate(self._made):
            for note in section.notes:
                if note is self._teased:
                    continue
                last = units[-1] if units and units[-1][0] == number + 1 else None
                if last and note.leans_on_previous and len(last[1]) < 4 and last[1][-1].index == note.index - 1:
                    units[-1] = (number + 1, (*last[1], note))
                else:
                    units.append((number + 1, (note,)))
        return units

    def _turn_of(self, unit: tuple[int, tuple[Note, ...]]) -> tuple[float, int]:
        """Sort key: all sections get on evenly, each from its beginning, so that nothing is told by halves."""
        notes = self._made[unit[0] - 1].notes
        return (unit[1][0].index - notes[0].index) / len(notes), unit[0]

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
        if self._has_talked_enough() and (turns := self._bare(rest[:2])):
            del rest[:2]
            return iter(turns)
        if len(rest) >= 2 and (turns := self._say("pair", rest[:2], section)):
            del rest[:2]
            return iter(turns)
        note = rest.pop(0)
        moves = [kind for kind in note.kinds if kind != "number" or "year" not in note.kinds]
        for move in [*moves[:3], "plain"]:
            if turns := self._say(move, [note], section):
                return iter(turns)
        return iter(self._bare([note]))

    def _has_talked_enough(self) -> bool:
        """Tell whether the hosts' own talk has had its share of all that is planned so far, the frame left out."""
        planned = [draft for draft in self._drafts if draft.section not in (_OPENING, _CLOSING)]
        words = sum(spoken_words(turn.text) for draft in planned for turn in draft.turns)
        return words > 0 and 1 - self._told_seconds() / (words / WORDS_PER_MINUTE * 60) > self._most_talk

    def _say(self, move: str, notes: Sequence[Note], section: int) -> tuple[DraftTurn, ...]:
        facts = {"s": Said(notes[0].text, (notes[0].key,)), "heading_mid": Said(self._vocabulary.mid(self._headings[section]))}
        if len(notes) > 1:
            facts["s2"] = Said(notes[1].text, (notes[1].key,))
        if phrases := self._phrases(notes[0]):
            facts["k"] = Said(phrases[0])
        return self._composer.say(Angle(move, facts, frozenset(), _cues(notes, self._headings[section])), base=self._hosts) or ()

    def _bare(self, notes: Sequence[Note]) -> tuple[DraftTurn, ...]:
        """The sentences by themselves, each from whoever has spoken less by then."""
        words = Counter(self._composer.words)
        turns: list[DraftTurn] = []
        for note in notes:
            speaker: SpeakerId = "A" if words["A"] <= words["B"] else "B"
            words[speaker] += spoken_words(note.text)
            turns.append(DraftTurn(speaker, note.text, (note.key,), _sentence_cue(note)))
        if not self._composer.accepts(turns):
            return ()
        self._composer.take(turns)
        return tuple(turns)

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


def _beside_figure(note: Note) -> str:
    """Return what stands under the first figure of a sentence: what follows it when that says enough, else the sentence."""
    label = note.figures[0].label
    _, found, behind = note.text.partition(label)
    follows = f"{label}{behind}".rstrip(".")
    if found and not note.text.startswith(label) and 5 <= len(follows.split()) <= 12 and not re.search(r"[,;:]", follows):
        return follows[:1].upper() + follows[1:]
    return note.text.rstrip(".") if len(note.text) <= _LONGEST_CAPTION else label


def _sentence_cue(note: Note) -> Cue:
    if note.text.endswith("?"):
        return Cue("question", note.text)
    if note.figures and "year" not in note.kinds and not _RANGE.search(note.text):
        return Cue("figure", _beside_figure(note), text=note.text, data=note.figures[:1])
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
