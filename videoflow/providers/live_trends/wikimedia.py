"""The most viewed pages of a Wikipedia, day by day, by the Wikimedia pageviews service (CC0).

Source: https://doc.wikimedia.org/generated-data-platform/aqs/analytics-api/reference/page-views.html
"""

import re
from collections import Counter
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends import TrendRow, TrendTable
from videoflow.providers.live_trends.sources import DEADLINE_SECONDS, LiveWish, count_of, no_answer, objects, text_of
from videoflow.providers.net import ServiceRefused
from videoflow.providers.registry import Access, provider
from videoflow.sentences import Sentence

PAGES_A_DAY = 100
LATE_DAYS = 3
"""So many of the newest days may not be counted yet."""
_NO_ARTICLE = re.compile(
    r"^(?:Main_Page|-|Search|Hauptseite|Portada|Accueil|Pagina_principale|Hoofdpagina|Strona_główna|"
    r"(?:Special|Spezial|Especial|Spécial|Speciale|Wikipedia|Wikipédia|Portal|File|Datei|Help|Hilfe|User|Talk|Template|Category)"
    r":.*|Wikipedia|.*\.(?:php|html|xml)|404\.php)$",
    re.IGNORECASE,
)


@provider("trends", "wikimedia")
class WikimediaViews:
    def __init__(self, access: Access) -> None:
        self._client = access.client

    def table(self, wish: LiveWish) -> TrendTable:
        """Return the 100 most viewed articles of each day of the window; the newest days may be missing."""
        wiki = re.sub(r"[^a-z-]", "", wish.language.lower().split("-")[0])[:12] or "en"
        rows: list[TrendRow] = []
        left_out: Counter[str] = Counter()
        days = [wish.today - timedelta(days=back) for back in range(1, wish.days + LATE_DAYS)]
        read = found = 0
        for number, day in enumerate(days):
            if found == wish.days:
                break
            wish.report(number / len(days), Sentence("Asking Wikimedia for %(day)s", day=day.isoformat()))
            articles = self._day(wiki, day, wish, may_be_missing=found == 0 and number < LATE_DAYS)
            if articles is None:
                continue
            found += 1
            made = [_row(article, wiki, day) for article in articles]
            read += len(made)
            left_out.update(row for row in made if isinstance(row, str))
            kept = [row for row in made if isinstance(row, TrendRow)]
            if not kept:
                no_answer("wikimedia", Sentence("readable page views"))
            rows += kept
        if not rows:
            raise BadInput(
                Sentence(
                    "Wikimedia has no page views of %(wiki)s.wikipedia.org for these days. Take another language.", wiki=wiki
                )
            )
        return TrendTable(
            rows=tuple(rows),
            rows_read=read,
            left_out=dict(left_out),
            source_kind="pageviews",
            source_label=f"Wikipedia page views, {wiki}.wikipedia.org",
            columns={},
            encoding="utf-8",
            measure=Sentence("views of pages of %(wiki)s.wikipedia.org on each day", wiki=wiki),
            dating="counted",
        )

    def _day(self, wiki: str, day: date, wish: LiveWish, *, may_be_missing: bool) -> list[dict[str, Any]] | None:
        path = f"/metrics/pageviews/top/{wiki}.wikipedia/all-access/{day:%Y/%m/%d}"
        try:
            answer = self._client.request("GET", path, deadline_seconds=DEADLINE_SECONDS, cancelled=wish.cancelled).json()
        except ServiceRefused as error:
            if error.status == 404 and may_be_missing:
                return None
            raise
        items = objects(answer.get("items") if isinstance(answer, dict) else None, "wikimedia", Sentence("page views"))
        if not items:
            no_answer("wikimedia", Sentence("page views"))
        listed = objects(items[0].get("articles"), "wikimedia", Sentence("page views"))
        return [entry for entry in listed if not _NO_ARTICLE.match(text_of(entry.get("article")))][:PAGES_A_DAY]


def _row(article: dict[str, Any], wiki: str, day: date) -> TrendRow | str:
    name, views = text_of(article.get("article")), count_of(article.get("views"))
    if not any(sign.isalnum() for sign in name):
        return "no title"
    if not views:
        return "no readable count"
    title = name.replace("_", " ")
    return TrendRow(
        video_id=f"{wiki}-{name}"[:64],
        title=title,
        channel="Wikipedia",
        category_id="",
        published_at="",
        date=day.isoformat(),
        tags_text="",
        views=views,
        likes=0,
        comments=0,
        url=f"https://{wiki}.wikipedia.org/wiki/{quote(name)}"[:500],
        summary="",
        term=title,
    )
