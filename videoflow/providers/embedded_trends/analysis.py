"""From a table to the report: the window, the most watched categories, and their themes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from videoflow.errors import BadInput
from videoflow.providers.base import Theme, TrendAnalysis, TrendCategory, TrendVideo
from videoflow.providers.embedded_trends.lexicon import category_names
from videoflow.providers.embedded_trends.phrases import PhraseIndex
from videoflow.providers.embedded_trends.searches import searches_choose
from videoflow.providers.embedded_trends.table import TrendRow, TrendTable
from videoflow.providers.embedded_trends.themes import Whole, themes_choose
from videoflow.providers.embedded_trends.titles import channel_key, phrases
from videoflow.sentences import Sentence

CATEGORIES_MAX = 5
THEMES_PER_CATEGORY = 3
WINDOW_DAYS = {"weekly": 7, "monthly": 30}
_VIDEOS_PER_CATEGORY = 1000
"""Themes are looked for among a category's most watched videos; what nobody watched cannot carry one."""
_MENTIONS_MAX = 40
"""A phrase in more titles than this is no story of one video."""
_OUTSIDE = Sentence("outside the window")
_OTHER_CATEGORY = Sentence("in a category that was not asked for")
_UNCATEGORISED = "all"
_UNNAMED = {"rss": "All entries", "pageviews": "All articles", "stories": "All stories"}


@dataclass(frozen=True, slots=True)
class _Group:
    category: TrendCategory
    gained_per_day: float | None
    videos: tuple[TrendVideo, ...]
    """The most watched ones, most watched first."""


def trends_analyse(
    table: TrendTable, *, window: Literal["weekly", "monthly"], region: str = "US", categories: Sequence[str] = ()
) -> TrendAnalysis:
    """Return the five most watched categories of the window that ends with the table's newest day, and three themes in each.

    ``categories`` keeps only those ids or names. A video counts with its highest count inside the window. See
    ``themes.Weight`` for
    the score. The same table gives the same report.

    Raises:
        BadInput: the window is unknown, or no row falls in it and in the categories.
    """
    if window not in WINDOW_DAYS:
        raise BadInput("The window is either weekly or monthly.")
    end = max(row.date for row in table.rows)
    start = (date.fromisoformat(end) - timedelta(days=WINDOW_DAYS[window] - 1)).isoformat()
    left_out = Counter(table.left_out)
    rows: Sequence[TrendRow] = table.rows
    if table.dating == "period":
        start = table.period_start or start
    else:
        rows = [row for row in table.rows if row.date >= start]
        left_out[_OUTSIDE] += len(table.rows) - len(rows)
    names = {category_id: _category_name(category_id, table, region) for category_id in {row.category_id for row in rows}}
    if categories:
        wanted = {category.strip().casefold() for category in categories}
        kept = [row for row in rows if row.category_id.casefold() in wanted or names[row.category_id].casefold() in wanted]
        left_out[_OTHER_CATEGORY] += len(rows) - len(kept)
        if not kept:
            found = ", ".join(sorted(set(names.values()))[:12])
            raise BadInput(
                Sentence("No row is in the categories you asked for; the file has %(found)s.", found=found),
                details={"categories": sorted(names)},
            )
        rows = kept
    rows_groups = _groups(rows, names)
    groups = rows_groups[:CATEGORIES_MAX]
    summaries = {row.video_id: row.summary for row in rows if row.summary}
    themes: list[Theme] = []
    if any(row.term for row in rows):
        themes = searches_choose(rows, groups[0].category, count=CATEGORIES_MAX * THEMES_PER_CATEGORY)
    else:
        mentions = _mentions(rows_groups)
        for group in groups:
            taken = {theme.label for theme in themes}
            themes += [_told_apart(theme, taken) for theme in _themes_of(group, summaries, mentions)]
    return TrendAnalysis(
        source_label=table.source_label,
        source_kind=table.source_kind,
        window=window,
        window_start=start,
        window_end=end,
        rows_read=table.rows_read,
        rows_used=len(rows),
        rows_left_out={reason: count for reason, count in left_out.items() if count},
        categories=tuple(group.category for group in groups),
        themes=tuple(themes),
        measure=table.measure,
    )


def _told_apart(theme: Theme, taken: set[str]) -> Theme:
    """Add the category to a name that a more watched category has already."""
    return replace(theme, label=f"{theme.label} in {theme.category}") if theme.label in taken else theme


def _category_name(category_id: str, table: TrendTable, region: str) -> str:
    if not category_id:
        return _UNNAMED.get(table.source_kind, "All videos")
    if category_id.isdigit():
        return category_names(region).get(category_id, f"Category {category_id}")
    return category_id


def _groups(rows: Sequence[TrendRow], names: Mapping[str, str]) -> list[_Group]:
    """Return the categories with their videos, most watched first."""
    days: dict[str, list[TrendRow]] = defaultdict(list)
    for row in rows:
        days[row.video_id].append(row)
    members: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for video_id, listed in days.items():
        if len(listed) > 1:
            listed.sort(key=lambda row: row.date)
        members[listed[-1].category_id].append((-max(row.views for row in listed), video_id))
    totals = {category_id: -sum(views for views, _ in videos) for category_id, videos in members.items()}
    order = sorted(members, key=lambda category_id: (-totals[category_id], -len(members[category_id]), category_id))
    groups = []
    for rank, category_id in enumerate(order, 1):
        ordered = sorted(members[category_id])
        category = TrendCategory(
            category_id=category_id or _UNCATEGORISED,
            name=names[category_id],
            rank=rank,
            views=totals[category_id],
            videos=len(ordered),
            channels=len({channel_key(channel) for channel in {days[video_id][-1].channel for _, video_id in ordered}}),
        )
        gained = _gained_per_day(days[video_id] for _, video_id in ordered)
        groups.append(_Group(category, gained, tuple(_video(days[video_id]) for _, video_id in ordered[:_VIDEOS_PER_CATEGORY])))
    return groups


def _gained_per_day(videos: Iterable[Sequence[TrendRow]]) -> float | None:
    gains = [
        (listed[-1].views - listed[0].views) / (date.fromisoformat(listed[-1].date) - date.fromisoformat(listed[0].date)).days
        for listed in videos
        if len(listed) > 1
    ]
    return max(sum(gains), 0.0) if gains else None


def _video(listed: Sequence[TrendRow]) -> TrendVideo:
    last = listed[-1]
    return TrendVideo(
        video_id=last.video_id,
        title=last.title,
        channel=last.channel,
        category_id=last.category_id,
        published_at=last.published_at,
        tags=last.tags,
        days=tuple((row.date, row.views) for row in listed),
        likes=max(row.likes for row in listed),
        comments=max(row.comments for row in listed),
        url=last.url,
    )


def _mentions(groups: Sequence[_Group]) -> dict[str, list[TrendVideo]]:
    """Return the title phrases of every category with their videos, most watched first."""
    mentions: dict[str, list[TrendVideo]] = defaultdict(list)
    for group in groups:
        for video in group.videos:
            for key in {key for key, _ in phrases(video.title)}:
                mentions[key].append(video)
    return {key: videos for key, videos in mentions.items() if 1 < len(videos) <= _MENTIONS_MAX}


def _themes_of(group: _Group, summaries: Mapping[str, str], mentions: Mapping[str, Sequence[TrendVideo]]) -> list[Theme]:
    own = {video.video_id for video in group.videos}
    elsewhere = {
        key: others
        for key, videos in mentions.items()
        if (others := [video for video in videos if video.video_id not in own]) and len(others) < len(videos)
    }
    days_of = [video.days for video in group.videos] + [video.days for videos in elsewhere.values() for video in videos]
    pairs = {(days[0][0], days[-1][0]) for days in days_of if len(days) > 1}
    days_between = {(first, last): (date.fromisoformat(last) - date.fromisoformat(first)).days for first, last in pairs}
    whole = Whole(group.category.category_id, group.category.name, group.category.views, group.gained_per_day)
    index = PhraseIndex(group.videos, summaries)
    return themes_choose(index, whole, days_between, elsewhere, count=THEMES_PER_CATEGORY)
