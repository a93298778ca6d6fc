"""The trending panel: themes with their evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch

from videoflow.pipeline.board import Board
from videoflow.pipeline.models import (
    Project,
    Theme,
    TrendReport,
    TrendVideo,
)
from videoflow.pipeline.panels.base import Content

EVIDENCE_SHOWN = 8
SPARK_WIDTH, SPARK_HEIGHT = 200.0, 40.0


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


@dataclass(frozen=True, slots=True)
class ThemeGroup:
    name: str
    rank: int
    views: int
    videos: int
    channels: int
    cards: list[ThemeCard]


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


def _theme_card(theme: Theme, picked: set[int]) -> ThemeCard:
    videos = list(theme.videos.all())
    points, days = spark_points(videos)
    parts = [(name, float(value)) for name, value in theme.score_parts.items() if isinstance(value, int | float)]
    return ThemeCard(
        theme, videos[:EVIDENCE_SHOWN], max(0, len(videos) - EVIDENCE_SHOWN), points, days, parts, theme.pk in picked
    )


def trends_content(project: Project, board: Board) -> Content:
    """The newest report: its themes by category, with the rows behind them; three queries."""
    report: TrendReport | None = project.reports.first()
    if report is None:
        return {"report": None}
    script_task = board.stage("script_generation").task
    picked = set(script_task.input_data.get("theme_ids") or []) if script_task else set()
    rows = report.themes.prefetch_related(Prefetch("videos", queryset=TrendVideo.objects.order_by("-views")))
    cards = [_theme_card(theme, picked) for theme in rows]
    ranked = sorted(report.categories, key=lambda category: category["rank"])
    groups = [
        ThemeGroup(
            category["name"],
            category["rank"],
            category["views"],
            category["videos"],
            category["channels"],
            sorted(
                (card for card in cards if card.theme.category_id == category["category_id"]), key=lambda card: card.theme.rank
            ),
        )
        for category in ranked
    ]
    return {
        "report": report,
        "groups": [group for group in groups if group.cards],
        "theme_count": len(cards),
        "left_out": sum(report.rows_left_out.values()),
        "top_views": max((group.views for group in groups), default=1),
        "has_days": any(card.spark for card in cards),
    }
