"""The user's notes as sentences: cleaned of marks, split where one breathes, and tagged with what kind of statement each is."""

import html
import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.providers.base import Datum
from videoflow.providers.embedded_writer.lexicon import words_read

_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|approx|No|Fig|e\.g|i\.e|U\.S|U\.K|a\.m|p\.m|Inc|Ltd|Co)|\b[A-Z])\.$"
)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_URL = re.compile(r"(?:https?://|www\.)\S+")
_FOOTNOTE = re.compile(r"\[(?:\d+|citation needed)\]")
_ANAPHORA = re.compile(
    r"^(?:it|its|they|their|them|this|these|that|those|he|she|his|her|such|however|but|and|so|then|also|instead|"
    r"therefore|thus|as a result|"
    r"because of|still|yet|both|neither|another|others|in contrast|by contrast|for example|for instance|moreover|"
    r"meanwhile|even so|in return|if it|if they|when it|when they|some of|all of this)\b",
    re.IGNORECASE,
)
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("asked", r"\?$"),
        ("percent", r"\d\s?(?:%|percent|per cent)"),
        ("contrast", r"\b(?:but|however|although|though|yet|despite|whereas|in contrast|on the other hand|unlike)\b"),
        ("cause", r"\b(?:because|since (?!(?:1[5-9]|20)\d\d)|due to|caused by|the reason|thanks to|owing to)\b"),
        ("result", r"^(?:so|therefore|thus|as a result|consequently|hence)\b|\b(?:as a result|leads? to|led to|"
                   r"results? in|which means)\b"),
        ("condition", r"\b(?:if|unless|provided that)\b"),
        ("year", r"\b(?:in|since|by|from|until|around)\s+(?:1[5-9]|20)\d\d\b"),
        ("number", r"\d"),
        ("compare", r"\b(?:more|less|fewer|larger|smaller|faster|slower|higher|lower|better|worse|bigger|"
                    r"cheaper)\b[^.]*\bthan\b|\bcompared (?:with|to)\b"),
        ("superlative", r"\b(?:largest|biggest|smallest|fastest|oldest|longest|highest|lowest|greatest|the most|"
                        r"first ever|the only|the first)\b"),
        ("negation", r"\b(?:not|never|no|cannot|can't|doesn't|don't|isn't|aren't|won't)\b"),
        ("advice", r"\b(?:should|must|need to|ought to|try to|it helps to|make sure)\b"),
        ("future", r"\b(?:will|plans? to|expected to|is going to|forecast|by 20[3-9]\d)\b"),
        ("change", r"\b(?:grew|grown|rose|risen|fell|fallen|increas\w+|declin\w+|shr[aiu]nk\w*|became|doubled|dropped|"
                   r"spread|chang\w+)\b"),
        ("problem", r"\b(?:problems?|risks?|dangers?|threats?|threaten\w*|failed|fails|failure|difficult\w*|drawbacks?|"
                    r"harms?|suffer\w*)\b"),
        ("list", r"(?:[^,]+,){2,}[^,]* (?:and|or) "),
        ("definition", r"^(?:An? |The )?[\w' -]{3,40} (?:is|are|means|refers to) (?:an?|the|one of|any|simply)\b"),
    )
)  # fmt: skip
_STOP = words_read("stop")
_FIGURE = re.compile(
    r"(?<![\w.,:/])(?<!\w-)(?P<minus>[-−])?(?:(?P<currency>[$€£¥])\s?)?"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d{1,2}(?!\d)|\.\d+)?)(?![\d:/]|[.,]\d)"
    r"\s?(?P<scale>%|percent|million|billion|thousand)?\s*(?P<behind>(?:[^\W\d_]+(?:['’-][^\W\d_]+)*\s?){0,3})"
)
"""Neither a time, a date, a part of an address nor of a name (B-52)."""
_SCALES = {"million": 1e6, "billion": 1e9, "thousand": 1e3}
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*[^\W_])?")
_LONGEST = 26
"""Words that one turn of notes holds before it is split; a turn may add a lead-in of a few words."""


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence of the notes, as it will be said."""

    index: int
    text: str
    heading: str
    paragraph: int
    kinds: tuple[str, ...]
    leans_on_previous: bool

    @property
    def key(self) -> str:
        return f"notes:{self.index + 1}"

    @property
    def figures(self) -> tuple[Datum, ...]:
        """Figures of the sentence with the words behind them."""
        data = []
        for match in _FIGURE.finditer(self.text):
            number, scale, currency = match["number"], match["scale"], match["currency"]
            has_thousands = bool(re.search(r",\d{3}", number))  # else a comma stands before decimals: 3,5 litres
            sign = -1 if match["minus"] else 1
            value = sign * float(number.replace(",", "" if has_thousands else ".")) * _SCALES.get(scale or "", 1)
            if 1000 <= value <= 2100 and not (has_thousands or scale or currency):
                continue  # a year
            behind = match["behind"].split()
            if abs(value) < 20 and not (scale or currency or behind):
                continue  # a mere number, as in “1, 2, 3”
            counted = " ".join(word for word in behind[:2] if word.lower() not in _STOP)
            while behind and behind[0].lower() in _STOP:
                behind.pop(0)
            while behind and behind[-1].lower() in _STOP:
                behind.pop()
            unit = currency or ("%" if scale in ("%", "percent") else counted)
            data.append(Datum(" ".join(behind) or " ".join(self.text.split()[:5]), value, unit))
        return tuple(data)


def _clean(line: str) -> str:
    line = _FOOTNOTE.sub("", _URL.sub("", _LINK.sub(r"\1", html.unescape(line))))
    line = re.sub(r"<[^<>\n]{1,80}>", " ", line)
    line = re.sub(r"^\s*(?:[-*+•–—]|\d{1,2}[.)])\s+", "", line)
    line = re.sub(r"(\*\*|__|\*|`|~~)(?=\S)(.*?)(?<=\S)\1", r"\2", line)
    line = "".join(
        sign for sign in line if not (0x1F000 <= ord(sign) <= 0x1FAFF or 0x2600 <= ord(sign) <= 0x27BF or ord(sign) == 0xFE0F)
    )
    line = line.replace("’", "'").replace("‘", "'").replace(" -- ", " — ")
    return re.sub(r"\s+", " ", line).strip(" >|")


def _split(paragraph: str) -> list[str]:
    sentences: list[str] = []
    pending = ""
    for piece in re.split(r"(?<=[.!?…])[\"”']?\s+(?=[\"“'A-Z0-9À-Þ])", paragraph):
        pending = f"{pending} {piece}".strip()
        if not _ABBREVIATION.search(pending):
            sentences.append(pending)
            pending = ""
    return [*sentences, pending] if pending else sentences


def _breathe(sentence: str) -> list[str]:
    """Split a sentence that is too long for a turn at a clause border; its words stay as they are."""
    words = sentence.split()
    if len(words) <= _LONGEST:
        return [sentence]
    borders = [
        index
        for index in range(5, len(words) - 4)
        if words[index - 1].endswith((";", ":", "—", ",")) or words[index] in ("—", "because", "which", "while", "but")
    ]
    strong = [
        index
        for index in borders
        if words[index - 1].endswith((";", ":", "—")) or words[index] in ("but", "and", "while", "because", "so")
    ]
    middle = len(words) / 2
    choices = strong or borders
    if not choices:
        return [sentence] if len(words) <= 33 else []
    cut = min(choices, key=lambda index: abs(index - middle))
    head = " ".join(words[:cut]).rstrip(" ,;:—")
    tail = " ".join(words[cut:]).lstrip("— ")
    tail = tail[:1].upper() + tail[1:]
    return [*_breathe(head + "."), *_breathe(tail)]


def _kinds(sentence: str) -> tuple[str, ...]:
    return tuple(name for name, pattern in _KINDS if pattern.search(sentence))


def notes_read(notes: str) -> list[Note]:
    """The sentences of the notes in order; Markdown headings name what follows them, links and marks are dropped."""
    found: list[Note] = []
    heading = ""
    heard: set[str] = set()
    for number, paragraph in enumerate(_paragraphs(notes)):
        if mark := re.match(r"^#{1,6}\s+(.+)$", paragraph):
            heading = _clean(mark[1]).strip("# :")
            continue
        for sentence in _split(_clean(paragraph)):
            for position, part in enumerate(_breathe(sentence)):
                words = part.split()
                if len(words) < 4 or not any(sign.isalpha() for sign in part) or part.lower() in heard:
                    continue
                heard.add(part.lower())
                text = part if part[-1] in '.!?…”"' else part.rstrip(",;:—- ") + "."
                leans = bool(found) and found[-1].paragraph == number and (position > 0 or _leans(text, found[-1].text))
                found.append(Note(len(found), text[:1].upper() + text[1:], heading, number, _kinds(text), leans))
    return found


def _leans(text: str, before: str) -> bool:
    """Tell whether a sentence needs the one before it: a pronoun, or "the lever" after "a lever"."""
    if _ANAPHORA.match(text):
        return True
    known = re.match(r"(?:The|Each|One|Another) (\w+)", text)
    return bool(
        known and re.search(rf"\b(?:an?|new|two|three|several|some) (?:\w+ )?{re.escape(known[1])}s?\b", before, re.IGNORECASE)
    )


def note_of(index: int, text: str) -> Note:
    """A sentence that stands for itself."""
    return Note(index, text, "", index, _kinds(text), leans_on_previous=False)


def _paragraphs(notes: str) -> list[str]:
    """Paragraphs, headings and list items, each on its own; hard-wrapped lines of one paragraph are joined."""
    text = notes.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    paragraphs: list[str] = []
    pending: list[str] = []
    for line in [*text.split("\n"), ""]:
        row = line.strip()
        starts = bool(re.match(r"^(?:#{1,6}\s|[-*+•]\s|\d{1,2}[.)]\s)", row))
        if (not row or starts or re.fullmatch(r"[-*_=]{3,}", row)) and pending:
            paragraphs.append(" ".join(pending))
            pending = []
        if not row or re.fullmatch(r"[-*_=]{3,}", row):
            continue
        if row.startswith("#") and starts:
            paragraphs.append(row)
        else:
            pending.append(row)
    return paragraphs


def content_words(text: str) -> list[str]:
    """Words that carry meaning, lowered, with plural endings off."""
    words = [word.lower().replace("'s", "") for word in _WORD.findall(text)]
    return [_stem(word) for word in words if len(word) > 2 and word not in _STOP]


def _stem(word: str) -> str:
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending) and not word.endswith(("ss", "us", "is")) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + replacement
    return word


_BEFORE_NOUN = frozenset(
    (
        *(
            "the",
            "a",
            "an",
            "this",
            "these",
            "those",
            "its",
            "their",
            "his",
            "her",
            "our",
            "your",
            "each",
            "every",
            "some",
            "any",
            "no",
            "many",
        ),
        *(
            "most",
            "few",
            "of",
            "in",
            "on",
            "for",
            "with",
            "from",
            "by",
            "between",
            "into",
            "through",
            "without",
            "and",
            "or",
            "as",
            "about",
        ),
    )
)
_NOT_NOUN = re.compile(r"(?:ly|ed|ing|ize|ise|ful|ous|able|ible|less|est|ical)$")
_TOKEN = re.compile(r"[\w'’-]+|[^\w\s]")


class Vocabulary:
    """The content words of the notes: how often each comes, and which ones stand where a noun stands."""

    def __init__(self, notes: Sequence[Note]) -> None:
        self.counts: Counter[str] = Counter(word for note in notes for word in content_words(note.text))
        self._small: set[str] = set()
        after: set[str] = set()
        for note in notes:
            tokens = _TOKEN.findall(note.text)
            self._small.update(token for token in tokens if token[:1].islower())
            after.update(word.lower() for before, word in itertools.pairwise(tokens) if before.lower() in _BEFORE_NOUN)
        self._nouns = {word for word in after if self.counts[_stem(word)] >= 2}

    def mid(self, text: str) -> str:
        """A heading inside a sentence: its capital goes when the notes write the word small."""
        first, _, rest = text.partition(" ")
        return f"{first.lower()} {rest}".strip() if first.lower() in self._small or first.lower() in _STOP else text

    def phrases(self, text: str) -> list[str]:
        """Noun phrases of a sentence that the notes come back to, best first, with "the" where the sentence has it."""
        tokens = [*_TOKEN.findall(text), "."]
        found: dict[str, float] = {}
        run: list[str] = []
        before = ""
        for position, token in enumerate(tokens):
            if self._is_noun(token, tokens[position + 1] if position + 1 < len(tokens) else "", position) and len(run) < 3:
                if not run:
                    before = tokens[position - 1].lower() if position else ""
                run.append(token)
                continue
            if run and (before == "the" or run[-1].endswith("s") or run[-1][:1].isupper()) and not run[-1].endswith("ss"):
                bare = " ".join(run)
                if position == len(run) and run[0].lower() in self._small:
                    bare = bare[:1].lower() + bare[1:]
                phrase = f"the {bare}" if before == "the" else bare
                score = sum(self.counts[_stem(word.lower())] for word in run) / math.sqrt(len(run)) + len(run)
                found[phrase] = max(found.get(phrase, 0), score)
            run = []
        return [phrase for phrase, _ in sorted(found.items(), key=lambda item: (-item[1], item[0])) if len(phrase) > 3]

    def _is_noun(self, token: str, following: str, position: int) -> bool:
        low = token.lower()
        if not _WORD.fullmatch(token) or low.endswith("'s") or len(token) < 2:
            return False
        if token[:1].isupper() and position > 0:
            return True
        if token[:1].isupper() and following[:1].isupper() and low not in _STOP:
            return True
        return low not in _STOP and low in self._nouns and not _NOT_NOUN.search(low)
