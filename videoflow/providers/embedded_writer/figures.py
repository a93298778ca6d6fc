"""Figures, dates and lists as people say them; digits stay digits so that speech and captions stay short."""

import math
import re
from collections.abc import Sequence
from datetime import date

from videoflow.sentences import Sentence, sentences_joined

_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ORDINALS = ("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_VOWEL_START = re.compile(r"^(?:[aeiou]|8|11\b|18\b|honest|hour)", re.IGNORECASE)


def significant(value: float, digits: int) -> float:
    """Round to a number of significant digits; halves go up, as people round."""
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    return math.floor(value / step + 0.5) * step


def say_figure(value: float) -> str:
    """A count in at most three spoken parts: 76805026 -> "76.8 million", 513422 -> "513,000", 879 -> "880"."""
    if value < 0:
        return f"minus {say_figure(-value)}"
    if value < 100:
        return str(round(value))
    if value < 100_000:
        return f"{round(significant(value, 2)):,}"
    rounded = significant(value, 3)
    if rounded < 1_000_000:
        return f"{round(rounded):,}"
    power, name = (1e9, "billion") if rounded >= 1e9 else (1e6, "million")
    scaled = math.floor(value / power * 10 + 0.5) / 10
    if scaled >= 100:
        scaled = round(scaled)
    return f"{scaled:.1f}".removesuffix(".0") + f" {name}"


def say_count(count: int) -> str:
    """A small whole number in words up to twelve, in digits above."""
    return _SMALL[count] if 0 <= count < len(_SMALL) else f"{count:,}"


def say_ordinal(count: int) -> str:
    """A rank in words: 3 -> "third"."""
    if 0 <= count < len(_ORDINALS):
        return _ORDINALS[count]
    suffix = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{suffix}"


def say_several(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun in agreement: "one channel", "eight channels"."""
    return f"{say_count(count)} {noun if count == 1 else plural or noun + 's'}"


def say_percent(share: float) -> str:
    """A share of 100 without false precision: 0.42 -> "0.4 percent", 37.6 -> "38 percent"."""
    if share < 0.95:
        return f"{max(share, 0.1):.1f} percent"
    if share < 9.95 and round(share, 1) != round(share):
        return f"{share:.1f} percent"
    return f"{round(share):,} percent"


def say_rate(value: float) -> str:
    """A small rate with one decimal below ten."""
    if value < 9.95:
        return f"{value:.1f}".removesuffix(".0")
    return say_figure(value)


def say_times(ratio: float) -> str:
    """A ratio of two counts, larger over smaller: 2.03 -> "twice", 3.4 -> "3.4 times"."""
    if 1.95 <= ratio < 2.05:
        return "twice"
    if ratio < 9.95:
        return f"{ratio:.1f}".removesuffix(".0") + " times"
    return f"{say_figure(ratio)} times"


def say_list(items: Sequence[str]) -> str:
    """Names joined as in speech: "a, b and c"."""
    if len(items) <= 1:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def day_of(stamp: str) -> date | None:
    """The calendar day of an ISO date or time; None when it is neither."""
    try:
        return date.fromisoformat(stamp[:10])
    except ValueError:
        return None


def say_day(stamp: str) -> str:
    """An ISO date as "August 12"; empty when it is no date."""
    day = day_of(stamp)
    return f"{_MONTHS[day.month - 1]} {day.day}" if day else ""


def say_weekday(stamp: str) -> str:
    """An ISO date as its weekday; empty when it is no date."""
    day = day_of(stamp)
    return _WEEKDAYS[day.weekday()] if day else ""


def say_clock(seconds: float) -> str:
    """A length to the nearest five seconds: "3 minutes", "1 minute 10 seconds"."""
    minutes, rest = divmod(round(seconds / 5) * 5, 60)
    parts = [Sentence("%(count)s minutes", count=minutes) if minutes > 1 else Sentence("1 minute")] if minutes else []
    parts += [Sentence("%(count)s seconds", count=rest)] if rest else []
    return sentences_joined(*parts) or Sentence("nothing")


def with_article(text: str) -> str:
    """Put "a" or "an" before a phrase by the sound it starts with."""
    return f"{'an' if _VOWEL_START.match(text) else 'a'} {text}"


def possessive(name: str) -> str:
    """A name with its possessive ending: "Drake's", "Vlogs'"."""
    return f"{name}'" if name.endswith(("s", "S")) else f"{name}'s"


def spoken_words(text: str) -> int:
    """How many words a voice says for a text; a figure counts for the words it is read as."""
    total = 0
    for token in text.split():
        digits = re.sub(r"\D", "", token)
        if digits:
            total += min(1 + len(digits) // 2 + token.count("."), 6)
        elif any(sign.isalpha() for sign in token):
            total += 1
    return total
