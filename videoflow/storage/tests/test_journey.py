"""A whole project on a bucket, each step on a host that has none of the files before."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from PIL import Image

from videoflow.pipeline.editing import previews, uploads
from videoflow.pipeline.foreground import stage_run
from videoflow.pipeline.models import Asset, Project, Upload
from videoflow.pipeline.runner import task_run
from videoflow.pipeline.services import project_create, source_file_add, stage_start
from videoflow.pipeline.store import asset_file, asset_path, file_store
from videoflow.pipeline.tests.factories import session_of
from videoflow.render import probe
from videoflow.storage import bucket as bucket_module
from videoflow.storage.base import local_path, media_storage
from videoflow.storage.bucket import BucketStorage
from videoflow.storage.tests.bucket_server import FaultyWay
from videoflow.tasks.models import Task
from videoflow.tasks.services import task_claim

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = """# Why cats purr

**Ana:** Did you know that cats purr when they are hurt, too?
**Ben:** I did! The sound sits between 25 and 150 hertz.
"""
TABLE = "title,views,likes,channel,published_at\n" + "".join(
    f"Why cat number {number} purrs at night,{number * 1000},{number * 10},Cats,2026-01-0{number}\n" for number in range(1, 9)
)


def run(project: Project, stage: str, **given: Any) -> Task:
    return stage_run(project=Project.objects.get(pk=project.pk), task_type=stage, input_data=given)


@pytest.fixture
def outside_of_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction waits for the bucket: neither sends nor looks happen in one."""

    def checked(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: BucketStorage, *args: Any, **more: Any) -> Any:
            assert not connection.in_atomic_block
            return method(self, *args, **more)

        return call

    for name in ("_send", "_head"):
        monkeypatch.setattr(BucketStorage, name, checked(getattr(BucketStorage, name)))


def test_a_video_is_made_by_hosts_that_share_the_bucket_alone(
    client: Client, use_bucket: Any, new_host: Callable[[], Path], outside_of_transactions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LOOK_SECONDS_MOST", 240.0)
    monkeypatch.setattr(previews, "PREVIEW_SECONDS_MOST", 240.0)
    new_host()
    use_bucket()
    session = session_of(client)
    project = project_create(session=session, aspect="1:1")
    source = source_file_add(session=session, name="cats.csv", chunks=[TABLE.encode()])

    new_host()
    run(project, "trending_analysis", source=str(source.pk))
    new_host()
    run(project, "script_generation", input_type="script", script_text=SCRIPT, minimum_seconds=20)
    run(project, "media_generation")
    photo(client, project, new_host)
    looks_at_a_scene(client, project, new_host)

    composing = new_host()
    run(project, "video_composition")
    assert not list((composing / "work").iterdir())
    video = Project.objects.get(pk=project.pk).videos.get()
    new_host()
    plays(client, video.file)
    captions = client.get(address(video.vtt))
    assert (captions.status_code, b"".join(captions)[:6]) == (200, b"WEBVTT")

    publishing = new_host()
    run(project, "youtube_upload")
    assert not (publishing / "exports").exists()
    publication = video.publications.get()
    new_host()
    exported = client.get(reverse("pipeline:export_file", args=[publication.pk, "video.mp4"]))
    assert httpx.get(exported.headers["Location"], timeout=60).content == asset_file(video.file).read_bytes()
    described = client.get(reverse("pipeline:export_file", args=[publication.pk, "metadata.json"]))
    assert b"publication_id" in b"".join(described)
    facts = probe(asset_path(video.file))
    assert facts.seconds == pytest.approx(video.seconds, abs=0.2)


def address(asset: Asset) -> str:
    return reverse("pipeline:asset_file", args=[asset.pk, asset.name])


def photo(client: Client, project: Project, new_host: Callable[[], Path]) -> None:
    """A creator's own picture comes in piece by piece, each through another host."""
    scene = project.scenes.first()
    stream = io.BytesIO()
    Image.effect_noise((700, 700), 80).save(stream, "PNG")
    content = stream.getvalue()
    half = len(content) // 2
    begun = client.post(
        reverse("pipeline:upload_new", args=[project.pk]),
        {"name": "p.png", "size": len(content), "scene": str(scene.key)},
        HTTP_ACCEPT="application/json",
    ).json()
    for offset, piece in ((0, content[:half]), (half, content[half:])):
        new_host()
        said = client.patch(
            begun["url"],
            piece,
            content_type="application/octet-stream",
            HTTP_UPLOAD_OFFSET=str(offset),
            HTTP_ACCEPT="application/json",
        ).json()
    assert said["state"] == "ready", said
    scene.refresh_from_db()
    assert scene.asset.origin == Asset.UPLOAD
    assert list(media_storage().entries(f"pieces/{Upload.objects.get().pk}/")) == []


def looks_at_a_scene(client: Client, project: Project, new_host: Callable[[], Path]) -> None:
    """Pages draw from files that their host does not have yet."""
    new_host()
    scene = project.scenes.first()
    still = client.get(reverse("pipeline:composer_frame", args=[project.pk, scene.key]))
    assert Image.open(io.BytesIO(b"".join(still))).width > 100
    small = client.get(reverse("pipeline:asset_preview", args=[scene.asset_id]))
    assert small.status_code == 200


def plays(client: Client, file: Asset) -> None:
    """The owner's player is sent to the bucket and reads a range there; nobody else is."""
    sent = client.get(address(file))
    assert sent.status_code == 302
    assert sent.headers["Cache-Control"].startswith("private, max-age=")
    answer = httpx.get(sent.headers["Location"], headers={"Range": "bytes=100-299"}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (206, "video/mp4")
    assert not local_path(file.path).exists()  # it passed by this host
    assert asset_file(file).read_bytes()[100:300] == answer.content
    assert Client().get(address(file)).status_code == 404
    saved = client.get(f"{address(file)}?download=1")
    assert httpx.get(saved.headers["Location"], timeout=60).headers["Content-Disposition"].startswith("attachment")


@pytest.fixture
def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a bucket up at the first refusal."""
    monkeypatch.setattr(bucket_module, "ATTEMPTS", 1)
    monkeypatch.setattr(bucket_module, "FETCH_TRIES", 1)


def test_a_task_waits_for_a_bucket_that_is_away(
    client: Client, use_bucket: Any, new_host: Callable[[], Path], way: FaultyWay, asked_once: None
) -> None:
    new_host()
    use_bucket()
    session = session_of(client)
    project = project_create(session=session)
    source = source_file_add(session=session, name="cats.csv", chunks=[TABLE.encode()])
    new_host()
    task = stage_start(project=project, task_type="trending_analysis", input_data={"source": str(source.pk)})
    new_host()  # the form's host has read it
    way.fail("503")
    task_run(claim=task_claim(queue=task.queue, worker_id="here"))
    task.refresh_from_db()
    assert task.status == "retrying"
    assert "it goes on when the storage is back" in task.message
    way.fail("")
    Task.objects.filter(pk=task.pk).update(not_before=None)
    task_run(claim=task_claim(queue=task.queue, worker_id="here"))
    task.refresh_from_db()
    assert task.status == "completed"


def test_a_player_is_told_when_the_bucket_is_away(
    client: Client, use_bucket: Any, new_host: Callable[[], Path], way: FaultyWay, asked_once: None, tmp_path: Path
) -> None:
    """Where the studio passes files on; a signed address needs no bucket to be made."""
    new_host()
    use_bucket(more="&reads=studio")
    project = project_create(session=session_of(client))
    source = tmp_path / "film.mp4"
    source.write_bytes(bytes(range(256)) * 4)
    stored = file_store(source)
    film = Asset.objects.create(
        project=project, kind="video", name="film.mp4", path=stored.path, sha256=stored.sha256, size_bytes=stored.size_bytes
    )
    new_host()
    way.fail("503")
    away = client.get(address(film))
    assert (away.status_code, away.headers["Retry-After"]) == (503, "10")
    way.fail("")
    part = client.get(address(film), HTTP_RANGE="bytes=10-19")
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    way.fail("503")
    assert b"".join(client.get(address(film))) == source.read_bytes()  # this host has it now
    lost = Asset.objects.create(
        project=project, kind="video", name="l.mp4", path=f"ab/{'ab' * 32}.mp4", sha256="ab" * 32, size_bytes=4
    )
    way.fail("")
    assert client.get(address(lost)).status_code == 404
