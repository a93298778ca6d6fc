"""English words for figures: counts, years, ordinals, decimals, money, clock times and dates."""

import re

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_FRACTIONS = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 8: "eighth", 10: "tenth"}
MAGNITUDES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "t": "trillion"}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "jeon", "jeon"),
}
CURRENCY_SIGNS = "".join(_CURRENCIES)
_LONGEST_COUNT_DIGITS = 18


def _below_thousand(number: int) -> list[str]:
    words: list[str] = []
    if number >= 100:
        words += [_ONES[number // 100], "hundred"]
        number %= 100
    if number >= 20:
        words.append(_TENS[number // 10])
        number %= 10
        if not number:
            return words
    if number or not words:
        words.append(_ONES[number])
    return words


def digits(figures: str) -> list[str]:
    """Each digit by itself, as a telephone number is read."""
    return [
        _ONES[int(figure)] for figure in figures if figure.isdecimal()
    ]  # other digits, as the Rumi ones, have no value for int


def cardinal(number: int) -> list[str]:
    """Words of a count, in the American way without "and"."""
    if number < 0:
        return ["minus", *cardinal(-number)]
    if number < 1000:
        return _below_thousand(number)
    if number >= 10**_LONGEST_COUNT_DIGITS:
        return digits(str(number))
    groups: list[list[str]] = []
    for scale in _SCALES:
        number, group = divmod(number, 1000)
        if group:
            groups.append(_below_thousand(group) + ([scale] if scale else []))
    words: list[str] = []
    for spoken in reversed(groups):
        words += spoken
    return words


def ordinal(number: int) -> list[str]:
    words = cardinal(number)
    last = words[-1]
    words[-1] = _ORDINALS.get(last, last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return words


def year(number: int) -> list[str]:
    """Words of a year: nineteen ninety nine, two thousand five, twenty twenty."""
    century, rest = divmod(number, 100)
    if 2000 <= number <= 2009 or (century % 10 == 0 and rest == 0):
        return cardinal(number)
    if rest == 0:
        return [*cardinal(century), "hundred"]
    if rest < 10:
        return [*cardinal(century), "oh", _ONES[rest]]
    return [*cardinal(century), *cardinal(rest)]


def decade(number: int) -> list[str]:
    """Words of a decade such as 1990 or 90 (read "nineties")."""
    words = year(number) if number > 99 else cardinal(number)
    last = words[-1]
    words[-1] = last[:-1] + "ies" if last.endswith("y") else last + "s"
    return words


def looks_like_year(figures: str) -> bool:
    return len(figures) == 4 and 1100 <= int(figures) <= 2099


def number(figures: str) -> list[str]:
    """Words of ``1,514,646``, ``3.5``, ``0.05``, ``007`` or ``2020`` (a bare four-digit figure like a year is read as one)."""
    plain = figures.replace(",", "")
    whole, point, fraction = plain.partition(".")
    if not point:
        if len(whole) > 1 and whole.startswith("0"):
            return digits(whole)
        if "," not in figures and looks_like_year(whole):
            return year(int(whole))
        return cardinal(int(whole))
    return [*cardinal(int(whole or "0")), "point", *digits(fraction)]


def is_one(figures: str) -> bool:
    return figures.replace(",", "") in ("1", "1.0", "1.00")


def money(sign: str, figures: str, magnitude: str = "") -> list[str]:
    """Words of an amount: ``$3.2`` + ``million`` is three point two million dollars, ``$1.50`` one dollar fifty."""
    one, many, cent, cents = _CURRENCIES[sign]
    if magnitude:
        return [*number(figures), magnitude, many]
    whole, _, fraction = figures.replace(",", "").partition(".")
    whole_count = int(whole or "0")
    if len(fraction) != 2:
        words = number(figures) if fraction else cardinal(whole_count)
        return [*words, one if is_one(figures) else many]
    cent_count = int(fraction)
    words = [*cardinal(whole_count), one if whole_count == 1 else many] if whole_count or not cent_count else []
    if cent_count:
        words += [*(["and"] if words else []), *cardinal(cent_count), cent if cent_count == 1 else cents]
    return words


def clock(hour: int, minute: int) -> list[str]:
    """Words of a time of day without its a.m. or p.m.; the full hour is left to the caller's "o'clock"."""
    if minute == 0:
        return cardinal(hour)
    return [*cardinal(hour), *(["oh"] if minute < 10 else []), *cardinal(minute)]


def duration(hours: int, minutes: int, seconds: int) -> list[str]:
    words: list[str] = []
    for count, unit in ((hours, "hour"), (minutes, "minute"), (seconds, "second")):
        if count:
            words += [*cardinal(count), unit if count == 1 else unit + "s"]
    return words or ["zero", "seconds"]


def date(year_number: int | None, month: int, day: int) -> list[str] | None:
    """Words of a calendar date, or None when there is no such month or day."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    words = [MONTHS[month - 1], *ordinal(day)]
    if year_number is not None:
        words[-1] += ","
        words += year(year_number)
    return words


def fraction(numerator: int, denominator: int) -> list[str] | None:
    """Words of one half to nine tenths; None for what is no everyday fraction."""
    name = _FRACTIONS.get(denominator)
    if name is None or not 0 < numerator < denominator:
        return None
    plural = "halves" if name == "half" else name + "s"
    return [_ONES[numerator], name if numerator == 1 else plural]


FIGURES = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")
"""One written number: grouped, plain or decimal."""
