"""Feeds fetched now: Google's daily search trends, and any RSS or Atom feed whose address the creator gives."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends import TrendRow, TrendTable, trends_read
from videoflow.providers.live_trends.sources import DEADLINE_SECONDS, LiveWish, no_answer
from videoflow.providers.net import ServiceError
from videoflow.providers.registry import Access, provider
from videoflow.sentences import Sentence

FEEDS_MOST = 10
FEED_LIMIT_BYTES = 8_000_000


@provider("trends", "google_trends")
class GoogleTrends:
    """The undocumented feed of Google's trending searches; ten terms with headlines."""

    def __init__(self, access: Access) -> None:
        self._client = access.client

    def table(self, wish: LiveWish) -> TrendTable:
        """Return the terms that are searched for in a country."""
        region = wish.region.upper()
        if not re.fullmatch(r"[A-Z]{2}", region):
            raise BadInput(
                Sentence("“%(region)s” is no country's code. Give two letters, such as US.", region=wish.region),
                details={"region": "unknown"},
            )
        wish.report(0.1, "Asking Google Trends")
        answer = self._client.request(
            "GET", "/trending/rss", params={"geo": region}, deadline_seconds=DEADLINE_SECONDS, cancelled=wish.cancelled
        )
        table = _read(answer.body, wish.folder / "google_trends.xml", f"{region}.xml", service="google_trends")
        label = f"Google Trends, {region}, {wish.today.isoformat()}"
        if not any(row.term for row in table.rows):
            no_answer("google_trends", Sentence("search terms"))
        return replace(table, source_label=label)


@provider("trends", "rss")
class FeedTrends:
    def __init__(self, access: Access) -> None:
        self._client = access.client

    def table(self, wish: LiveWish) -> TrendTable:
        """Return the entries of the feeds together; one that cannot be read is left out and counted, all of them are an error."""
        addresses = list(dict.fromkeys(address.strip() for address in wish.feeds if address.strip()))
        if not addresses:
            raise BadInput("Give the address of at least one feed.", details={"feeds": "missing"})
        if len(addresses) > FEEDS_MOST:
            raise BadInput(Sentence("%(limit)s feeds can be read at once.", limit=FEEDS_MOST), details={"feeds": "too many"})
        tables: list[TrendTable] = []
        left_out: Counter[str] = Counter()
        failed: ServiceError | BadInput | None = None
        for number, address in enumerate(addresses):
            wish.report(
                number / len(addresses),
                Sentence("Reading feed %(number)s of %(feeds)s", number=number + 1, feeds=len(addresses)),
            )
            file = wish.folder / f"feed{number}.xml"
            try:
                self._client.download(
                    address, file, limit_bytes=FEED_LIMIT_BYTES, deadline_seconds=DEADLINE_SECONDS, cancelled=wish.cancelled
                )
                tables.append(trends_read(file, file_name=f"feed {number + 1}", mapping=None))
            except (ServiceError, BadInput) as error:
                failed = error
                left_out[f"feed {number + 1} could not be read"] += 1
        if not tables:
            assert failed is not None
            raise failed
        first = tables[0]
        for table in tables:
            left_out.update(table.left_out)
        rows: dict[tuple[str, str], TrendRow] = {(row.video_id, row.date): row for table in tables for row in table.rows}
        names = ", ".join(table.source_label.rsplit(" (", 1)[0] for table in tables)
        return replace(
            first,
            rows=tuple(rows.values()),
            rows_read=sum(table.rows_read for table in tables),
            left_out=dict(left_out),
            source_label=f"{names[:180]}, {wish.today.isoformat()}",
            has_views=all(table.has_views for table in tables),
        )


def _read(body: bytes, file: Path, name: str, *, service: str) -> TrendTable:
    file.write_bytes(body)
    try:
        table = trends_read(file, file_name=name, mapping=None)
    except BadInput:
        no_answer(service, Sentence("a feed in it"))
    if table.source_kind != "rss":
        no_answer(service, Sentence("a feed in it"))
    return table
