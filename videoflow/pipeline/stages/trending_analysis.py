"""Trends: read a file of trending videos, or ask a live source, and find what is being watched."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from pydantic import Field

from videoflow.crash_points import crash_point
from videoflow.errors import BadInput
from videoflow.pipeline.connections import choice_of
from videoflow.pipeline.live_sources import LiveQuestion, live_table, question_check, shows_derived
from videoflow.pipeline.models import Project, SourceFile, Theme, TrendReport, TrendVideo
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageOutput
from videoflow.pipeline.store import files_fetch, media_path
from videoflow.providers import base
from videoflow.providers.embedded_trends import TrendTable, sample_path, trends_analyse, trends_read
from videoflow.providers.live_trends import FEEDS_SOURCE, LIVE_SOURCES, themes_plain
from videoflow.providers.services import EMBEDDED
from videoflow.sentences import Sentence

SAMPLE = "sample"


class TrendingInput(StageInput):
    source: str = Field(
        default=SAMPLE, description="`sample`, the id of an imported file, or a live source: `youtube`, `hackernews`, …"
    )
    window: Literal["weekly", "monthly"] = "weekly"
    categories: list[str] = Field(
        default_factory=list, max_length=40, description="Category ids or names; empty: the most watched."
    )
    region: str = Field(default="US", max_length=8)
    language: str = Field(default="en", max_length=16, description="Of Wikipedia.")
    feeds: list[str] = Field(default_factory=list, max_length=10, description="Addresses of feeds, for `rss`.")
    mapping: dict[str, str] = Field(default_factory=dict, max_length=40, description="Our field -> the file's column.")


def _source(project: Project, source: str) -> tuple[Path, str]:
    """Return the table's file and what it is called.

    Raises:
        BadInput: there is no such file, or it is another session's.
    """
    if source == SAMPLE:
        return sample_path(), Sentence("packaged sample, US trending videos of August 2020")
    try:
        file = SourceFile.objects.get(pk=UUID(source), session_id=project.session_id)
    except (ValueError, SourceFile.DoesNotExist):
        raise BadInput(
            "The imported file is not there any more. Import it again, or take the sample.",
            code="SOURCE_NOT_FOUND",
            details={"source": "there is no such file"},
        ) from None
    path = media_path(file.path)
    files_fetch([path])
    return path, file.name


def _question(project: Project, options: TrendingInput) -> LiveQuestion | None:
    """Return what a live source is to be asked; None where a file is read.

    A project that chose a live source asks it unless a file is named.
    """
    source = options.source
    if "source" not in options.model_fields_set and (chosen := choice_of(project, "trends").service) != EMBEDDED:
        source = chosen
    if source not in LIVE_SOURCES:
        return None
    return LiveQuestion(
        source,
        options.window,
        options.region.upper(),
        options.language,
        tuple(options.categories) if source == "youtube" else (),
        tuple(feed.strip() for feed in options.feeds if feed.strip()) if source == FEEDS_SOURCE else (),
    )


def ready(project: Project, options: TrendingInput) -> None:
    question = _question(project, options)
    if question is None:
        _source(project, options.source)
    else:
        question_check(project, question)


def _table(context: StageContext, options: TrendingInput, question: LiveQuestion | None) -> TrendTable:
    if question is not None:
        return live_table(context, question)
    path, label = _source(context.project, options.source)
    context.report(0.05, Sentence("Reading %(label)s", label=label))
    return trends_read(path, file_name=label, mapping=options.mapping or None)


def run(context: StageContext) -> StageOutput:
    options: TrendingInput = context.input
    question = _question(context.project, options)
    table = _table(context, options, question)
    crash_point(STAGE.name, "source_read")
    context.check()
    context.report(0.5, Sentence("Looking for themes in %(rows)s rows", rows=f"{len(table.rows):,}"))
    analysis = trends_analyse(table, window=options.window, region=options.region, categories=options.categories)
    service = question.service if question else EMBEDDED
    if not shows_derived(service):
        analysis = themes_plain(analysis)
    crash_point(STAGE.name, "analysed")
    context.check()

    def save() -> dict[str, object]:
        report = TrendReport.objects.create(
            project=context.project,
            task=context.task,
            source_label=analysis.source_label,
            source_kind=analysis.source_kind,
            window=analysis.window,
            window_start=analysis.window_start,
            window_end=analysis.window_end,
            rows_read=analysis.rows_read,
            rows_used=analysis.rows_used,
            rows_left_out=dict(analysis.rows_left_out),
            categories=[asdict(category) for category in analysis.categories],
            measure=analysis.measure,
            provider=service,
        )
        videos = {video.video_id: video for theme in analysis.themes for video in theme.videos}
        rows = TrendVideo.objects.bulk_create([_video_row(report, video) for video in videos.values()])
        by_id = {row.video_id: row for row in rows}
        theme_ids = []
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
            theme_ids.append(row.pk)
        return {"report_id": report.pk, "themes": [theme.label for theme in analysis.themes], "theme_ids": theme_ids}

    return StageOutput(_found(len(analysis.themes), len(analysis.categories)), save)


def _found(themes: int, categories: int) -> Sentence:
    if categories == 1:
        return Sentence("%(themes)s themes in one category", themes=themes)
    return Sentence("%(themes)s themes in %(categories)s categories", themes=themes, categories=categories)


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
