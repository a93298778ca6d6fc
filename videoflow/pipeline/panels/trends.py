"""The trending panel: themes with their evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from videoflow.pipeline.board import Board
from videoflow.pipeline.evidence import theme_ids_of
from videoflow.pipeline.models import (
    Project,
    Theme,
    TrendReport,
    TrendVideo,
)
from videoflow.pipeline.panels.base import Content
from videoflow.pipeline.panels.live_sources import live_content
from videoflow.providers.embedded_writer.theme_facts import measure_unit

EVIDENCE_SHOWN = 8
SPARK_WIDTH, SPARK_HEIGHT = 200.0, 40.0
STALE_DAYS = 30
USED_TASKS = 200
"""So many scripts of a creator are looked through for the themes that were used."""
VIEW_STEPS = ((100_000, "100K"), (1_000_000, "1M"), (10_000_000, "10M"), (50_000_000, "50M"))
SORTS: Mapping[str, Callable[[Theme], float]] = {
    "score": lambda theme: theme.score,
    "views": lambda theme: theme.views,
    "growth": lambda theme: theme.views_gained_per_day if theme.views_gained_per_day is not None else -1.0,
}


@dataclass(frozen=True, slots=True)
class ThemeCard:
    theme: Theme
    videos: Sequence[TrendVideo]
    more: int
    """How many rows behind the theme are not listed."""
    spark: str
    """Points of a line of views by day in a 200 x 40 box; empty with one day only."""
    days: tuple[str, str] | None
    parts: list[tuple[str, float]]
    is_picked: bool
    is_used: bool
    """A video of the same creator is about this theme already."""
    is_shown: bool
    """The filters let it through; what is picked stays in sight."""


@dataclass(frozen=True, slots=True)
class ThemeGroup:
    name: str
    rank: int
    views: int
    videos: int
    channels: int
    cards: list[ThemeCard]
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What the address asks of the board."""

    category: str = ""
    search: str = ""
    views: int = 0
    sort: str = ""
    """One of SORTS; empty keeps the categories apart."""
    hide_used: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "BoardFilter":
        """Read an address; what makes no sense there is left out."""
        views, sort = query.get("views", ""), query.get("sort", "")
        return cls(
            category=query.get("category", "")[:64],
            search=" ".join(query.get("q", "")[:100].split()),
            views=int(views) if views in {str(step) for step, _label in VIEW_STEPS} else 0,
            sort=sort if sort in SORTS else "",
            hide_used=query.get("hide", "") == "1",
        )

    @property
    def is_set(self) -> bool:
        return self != BoardFilter()

    def lets_through(self, theme: Theme, videos: Sequence[TrendVideo], *, is_used: bool) -> bool:
        if (self.category and theme.category_id != self.category) or theme.views < self.views or (self.hide_used and is_used):
            return False
        told = [theme.label, theme.category, *map(str, theme.keywords)]
        told += [f"{video.title} {video.channel}" for video in videos]
        text = " ".join(told).casefold()
        return all(word in text for word in self.search.casefold().split())


def spark_points(videos: Sequence[TrendVideo]) -> tuple[str, tuple[str, str] | None]:
    """Return the line of the views of these videos together, day by day, and its first and last day.

    A video counts on every day, with its first figure before it was listed and with its last one afterwards: the line shows what
    was gained and not how many videos were listed.
    """
    days = sorted({day for video in videos for day, _ in video.days})
    if len(days) < 2:
        return "", None
    totals = []
    for day in days:
        total = 0
        for video in videos:
            known = [views for listed, views in video.days if listed <= day]
            total += known[-1] if known else (video.days[0][1] if video.days else 0)
        totals.append(total)
    low, high = min(totals), max(totals)
    spread = (high - low) or 1
    step = SPARK_WIDTH / (len(totals) - 1)
    points = [
        f"{index * step:.1f},{SPARK_HEIGHT - 3 - (SPARK_HEIGHT - 6) * (total - low) / spread:.1f}"
        for index, total in enumerate(totals)
    ]
    return " ".join(points), (days[0], days[-1])


def _theme_card(theme: Theme, picked: set[int], used: set[tuple[str, str]], wanted: BoardFilter) -> ThemeCard:
    videos = list(theme.videos.all())
    points, days = spark_points(videos)
    parts = [(name, float(value)) for name, value in theme.score_parts.items() if isinstance(value, int | float)]
    is_picked, is_used = theme.pk in picked, (theme.category_id, theme.label.casefold()) in used
    return ThemeCard(
        theme,
        videos[:EVIDENCE_SHOWN],
        max(0, len(videos) - EVIDENCE_SHOWN),
        points,
        days,
        parts,
        is_picked,
        is_used,
        is_picked or wanted.lets_through(theme, videos, is_used=is_used),
    )


def _picked(report: TrendReport, board: Board) -> set[int]:
    """Return what is ticked on the board; before anything was, what the script was made from."""
    if report.picks is not None:
        return set(report.picks)
    return set(theme_ids_of(board.stage("script_generation").task))


def _used(project: Project) -> set[tuple[str, str]]:
    """Return (category, label) of the themes that the creator's other videos are about; two queries."""
    scripts = project.session.tasks.filter(task_type="script_generation").exclude(project=project)
    # Without "session" the relation would ask for it row by row.
    recent = scripts.order_by("-created_at").only("session", "input_data", "result_data")[:USED_TASKS]
    themes = {theme for task in recent for theme in theme_ids_of(task) if isinstance(theme, int)}
    rows = Theme.objects.filter(pk__in=themes).values_list("category_id", "label")
    return {(category, label.casefold()) for category, label in rows}


def days_old(report: TrendReport) -> int | None:
    """Return how many days ago the newest day of the file was; None where the file says no day."""
    try:
        return (timezone.localdate() - date.fromisoformat(report.window_end[:10])).days
    except ValueError:
        return None


def _groups(report: TrendReport, cards: Sequence[ThemeCard], wanted: BoardFilter) -> list[ThemeGroup]:
    """Return the cards by category, or all in one row where another order is asked for."""
    if wanted.sort:
        rank = SORTS[wanted.sort]
        ordered = sorted(cards, key=lambda card: rank(card.theme), reverse=True)
        shown = any(card.is_shown for card in ordered)
        return [ThemeGroup(_("All categories"), 1, 0, 0, 0, ordered, shown)] if ordered else []
    groups = []
    for category in sorted(report.categories, key=lambda category: category["rank"]):
        own = [card for card in cards if card.theme.category_id == category["category_id"]]
        own.sort(key=lambda card: card.theme.rank)
        if own:
            facts = {name: category[name] for name in ("name", "rank", "views", "videos", "channels")}
            groups.append(ThemeGroup(**facts, cards=own, is_shown=any(card.is_shown for card in own)))
    return groups


def trends_content(project: Project, board: Board, query: Mapping[str, str]) -> Content:
    """The newest report: its themes by category, with the rows behind them; five queries."""
    report: TrendReport | None = project.reports.first()
    task = board.stage("trending_analysis").task
    live = live_content(project.session, task.input_data if task else {})
    if report is None:
        return {"report": None, **live}
    wanted = BoardFilter.of(query)
    picked, used = _picked(report, board), _used(project)
    rows = report.themes.prefetch_related(Prefetch("videos", queryset=TrendVideo.objects.order_by("-views")))
    cards = [_theme_card(theme, picked, used, wanted) for theme in rows]
    categories = _groups(report, cards, BoardFilter())
    age = days_old(report)
    return {
        **live,
        "report": report,
        "unit": measure_unit(report.measure),
        "has_scores": any(card.parts for card in cards),
        "filter": wanted,
        "view_steps": VIEW_STEPS,
        "categories": categories,
        "groups": _groups(report, cards, wanted),
        "theme_count": len(cards),
        "shown_count": sum(card.is_shown for card in cards),
        "used_count": sum(card.is_used for card in cards),
        "left_out": sum(report.rows_left_out.values()),
        "top_views": max((group.views for group in categories), default=1),
        "days_old": age,
        "is_stale": age is not None and age > STALE_DAYS,
    }
