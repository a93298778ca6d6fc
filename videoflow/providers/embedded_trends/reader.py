"""Read a trending file of any kind we know into one table."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends.columns import columns_guess, columns_resolve
from videoflow.providers.embedded_trends.decoding import encoding_find
from videoflow.providers.embedded_trends.delimited import DelimitedFile
from videoflow.providers.embedded_trends.documents import records_json
from videoflow.providers.embedded_trends.exports import archive_open, is_studio, period_in_name, running_totals
from videoflow.providers.embedded_trends.feeds import Feed, feed_read
from videoflow.providers.embedded_trends.rows import NO_TITLE, Dated, rows_collect, summary_of
from videoflow.providers.embedded_trends.table import Dating, RowCollector, SourceKind, TrendRow, TrendTable, video_id_made
from videoflow.providers.embedded_trends.values import count_parse, day_parse, url_safe
from videoflow.sentences import Sentence

_TRENDING_COLUMNS = {"title", "trending_date"}
_CUT_OFF = Sentence("cut off at the end of the file")
_SINGLE_CHART = 5
_CHANNEL_OF_STUDIO = "Your channel"
_CHANNEL_UNKNOWN = "Unknown channel"


def trends_read(path: Path, *, file_name: str, mapping: Mapping[str, str] | None = None) -> TrendTable:
    """Read a trending CSV, a YouTube Studio export, a JSON or CSV of any columns, or an RSS/Atom feed; told apart by content.

    ``file_name`` is the name the creator knows the file by. ``mapping`` is ``{our field: their column}`` (see
    ``columns.FIELDS``);
    what it leaves out is guessed. Streams tables: memory grows with the rows kept, not with the file.

    Raises:
        BadInput: empty, not text, no usable column or no usable row; the sentence says what was found and what is expected.
    """
    with _unpacked(path) as parts:
        table, chart = parts["table"], parts.get("chart")
        encoding = encoding_find(table)
        kind = _kind(table, encoding)
        if kind == "feed":
            return _feed_table(feed_read(table), table, file_name, encoding)
        if kind == "json":
            columns, records, broken = records_json(table, encoding)
            resolved = columns_resolve(columns, mapping)
            return _table(columns, records, resolved, table, file_name, encoding, broken=broken)
        if chart and not mapping and (daily := _chart_table(chart, file_name)):
            return daily
        return _delimited_table(table, file_name, encoding, mapping)


def columns_suggest(path: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the file's columns and the guessed ``{our field: their column}``, for the form in which a creator maps them.

    Raises:
        BadInput: the file has no columns (a feed, a picture, nothing at all).
    """
    with _unpacked(path) as parts:
        encoding = encoding_find(parts["table"])
        kind = _kind(parts["table"], encoding)
        if kind == "feed":
            raise BadInput("A feed has no columns to map; it can be imported as it is.")
        if kind == "json":
            columns = records_json(parts["table"], encoding)[0]
        else:
            file = DelimitedFile(parts["table"], encoding)
            file.close()
            columns = file.header
    return columns, columns_guess(columns)


@contextmanager
def _unpacked(path: Path) -> Iterator[dict[str, Path]]:
    with path.open("rb") as file:
        zipped = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    if not zipped:
        yield {"table": path}
        return
    with tempfile.TemporaryDirectory(prefix="videoflow-import-") as folder:
        yield archive_open(path, Path(folder))


def _kind(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, errors="replace") as file:
        head = file.read(4096).lstrip("\ufeff\x00 \t\r\n")
    if head.startswith("<"):
        return "feed"
    return "json" if head.startswith(("{", "[{", "[\n", "[ ", "[\r", "[]", "[\t")) else "delimited"


def _delimited_table(path: Path, file_name: str, encoding: str, mapping: Mapping[str, str] | None) -> TrendTable:
    file = DelimitedFile(path, encoding)
    try:
        resolved = columns_resolve(file.header, mapping)
        records = (dict(zip(file.header, record, strict=False)) for record in file.records())
        return _table(file.header, records, resolved, path, file_name, encoding, file=file)
    finally:
        file.close()


def _chart_table(path: Path, file_name: str) -> TrendTable | None:
    """Return the by-day table of a Studio export; None when the chart has no days or shows only a few videos."""
    encoding = encoding_find(path)
    file = DelimitedFile(path, encoding)
    try:
        guessed = columns_guess(file.header)
        if not {"title", "date", "views", "video_id"} <= guessed.keys():
            return None
        records = (dict(zip(file.header, record, strict=False)) for record in file.records())
        summed = list(running_totals(records, guessed["date"], guessed["video_id"], guessed["views"]))
        if len({record.get(guessed["video_id"]) for record in summed}) < _SINGLE_CHART:
            return None
        return _table(file.header, iter(summed), guessed, path, file_name, encoding, file=file, chart=True)
    finally:
        file.close()


def _table(
    columns: tuple[str, ...],
    records: Iterator[dict[str, str]],
    resolved: dict[str, str],
    path: Path,
    file_name: str,
    encoding: str,
    *,
    file: DelimitedFile | None = None,
    broken: list[str] | None = None,
    chart: bool = False,
) -> TrendTable:
    kind = _source_kind(columns)
    period = period_in_name(file_name)
    dated = _dated(kind, resolved, period, path)
    collector = RowCollector()
    rows_collect(
        records, resolved, dated, collector, channel_unknown=_CHANNEL_OF_STUDIO if kind == "studio_export" else _CHANNEL_UNKNOWN
    )
    if file and file.cut_off:
        collector.rows_read += 1
        collector.refuse(_CUT_OFF)
    for reason in broken or []:
        collector.rows_read += 1
        collector.refuse(reason)
    rows = collector.rows()
    if not rows:
        raise _nothing_usable(collector, columns)
    if kind == "studio_export" and not dated.field and not dated.fixed:
        newest = max((row.published_at for row in rows), default="") or _file_day(path)
        rows = tuple(replace(row, date=newest) for row in rows)
    return TrendTable(
        rows=rows,
        rows_read=collector.rows_read,
        left_out=dict(collector.left_out),
        source_kind=kind,
        source_label=_label(kind, file_name),
        columns=resolved,
        encoding=encoding,
        measure=_measure(kind, resolved, dated.dating, chart=chart),
        dating=dated.dating,
        period_start=period[0] if period and dated.dating == "period" else "",
        has_views="views" in resolved,
    )


def _source_kind(columns: tuple[str, ...]) -> SourceKind:
    names = {column.strip().lower() for column in columns}
    if names >= _TRENDING_COLUMNS and names & {"view_count", "views"}:
        return "trending_csv"
    return "studio_export" if is_studio(columns) else "mapped_table"


def _dated(kind: SourceKind, resolved: Mapping[str, str], period: tuple[str, str] | None, path: Path) -> Dated:
    if "date" in resolved:
        return Dated("counted", field="date")
    if kind == "studio_export":
        return Dated("period", fixed=period[1] if period else "")
    if "published_at" in resolved:
        return Dated("published", field="published_at")
    return Dated("file", fixed=_file_day(path))


def _file_day(path: Path) -> str:
    return datetime.fromtimestamp(min(path.stat().st_mtime, time.time()), tz=UTC).date().isoformat()


def _label(kind: SourceKind, file_name: str) -> str:
    known = {
        "trending_csv": Sentence("YouTube trending list"),
        "studio_export": Sentence("YouTube Studio export"),
        "mapped_table": Sentence("Table"),
        "rss": Sentence("Feed"),
    }
    return Sentence("%(kind)s (%(name)s)", kind=known[kind], name=file_name)


def _measure(kind: SourceKind, resolved: Mapping[str, str], dating: Dating, *, chart: bool) -> str:
    if "views" not in resolved:
        return Sentence("number of videos; the file has no view counts")
    if chart:
        return Sentence("views on YouTube since the first day of the export, added up day by day")
    if kind == "studio_export" and dating == "period":
        return Sentence("views on YouTube in the whole period of the Studio export, which does not say on which day")
    if dating == "counted" and kind != "mapped_table":
        return Sentence("views on YouTube, as counted on each day of the file")
    return {
        "counted": Sentence("views, as counted on each day of the file"),
        "published": Sentence("views, counted once; days are the days of publication"),
        "file": Sentence("views, counted once; the file has no dates, so the day of the file itself stands for them"),
        "period": Sentence("views in the whole period of the file"),
    }[dating]


def _nothing_usable(collector: RowCollector, columns: tuple[str, ...]) -> BadInput:
    if not collector.rows_read:
        return BadInput(
            Sentence(
                "This file has column names (%(columns)s …) but no rows. Export it again with at least one video.",
                columns=", ".join(columns[:4]),
            )
        )
    reasons = ", ".join(f"{count} × {reason}" for reason, count in collector.left_out.most_common(3))
    rows = collector.rows_read
    which = Sentence("None of the %(rows)s rows", rows=rows) if rows > 1 else Sentence("Not even the only row")
    return BadInput(
        Sentence("%(which)s can be used: %(reasons)s. Check which column is which.", which=which, reasons=reasons),
        code="NO_USABLE_ROWS",
        details={"columns": list(columns), "left_out": dict(collector.left_out)},
    )


def _feed_table(feed: Feed, path: Path, file_name: str, encoding: str) -> TrendTable:
    collector = RowCollector()
    traffic = any(entry.traffic for entry in feed.entries)
    counted = not traffic and any(entry.views for entry in feed.entries)
    newest = max((day for entry in feed.entries if (day := day_parse(entry.published))), default=_file_day(path))
    for entry in feed.entries:
        collector.rows_read += 1
        if not any(character.isalnum() for character in entry.title):
            collector.refuse(NO_TITLE)
            continue
        day = day_parse(entry.published) or newest
        views = count_parse(entry.traffic or entry.views) or 0
        channel = entry.author or feed.title or file_name
        term = entry.title if traffic else ""
        url = url_safe(entry.url)
        collector.add(
            TrendRow(
                entry.video_id or video_id_made(url if not traffic and url else entry.title, "" if traffic else channel),
                entry.title[:300],
                "Google Trends" if traffic else channel[:120],
                "",
                day,
                day,
                "|".join(entry.tags)[:1500],
                max(views, 0),
                0,
                0,
                "" if traffic else url,
                summary_of(entry.summary),
                term,
            )
        )
        for news in entry.news:
            news_id = video_id_made(news.url or news.title, news.source)
            source = news.source or "Unnamed source"
            collector.add(
                TrendRow(news_id, news.title[:300], source[:120], "", day, day, "", 0, 0, 0, url_safe(news.url), "", term)
            )
    rows = collector.rows()
    if not rows:
        raise BadInput("This feed has no entries with a title. A feed with at least one entry is needed.")
    measure = Sentence("number of entries; the feed gives no view counts")
    if traffic:
        measure = Sentence("approximate searches, as Google Trends gives them")
    elif counted:
        measure = Sentence("views on YouTube, as counted when the feed was saved")
    return TrendTable(
        rows=rows,
        rows_read=collector.rows_read,
        left_out=dict(collector.left_out),
        source_kind="rss",
        source_label=Sentence("%(kind)s (%(name)s)", kind=feed.title or Sentence("Feed"), name=file_name),
        columns={},
        encoding=encoding,
        measure=measure,
        dating="published",
        has_views=traffic or counted,
    )
