"""The most viewed videos that were published in the window, category by category, by the YouTube Data API.

mostPopular has been the charts of music, films and games only since 2025-07-21, so each category is searched by views and its
videos' statistics are read. Views gained come from our own counts of days before.
Source: https://developers.google.com/youtube/v3/docs
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from videoflow.errors import BadInput
from videoflow.providers.base import ProviderError, TrendAnalysis
from videoflow.providers.embedded_trends import TrendRow, TrendTable
from videoflow.providers.live_trends.sources import DEADLINE_SECONDS, LiveWish, count_of, no_answer, objects, text_of
from videoflow.providers.net import ServiceRefused
from videoflow.providers.registry import Access, provider
from videoflow.providers.youtube.errors import QuotaSpent
from videoflow.providers.youtube.quota import COSTS, Bucket
from videoflow.sentences import Sentence

PER_PAGE = 50
CATEGORIES_MOST = 16
_API = "/youtube/v3"
_DAY_STOP = {"quotaExceeded", "dailyLimitExceeded"}
_NO_CHART = {"videoChartNotFound", "invalidVideoCategoryId"}
_ID = re.compile(r"[A-Za-z0-9_-]{11}")


@dataclass(frozen=True, slots=True)
class _Category:
    category_id: str
    name: str


@provider("trends", "youtube")
class YouTubeTrends:
    def __init__(self, access: Access) -> None:
        self._client = access.client

    def table(self, wish: LiveWish) -> TrendTable:
        """Return up to 50 videos of each category with today's counts and the counts of days before.

        Costs one search a category and about as many units; a chosen list of categories costs less.

        Raises:
            QuotaSpent: the day's allowance of searches or units is used up.
        """
        region = wish.region.upper()
        if not re.fullmatch(r"[A-Z]{2}", region):
            raise BadInput(
                Sentence("“%(region)s” is no country's code. Give two letters, such as US.", region=wish.region),
                details={"region": "unknown"},
            )
        categories = self._categories(wish, region)
        videos: dict[str, dict[str, Any]] = {}
        without: list[str] = []
        for number, category in enumerate(categories):
            wish.report(number / len(categories), Sentence("Asking YouTube about %(name)s", name=category.name))
            found = self._videos(self._search(category, wish, region), wish)
            if not found:
                without.append(category.name)
            videos.update(found)
        rows, left_out = _rows(videos, wish)
        if not rows:
            raise BadInput(
                Sentence(
                    "YouTube lists no videos of this window for %(region)s. Take the last 30 days or another country.",
                    region=region,
                )
            )
        if without:
            left_out[f"categories without videos: {', '.join(without)}"] = len(without)
        return TrendTable(
            rows=tuple(rows),
            rows_read=len(videos),
            left_out=left_out,
            source_kind="youtube_api",
            source_label=Sentence("YouTube, %(region)s, fetched %(day)s", region=region, day=wish.today.isoformat()),
            columns={},
            encoding="utf-8",
            measure=Sentence(
                "views on YouTube as of %(day)s, most viewed among videos published in the last %(days)s days",
                day=wish.today.isoformat(),
                days=wish.days,
            ),
            dating="counted",
        )

    def _call(self, method: str, resource: str, params: Mapping[str, Any], wish: LiveWish) -> dict[str, Any]:
        bucket, cost = COSTS[method]
        wish.spend(bucket, cost)
        try:
            answer = self._client.request(
                "GET",
                f"{_API}/{resource}",
                params=params,
                deadline_seconds=DEADLINE_SECONDS,
                cancelled=wish.cancelled,
            ).json()
        except ProviderError as error:
            _day_stop(error, bucket, wish.now)
            raise
        if not isinstance(answer, dict) or "error" in answer:
            no_answer("youtube", Sentence("a list"))
        return answer

    def _categories(self, wish: LiveWish, region: str) -> list[_Category]:
        answer = self._call("videoCategories.list", "videoCategories", {"part": "snippet", "regionCode": region}, wish)
        found = []
        for item in objects(answer.get("items"), "youtube", Sentence("categories")):
            snippet = item.get("snippet")
            number = text_of(item.get("id"), 8)
            if number.isdecimal() and isinstance(snippet, dict) and snippet.get("assignable") is True:
                found.append(_Category(number, text_of(snippet.get("title"), 60) or f"Category {number}"))
        wanted = {category.strip().casefold() for category in wish.categories}
        chosen = [entry for entry in found if not wanted or {entry.category_id, entry.name.casefold()} & wanted]
        if not chosen:
            names = ", ".join(entry.name for entry in found[:12])
            raise BadInput(
                Sentence("YouTube has none of these categories in %(region)s. It has %(names)s.", region=region, names=names),
                details={"categories": "unknown"},
            )
        return chosen[:CATEGORIES_MOST]

    def _search(self, category: _Category, wish: LiveWish, region: str) -> list[str]:
        since = datetime.combine(wish.today - timedelta(days=wish.days - 1), time(), UTC)
        params = {
            "part": "snippet",
            "type": "video",
            "order": "viewCount",
            "publishedAfter": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "videoCategoryId": category.category_id,
            "regionCode": region,
            "maxResults": PER_PAGE,
            "safeSearch": "moderate",
        }
        try:
            answer = self._call("search.list", "search", params, wish)
        except ServiceRefused as error:
            if error.reason in _NO_CHART:
                return []  # a category of this country without videos
            raise
        found = [item.get("id") for item in objects(answer.get("items"), "youtube", Sentence("videos"))]
        ids = [text_of(entry.get("videoId"), 20) for entry in found if isinstance(entry, dict)]
        return list(dict.fromkeys(entry for entry in ids if _ID.fullmatch(entry)))[:PER_PAGE]

    def _videos(self, ids: Sequence[str], wish: LiveWish) -> dict[str, dict[str, Any]]:
        if not ids:
            return {}
        params = {"part": "snippet,statistics", "id": ",".join(ids), "maxResults": PER_PAGE}
        answer = self._call("videos.list", "videos", params, wish)
        items = objects(answer.get("items"), "youtube", Sentence("videos"))
        asked = set(ids)
        return {item["id"]: item for item in items if isinstance(item.get("id"), str) and item["id"] in asked}


def _day_stop(error: ProviderError, bucket: Bucket, now: datetime) -> None:
    """Turn a refusal that lasts until the day ends into one that says when that is."""
    reason, status = error.details.get("reason"), error.details.get("status")
    if reason in _DAY_STOP or (status == 429 and "per day" in str(error)):
        raise QuotaSpent(bucket, now=now, is_told=True) from error


def _rows(videos: Mapping[str, dict[str, Any]], wish: LiveWish) -> tuple[list[TrendRow], dict[str, int]]:
    rows: list[TrendRow] = []
    unusable = 0
    today = wish.today.isoformat()
    first = (wish.today - timedelta(days=wish.days - 1)).isoformat()
    for item in videos.values():
        row = _row(item, today)
        if row is None:
            unusable += 1
        else:
            rows.append(row)
    by_id = {row.video_id: row for row in rows}
    for known in wish.snapshots(list(by_id)):
        now = by_id.get(known.video_id)
        if now is not None and first <= known.day < today:
            rows.append(replace(now, date=known.day, views=known.views, likes=known.likes, comments=known.comments))
    return rows, {"no title or view count": unusable} if unusable else {}


def _row(item: Mapping[str, Any], today: str) -> TrendRow | None:
    snippet, statistics = item.get("snippet"), item.get("statistics")
    if not isinstance(snippet, dict) or not isinstance(statistics, dict):
        return None
    title, views = text_of(snippet.get("title")), count_of(statistics.get("viewCount"))
    if not title or not views:
        return None
    tags = snippet.get("tags")
    return TrendRow(
        video_id=item["id"],
        title=title,
        channel=text_of(snippet.get("channelTitle"), 120) or "Unnamed channel",
        category_id=text_of(snippet.get("categoryId"), 8),
        published_at=text_of(snippet.get("publishedAt"), 20)[:10],
        date=today,
        tags_text="|".join(text_of(tag, 60).replace("|", " ") for tag in tags[:30]) if isinstance(tags, list) else "",
        views=views,
        likes=count_of(statistics.get("likeCount")),
        comments=count_of(statistics.get("commentCount")),
        url=f"https://www.youtube.com/watch?v={item['id']}",
        summary="",
    )


def themes_plain(analysis: TrendAnalysis) -> TrendAnalysis:
    """Return the analysis without figures that YouTube did not give: no score, no growth, themes ranked by their views.

    YouTube's terms allow no derived metric in the place of its own to whoever has not been audited.
    """
    by_category: dict[str, int] = {}
    themes = []
    for theme in sorted(analysis.themes, key=lambda theme: -theme.views):
        rank = by_category[theme.category_id] = by_category.get(theme.category_id, 0) + 1
        themes.append(replace(theme, rank=rank, score=0.0, score_parts={}, views_gained_per_day=None))
    order = {category.category_id: number for number, category in enumerate(analysis.categories)}
    themes.sort(key=lambda theme: (order.get(theme.category_id, 99), theme.rank))
    return replace(analysis, themes=tuple(themes))
