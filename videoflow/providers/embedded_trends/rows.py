"""Turn flat records into rows of one video on one day each."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from videoflow.providers.embedded_trends.table import Dating, RowCollector, TrendRow, video_id_made
from videoflow.providers.embedded_trends.values import (
    VIEWS_MAX,
    DayOrder,
    count_parse,
    day_order,
    day_parse,
    url_safe,
    youtube_id,
)
from videoflow.sentences import Sentence

_SUMMARY_CHARACTERS = 240
_TITLE_CHARACTERS = 300
_TAGS_CHARACTERS = 1500
_ORDER_SAMPLE = 3000
_BOILERPLATE_LINE = re.compile(
    r"https?:|www\.|\b(?:subscribe|follow|instagram|twitter|facebook|merch|sponsor|patreon|snapchat)\b", re.IGNORECASE
)
_LINK = re.compile(r"(?:https?://|www\.)\S+")

NO_TITLE = Sentence("no title")
NO_VIEWS = Sentence("no readable view count")
ABSURD_VIEWS = Sentence("an impossible view count")
NO_DATE = Sentence("no readable date")
TOTAL_LINE = Sentence("a line of totals")


@dataclass(frozen=True, slots=True)
class Dated:
    """How the day of a row is found: its field, else a fixed day."""

    dating: Dating
    field: str = ""
    fixed: str = ""


def rows_collect(
    records: Iterable[Mapping[str, str]],
    columns: Mapping[str, str],
    dated: Dated,
    collector: RowCollector,
    *,
    channel_unknown: str,
) -> None:
    """Add every usable record to the collector, the others to its reasons. ``records`` are keyed by the file's own column
    names.
    """
    stream = iter(records)
    sample = [record for _, record in zip(range(_ORDER_SAMPLE), stream, strict=False)]
    orders: dict[str, DayOrder] = {
        field: day_order([record.get(columns[field], "") for record in sample])
        for field in ("date", "published_at")
        if field in columns
    }
    take = _taker(columns)
    for record in _chained(sample, stream):
        collector.rows_read += 1
        row = _row(take(record), columns, dated, orders, collector, channel_unknown)
        if isinstance(row, str):
            collector.refuse(row)
        else:
            collector.add(row)


def _chained(first: Sequence[Mapping[str, str]], rest: Iterator[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    yield from first
    yield from rest


class _taker:  # noqa: N801 - reads as the function it is
    """Read our fields from a record of theirs."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = tuple(columns.items())

    def __call__(self, record: Mapping[str, str]) -> dict[str, str]:
        return {ours: (record.get(theirs) or "") for ours, theirs in self._columns}


def _row(
    value: dict[str, str],
    columns: Mapping[str, str],
    dated: Dated,
    orders: Mapping[str, DayOrder],
    collector: RowCollector,
    channel_unknown: str,
) -> TrendRow | str:
    share = collector.share
    title = _line(value.get("title", ""), _TITLE_CHARACTERS)
    video_id = value.get("video_id", "").strip()
    if video_id.lower() in ("total", "gesamt", "totale", "合計") or (not video_id and title.lower() in ("total", "gesamt")):
        return TOTAL_LINE
    if not title or title.lower() in ("nan", "null", "none", "[none]") or not any(character.isalnum() for character in title):
        return NO_TITLE
    views = 0
    if "views" in columns:
        counted = count_parse(value["views"])
        if counted is None:
            return NO_VIEWS
        if not 0 <= counted <= VIEWS_MAX:
            return ABSURD_VIEWS
        views = counted
    published = day_parse(value.get("published_at", ""), orders.get("published_at", "month_first")) or ""
    day: str | None = dated.fixed
    if dated.field:
        day = published if dated.field == "published_at" else day_parse(value[dated.field], orders[dated.field])
        if not day:
            return NO_DATE
    channel = share(_line(value.get("channel", ""), 120) or channel_unknown)
    url = url_safe(value.get("url", ""))
    found_id = video_id if re.fullmatch(r"[A-Za-z0-9_-]{4,64}", video_id) else youtube_id(url) or ""
    if not url and re.fullmatch(r"[A-Za-z0-9_-]{11}", found_id):
        url = f"https://www.youtube.com/watch?v={found_id}"
    tags = value.get("tags", "")
    return TrendRow(
        video_id=share(found_id or video_id_made(title, channel)),
        title=share(title),
        channel=channel,
        category_id=share(_line(value.get("category", ""), 60)),
        published_at=share(published),
        date=share(day or ""),
        tags_text=share(_tags(tags)),
        views=views,
        likes=_side_count(value.get("likes", "")),
        comments=_side_count(value.get("comments", "")),
        url=share(url),
        summary=collector.share_made(value.get("description", ""), summary_of),
    )


def _line(text: str, most: int) -> str:
    return " ".join(text[: most * 4].split())[:most]


def _tags(text: str) -> str:
    text = text[:_TAGS_CHARACTERS]
    if text.lower() in ("[none]", "none", "nan", "[]", ""):
        return ""
    if "|" not in text and text.startswith("[") and text.endswith("]"):
        text = text[1:-1].replace("'", "").replace(",", "|")
    elif "|" not in text and "," in text:
        text = text.replace(",", "|")
    elif "|" not in text and ";" in text:
        text = text.replace(";", "|")
    return " ".join(text.split())


def _side_count(text: str) -> int:
    counted = count_parse(text) if text else None
    return counted if counted is not None and 0 <= counted <= VIEWS_MAX else 0


def summary_of(description: str) -> str:
    """Return what a description says of its own video: its first lines without addresses and calls to subscribe."""
    kept: list[str] = []
    room = _SUMMARY_CHARACTERS
    for line in description[:1200].splitlines()[:6]:
        text = " ".join(line.split())
        if not text:
            if kept:
                break
            continue
        if _BOILERPLATE_LINE.search(text):
            text = _LINK.sub("", text) if len(text) > 120 else ""
        if text:
            kept.append(text[:room])
            room -= len(kept[-1])
        if room <= 0 or len(kept) == 2:
            break
    return " ".join(kept)
