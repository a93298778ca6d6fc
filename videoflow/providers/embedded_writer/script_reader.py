"""A finished script read as it will be spoken: who says what, in which section, and nothing that is only a mark."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from videoflow.errors import BadInput
from videoflow.providers.base import Conversation, Cue, Datum, DraftTurn, Exchange, Host, SpeakerId
from videoflow.providers.embedded_writer.composer import question_of
from videoflow.providers.embedded_writer.notes import Note, Vocabulary, note_of
from videoflow.providers.embedded_writer.record import Record
from videoflow.providers.embedded_writer.script_lines import (
    ScriptLine,
    is_subtitles,
    plain_lines,
    spoken_text,
    subtitle_lines,
    text_settle,
)
from videoflow.providers.embedded_writer.script_size import CJK, too_long_refuse, unreadable_refuse, word_count
from videoflow.sentences import Sentence, sentences_joined

_TURN_WORDS = 45
_NAME = r"[^\W_][\w.'’&-]*(?:[ \t]+[\w.'’&#-]+){0,3}"
_ASIDE = r"(?:\s*[(（\[][^()（）\[\]]{1,40}[)）\]])?"
_TAGS = (
    re.compile(rf"^(?:\*\*|__)\s*({_NAME}){_ASIDE}\s*[:：]\s*(?:\*\*|__)\s*(.*)$"),
    re.compile(rf"^(?:\*\*|__|\*|_)\s*({_NAME}){_ASIDE}\s*(?:\*\*|__|\*|_){_ASIDE}\s*[:：]\s*(.*)$"),
    re.compile(rf"^(?:\*|_)\s*({_NAME})\s*[:：]\s*(?:\*|_)\s*(.*)$"),
    re.compile(rf"^[\[【]\s*({_NAME})\s*[\]】]\s*[:：]?\s*(\S.*)$"),
    re.compile(rf"^({_NAME}){_ASIDE}\s*[:：](?!//)\s*(.*)$"),
    re.compile(rf"^({_NAME})\t+(\S.*)$"),
    re.compile(r"^([A-Z][A-Z .'-]{1,24}[A-Z.])\s+[-–—]+\s+(\S.*)$"),
)
_ALONE = re.compile(rf"^(?:\*\*|__|\[)?\s*({_NAME})\s*(?:\*\*|__|\])?{_ASIDE}\s*(?:\*\*|__)?$")
_META = re.compile(
    r"^(?:title|topic|date|music|sfx|sound|scene(?: \d+)?|duration|length|language|author|written by|format|b-roll|"
    r"visuals?|on screen|"
    r"graphic|camera|cut to|fade in|fade out|description|tags|episode)$",
    re.IGNORECASE,
)
_SAYINGS = frozenset(
    (
        *(
            "note",
            "remember",
            "tip",
            "question",
            "answer",
            "example",
            "warning",
            "result",
            "fact",
            "bonus",
            "spoiler",
            "reminder",
            "important",
        ),
        *(
            "today",
            "also",
            "rule",
            "problem",
            "solution",
            "conclusion",
            "summary",
            "update",
            "disclaimer",
            "hint",
            "http",
            "https",
            "ps",
            "p.s.",
        ),
    )
)
_GENERIC = re.compile(r"^(?:(?:speaker|person|voice|host|character|presenter|spk|s|p)?[ _#-]*([ab12]))$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReadScript:
    """A finished script: the conversation, spoken as written, and the hosts whose names were found in it."""

    conversation: Conversation
    hosts: tuple[Host, Host]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Part:
    """What one speaker says without a break."""

    who: str
    section: str
    lines: list[str]


def script_read(text: str, *, file_name: str = "", hosts: tuple[Host, Host]) -> ReadScript:
    """Read a script of two speakers; names, directions, marks and times are not spoken.

    ``hosts`` lends its names when the script only says A and B, or Speaker 1 and Speaker 2.

    Raises: BadInput when it is empty, not text, too long, or does not have exactly two speakers.
    """
    unreadable_refuse(text)
    settled = text_settle(text)
    too_long_refuse(settled)
    lines = list(subtitle_lines(settled) if is_subtitles(settled) else plain_lines(settled))
    parts, title, dropped = _Reader(lines).read()
    shown = _two_speakers(parts)
    ids, named = _cast(shown, hosts)
    left_out: list[str] = []
    turns = [(part, ids[_key(part.who)], piece) for part in parts for piece in _pieces(part.lines, left_out)]
    if not turns:
        raise BadInput("There is nothing to say in this script: its lines have no words. Give both speakers a few sentences.")
    if len({speaker for _, speaker, _ in turns}) < 2:
        raise BadInput("Only one of the two speakers says anything in this script. Give the other one at least one line.")
    warnings: list[str] = []
    if dropped:
        warnings.append(
            Sentence("%(count)s lines without a speaker will not be spoken.", count=dropped)
            if dropped > 1
            else Sentence("1 line without a speaker will not be spoken.")
        )
    if left_out:
        warnings.append(_left_out_said(left_out))
    conversation = _conversation(turns, title or _title_from(file_name), tuple(warnings))
    return ReadScript(conversation, named, tuple(warnings))


# Refusals ----------------------------------------------------------------------------------------------------------------


def _lines(count: int) -> Sentence:
    return Sentence("%(count)s lines", count=count) if count != 1 else Sentence("1 line")


def _two_speakers(parts: Sequence[_Part]) -> list[str]:
    """The two names as first written, in order of appearance."""
    lines: Counter[str] = Counter(_key(part.who) for part in parts)
    shown: dict[str, str] = {}
    for part in parts:
        shown.setdefault(_key(part.who), part.who)
    if not lines:
        raise BadInput(
            "No speakers were found in this script. Begin each line with a name and a colon, such as “Ana: Hello”, with "
            "two names in all."
        )
    if len(lines) == 1:
        (only, count), *_ = lines.items()
        raise BadInput(
            Sentence(
                "Only one speaker was found: %(name)s, with %(lines)s. Add a second speaker, "
                "with a name and a colon before each line.",
                name=_display(shown[only]),
                lines=_lines(count),
            ),
            details={"speakers": {_display(shown[only]): count}},
        )
    if len(lines) > 2:
        listed = [
            Sentence("%(name)s (%(lines)s)", name=_display(shown[key]), lines=_lines(count)) for key, count in lines.most_common()
        ]
        few = _display(shown[lines.most_common()[2][0]])
        raise BadInput(
            Sentence(
                "%(speakers)s speakers were found: %(listed)s%(more)s. A video has two: "
                "give %(few)s's lines to one of the first two, or remove the colon if it is not a name.",
                speakers=len(lines),
                listed=sentences_joined(*listed[:8], between=", "),
                more=" …" if len(listed) > 8 else "",
                few=few,
            ),
            details={"speakers": {_display(shown[key]): count for key, count in lines.items()}},
        )
    return [shown[key] for key in shown]


# Reading -----------------------------------------------------------------------------------------------------------------


def _key(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip(" .*_").casefold()


def _display(name: str) -> str:
    name = re.sub(r"\s+", " ", name).strip(" .*_")
    return name.title() if name.isupper() and len(name) > 2 and name.isascii() else name


def _tag(text: str) -> tuple[str, str] | None:
    """(name, what follows) when a line begins with a speaker's name."""
    for pattern in _TAGS:
        if found := pattern.match(text):
            name, rest = found[1].strip(), found[2].strip()
            if len(name) <= 32 and not name.isdigit() and _key(name) not in _SAYINGS:
                return name, rest
    return None


class _Reader:
    def __init__(self, lines: Sequence[ScriptLine]) -> None:
        self._lines = lines
        tags = Counter(_key(found[0]) for line in lines if line.kind in ("text", "change") and (found := _tag(line.text)))
        names = {name for name in tags if not _META.match(name)}
        often = [count for _, count in tags.most_common(2)]
        enough = len(often) == 2 and min(often) >= 3
        # With two speakers who talk a lot, a phrase before a colon that comes once and is not written like a name is speech.
        written = {_key(found[0]): found[0] for line in lines if (found := _tag(line.text))}
        self._names = {
            name for name in names
            if not (enough and tags[name] == 1 and (written[name][:1].islower() or len(name.split()) > 2))
        }  # fmt: skip
        self._alone = self._names_alone() if len(self._names) < 2 else set()
        self._changes = not self._names and not self._alone and sum(1 for line in lines if line.kind == "change") >= 2

    def _names_alone(self) -> set[str]:
        """Names on a line of their own: short, without a full stop, written several times or in capitals, with speech below."""
        found: Counter[str] = Counter()
        capitals: set[str] = set()
        apart: set[str] = set()
        above = ScriptLine("blank")
        for line, below in itertools.pairwise(self._lines):
            match = _ALONE.match(line.text) if line.kind == "text" else None
            if match and below.kind in ("text", "change") and len(match[1].split()) <= 3 and line.text[-1] not in ".!?,;…":
                found[_key(match[1])] += 1
                if match[1].isupper() and len(match[1]) > 1:
                    capitals.add(_key(match[1]))
                if above.kind != "text" and not match[1][:1].islower():
                    apart.add(_key(match[1]))
            above = line
        repeated = {name for name, count in found.items() if count >= 2 or name in capitals}
        if len(repeated | apart) == 2:
            return repeated | apart
        return repeated if len(repeated) >= 2 or any(found[name] >= 2 for name in repeated) else set()

    def read(self) -> tuple[list[_Part], str, int]:
        """Parts in order, the title when the script names one, and how many lines belong to nobody."""
        parts: list[_Part] = []
        section, title, dropped = "", "", 0
        after_blank, in_screenplay = False, bool(self._alone) and any(line.is_indented for line in self._lines)
        for line in self._lines:
            if line.kind == "blank":
                after_blank = True
                continue
            if line.kind == "heading":
                if not title and not parts and not section:
                    title = line.text
                section = line.text
                continue
            who, rest, is_meta = self._who(line, parts)
            if is_meta:
                title = title or (rest if is_meta == "title" else "")
                continue
            if who:
                parts.append(_Part(who, section, []))
            elif not parts or (in_screenplay and after_blank):
                dropped += 1 if spoken_text(line.text) else 0
                continue
            elif parts[-1].section != section:
                parts.append(_Part(parts[-1].who, section, []))
            after_blank = False
            if rest:
                parts[-1].lines.append(rest)
        return [part for part in parts if any(spoken_text(line) for line in part.lines)], title, dropped

    def _who(self, line: ScriptLine, parts: Sequence[_Part]) -> tuple[str, str, str]:
        """(new speaker or "", speech, meta field or "") of a line."""
        found = _tag(line.text)
        if found and _META.match(found[0]):
            return "", found[1], _key(found[0])
        if found and _key(found[0]) in self._names:
            return found[0], found[1], ""
        if (match := _ALONE.match(line.text)) and _key(match[1]) in self._alone:
            return match[1], "", ""
        if self._changes and line.kind == "change":
            return ("B" if parts and parts[-1].who == "A" else "A"), line.text, ""
        if self._changes and not parts:
            return "A", line.text, ""
        return "", line.text, ""


def _left_out_said(directions: Sequence[str]) -> str:
    """What was taken for stage directions, with an example or three."""
    examples = ", ".join(f"“{text[:40]}{'…' if len(text) > 40 else ''}”" for text in list(dict.fromkeys(directions))[:3])
    if len(directions) == 1:
        return Sentence("%(example)s is taken for a stage direction and is not spoken.", example=examples)
    return Sentence(
        "%(count)s notes in brackets are taken for stage directions and are not spoken: %(examples)s%(more)s.",
        count=len(directions),
        examples=examples,
        more=" …" if len(set(directions)) > 3 else "",
    )


def _pieces(lines: Sequence[str], left_out: list[str]) -> list[str]:
    """What a part says, in pieces of at most about 45 words, cut between sentences; directions go to ``left_out``."""
    text = spoken_text(" ".join(lines), left_out)
    if word_count(text) <= _TURN_WORDS:
        return [text] if any(sign.isalnum() for sign in text) else []
    pieces: list[str] = []
    for sentence in re.split(r"(?<=[.!?…])\s+|(?<=[。！？])", text):
        if pieces and word_count(pieces[-1]) + word_count(sentence) <= _TURN_WORDS:
            pieces[-1] = f"{pieces[-1]}{'' if CJK.search(sentence[:1]) else ' '}{sentence}"
        elif sentence.strip():
            pieces.append(sentence)
    return [piece for piece in pieces if any(sign.isalnum() for sign in piece)]


def _cast(shown: Sequence[str], hosts: tuple[Host, Host]) -> tuple[dict[str, SpeakerId], tuple[Host, Host]]:
    """Who is A and who is B: "B" and "Speaker 2" keep their place, names go by order of appearance."""
    places = {name: found[1].lower() for name in shown if (found := _GENERIC.match(_key(name)))}
    ordered = list(shown)
    if len(places) == 2 and places[shown[0]] in "b2" and places[shown[1]] in "a1":
        ordered.reverse()
    names = [hosts[number].name if name in places and len(places) == 2 else _display(name) for number, name in enumerate(ordered)]
    ids: dict[str, SpeakerId] = {_key(ordered[0]): "A", _key(ordered[1]): "B"}
    return ids, (replace(hosts[0], speaker="A", name=names[0]), replace(hosts[1], speaker="B", name=names[1]))


# Result ------------------------------------------------------------------------------------------------------------------


def _title_from(file_name: str) -> str:
    stem = re.sub(r"\.\w{1,5}$", "", re.split(r"[\\/]", file_name)[-1])
    words = re.sub(r"[_\-.]+", " ", stem).strip()
    return words[:1].upper() + words[1:] if sum(1 for sign in words if sign.isalpha()) >= 3 else ""


def _conversation(turns: Sequence[tuple[_Part, SpeakerId, str]], title: str, warnings: tuple[str, ...]) -> Conversation:
    notes = [note_of(index, text) for index, (_, _, text) in enumerate(turns)]
    vocabulary = Vocabulary(notes)
    title = _shortened(title or _first_words(turns))
    record = Record("Your script")
    drafts: list[tuple[str, DraftTurn]] = []
    own = [part.section for part, _, _ in turns]
    headings = own if len(set(own)) > 1 else _parted(notes, vocabulary)
    for index, ((_, speaker, text), heading) in enumerate(zip(turns, headings, strict=True)):
        key = record.add(f"script:{index + 1}", "user", text)
        drafts.append((heading or title, DraftTurn(speaker, text, (key,), _cue(text, notes[index]))))
    exchanges = _exchanges(drafts, title)
    counted = [word for word, count in vocabulary.counts.most_common(10) if count > 1]
    return Conversation(
        title,
        exchanges,
        record.named(f"script:{n + 1}" for n in range(len(turns))),
        title,
        tuple(counted),
        fixed=True,
        warnings=warnings,
    )


def _exchanges(drafts: Iterable[tuple[str, DraftTurn]], title: str) -> tuple[Exchange, ...]:
    sections: list[tuple[str, list[DraftTurn]]] = []
    for heading, turn in drafts:
        if not sections or sections[-1][0] != heading:
            sections.append((heading, []))
        first = not sections[-1][1]
        if first:
            turn = replace(turn, cue=Cue("title", title) if len(sections) == 1 else Cue("chapter", heading))
        sections[-1][1].append(turn)
    heading, last = sections[-1]
    last[-1] = replace(last[-1], cue=Cue("outro", title)) if len(last) > 1 else last[-1]
    return tuple(Exchange(tuple(turns), heading, required=True, priority=1.0) for heading, turns in sections)


def _parted(notes: Sequence[Note], vocabulary: Vocabulary) -> list[str]:
    """A heading for each turn of a script without headings: three to six parts of about the same length."""
    total = sum(word_count(note.text) for note in notes)
    count = min(6, max(3, round(total / 120))) if len(notes) >= 9 else 1
    headings: list[str] = []
    taken: set[str] = set()
    said = 0
    current, heading = -1, ""
    for index, note in enumerate(notes):
        part = min(count - 1, said * count // max(1, total))
        if part != current:
            current = part
            window = notes[index : index + max(3, len(notes) // count)]
            ranked = Counter(phrase for other in window for phrase in vocabulary.phrases(other.text))
            fresh = [phrase for phrase, _ in ranked.most_common() if phrase.lower() not in taken]
            heading = (fresh[0][:1].upper() + fresh[0][1:]) if fresh else f"Part {part + 1}"
            taken.add(heading.lower())
        headings.append(heading if count > 1 else "")
        said += word_count(note.text)
    return headings


def _cue(text: str, note: Note) -> Cue:
    if question := question_of(text):
        return Cue("question", _shortened(question, 120))
    if quoted := re.search(r"[“\"]([^”\"]{15,160})[”\"]", text):
        return Cue("quote", "", f"“{quoted[1]}”")
    if note.figures:
        datum: Datum = note.figures[0]
        return Cue("figure", datum.label, text=_shortened(text, 160), data=(datum,))
    sentence = re.split(r"(?<=[.!?…])\s+|(?<=[。！？])", text)[0]
    return Cue("statement", _shortened(sentence.rstrip("."), 140))


def _first_words(turns: Sequence[tuple[_Part, SpeakerId, str]]) -> str:
    """The first clause that says something: “Hi there!” and “Welcome back, Ben.” name no video."""
    opening = [text for _part, _speaker, text in turns[:2]]
    sentences = [piece.strip() for text in opening for piece in re.split(r"[.!?…]+(?=\s|$)|[。！？]", text) if piece.strip()]
    telling = next((sentence for sentence in sentences if len(sentence.split()) >= 5), (sentences or opening)[0])
    telling = re.sub(r"^(?:so|well|okay|now),\s+(\w)", lambda match: match[1].upper(), telling, flags=re.IGNORECASE)
    clause = re.split(r"[,;:—]\s", telling)[0]
    return " ".join((clause if len(clause.split()) >= 4 else telling).split()[:9])


def _shortened(text: str, most: int = 90) -> str:
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
