"""Themes of a trends feed: the search terms themselves, with the headlines that report on them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from videoflow.providers.base import Theme, TrendCategory, TrendVideo
from videoflow.providers.embedded_trends.labels import label_search
from videoflow.providers.embedded_trends.table import TrendRow
from videoflow.providers.embedded_trends.themes import Whole, theme_weigh

_THEMES_MOST = 9


def searches_choose(rows: Sequence[TrendRow], category: TrendCategory, *, count: int) -> list[Theme]:
    """Return the most searched terms as themes. The term's own entry carries the searches; its headlines have no count of
    their own.
    """
    by_term: dict[str, list[TrendRow]] = defaultdict(list)
    for row in rows:
        by_term[row.term.casefold()].append(row)
    whole = Whole(category.category_id, category.name, category.views, None)
    themes = []
    for listed in by_term.values():
        own = [row for row in listed if row.title == row.term]
        news = [row for row in listed if row.title != row.term]
        if not own:
            continue
        videos = [_video(own), *(_video([row]) for row in news)]
        weight = theme_weigh(videos, whole, category.videos, _days_between(videos))
        outlets = {row.channel for row in news}
        label = label_search(own[0].term, [row.title for row in news])
        themes.append(
            Theme(
                label=label,
                category_id=category.category_id,
                category=category.name,
                rank=0,
                score=weight.score,
                score_parts=weight.parts,
                views=weight.views,
                views_gained_per_day=None if weight.gained_per_day is None else round(weight.gained_per_day, 1),
                channels=max(len(outlets), 1),
                videos=tuple(videos),
                keywords=(label,),
            )
        )
    themes.sort(key=lambda theme: (-theme.score, theme.label))
    return [replace(theme, rank=rank) for rank, theme in enumerate(themes[: min(count, _THEMES_MOST)], 1)]


def _days_between(videos: Sequence[TrendVideo]) -> dict[tuple[str, str], int]:
    """Return the days from the first to the last count of those that were counted on several."""
    pairs = {(video.days[0][0], video.days[-1][0]) for video in videos if len(video.days) > 1}
    return {(first, last): (date.fromisoformat(last) - date.fromisoformat(first)).days for first, last in pairs}


def _video(listed: Sequence[TrendRow]) -> TrendVideo:
    row = listed[-1]
    days = tuple(sorted({(entry.date, entry.views) for entry in listed}))
    return TrendVideo(row.video_id, row.title, row.channel, row.category_id, row.published_at, row.tags, days, 0, 0, row.url)
