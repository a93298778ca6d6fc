"""Rows for tests: minimal valid ones, and whole projects as a creator would see them."""

import hashlib
import io
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory
from PIL import Image, ImageDraw

from videoflow.pipeline import stages
from videoflow.pipeline.models import (
    Asset,
    Project,
    Publication,
    Scene,
    Script,
    Speech,
    Theme,
    TrendReport,
    TrendVideo,
    Turn,
    Video,
)
from videoflow.pipeline.spoken import spoken_key, words_key
from videoflow.pipeline.store import media_path
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import token_hash
from videoflow.tasks.models import Task


class CreatorSessionFactory(DjangoModelFactory[CreatorSession]):
    class Meta:
        model = CreatorSession

    expires_at = LazyFunction(lambda: timezone.now() + timedelta(hours=24))


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    session = SubFactory(CreatorSessionFactory)
    title = "Why everyone watches tiny forests"
    seed = 7
    hosts = {"A": {"name": "Maya", "role": "curious", "voice": "a"}, "B": {"name": "Theo", "role": "figures", "voice": "b"}}


class TaskFactory(DjangoModelFactory[Task]):
    class Meta:
        model = Task

    project = SubFactory(ProjectFactory)
    session = SelfAttribute("project.session")
    task_type = "trending_analysis"
    queue = "io"


class TrendReportFactory(DjangoModelFactory[TrendReport]):
    class Meta:
        model = TrendReport

    project = SubFactory(ProjectFactory)
    source_label = "trending.csv"
    source_kind = "trending_csv"
    window = "weekly"
    window_start = "2020-08-10"
    window_end = "2020-08-16"
    rows_read = 873
    rows_used = 861
    rows_left_out = {"listed twice on the same day": 11, "cut off at the end of the file": 1}
    categories = [{"category_id": "10", "name": "Music", "rank": 1, "views": 812_400_000, "videos": 64, "channels": 41}]
    measure = "views on YouTube, as counted on each day of the file"
    provider = "embedded"


class TrendVideoFactory(DjangoModelFactory[TrendVideo]):
    class Meta:
        model = TrendVideo

    report = SubFactory(TrendReportFactory)
    video_id = Sequence(lambda number: f"video{number}")
    title = Sequence(lambda number: f"The forest on the car park, part {number + 1}")
    channel = Sequence(lambda number: f"Green Corner {number + 1}")
    category_id = "10"
    published_at = "2020-08-11T12:00:00Z"
    days = [["2020-08-12", 1_200_000], ["2020-08-13", 2_900_000], ["2020-08-14", 3_700_000], ["2020-08-15", 4_100_000]]
    views = 4_100_000
    url = LazyAttribute(lambda video: f"https://www.youtube.com/watch?v={video.video_id}")


class ThemeFactory(DjangoModelFactory[Theme]):
    class Meta:
        model = Theme

    report = SubFactory(TrendReportFactory)
    label = "Tiny forests in cities"
    category_id = "10"
    category = "Music"
    rank = 1
    score = 87.4
    score_parts = {"views": 44.1, "growth": 31.3, "breadth": 12.0}
    views = 12_300_000
    views_gained_per_day = 966_000.0
    channels = 3


class ScriptFactory(DjangoModelFactory[Script]):
    class Meta:
        model = Script

    project = SubFactory(ProjectFactory)
    version = 1
    input_type = "theme"
    title = "Why everyone watches tiny forests"
    evidence = [
        {
            "key": "v1",
            "kind": "video",
            "text": "The first film gained 966,000 views a day between 12 and 15 August.",
            "source_label": "The forest on the car park, part 1",
            "url": "https://www.youtube.com/watch?v=video0",
        }
    ]
    measured_seconds = 186.4
    share_a = 0.47
    provider = "embedded"


class TurnFactory(DjangoModelFactory[Turn]):
    class Meta:
        model = Turn

    script = SubFactory(ScriptFactory)
    position = Sequence(int)
    speaker = "A"
    text = "Twelve million views for trees no taller than a bicycle."
    measured_seconds = 3.4


class AssetFactory(DjangoModelFactory[Asset]):
    """A row only; the file is not there."""

    class Meta:
        model = Asset

    project = SubFactory(ProjectFactory)
    kind = "image"
    origin = "embedded"
    name = "scene.jpg"
    path = "00/0000.jpg"
    sha256 = "0" * 64
    size_bytes = 1


class SceneFactory(DjangoModelFactory[Scene]):
    class Meta:
        model = Scene

    script = SubFactory(ScriptFactory)
    project = SelfAttribute("script.project")
    asset = SubFactory(AssetFactory, project=SelfAttribute("..project"))
    made = SelfAttribute("asset")
    position = Sequence(int)
    start = LazyAttribute(lambda scene: scene.position * 4.0)
    seconds = 4.0
    layout = "statement"


def image_bytes(width_px: int, height_px: int, colour: str, words: str = "", kind: str = "JPEG") -> bytes:
    """A plain picture with a word on it."""
    picture = Image.new("RGB", (width_px, height_px), colour)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width_px * 0.08, height_px * 0.62, width_px * 0.5, height_px * 0.66), fill="#ffffff")
    draw.text((width_px * 0.08, height_px * 0.3), words, fill="#ffffff", font_size=height_px / 8)
    stream = io.BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()


def asset_make(project: Project, *, kind: str, name: str, content: bytes, **facts: Any) -> Asset:
    """An asset with its file below the media folder, named by content as the store does."""
    sha256 = hashlib.sha256(content).hexdigest()
    relative = f"{sha256[:2]}/{sha256}{Path(name).suffix}"
    target = media_path(relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return Asset.objects.create(
        project=project,
        kind=kind,
        name=name,
        path=relative,
        sha256=sha256,
        size_bytes=len(content),
        **{"origin": "embedded", "licence": "CC0-1.0", **facts},
    )


def session_of(client: Any) -> CreatorSession:
    """A session whose owner is the given test client."""
    token = hashlib.sha256(str(id(client)).encode()).hexdigest()
    client.cookies["videoflow_creator"] = token
    return CreatorSessionFactory.create(cookie_hash=token_hash(token))


def task_done(project: Project, task_type: str, message: str, *, seconds: float = 20, **facts: Any) -> Task:
    """A completed task of a stage."""
    now = timezone.now()
    return TaskFactory.create(
        project=project,
        task_type=task_type,
        queue=stages.get(task_type).queue,
        status=Task.Status.COMPLETED,
        progress=100,
        message=message,
        attempt=1,
        attempt_started_at=now - timedelta(seconds=seconds),
        started_at=now - timedelta(seconds=seconds),
        completed_at=now,
        **facts,
    )


def task_running(project: Project, task_type: str, percent: int, message: str, *, seconds: float = 40, **facts: Any) -> Task:
    """A task that a worker has in hand."""
    start = timezone.now() - timedelta(seconds=seconds)
    values = {
        "attempt": 1,
        "attempt_started_at": start,
        "started_at": start,
        "lease_until": timezone.now() + timedelta(minutes=30),
    }
    return TaskFactory.create(
        project=project,
        task_type=task_type,
        queue=stages.get(task_type).queue,
        status=Task.Status.IN_PROGRESS,
        progress=percent,
        message=message,
        **{**values, **facts},
    )


def task_failed(project: Project, task_type: str, message: str, *, code: str = "DISK_FULL", **facts: Any) -> Task:
    """A task that ended badly."""
    now = timezone.now()
    body = {"error_code": code, "message": message, "details": {}, "timestamp": now.isoformat(), "retryable": False}
    return TaskFactory.create(
        project=project,
        task_type=task_type,
        queue=stages.get(task_type).queue,
        status=Task.Status.FAILED,
        progress=43,
        message=message,
        attempt=1,
        attempt_started_at=now - timedelta(seconds=30),
        started_at=now - timedelta(seconds=30),
        completed_at=now,
        error=body,
        **facts,
    )


def with_trends(
    project: Project, labels: Iterable[str] = ("Tiny forests in cities", "Moss roofs", "Night gardens")
) -> TrendReport:
    """Give a project its report, with a theme for each label and four rows behind each."""
    task = task_done(project, "trending_analysis", f"{len(list(labels))} themes in 1 categories", seconds=3)
    report = TrendReportFactory.create(project=project, task=task)
    for rank, label in enumerate(labels, start=1):
        theme = ThemeFactory.create(report=report, label=label, rank=rank, score=90.0 - 11 * rank)
        theme.videos.set(TrendVideoFactory.create_batch(4, report=report))
    return report


LINES = (
    ("A", "Twelve million views in four days, for trees no taller than a bicycle. Theo, what is going on?", "The hook"),
    ("B", "Three channels, one idea. The biggest of the films gained 966,000 views a day.", "The hook"),
    ("A", "A day? Most gardening films would be glad of that in a year.", "What the numbers say"),
    ("B", "And it did not slow down over the weekend, which is rare in this table.", "What the numbers say"),
    ("A", "So is this one clever channel, or are several people on to something?", "Who makes them"),
    ("B", "Three of them. That is why it ranks above louder themes with a single author.", "Who makes them"),
)


def with_script(project: Project, **input_data: Any) -> Script:
    """Give a project a script of six turns in three sections."""
    task = task_done(project, "script_generation", "6 turns, 3:06 measured", input_data={"input_type": "theme", **input_data})
    script = ScriptFactory.create(project=project, task=task, title=project.title, input_type=task.input_data["input_type"])
    for position, (speaker, text, section) in enumerate(LINES):
        TurnFactory.create(
            script=script,
            position=position,
            speaker=speaker,
            text=text,
            section=section,
            sources=["v1"] if speaker == "B" else [],
            measured_seconds=3.1 + position / 2,
        )
    return script


def with_media(project: Project, script: Script, *, count: int = 6, done: bool = True) -> None:
    """Give a script its recordings, ``count`` pictures, and music."""
    if done:
        task_done(project, "media_generation", f"{count} scenes and 6 spoken turns", seconds=71)
    clock = 0.5
    turns = list(script.turns.all())
    for turn in turns:
        speech = asset_make(
            project,
            kind="speech",
            name=f"turn-{turn.position + 1:03}.wav",
            content=_wav(turn.position),
            seconds=turn.measured_seconds,
        )
        Speech.objects.create(turn=turn, asset=speech, start=clock, spoken_key=spoken_key(project, turn))
        clock += turn.measured_seconds + turn.pause_seconds
    colours = ("#1f3a5f", "#8a3b12", "#27543f", "#5a2a5e", "#7a5c12", "#234e52")
    layouts = ("title_card", "chapter_card", "bar_chart", "quote_card", "ranked_list", "keyword")
    for position in range(count):
        words = LINES[position % len(LINES)][2]
        content = image_bytes(1920, 1080, colours[position % 6], f"{words}\n{position + 1}")
        asset = asset_make(
            project,
            kind="image",
            name=f"scene-{position + 1:03}.jpg",
            content=content,
            width_px=1920,
            height_px=1080,
            alt=f"{words}, drawn",
        )
        SceneFactory.create(
            script=script,
            asset=asset,
            position=position,
            turn_positions=[turns[position % len(turns)].position],
            drawn_for=words_key([turns[position % len(turns)]]),
            layout=layouts[position % 6],
        )
    if done:
        script.media_seconds = clock + 1
        script.save(update_fields=["media_seconds"])
    asset_make(project, kind="music", name="Slow morning.wav", content=_wav(99), seconds=27.0, alt="Music bed, calm", mood="calm")


def with_video(project: Project, script: Script, *, file: bytes = b"\0" * 5000, seconds: float = 189.3) -> Video:
    """Give a project its finished video with its report."""
    task = task_done(project, "video_composition", "Video of 3:09, 58 MB", seconds=214)
    return Video.objects.create(
        project=project,
        script=script,
        task=task,
        file=asset_make(project, kind="video", name="video.mp4", content=file, width_px=1920, height_px=1080, seconds=seconds),
        thumbnail=asset_make(
            project, kind="thumbnail", name="thumbnail.jpg", content=image_bytes(1280, 720, "#1f3a5f", "Tiny forests")
        ),
        srt=asset_make(
            project, kind="captions", name="captions.srt", content=b"1\n00:00:00,500 --> 00:00:03,000\nTwelve million views\n"
        ),
        vtt=asset_make(
            project,
            kind="captions",
            name="captions.vtt",
            content=b"WEBVTT\n\n00:00.500 --> 00:03.000\n<v Maya>Twelve million views\n",
        ),
        seconds=seconds,
        quality={
            "verdict": "ok",
            "findings": [],
            "figures": {
                "loudness_lufs": -14.1,
                "true_peak_db": -1.6,
                "share_a": 0.47,
                "caption_drift": {"p95_ms": 61.0, "words": 402},
            },
        },
        chapters=[[0.0, "The hook"], [41.0, "What the numbers say"], [122.0, "Who makes them"]],
    )


def with_publication(project: Project, video: Video, folder: Path) -> Publication:
    """Publish a video to a folder below ``folder``."""
    location = f"exports/tiny-forests-{str(project.pk)[:8]}"
    (folder / location).mkdir(parents=True)
    for name in ("metadata.json", "video.mp4"):
        (folder / location / name).write_bytes(b"{}")
    task = task_done(project, "youtube_upload", f"Exported to {location}", seconds=2)
    return Publication.objects.create(
        video=video,
        task=task,
        target="folder",
        state=Publication.State.PUBLISHED,
        location=location,
        files=["metadata.json", "video.mp4"],
        metadata={"title": project.title},
    )


def project_finished(session: CreatorSession) -> Project:
    """A project with everything up to the video."""
    project = ProjectFactory.create(session=session)
    with_trends(project)
    script = with_script(project, theme_ids=[project.reports.get().themes.all()[0].pk])
    with_media(project, script)
    with_video(project, script)
    return project


def _wav(number: int) -> bytes:
    """A tenth of a second of near silence, a little different for each number, because files are named by content."""
    samples = bytes([number % 7, 0]) * 2205
    head = (
        b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little")
    )
    head += (1).to_bytes(2, "little") + (22050).to_bytes(4, "little") + (44100).to_bytes(4, "little")
    head += (2).to_bytes(2, "little") + (16).to_bytes(2, "little") + b"data" + len(samples).to_bytes(4, "little")
    return head + samples
