"""A studio that was worked in for long: 200 projects in the history, and a finished video of 40 scenes on the page."""

from datetime import timedelta
from itertools import pairwise

from django.utils import timezone

from videoflow.pipeline.models import Asset, Project, Script, Turn, Video
from videoflow.pipeline.stages.video_composition import timeline_key, timeline_of
from videoflow.pipeline.tests import factories
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task

HISTORY = 200
SCENES = 40
TURNS = 56
THEMES = 15
DAYS = [[f"2020-08-{day:02}", 400_000 * day] for day in range(1, 31)]


def project_large(session: CreatorSession, *, scenes: int = SCENES, turns: int = TURNS, film: bytes = b"\0" * 5000) -> Project:
    """Return a project with a finished video, with as many rows as one of about four minutes has."""
    project: Project = factories.ProjectFactory.create(session=session)
    report = factories.with_trends(project, [f"Tiny forests, part {number}" for number in range(1, THEMES + 1)])
    report.videos.update(days=DAYS)
    script = factories.with_script(project)
    _lines(script, turns)
    factories.with_media(project, script, count=scenes)
    _times(script)
    video = factories.with_video(project, script, file=film, seconds=script.media_seconds or 0)
    Video.objects.filter(pk=video.pk).update(timeline_key=timeline_key(timeline_of(project, script)))
    return project


def _lines(script: Script, count: int) -> None:
    """Let a script have so many lines, with a time for each word."""
    first = list(script.turns.all())
    for position in range(len(first), count):
        like = first[position % len(first)]
        factories.TurnFactory.create(
            script=script,
            position=position,
            speaker="AB"[position % 2],
            text=f"{like.text} And this is point {position}.",
            section=f"Part {position // 8 + 1}",
            sources=like.sources,
        )
    for turn in script.turns.all():
        texts = turn.text.split()
        turn.measured_seconds = len(texts) / 2.6
        turn.words = [[text, index / 2.6, (index + 0.9) / 2.6] for index, text in enumerate(texts)]
        turn.save(update_fields=["measured_seconds", "words"])
        script.measured_seconds += turn.measured_seconds
    script.save(update_fields=["measured_seconds"])


def _times(script: Script) -> None:
    """Lay the scenes one after the other over the whole length."""
    assert script.media_seconds is not None
    scenes = list(script.scenes.order_by("position"))
    cuts = [script.media_seconds * index / len(scenes) for index in range(len(scenes) + 1)]
    for scene, (start, end) in zip(scenes, pairwise(cuts), strict=True):
        scene.start, scene.seconds = start, end - start
    script.scenes.bulk_update(scenes, ["start", "seconds"])


def history_make(session: CreatorSession, *, count: int = HISTORY) -> None:
    """Fill a history with finished projects; files are rows only."""
    projects = Project.objects.bulk_create(
        Project(session=session, title=f"Forest number {number}", seed=number) for number in range(count)
    )
    then = timezone.now() - timedelta(days=2)
    stages = ("trending_analysis", "script_generation", "media_generation", "video_composition", "youtube_upload")
    Task.objects.bulk_create(
        Task(
            project=project,
            session=session,
            task_type=stage,
            queue="io",
            status=Task.Status.COMPLETED,
            progress=100,
            message="Done",
            created_at=then,
            attempt_started_at=then,
            completed_at=then,
        )
        for project in projects
        for stage in stages
    )
    kinds = ("video", "thumbnail", "captions", "captions")
    assets = Asset.objects.bulk_create(
        Asset(project=project, kind=kind, origin="embedded", name=f"{kind}.bin", path="00/00.bin", sha256="0" * 64, size_bytes=1)
        for project in projects
        for kind in kinds
    )
    scripts = Script.objects.bulk_create(
        Script(
            project=project, version=1, input_type="theme", title=project.title, measured_seconds=186, share_a=0.5, provider="x"
        )
        for project in projects
    )
    Turn.objects.bulk_create(
        Turn(script=script, position=position, speaker="AB"[position % 2], text=text, measured_seconds=3)
        for script in scripts
        for position, (_speaker, text, _section) in enumerate(factories.LINES)
    )
    Video.objects.bulk_create(
        Video(project=project, script=script, file=own[0], thumbnail=own[1], srt=own[2], vtt=own[3], seconds=186)
        for index, (project, script) in enumerate(zip(projects, scripts, strict=True))
        for own in [assets[index * 4 : index * 4 + 4]]
    )
