"""What a picture says: figures for people, shortened titles, and what a spoken text gives to show."""

import re
from dataclasses import dataclass
from pathlib import Path

_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3\U000e0020-\U000e007f]+")
_STOP = frozenset((Path(__file__).parent / "data" / "stop_words.txt").read_text(encoding="utf-8").split())
"""English words that carry no meaning of their own; other languages lose nothing by it."""
_NEGATION = re.compile(r"^(?:not|no|never|nothing|nobody|none|neither|nor|without|hardly|barely|\w+n['’]t)$", re.IGNORECASE)
_CLAUSE_ENDS = re.compile(r"(?<=[;:,])\s+|\s+[—–]\s+")
_LINK = re.compile(
    r"^(?:(?:and|but|so|or|well|now|then|which means|except that|because|together|altogether|meanwhile|yes|no|okay|ok),?\s+)+"
    r"(?=(?:\S+\s+)+\S)",
    re.IGNORECASE,
)
"""Words that tie a clause to what was said before; without them it stands alone."""
_SUBORDINATE = frozenset(
    (
        *(
            "because",
            "while",
            "when",
            "if",
            "before",
            "after",
            "which",
            "who",
            "that",
            "that's",
            "except",
            "than",
            "with",
            "from",
        ),
        *(
            "by",
            "until",
            "unless",
            "though",
            "although",
            "whatever",
            "whose",
            "where",
            "as",
            "at",
            "on",
            "to",
            "of",
            "for",
            "not",
        ),
    )
)
"""A clause that begins with one of these hangs on another."""
_ENDING = frozenset(
    ("it", "that", "them", "this", "all", "more", "about", "there", "now", "again", "too", "so", "well", "on", "up", "out")
)
"""Small words that may end a phrase."""
_FIGURE = re.compile(
    r"(?:(?P<currency>[$€£¥])\s?)?(?P<number>\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+|,\d{1,2}(?!\d))?)\s?"
    r"(?P<scale>trillion|billion|million|thousand|hundred|percent|per cent|[%x×]|[kKmMbB]\b)?",
)
_RANGE = re.compile(
    r"\b(?:between|zwischen)\s+\S*\d[\d.,]*(?:\s\w+)?\s+(?:and|und)\s+\S*\d[\d.,]*|\d[\d.,]*\s?(?:–|-|to|bis)\s?\d[\d.,]*",
    re.IGNORECASE,
)
"""From one figure to another: neither alone says it."""
_QUOTED = re.compile(r"[“\"«„]([^”\"»“]{8,180})[”\"»“]")
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "hundred": 1e2, "k": 1e3, "m": 1e6, "b": 1e9}


def without_emoji(text: str) -> str:
    return re.sub(r"\s+", " ", _EMOJI.sub(" ", text)).strip()


def human_number(value: float) -> str:
    """Return a count as people read it: ``950``, ``12.4K``, ``1.5M``, ``2B``."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size >= limit * 0.99995:
            scaled = size / limit
            digits = 0 if scaled >= 99.95 else 1
            text = f"{scaled:.{digits}f}"
            return f"{sign}{text.removesuffix('.0')}{unit}"
    return f"{sign}{size:.0f}" if size >= 10 or size == int(size) else f"{sign}{size:.1f}"


def human_amount(value: float, unit: str) -> str:
    """Return a figure with its sign when the unit is one (``45%``, ``$3.2M``, ``3x``), else the bare figure."""
    unit = unit.strip().lower()
    if unit in ("%", "percent", "per cent"):
        return f"{value:.1f}".removesuffix(".0") + "%"
    if unit in ("$", "€", "£", "¥"):
        return unit + (f"{value:.2f}" if abs(value) < 1000 and value != int(value) else human_number(value))
    if unit in ("x", "×", "times"):
        return f"{value:.1f}".removesuffix(".0") + "×"
    if unit in ("year", "") and value == int(value) and 1900 <= value <= 2100:
        return f"{value:.0f}"
    if value == int(value) and 1000 <= abs(value) < 10_000:
        return f"{value:,.0f}"
    return human_number(value)


def unit_label(unit: str) -> str:
    return "" if unit.strip().lower() in ("%", "percent", "per cent", "$", "€", "£", "¥", "x", "×", "times") else unit.strip()


def short_date(iso: str) -> str:
    """Return ``2020-08-12`` as ``Aug 12``; anything else as it is."""
    match = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2}).*", iso)
    if match is None:
        return iso
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    month = int(match.group(2))
    return f"{months[month - 1]} {int(match.group(3))}" if 1 <= month <= 12 else iso


def calm(text: str) -> str:
    """Return a title that does not shout: long runs of capitals become title case; short ones (NBA) stay."""
    letters = [c for c in text if c.isalpha() and c.upper() != c.lower()]
    if len(letters) < 8 or sum(c.isupper() for c in letters) < 0.72 * len(letters):
        return text
    return " ".join(
        word if len(re.sub(r"\W", "", word)) <= 3 and word.lower() not in _STOP else word.capitalize() for word in text.split()
    )


def plain_title(text: str) -> str:
    """Return a video's title fit for display: no emoji, hashtags, trailing boilerplate in brackets or shouting."""
    text = without_emoji(text)
    text = re.sub(r"#\w+", "", text)
    text = re.sub(r"\s*[\[(](?:official|lyrics?|audio|video|hd|4k|full|music)[^\])]*[\])]", "", text, flags=re.IGNORECASE)
    return calm(re.sub(r"\s{2,}", " ", text).strip(" |-–—·"))


def shortened(text: str, limit: int) -> str:
    """Return the text cut at a word border to ``limit`` characters, with an ellipsis when something is missing."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    if space > limit * 0.4:
        cut = cut[:space]
    words = cut.split()
    while len(words) > 2 and words[-1].lower().strip(",.;:") in _STOP:
        words.pop()
    return " ".join(words).rstrip(' ,.;:–—-|&(“"') + "…"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number said in a text: how it is shown, its value, and the words around it."""

    shown: str
    value: float
    unit: str
    about: str


def figures_in(text: str) -> tuple[Figure, ...]:
    """Return the figures worth a picture, largest statement first; years, list numbers, ranges and small counts are not."""
    found: list[Figure] = []
    ranges = [match.span() for match in _RANGE.finditer(text)]
    for match in _FIGURE.finditer(text):
        if any(start <= match.start() < end for start, end in ranges):
            continue
        before = text[max(0, match.start() - 1) : match.start()]
        if before.isalnum() or before in ("-", "/", ":", "."):
            continue
        number = match.group("number").replace("\u202f", "")
        value = float(re.sub(r",(?=\d{1,2}$)", ".", number).replace(",", ""))  # 3,5 is a half more than three
        scale = (match.group("scale") or "").lower()
        percent = scale in ("%", "percent", "per cent")
        times = scale in ("x", "×")
        value *= _SCALES.get(scale, 1.0)
        plain = not (match.group("currency") or scale or re.search(r",\d{3}", number))
        if plain and (value < 20 or 1900 <= value <= 2100):
            continue
        unit = match.group("currency") or ("%" if percent else "x" if times else "")
        rest = re.split(r"[.,;:!?—–]\s|[.!?]$", text[match.end() :], maxsplit=1)[0].strip(" .,!?")
        words = rest.split()[:6]
        while words and words[-1].lower().strip(",.") in _STOP:
            words.pop()
        found.append(Figure(human_amount(value, unit), value, unit, " ".join(words)))
    return tuple(sorted(found, key=lambda figure: (figure.unit == "" and figure.value < 1000, -len(figure.about) > 0)))


def quote_in(text: str) -> str | None:
    match = _QUOTED.search(text)
    return match.group(1).strip(" ,.") if match and len(match.group(1).split()) >= 4 else None


def listing_in(text: str) -> tuple[str, ...]:
    """Return the items of an enumeration such as "music, gaming and sports"; empty when there is none."""
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        match = re.search(r"((?:[^,.;:!?—]{2,38},\s+){1,6}[^,.;:!?—]{2,38}?,?\s+(?:and|or|&)\s+[^,.;:!?—]{2,38})", sentence)
        if match is None:
            continue
        items: list[str] = []
        for part in re.split(r",?\s+(?:and|or|&)\s+|,\s+", match.group(1)):
            words = part.split()
            while words and not items and words[0].lower().replace("’", "'") in _STOP:
                words.pop(0)  # "It was music" begins the list with "music"
            while words and words[0].lower() in ("the", "a", "an"):
                words.pop(0)
            items.append(" ".join(words))
        sound = all(1 <= len(item.split()) <= 5 and item.split()[0].lower().replace("’", "'") not in _STOP for item in items)
        if 3 <= len(items) <= 6 and sound:
            return tuple(item[:1].upper() + item[1:] for item in items)
    return ()


def versus_in(text: str) -> tuple[str, str] | None:
    """Return the two sides of "X vs Y" or "X versus Y", each up to four words."""
    match = re.search(r"((?:[\w'’&-]+\s+){1,4})(?:vs\.?|versus)\s+((?:[\w'’&-]+\s*){1,4})", text)
    if match is None:
        return None
    left = match.group(1).split()
    right = match.group(2).split()
    while left and left[0].lower() in _STOP:
        left.pop(0)
    while right and right[-1].lower() in _STOP:
        right.pop()
    return (" ".join(left), " ".join(right)) if left and right else None


def content_words(text: str) -> tuple[str, ...]:
    """Return the words that carry the meaning, in order, each once, without punctuation."""
    words = [word.strip("“”\"'‘’.,;:!?()[]…—–-*_") for word in without_emoji(text).split()]
    kept = [word for word in words if len(word) > 2 and word.lower() not in _STOP and not word.isdigit()]
    return tuple(dict.fromkeys(kept))


def _whole_clauses(sentence: str, longest_words: int) -> list[tuple[str, float]]:
    """Return the runs of whole clauses of a sentence that are short enough, each with how much it says."""
    clauses = [clause for clause in _CLAUSE_ENDS.split(sentence) if clause.strip()]
    found: list[tuple[str, float]] = []
    for start in range(len(clauses)):
        for end in range(start + 1, len(clauses) + 1):
            run = _LINK.sub("", " ".join(clauses[start:end]).strip(" —–"), count=1)
            words = run.split()
            if not 2 <= len(words) <= longest_words:
                continue
            bare = [word.lower().replace("’", "'").strip("“”\"'.,;:!?") for word in words]
            dense = sum(word not in _STOP for word in bare)
            complete = start == 0 and end == len(clauses)
            hanging = (bare[0] in _SUBORDINATE and not complete) or bare[-1] in _STOP - _ENDING
            denied = start > 0 and any(_NEGATION.match(word.strip("“”\"'.,;:!?")) for word in " ".join(clauses[:start]).split())
            score = dense + 0.3 * sum(word[:1].isupper() for word in words[1:]) - 0.12 * (len(words) - dense)
            found.append((run, score + 0.5 * (end - start == len(clauses)) - 3.0 * hanging - 2.0 * denied))
    return found


_SHORTENED = r"(?<!\bvs\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)"
"""After these a full stop ends no sentence: a picture would say “The pandemic vs”."""


def key_phrase(text: str, longest_words: int = 7) -> str:
    """Return the words in a row that say most: whole clauses if they are short enough, else part of one."""
    plain = without_emoji(text)
    sentences = [sentence for sentence in re.split(rf"(?<=[.!?…]){_SHORTENED}[”\"]?\s+", plain) if sentence.strip()]
    phrase = ""
    for limit in (longest_words, round(longest_words * 1.6)):  # rather a few words more than a torn sentence
        whole = [each for sentence in sentences for each in _whole_clauses(sentence, limit)]
        phrase, score = max(whole, key=lambda each: each[1], default=("", 0.0))
        if score >= 0.4:
            break
    else:
        phrase = _LINK.sub("", _part_of_clause(plain, longest_words), count=1)
    phrase = phrase.strip(" ,;:.—–")
    if phrase.count("“") != phrase.count("”") or phrase.count('"') % 2:
        phrase = re.sub(r"[“”\"]", "", phrase)
    return phrase[:1].upper() + phrase[1:]


def _part_of_clause(plain: str, longest_words: int) -> str:
    """Return the few words that say most within one clause.

    Small talk without two words of substance gives its longest short sentence instead.
    """
    text = plain
    clauses = [clause.strip() for clause in re.split(rf"(?<=[.!?;:]){_SHORTENED}\s+|\s+[—–]\s+|,\s+", plain) if clause.strip()]
    best, best_score, best_dense = "", -1.0, 0
    clauses = clauses or [text]
    for clause in clauses:
        words = clause.split()
        denied = [bool(_NEGATION.match(word.strip("“”\"'.,;:!?"))) for word in words]
        finished = clause is not clauses[-1] or clause[-1] in '.,;:!?…”"'  # a part of a turn may end in mid-sentence
        substance = [word.lower().replace("’", "'").strip("“”\"'.,;:!?") not in _STOP for word in words]
        for start in range(len(words)):
            for end in range(start + 1, min(len(words), start + longest_words) + 1):
                if (not substance[end - 1] and (end < len(words) or not finished)) or (not substance[start] and start > 0):
                    continue
                dense = sum(substance[start:end])
                named = sum(word[:1].isupper() for word in words[start + 1 : end]) * 0.3
                edges = 0.4 * (start == 0) + 0.4 * (end == len(words)) + 1.2 * (end - start == len(words) and dense > 1)
                turned = any(denied[:start]) or any(denied[end:])  # a phrase cut off from its "not" would say the opposite
                score = dense + named + edges - 0.2 * (end - start - dense) - 4.0 * turned
                if score > best_score:
                    best, best_score, best_dense = " ".join(words[start:end]), score, dense
    if best_dense < 2:
        sentences = [s for s in re.split(r"(?<=[.!?…])\s+", plain) if 2 <= len(s.split()) <= longest_words + 1]
        best = max(sentences, key=len, default=best)
    return (best or " ".join(text.split()[:longest_words])).strip('“”" ,;:.')


def sentence_shown(text: str, limit: int) -> str:
    """Return the sentence of a text that is worth standing alone, shortened to ``limit`` characters."""
    sentences = [s.strip() for s in re.split(r"(?<=[.!?…])\s+", without_emoji(text)) if s.strip()]
    fitting = [s for s in sentences if 18 <= len(s) <= limit] or sentences or [text]
    best = max(fitting, key=lambda s: (len(content_words(s)), -len(s)))
    if best.count("“") != best.count("”") or best.count('"') % 2:  # half a quotation: without its marks
        best = re.sub(r"[“”\"]", "", best)
    best = _LINK.sub("", best.rstrip(" ,;:—–"), count=1)
    return shortened(best[:1].upper() + best[1:], limit)


def bare_word(word: str) -> str:
    """Return a word as it is compared: small, without the marks around it."""
    return word.strip("“”\"'‘’«»„.,;:!?()[]…—–-").lower()


def is_small_word(word: str) -> bool:
    """Say whether a word carries no meaning of its own, such as "in" or "the"."""
    return word.lower().strip("“”\"'‘’.,;:!?()") in _STOP


def initials(name: str) -> str:
    words = [word for word in name.split() if word[:1].isalnum()]
    return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper() if words else "•"
