import os
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from videoflow.pipeline import services
from videoflow.pipeline.housekeeping import housekeeping
from videoflow.pipeline.models import Asset, Project
from videoflow.pipeline.services import session_delete, sessions_sweep, source_file_add
from videoflow.pipeline.store import media_path
from videoflow.pipeline.tests.factories import project_finished, session_of, task_running, with_publication
from videoflow.sessions.idempotency import reply_once
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import session_create, sessions_owned
from videoflow.tasks.models import Task
from videoflow.tasks.selectors import events_after, hello_get
from videoflow.tasks.services import task_cancel, task_enqueue

pytestmark = pytest.mark.django_db
A_DAY_LATER = timedelta(hours=24, minutes=2)


def _die(**_):
    raise OSError


class TestSessionDelete:
    def test_deletes_rows_and_files_and_cancels_tasks(self):
        session = session_create(cookie="mine")
        project = project_finished(session)
        source = source_file_add(session=session, name="trends.csv", chunks=[b"title\n"])
        files = [media_path(path) for path in Asset.objects.values_list("path", flat=True)] + [media_path(source.path)]
        assert all(file.is_file() for file in files)
        task_running(project, "youtube_upload", 10, "x")
        session_delete(session=session)
        assert not any(file.exists() for file in files)
        for model in (CreatorSession, Project, Task, Asset):
            assert not model.objects.exists()

    def test_the_sweeper_ends_what_a_dead_process_began(self, monkeypatch):
        session = session_create(cookie="mine")
        project_finished(session)
        with monkeypatch.context() as patch:
            patch.setattr(services, "project_delete", _die)
            with pytest.raises(OSError):
                session_delete(session=session)
        assert not sessions_owned(user=None, cookie="mine").exists()
        assert sessions_sweep() == 1
        assert not Project.objects.exists()

    def test_a_file_that_another_session_uses_stays(self):
        session, other = session_create(), session_create()
        for owner in (session, other):
            project_finished(owner)
        paths = {media_path(path) for path in other.projects.get().assets.values_list("path", flat=True)}
        session_delete(session=session)
        assert all(path.is_file() for path in paths)


class TestSweep:
    def test_nothing_within_24_hours(self):
        session_create(cookie="mine")
        with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59)):
            assert sessions_sweep() == 0

    def test_after_24_hours_a_session_goes(self):
        Project.objects.create(session=session_create(cookie="mine"))
        with time_machine.travel(timezone.now() + A_DAY_LATER):
            housekeeping()
        assert not CreatorSession.objects.exists()

    def test_activity_on_a_page_slides_it(self, client):
        session_of(client)
        with time_machine.travel(timezone.now() + timedelta(hours=20)):
            assert client.get("/projects/").status_code == 200
        with time_machine.travel(timezone.now() + timedelta(hours=30)):
            assert sessions_sweep() == 0
        with time_machine.travel(timezone.now() + timedelta(hours=45)):
            assert sessions_sweep() == 1

    def test_a_users_session_stays(self, django_user_model):
        session_create(user=django_user_model.objects.create_user("ana"))
        with time_machine.travel(timezone.now() + timedelta(days=400)):
            assert sessions_sweep() == 0

    @pytest.mark.parametrize("status", Task.OPEN)
    def test_never_with_an_open_task(self, status):
        session = session_create()
        task = task_running(Project.objects.create(session=session), "script_generation", 10, "x")
        Task.objects.filter(pk=task.pk).update(status=status)
        with time_machine.travel(timezone.now() + A_DAY_LATER):
            assert sessions_sweep() == 0
            Task.objects.filter(pk=task.pk).update(status=Task.Status.CANCELLED)
            assert sessions_sweep() == 1

    def test_never_with_an_unpublished_video(self, settings, tmp_path: Path):
        settings.VIDEOFLOW_DATA = tmp_path
        session = session_create()
        done, waiting = project_finished(session), project_finished(session)
        with_publication(done, done.videos.get(), tmp_path)
        with time_machine.travel(timezone.now() + A_DAY_LATER):
            assert sessions_sweep() == 0
            with_publication(waiting, waiting.videos.get(), tmp_path)
            assert sessions_sweep() == 1


class TestMovedClock:
    """What lives for a time does so to the minute, and a clock that was put back costs nobody anything."""

    def test_a_session_survives_a_clock_that_was_put_back(self):
        session = session_create(cookie="mine")
        with time_machine.travel(timezone.now() - timedelta(days=2), tick=False):
            housekeeping()
            assert sessions_owned(user=None, cookie="mine").get() == session

    def test_an_idempotency_key_stands_for_a_day(self):
        session, now = session_create(), timezone.now()

        def reply(number: int) -> tuple[dict[str, int], bool]:
            return reply_once(session=session, key="a", request_hash="same", act=lambda: {"number": number})

        with time_machine.travel(now, tick=False):
            assert reply(1) == ({"number": 1}, False)
        with time_machine.travel(now + timedelta(hours=23, minutes=59), tick=False):
            housekeeping()
            assert reply(2) == ({"number": 1}, True)
        with time_machine.travel(now - timedelta(hours=3), tick=False):
            housekeeping()
            assert reply(3) == ({"number": 1}, True)
        with time_machine.travel(now + timedelta(hours=24, minutes=1), tick=False):
            assert reply(4) == ({"number": 4}, False)

    def test_replay_serves_an_hour_and_the_rows_stay(self):
        session, now = session_create(user=None), timezone.now()
        with time_machine.travel(now, tick=False):
            project = Project.objects.create(session=session)
            task = task_enqueue(session=session, project_id=project.pk, task_type="trending_analysis", queue="io", input_data={})
            task_cancel(task_id=task.pk)
        for age, reset, listed in ((timedelta(minutes=59), False, 1), (timedelta(minutes=61), True, 0)):
            with time_machine.travel(now + age, tick=False):
                hello = hello_get(session_id=session.pk, after=1)
            assert (hello["seq"], hello["reset"], len(hello["tasks"])) == (2, reset, listed)
        with time_machine.travel(now + timedelta(hours=23), tick=False):
            housekeeping()
        assert [event["seq"] for event in events_after(session_id=session.pk, seq=0)] == [1, 2]

    def test_housekeeping_leaves_young_files_alone_whatever_the_clock_says(self, settings, tmp_path: Path):
        settings.VIDEOFLOW_DATA, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
        young, old = tmp_path / "media" / "ab" / "young.png", tmp_path / "media" / "ab" / "old.png"
        young.parent.mkdir(parents=True)
        for path in (young, old):
            path.write_bytes(b"x")
        with time_machine.travel(timezone.now() - timedelta(days=1)):
            housekeeping()
        assert young.exists() and old.exists()
        os.utime(old, (0, 0))
        housekeeping()
        assert young.exists() and not old.exists()
