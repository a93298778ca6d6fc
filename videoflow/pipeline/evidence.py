"""From the rows of a trend report back to the plain shapes that writers work on."""

from collections.abc import Sequence

from videoflow.pipeline.models import Theme, TrendReport, TrendVideo
from videoflow.providers import base
from videoflow.tasks.models import Task


def _video(row: TrendVideo) -> base.TrendVideo:
    return base.TrendVideo(
        video_id=row.video_id,
        title=row.title,
        channel=row.channel,
        category_id=row.category_id,
        published_at=row.published_at,
        tags=tuple(row.tags),
        days=tuple((day, views) for day, views in row.days),
        likes=row.likes,
        comments=row.comments,
        url=row.url,
    )


def theme_read(row: Theme) -> base.Theme:
    """Return the theme with its videos, most watched first; one query."""
    return base.Theme(
        label=row.label,
        category_id=row.category_id,
        category=row.category,
        rank=row.rank,
        score=row.score,
        score_parts=row.score_parts,
        views=row.views,
        views_gained_per_day=row.views_gained_per_day,
        channels=row.channels,
        videos=tuple(_video(video) for video in row.videos.order_by("-views", "pk")),
        keywords=tuple(row.keywords),
    )


def analysis_read(report: TrendReport, themes: Sequence[base.Theme]) -> base.TrendAnalysis:
    """Return the report as the analysis it was stored from, with the given themes."""
    return base.TrendAnalysis(
        source_label=report.source_label,
        source_kind=report.source_kind,
        window="monthly" if report.window == "monthly" else "weekly",
        window_start=report.window_start,
        window_end=report.window_end,
        rows_read=report.rows_read,
        rows_used=report.rows_used,
        rows_left_out=report.rows_left_out,
        categories=tuple(base.TrendCategory(**category) for category in report.categories),
        themes=tuple(themes),
        measure=report.measure,
    )


def theme_ids_of(task: Task | None) -> list[int]:
    """Return the keys of the themes that a script's task is about: what it noted at its end, before that what was chosen."""
    if task is None:
        return []
    found: list[int] = (task.result_data or {}).get("picked_theme_ids") or task.input_data.get("theme_ids") or []
    return found
