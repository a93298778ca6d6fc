"""One film by several hosts that share the bucket and the database alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.db import connection

from videoflow.crash_points import EXIT_CODE
from videoflow.pipeline import fan_out, part_work
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Project, SharedSegment, Video
from videoflow.pipeline.stages.video_composition import timeline_of
from videoflow.pipeline.store import asset_file
from videoflow.pipeline.tests.film_project import film_project
from videoflow.render import compose
from videoflow.render.tests.material import SPEAKERS, music, picture, spoken, voice
from videoflow.render.timeline import CaptionStyle, Format, MusicTrack, Scene, SpeechClip, Timeline
from videoflow.storage.bucket import BucketStorage
from videoflow.storage.tests.bucket_server import KEY_ID, SECRET
from videoflow.tasks import parts
from videoflow.tasks.models import Task, TaskPart
from videoflow.tests.own_rows import TESTED

pytestmark = pytest.mark.django_db(transaction=True)

SIDE, FPS, SECONDS, LEASE_SECONDS = 240, 10, 32, 4
WAIT_SECONDS = 240.0
ROOT = Path(__file__).resolve().parents[3]


def film(folder: Path, changed: str = "") -> Timeline:
    """A scene and a spoken line every four seconds; ``changed`` are the words of the sixth."""
    folder.mkdir(exist_ok=True)
    starts = range(0, SECONDS, 4)
    pictures = [picture(folder / f"{number}.png", number, (300, 300)) for number in range(3)]
    ways = ("cut", "crossfade", "slide")
    scenes = tuple(
        Scene(f"scene-{n}", pictures[n % 3], "image", float(at), 4.0, "push_in", transition=ways[n % 3], transition_seconds=0.4)
        for n, at in enumerate(starts)
    )
    said = voice(folder / "voice.wav", 3.0)
    speech = tuple(SpeechClip(said, at + 0.5, 3.0, "AB"[n % 2]) for n, at in enumerate(starts))
    words = [changed if changed and n == 5 else f"These are the words of line {n}" for n in range(len(starts))]
    captions = tuple(spoken(text, at + 0.5, 3.0, "AB"[n % 2]) for n, (at, text) in enumerate(zip(starts, words, strict=True)))
    bed = MusicTrack(music(folder / "bed.wav"))
    return Timeline(Format(SIDE, SIDE, FPS), float(SECONDS), scenes, speech, captions, SPEAKERS, CaptionStyle(), bed, "Hosts")


def database_url() -> str:
    name = str(connection.settings_dict["NAME"])
    if TESTED == "sqlite":
        return f"sqlite://{name}"
    where = connection.settings_dict
    return f"postgresql://{where['USER']}@/{name}?host={where['HOST']}"


class Host:
    """Another host: a process with a data folder of its own."""

    def __init__(self, storage: BucketStorage, data: Path, name: str, crash_at: str = "") -> None:
        data.mkdir()
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("VIDEOFLOW_", "VF_"))}
        ours = {
            "DJANGO_SETTINGS_MODULE": "videoflow.settings",
            "VIDEOFLOW_DATA": str(data),
            "VIDEOFLOW_ENV_FILE": str(data / "no.env"),
            "VIDEOFLOW_HOST": name,
            "VIDEOFLOW_CPU_SLOTS": "1",
            "VIDEOFLOW_COMPOSE_PROCESSES": "1",
            "VIDEOFLOW_STORAGE_URL": f"s3://{storage.address.bucket}/{storage.address.prefix}?endpoint={storage.address.endpoint}",
            "VIDEOFLOW_STORAGE_KEY_ID": KEY_ID,
            "VIDEOFLOW_STORAGE_SECRET": SECRET,
            "DATABASE_URL": database_url(),
            "VF_CRASH_AT": crash_at,
        }
        arguments = [str(SIDE), str(FPS), str(LEASE_SECONDS)]
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "videoflow.pipeline.tests.render_host", *arguments],
            cwd=ROOT,
            env=kept | ours,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def has_part(self) -> bool:
        return TaskPart.objects.filter(worker_id__startswith=f"{self.name}:").exists()

    def end(self) -> int:
        """Let it give back what it has, and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            return self.process.wait(WAIT_SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(60)


@pytest.fixture
def small(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "SIZES", {"1:1": (SIDE, SIDE)})
    monkeypatch.setattr(Project, "FPS", FPS)
    monkeypatch.setattr(parts, "LEASE", timedelta(seconds=LEASE_SECONDS))
    monkeypatch.setattr(part_work, "BEAT_SECONDS", LEASE_SECONDS / 10)
    settings.VIDEOFLOW_HOST, settings.VIDEOFLOW_COMPOSE_PROCESSES = "composing", 1


@pytest.fixture
def host(use_bucket: Any, storage: BucketStorage, tmp_path: Path, small: None) -> Iterator[Callable[..., Host]]:
    started: list[Host] = []

    def start(name: str, crash_at: str = "") -> Host:
        one = Host(storage, tmp_path / f"data-{name}", name, crash_at)
        started.append(one)
        one.wait_ready()
        return one

    yield start
    for one in started:
        one.end()


@pytest.fixture
def until(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], None]:
    """Let the composing host take no part before something is so."""

    def wait_for(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS

        def patient(**given: Any) -> Any:
            assert time.monotonic() < deadline, "the other hosts took no part"
            return parts.part_claim(**given) if condition() else None

        monkeypatch.setattr(fan_out, "part_claim", patient)

    return wait_for


def composed(project: Project) -> Task:
    task = stage_run(project=Project.objects.get(pk=project.pk), task_type="video_composition", input_data={})
    assert task.status == "completed", task.error
    return task


def frames_of(path: Path) -> np.ndarray:
    with av.open(path) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


def alone(project: Project, folder: Path) -> Path:
    """Compose the film by this host alone, with nothing that anybody made before."""
    script = project.scripts.get()
    made = compose(
        timeline_of(project, script), folder / "alone.mp4", folder / "parts", report=lambda *_: None, cancelled=lambda: False
    )
    return made.path


def test_a_film_is_made_by_all_hosts_though_one_dies_in_the_middle(
    host: Callable[..., Host], until: Any, new_host: Callable[[], Path], tmp_path: Path
) -> None:
    project = film_project(film(tmp_path / "media"), aspect="1:1")
    helping, dying = host("helping"), host("dying", crash_at="video_composition:segments_made:1")
    until(lambda: helping.has_part() and dying.process.poll() is not None)
    task = composed(project)

    assert dying.process.returncode == EXIT_CODE
    done = list(TaskPart.objects.filter(task=task))
    assert {part.state for part in done} == {"done"}
    twice = [part for part in done if part.attempts > 1]
    assert len(twice) == 1  # what the dead host had in hand
    assert twice[0].attempts == 2
    makers = {part.worker_id.partition(":")[0] for part in done}
    assert {"helping"} < makers | {"composing"}
    assert sum(part.size for part in done) == SECONDS * FPS
    assert Video.objects.filter(project=project).count() == 1
    assert task.result_data["parts_reused"] == 0

    by_all = frames_of(asset_file(Video.objects.get(project=project).file))
    assert np.array_equal(by_all, frames_of(alone(project, tmp_path)))

    helping.end()
    new_host()  # and now one that has nothing but what the others shared
    again = composed(project)
    assert again.result_data["parts_made"] == 0
    assert not TaskPart.objects.filter(task=again).exists()
    assert SharedSegment.objects.count() == again.result_data["parts_reused"]
