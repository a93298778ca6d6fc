"""Figures as they stand in a text, and whether a spoken figure stands in a source: rounding is fine, inventing is not."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FREE_UP_TO = 12
"""Whole numbers up to here are ways of speaking: two hosts, three reasons, the first one."""
_ROUNDING_MOST = 0.06
"""Of the value: a figure said with few digits is not a licence for another figure."""
_SCALES = {
    "k": 1e3, "thousand": 1e3, "tausend": 1e3, "mille": 1e3, "mil": 1e3,
    "m": 1e6, "million": 1e6, "millions": 1e6, "millionen": 1e6, "millón": 1e6, "millones": 1e6, "milhões": 1e6, "milioni": 1e6,
    "bn": 1e9, "billion": 1e9, "billions": 1e9, "milliarde": 1e9, "milliarden": 1e9, "milliard": 1e9, "milliards": 1e9,
    "miliardi": 1e9, "trillion": 1e12,
}  # fmt: skip
_SCALE = "|".join(sorted(_SCALES, key=len, reverse=True))
_SPACES = " \u00a0\u2009\u202f"
_NUMBER = re.compile(
    rf"(?<![\w.,])(?P<digits>\d{{1,3}}(?:[,.'’{_SPACES}]\d{{3}})+(?![\d])|\d+)(?P<part>[.,]\d+)?"
    rf"(?:\s?(?P<scale>{_SCALE})\b)?(?P<percent>\s?(?:%|percent\b|per cent\b|prozent\b|pour ?cent\b|por ciento\b|per cento\b))?",
    re.IGNORECASE,
)
_DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_UNITS = dict(zip(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
     "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
    range(20), strict=True,
))  # fmt: skip
_TENS = dict(zip(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), range(20, 100, 10), strict=True))
_BIG = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_NUMBER_WORD = f"(?:{'|'.join([*_UNITS, *_TENS, 'hundred', *_BIG])})"
_WORDS = re.compile(
    rf"\b{_NUMBER_WORD}(?:(?:[\s-]|\sand\s)+{_NUMBER_WORD})*\b(?P<percent>\s(?:percent|per cent))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a text. ``step`` is the worth of its last digit that is not zero: how finely it was said."""

    value: float
    step: float
    is_percent: bool
    text: str

    @property
    def is_free(self) -> bool:
        return not self.is_percent and self.value <= FREE_UP_TO and self.value == int(self.value)


def figures_read(text: str) -> list[Figure]:
    """Return the figures of a text, in digits and in English words; a date gives its year, month and day."""
    found = [
        Figure(float(part), 0.0, is_percent=False, text=match[0]) for match in _DAY.finditer(text) for part in match.groups()
    ]
    rest = _DAY.sub(" ", text)
    for match in _NUMBER.finditer(rest):
        found.append(_in_digits(match))
    found += _in_words(_NUMBER.sub(" ", rest))
    return found


def _in_digits(match: re.Match[str]) -> Figure:
    digits = re.sub(r"\D", "", match["digits"])
    part = (match["part"] or "")[1:]
    scale = _SCALES[match["scale"].lower()] if match["scale"] else 1.0
    value = float(f"{digits}.{part or 0}") * scale
    if part:
        step = 10.0 ** -len(part) * scale
    else:
        zeros = len(digits) - len(digits.rstrip("0")) if digits.strip("0") else 0
        step = 10.0**zeros * scale
    return Figure(value, step, bool(match["percent"]), match[0].strip())


def _in_words(text: str) -> Iterator[Figure]:
    for match in _WORDS.finditer(text):
        total, group = 0.0, 0.0
        words = re.findall(r"[a-z]+", match[0].lower().removesuffix("percent").removesuffix("per cent"))
        for word in words:
            if word in _UNITS:
                group += _UNITS[word]
            elif word in _TENS:
                group += _TENS[word]
            elif word == "hundred":
                group = max(group, 1.0) * 100
            elif word in _BIG:
                total += max(group, 1.0) * _BIG[word]
                group = 0.0
        value = total + group
        digits = f"{value:.0f}"
        zeros = len(digits) - len(digits.rstrip("0")) if value else 0
        yield Figure(value, 10.0**zeros, bool(match["percent"]), match[0].strip())


def stands_in(said: Figure, known: Iterable[Figure]) -> bool:
    """Tell whether a figure is one of these, said as finely or less so."""
    if said.is_free:
        return True
    return any(_is_same(said, figure) for figure in known)


def _is_same(said: Figure, known: Figure) -> bool:
    if said.is_percent != known.is_percent:
        return False
    if 1500 <= said.value <= 2100 and said.step <= 10 and said.value == int(said.value) and not said.is_percent:
        return said.value == known.value  # a year is not rounded
    room = min(said.step, _ROUNDING_MOST * abs(said.value))
    off = known.value - said.value
    return -room / 2 <= off < room or abs(off) < 1e-9
