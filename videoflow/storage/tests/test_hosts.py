"""One film by several hosts that share the bucket and the database alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from videoflow.crash_points import EXIT_CODE
from videoflow.errors import BadInput, Cancelled
from videoflow.pipeline import fan_out, part_work
from videoflow.pipeline.fan_out import SharedComposition
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.helping import parts_help
from videoflow.pipeline.models import Project, SharedSegment, Turn, Video
from videoflow.pipeline.part_work import PartHands
from videoflow.pipeline.segment_cache import segment_send, segments_known, segments_note, segments_place
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.stages.video_composition import timeline_of
from videoflow.pipeline.store import asset_file
from videoflow.pipeline.tests.film_project import film_project
from videoflow.render import compose, remake_of
from videoflow.render.artefacts import part_finish, part_is_intact
from videoflow.render.making import segment_path
from videoflow.render.tests.material import SPEAKERS, music, picture, spoken, voice
from videoflow.render.timeline import CaptionStyle, Format, MusicTrack, Scene, SpeechClip, Timeline
from videoflow.storage.bucket import BucketStorage
from videoflow.storage.tests.bucket_server import KEY_ID, SECRET
from videoflow.tasks import parts
from videoflow.tasks.models import Task, TaskPart
from videoflow.tasks.services import Claim, task_cancel, task_claim
from videoflow.tasks.tests.factories import task_make

pytestmark = pytest.mark.django_db(transaction=True)

SIDE, FPS, SECONDS, LEASE_SECONDS = 240, 10, 32, 10
WAIT_SECONDS = 240.0
ROOT = Path(__file__).resolve().parents[3]


def film(folder: Path) -> Timeline:
    """A scene and a spoken line every four seconds."""
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
    captions = tuple(spoken(f"These are the words of line {n}", at + 0.5, 3.0, "AB"[n % 2]) for n, at in enumerate(starts))
    bed = MusicTrack(music(folder / "bed.wav"))
    return Timeline(Format(SIDE, SIDE, FPS), float(SECONDS), scenes, speech, captions, SPEAKERS, CaptionStyle(), bed, "Hosts")


def database_url() -> str:
    name = str(connection.settings_dict["NAME"])
    where = connection.settings_dict
    return f"postgresql://{where['USER']}@/{name}?host={where['HOST'] or where['OPTIONS']['host']}"


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


def sound_of(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0)]


def alone(project: Project, folder: Path) -> Path:
    """Compose the film by this host alone, with nothing that anybody made before."""
    script = project.scripts.get()
    made = compose(
        timeline_of(project, script), folder / "alone.mp4", folder / "parts", report=lambda *_: None, cancelled=lambda: False
    )
    return made.path


@pytest.mark.postgresql  # no other database is shared by hosts
def test_a_film_is_made_by_all_hosts_though_one_dies_in_the_middle(
    host: Callable[..., Host], until: Any, new_host: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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

    by_all_path = asset_file(Video.objects.get(project=project).file)
    assert np.array_equal(frames_of(by_all_path), frames_of(alone(project, tmp_path)))

    helping.end()
    new_host()  # and now one that has nothing but what the others shared
    monkeypatch.setattr(fan_out, "sound_job_here", lambda *_: pytest.fail("the sound is mixed anew"))
    again = composed(project)
    assert again.result_data["parts_made"] == 0
    assert not TaskPart.objects.filter(task=again).exists()
    assert SharedSegment.objects.count() == again.result_data["parts_reused"] + 1  # and the sound
    assert sound_of(asset_file(Video.objects.filter(project=project).latest("pk").file)) == sound_of(by_all_path)

    new_host()  # a changed line is made anew there, and nothing else
    turn = Turn.objects.get(script__project=project, position=3)
    turn.words = [[text.upper(), *times] for text, *times in turn.words]
    turn.save()
    edited = composed(project)
    assert 1 <= edited.result_data["parts_made"] <= 3
    assert edited.result_data["parts_made"] + edited.result_data["parts_reused"] == again.result_data["parts_reused"]


@pytest.fixture
def waiting_parts(use_bucket: Any, storage: BucketStorage, tmp_path: Path, small: None) -> Claim:
    """A composition whose worker has written its parts down and is at none of them."""
    project = film_project(film(tmp_path / "media"), aspect="1:1")
    task = stage_start(project=project, task_type="video_composition", input_data={})
    claim = task_claim(queue=task.queue, worker_id="composing:test:1", task_id=task.pk)
    assert claim is not None
    timeline = timeline_of(project, project.scripts.get())
    work = tmp_path / "work"
    for folder in ("segments", "sound"):
        (work / folder).mkdir(parents=True)
    shared = SharedComposition(claim, queue=task.queue, holder=lambda: work, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        shared.make(remake_of(timeline, work), work, FPS, report=lambda *_: None, cancelled=lambda: True, workers=1)
    return claim


def began(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Let something happen as soon as a helper has a part in hand."""
    begin = PartHands.begin

    def begun(self: PartHands, claim: parts.PartClaim) -> Any:
        job = begin(self, claim)
        then()
        return job

    monkeypatch.setattr(PartHands, "begin", begun)


def test_a_helper_lets_go_of_a_cancelled_film(waiting_parts: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_work, "BEAT_SECONDS", 0.0)
    began(monkeypatch, lambda: task_cancel(task_id=waiting_parts.task_id))
    assert not parts_help(queue="cpu", worker_id="helping:test:1", stopped=lambda: False)
    assert set(TaskPart.objects.values_list("state", flat=True)) == {"waiting"}
    assert SharedSegment.objects.count() == 0
    assert not list((settings.VIDEOFLOW_DATA / "cache/render/segments").glob("*.part"))
    assert not list((settings.VIDEOFLOW_DATA / "work").glob("help-*"))


def test_a_helper_that_is_told_to_end_gives_its_part_back(waiting_parts: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    began(monkeypatch, lambda: told.append(True))
    assert not parts_help(queue="cpu", worker_id="helping:test:1", stopped=lambda: bool(told))
    assert set(TaskPart.objects.values_list("state", "attempts", "problem")) == {("waiting", 0, "")}


def test_a_part_that_a_helper_cannot_make_is_left_to_the_composing_worker(
    waiting_parts: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    began(monkeypatch, lambda: raised(BadInput("It cannot be read here.")))
    assert not parts_help(queue="cpu", worker_id="helping:test:1", stopped=lambda: False)
    refused = TaskPart.objects.exclude(problem="").get()
    assert (refused.state, refused.problem) == ("waiting", "It cannot be read here.")
    own = parts.part_claim(claim=waiting_parts)
    assert own is not None
    assert own.part_id == refused.pk


def raised(error: Exception) -> None:
    raise error


def test_a_task_that_is_due_goes_before_help(waiting_parts: Claim) -> None:
    task_make(task_type="video_composition")
    assert not parts_help(queue="cpu", worker_id="helping:test:1", stopped=lambda: False)
    assert set(TaskPart.objects.values_list("state", flat=True)) == {"waiting"}


def test_what_no_film_used_for_longest_goes(storage: BucketStorage, settings: Any, tmp_path: Path) -> None:
    made = []
    for name in ("old", "new", "used"):
        path = segment_path(tmp_path, name)
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".aside").write_bytes(name.encode() * 100)
        part_finish(path.with_suffix(".aside"), path)
        made.append(segment_send(name, tmp_path))
    segments_note(made)
    for days, name in ((3, "old"), (2, "new")):
        SharedSegment.objects.filter(pk=name).update(used_at=timezone.now() - timedelta(days=days))
    settings.VIDEOFLOW_SHARED_PARTS_BYTES = 800
    said = StringIO()
    call_command("storage_sweep", "--dry-run", stdout=said)
    assert made[0].name in said.getvalue()
    assert "1 file would be deleted" in said.getvalue()
    call_command("storage_sweep", stdout=said)
    assert set(SharedSegment.objects.values_list("key", flat=True)) == {"new", "used"}

    gone = made[1]
    storage.delete(gone.name)  # a rule of the bucket
    files = [path for path in (settings.MEDIA_ROOT / "parts").iterdir() if path.stem == gone.facts.sha256]
    files[0].unlink()
    place = tmp_path / "there"
    (place / "segments").mkdir(parents=True)
    lost = segments_place(segments_known(["new", "used"]), place, holder=lambda: place, cancelled=lambda: False)
    assert lost == ["new"]
    assert part_is_intact(segment_path(place, "used"))
