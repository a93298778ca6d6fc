import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from videoflow.pipeline import housekeeping
from videoflow.pipeline.store import asset_path
from videoflow.pipeline.tests.factories import CreatorSessionFactory, ProjectFactory, asset_make, task_done, task_running
from videoflow.sessions.models import CreatorSession, IdempotencyKey, OneUseLink
from videoflow.sessions.services import link_create
from videoflow.tasks.models import ProgressEvent
from videoflow.tasks.services import task_cancel, task_progress
from videoflow.tasks.tests.factories import claim_make, task_make

pytestmark = pytest.mark.django_db
HOURS = 3600.0


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.VIDEOFLOW_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path


def file(path: Path, size_bytes: int, *, hours_old: float = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)
    age(path, hours_old)
    age(path.parent, hours_old)
    return path


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * HOURS
    os.utime(path, (then, then))


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("prune", *arguments)
    return capsys.readouterr().out


class TestFiles:
    def test_ok(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        project = ProjectFactory.create()
        kept = asset_path(asset_make(project, kind="music", name="bed.wav", content=b"music"))
        age(kept, 5)
        running = task_running(project, "media_generation", 40, "Drawing")
        orphan = file(data / "media" / "ab" / "abc.mp4", 70_000)
        fresh = file(data / "media" / "ab" / "new.mp4", 10, hours_old=0)
        dead = file(data / "work" / "1d0f6e6e-0000-4000-8000-000000000000-1" / "part.mp4", 30_000)
        alive = file(data / "work" / f"{running.pk}-{running.fence}" / "part.mp4", 30_000)

        would = prune(capsys, "--dry-run")
        assert orphan.exists() and dead.exists()
        done = prune(capsys)
        assert not orphan.exists() and not dead.exists()
        assert kept.exists() and fresh.exists() and alive.exists()
        assert "files without a row: 1, 68.4 KB" in would
        assert "scratch of tasks that do not run: 1, 29.3 KB" in would
        assert would.endswith("2 would be deleted, 97.7 KB of files.\n")
        assert done == would.replace("would be deleted", "deleted")
        assert prune(capsys).endswith("Nothing to delete.\n")

    def test_cache_loses_its_oldest(
        self, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(housekeeping, "CACHE_LIMIT_BYTES", 2500)
        files = [file(data / "cache" / "speech" / f"{hours}.wav", 1000, hours_old=hours) for hours in (9, 5, 3, 0)]
        prune(capsys)
        assert [path.exists() for path in files] == [False, False, True, True]


class TestRows:
    def test_ok(self, capsys: pytest.CaptureFixture[str]) -> None:
        now = timezone.now()
        over = CreatorSessionFactory.create(expires_at=now - timedelta(hours=1))
        busy = CreatorSessionFactory.create(expires_at=now - timedelta(hours=1))
        task_running(ProjectFactory.create(session=busy), "media_generation", 40, "Drawing")
        here = CreatorSessionFactory.create()
        link_create(session=here)
        link_create(session=here)
        OneUseLink.objects.filter(pk=OneUseLink.objects.first().pk).update(expires_at=now - timedelta(minutes=1))
        IdempotencyKey.objects.create(session=here, key="new", request_hash="h")
        IdempotencyKey.objects.create(session=here, key="old", request_hash="h", created_at=now - timedelta(hours=25))
        Session.objects.create(session_key="old", session_data="x", expire_date=now - timedelta(days=1))

        would = prune(capsys, "--dry-run")
        assert CreatorSession.objects.count() == 3
        assert prune(capsys) == would.replace("would be deleted", "deleted")
        for line in (
            "sessions whose 24 hours are over: 1",
            "idempotency keys older than a day: 1",
            "sign-ins that have expired: 1",
        ):
            assert line in would
        assert set(CreatorSession.objects.all()) == {busy, here}
        assert over not in CreatorSession.objects.all()
        assert (OneUseLink.objects.count(), IdempotencyKey.objects.get().key, Session.objects.count()) == (1, "new", 0)

    def test_more_rows_than_go_at_once(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(housekeeping, "_ROWS_AT_ONCE", 2)
        session = CreatorSessionFactory.create()
        for _ in range(5):
            link_create(session=session)
        OneUseLink.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
        assert "one-use links that have expired: 5" in prune(capsys)
        assert not OneUseLink.objects.exists()


class TestReports:
    def test_ok(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Only with --days, only of tasks that ended before, and the story of the task stays."""
        ended, running = task_make(), task_make()
        for task in (ended, running):
            task_progress(claim=claim_make(task), percent=40, message="Drawing")
        task_cancel(task_id=ended.pk)
        type(ended).objects.filter(pk=ended.pk).update(completed_at=timezone.now() - timedelta(days=8))
        prune(capsys)
        assert ProgressEvent.objects.filter(event_type="progress_update").count() == 2
        line = "progress reports of tasks that ended more than 7 days ago: 1"
        assert line in prune(capsys, "--days", "7", "--dry-run")
        assert line in prune(capsys, "--days", "7")
        assert list(ProgressEvent.objects.filter(event_type="progress_update").values_list("task", flat=True)) == [running.pk]
        assert list(ended.events.order_by("seq").values_list("status", flat=True)) == ["pending", "in_progress", "cancelled"]

    def test_what_may_be_replayed_stays(self) -> None:
        with pytest.raises(CommandError, match="at least 1"):
            call_command("prune", "--days", "0")

    @pytest.mark.parametrize(("days", "left"), [(0, 1), (5000, 1), (30, 0)])
    def test_happens_by_itself_only_where_the_operator_says_so(self, settings: Any, days: int, left: int) -> None:
        settings.VIDEOFLOW_REPORT_DAYS = days
        task = task_done(ProjectFactory.create(), "media_generation", "Done")
        ProgressEvent.objects.create(session=task.session, seq=1, task=task, event_type="progress_update", status="in_progress")
        type(task).objects.update(completed_at=timezone.now() - timedelta(days=4000))
        housekeeping.housekeeping()
        assert ProgressEvent.objects.count() == left
