"""Trends: read a file of trending videos and find what is being watched."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from videoflow.crash_points import crash_point
from videoflow.errors import BadInput
from videoflow.pipeline.models import Project, SourceFile, Theme, TrendReport, TrendVideo
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageOutput
from videoflow.pipeline.store import media_path
from videoflow.providers import base
from videoflow.providers.embedded_trends import sample_path, trends_analyse, trends_read

SAMPLE = "sample"


class TrendingInput(StageInput):
    source: str = Field(default=SAMPLE, description="`sample`, or the id of an imported file.")
    window: Literal["weekly", "monthly"] = "weekly"
    categories: list[str] = Field(
        default_factory=list, max_length=40, description="Category ids or names; empty: the most watched."
    )
    region: str = Field(default="US", max_length=8)
    mapping: dict[str, str] = Field(default_factory=dict, max_length=40, description="Our field -> the file's column.")


def _source(project: Project, source: str) -> tuple[Path, str]:
    """Return the table's file and what it is called.

    Raises:
        BadInput: there is no such file, or it is another session's.
    """
    if source == SAMPLE:
        return sample_path(), "packaged sample, US trending videos of August 2020"
    try:
        file = SourceFile.objects.get(pk=UUID(source), session_id=project.session_id)
    except (ValueError, SourceFile.DoesNotExist):
        raise BadInput(
            "The imported file is not there any more. Import it again, or take the sample.",
            code="SOURCE_NOT_FOUND",
            details={"source": "there is no such file"},
        ) from None
    return media_path(file.path), file.name


def ready(project: Project, options: TrendingInput) -> None:
    _source(project, options.source)


def run(context: StageContext) -> StageOutput:
    options: TrendingInput = context.input
    path, label = _source(context.project, options.source)
    context.report(0.05, f"Reading {label}")
    table = trends_read(path, file_name=label, mapping=options.mapping or None)
    crash_point(STAGE.name, "source_read")
    context.check()
    context.report(0.5, f"Looking for themes in {len(table.rows):,} rows")
    analysis = trends_analyse(table, window=options.window, region=options.region, categories=options.categories)
    crash_point(STAGE.name, "analysed")
    context.check()

    def save() -> dict[str, object]:
        report = TrendReport.objects.create(
            project=context.project,
            task=context.task,
            source_label=analysis.source_label[:255],
            source_kind=analysis.source_kind,
            window=analysis.window,
            window_start=analysis.window_start,
            window_end=analysis.window_end,
            rows_read=analysis.rows_read,
            rows_used=analysis.rows_used,
            rows_left_out=dict(analysis.rows_left_out),
            categories=[asdict(category) for category in analysis.categories],
            measure=analysis.measure[:400],
            provider="embedded",
        )
        videos = {video.video_id: video for theme in analysis.themes for video in theme.videos}
        rows = TrendVideo.objects.bulk_create([_video_row(report, video) for video in videos.values()])
        by_id = {row.video_id: row for row in rows}
        for theme in analysis.themes:
            row = Theme.objects.create(
                report=report,
                label=theme.label[:200],
                category_id=theme.category_id,
                category=theme.category[:100],
                rank=theme.rank,
                score=theme.score,
                score_parts=dict(theme.score_parts),
                views=theme.views,
                views_gained_per_day=theme.views_gained_per_day,
                channels=theme.channels,
                keywords=list(theme.keywords),
            )
            row.videos.set([by_id[video.video_id] for video in theme.videos])
        return {"report_id": report.pk, "themes": [theme.label for theme in analysis.themes]}

    return StageOutput(f"{len(analysis.themes)} themes in {len(analysis.categories)} categories", save)


def _video_row(report: TrendReport, video: base.TrendVideo) -> TrendVideo:
    return TrendVideo(
        report=report,
        video_id=video.video_id[:64],
        title=video.title[:500],
        channel=video.channel[:200],
        category_id=video.category_id,
        published_at=video.published_at[:40],
        tags=list(video.tags),
        days=[list(day) for day in video.days],
        views=video.views,
        likes=video.likes,
        comments=video.comments,
        url=video.url[:500],
    )


STAGE = Stage(
    name="trending_analysis",
    label=_("Trends"),
    order=10,
    queue="io",
    component="trending_analysis",
    input_schema=TrendingInput,
    ready=ready,
    run=run,
)
