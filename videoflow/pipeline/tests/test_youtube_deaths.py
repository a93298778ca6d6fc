"""The uploading process dies at every point that matters; whoever takes the task up brings the video to YouTube once."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from django.conf import settings
from django.utils import timezone

from videoflow import crash_points
from videoflow.pipeline.models import Publication, YouTubeUpload
from videoflow.pipeline.tests import factories
from videoflow.pipeline.tests.youtube_hand import channel_make, publish, run_on, run_once
from videoflow.providers.youtube.upload import GRANULE_BYTES
from videoflow.tasks.models import Task
from videoflow.tasks.services import leases_reap

FILE = bytes(range(256)) * 3000  # three chunks
WHOLE = "youtube:chunk_answered:3"
BEFORE_THE_ROW = ("youtube:session_answered", "youtube:session_kept", "youtube:piece_left:2", "youtube:last_leaves", WHOLE)
PRIVATE = ("youtube:uploaded", "youtube:extra_sent", "youtube:settings_wanted")
OPEN = ("youtube:settings_sent", "youtube_upload:rows_written")
"""Some of the points that ``scripts/upload_fault_test.py --points`` kills real processes at."""


class Died(BaseException):
    """What nothing may catch: the process is gone."""


@pytest.fixture
def die_at(monkeypatch):
    """Let the next passing of a crash point end the run, as if the process had."""

    def die(code: int) -> NoReturn:
        raise Died(code)

    monkeypatch.setattr(crash_points, "os", SimpleNamespace(_exit=die))
    yield crash_points.crash_arm
    crash_points.crash_arm("")


@pytest.mark.django_db(transaction=True)  # the lease is kept by a thread with a connection of its own
@pytest.mark.parametrize("where", [*BEFORE_THE_ROW, *PRIVATE, *OPEN])
def test_a_death_leaves_one_video(world, die_at, where):
    project = factories.ProjectFactory.create()
    factories.with_video(project, factories.with_script(project), file=FILE)
    channel_make(project.session, world)
    task = publish(project, privacy="public")
    die_at(where)
    with pytest.raises(Died):
        run_once(task)

    seen = {video["status"]["privacyStatus"] for video in world.videos.values()}
    upload = YouTubeUpload.objects.get()
    if where in BEFORE_THE_ROW:
        assert (upload.sessions_begun, upload.remote_id) == (int(where != "youtube:session_answered"), "")
        assert bool(world.videos) == (where == WHOLE)
        assert seen <= {"private"}
    else:
        assert upload.remote_id in world.videos
        assert seen == ({"private"} if where in PRIVATE else {"public"})
    assert not Publication.objects.exists()

    Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert leases_reap() == 1
    assert run_on(task).status == "completed"
    (video,) = world.videos.values()
    assert video["sha256"] == hashlib.sha256(FILE).hexdigest()
    assert video["status"]["privacyStatus"] == "public"
    assert not video["was_public_before_processed"]
    assert Publication.objects.get().remote_id == video["id"]
    assert len(world.captions) == len(world.thumbnails) == 1
    assert world.body_bytes <= len(FILE) + GRANULE_BYTES
    assert YouTubeUpload.objects.get().sessions_begun == 1


@pytest.mark.fault
@pytest.mark.rows
def test_killed_processes_leave_one_video_each():
    script = settings.BASE_DIR / "scripts" / "upload_fault_test.py"
    done = subprocess.run(
        [sys.executable, str(script), "--points", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=Path("/"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["kills"] == figures["completed"] == figures["on_youtube"] == figures["uploads"] > len(BEFORE_THE_ROW)
    assert (figures["doubled"], figures["lost"], figures["public_before_seen"]) == (0, 0, 0)
