"""Counts, dates and addresses as files write them."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Literal

DayOrder = Literal["month_first", "day_first"]

VIEWS_MAX = 10**12
"""Sixty times the most watched video ever; anything above is not a count of views."""
_EARLIEST = date(2005, 2, 14)
"""YouTube's first day. Source: https://en.wikipedia.org/wiki/YouTube"""

_COUNT = re.compile(r"^([+-]?)(\d[\d.,'’ \u00a0\u202f]*)([eE]\+?\d{1,2})?\s*([kKmMbB]|thousand|million|billion|mn|bn)?\+?$")
_SCALE = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{1,2}:.*)?$")
_SLASHED = re.compile(r"^(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[ T,]+\d{1,2}:.*)?$")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_NAMED = re.compile(r"^(?:(\d{1,2})\.? )?([A-Za-z]{3,9})\.? (?:(\d{1,2})(?:st|nd|rd|th)?,? )?(\d{4})(?:[ ,]+\d{1,2}:.*)?$")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_YOUTUBE_ID = re.compile(r"(?:youtu\.be/|[?&]v=|/shorts/|/embed/|/live/)([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")


def count_parse(text: str) -> int | None:
    """Return a count from ``1,234``, ``1.234.567``, ``1 234``, ``1.2M``, ``200K+`` or ``1e6``; None when it is none. May be
    negative.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text) if len(text) < 19 else VIEWS_MAX * 10
    match = _COUNT.match(text)
    if not match:
        return None
    sign, digits, exponent, scale = match.groups()
    digits = re.sub(r"['’\s\u00a0\u202f]", "", digits)
    groups = re.split(r"[.,]", digits)
    grouped = len(groups) > 1 and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    if grouped and not scale and not exponent and len(set(re.findall(r"[.,]", digits))) == 1:
        number = float("".join(groups))
    else:
        number = float("".join(groups[:-1]) + "." + groups[-1]) if len(groups) > 1 else float(digits)
    number *= float(f"1{exponent}") if exponent else 1
    number *= _SCALE[scale.lower()] if scale else 1
    return round(min(number, VIEWS_MAX * 10.0)) * (-1 if sign == "-" else 1)


@lru_cache(maxsize=1)
def _latest_day(_hour: int) -> date:
    return (datetime.fromtimestamp(time.time(), tz=UTC) + timedelta(days=2)).date()


def _day(year: int, month: int, day: int) -> str | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found.isoformat() if _EARLIEST <= found <= _latest_day(int(time.time() // 3600)) else None


@lru_cache(maxsize=65536)
def day_parse(text: str, order: DayOrder = "month_first") -> str | None:
    """Return the ISO day of a date in any usual spelling, or None. Days before YouTube and in the future are None too.

    ``17.14.11`` (year, day, month) is how the older public trending files write a day.
    """
    text = text.strip()
    if match := _ISO.match(text) or _COMPACT.match(text):
        return _day(*map(int, match.groups()[:3]))
    if match := _SLASHED.match(text):
        first, second, third = match.groups()
        if len(first) == 4:
            return _day(int(first), int(second), int(third))
        if len(third) == 4:
            month, day = (int(first), int(second)) if order == "month_first" else (int(second), int(first))
            return _day(int(third), month, day) or _day(int(third), day, month)
        if len(first) == 2 and len(third) == 2 and "." in text:
            return _day(2000 + int(first), int(third), int(second))
        month, day = (int(first), int(second)) if order == "month_first" else (int(second), int(first))
        return _day(2000 + int(third), month, day) if len(third) == 2 else None
    if match := _NAMED.match(text):
        day_before, name, day_after, year = match.groups()
        month_number = _MONTHS.get(name[:3].lower())
        day_text = day_before or day_after
        return _day(int(year), month_number, int(day_text)) if month_number and day_text else None
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        found = datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), tz=UTC)
        return _day(found.year, found.month, found.day)
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return _day(found.year, found.month, found.day)


def day_order(samples: list[str]) -> DayOrder:
    """Tell whether ``03/04/2020`` is a day in March or in April, from the other dates of the column; March when none tells."""
    for sample in samples:
        match = _SLASHED.match(sample.strip())
        if match and len(match.group(1)) <= 2:
            if int(match.group(1)) > 12:
                return "day_first"
            if int(match.group(2)) > 12:
                return "month_first"
    return "month_first"


def youtube_id(url: str) -> str | None:
    """Return the video id in a YouTube address."""
    match = _YOUTUBE_ID.search(url)
    return match.group(1) if match else None


def url_safe(url: str) -> str:
    """Return a web address, or nothing when it is anything else (``javascript:``, ``file:``)."""
    url = url.strip()
    return url if re.match(r"^https?://[^\s<>\"']{1,2000}$", url) else ""
