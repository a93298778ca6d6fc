"""Stories of Hacker News with many points in the window, by its public search.

Source: https://hn.algolia.com/api
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends import TrendRow, TrendTable
from videoflow.providers.live_trends.sources import DEADLINE_SECONDS, LiveWish, count_of, objects, text_of
from videoflow.providers.registry import Access, provider
from videoflow.sentences import Sentence

LEAST_POINTS = 100
PER_PAGE = 100
PAGES_MOST = 3


@provider("trends", "hackernews")
class HackerNews:
    def __init__(self, access: Access) -> None:
        self._client = access.client

    def table(self, wish: LiveWish) -> TrendTable:
        """Return the stories of the window with at least 100 points, three pages at most."""
        since = datetime.combine(wish.today - timedelta(days=wish.days - 1), time(), UTC)
        rows: dict[str, TrendRow] = {}
        read = left_out = 0
        for page in range(PAGES_MOST):
            wish.report(page / PAGES_MOST, "Asking Hacker News")
            answer = self._client.request(
                "GET",
                "/search",
                params={
                    "tags": "story",
                    "numericFilters": f"created_at_i>={int(since.timestamp())},points>={LEAST_POINTS}",
                    "hitsPerPage": PER_PAGE,
                    "page": page,
                },
                deadline_seconds=DEADLINE_SECONDS,
                cancelled=wish.cancelled,
            ).json()
            hits = objects(answer.get("hits") if isinstance(answer, dict) else None, "hackernews", Sentence("stories"))
            for hit in hits:
                read += 1
                row = _row(hit)
                if row is None:
                    left_out += 1
                else:
                    rows.setdefault(row.video_id, row)
            if len(hits) < PER_PAGE:
                break
        if not rows:
            raise BadInput("Hacker News lists no story with a hundred points in this window. Take the last 30 days.")
        return TrendTable(
            rows=tuple(rows.values()),
            rows_read=read,
            left_out={"no title, points or date": left_out} if left_out else {},
            source_kind="stories",
            source_label=f"Hacker News, {wish.today.isoformat()}",
            columns={},
            encoding="utf-8",
            measure=Sentence(
                "points on Hacker News as of %(day)s; stories with %(least)s or more",
                day=wish.today.isoformat(),
                least=LEAST_POINTS,
            ),
            dating="published",
        )


def _row(hit: dict[str, Any]) -> TrendRow | None:
    title, story = text_of(hit.get("title")), text_of(hit.get("objectID"), 20)
    made, points = count_of(hit.get("created_at_i")), count_of(hit.get("points"))
    if not (title and story.isdecimal() and points and 0 < made < 4_000_000_000):
        return None
    day = datetime.fromtimestamp(made, UTC).date().isoformat()
    try:
        host = urlsplit(text_of(hit.get("url"), 2000)).hostname or ""
    except ValueError:
        host = ""
    return TrendRow(
        video_id=f"hn-{story}",
        title=title,
        channel=host.removeprefix("www.")[:120] or text_of(hit.get("author"), 60) or "Hacker News",
        category_id="",
        published_at=day,
        date=day,
        tags_text="",
        views=points,
        likes=0,
        comments=count_of(hit.get("num_comments")),
        url=f"https://news.ycombinator.com/item?id={story}",
        summary="",
    )
