"""What stands beside the panels: why something waits, the log, the first look, and going on after a failure."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from videoflow.pipeline.board import project_board, usual_seconds
from videoflow.pipeline.models import Asset
from videoflow.pipeline.tests import factories
from videoflow.pipeline.waiting import waiting_reason
from videoflow.tasks.models import ProgressEvent, Task, Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(client):
    return factories.ProjectFactory.create(session=factories.session_of(client))


@pytest.fixture
def worker():
    return Worker.objects.create(worker_id="here:celery:1", kind="celery", host="here", pid=1)


def waiting(project, **facts):
    return factories.TaskFactory.create(
        project=project, session=project.session, task_type="media_generation", queue="cpu", **facts
    )


def events_write(task, count: int) -> None:
    ProgressEvent.objects.bulk_create(
        ProgressEvent(
            session=task.session,
            seq=seq + 1,
            task=task,
            event_type="progress_update",
            task_type=task.task_type,
            message=f"Picture {seq}",
        )
        for seq in range(count)
    )


def page_of(client, project) -> str:
    answer = client.get(reverse("pipeline:project_detail", args=[project.pk]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


class TestWhyItWaits:
    def test_no_worker(self, project, worker):
        task = waiting(project)
        assert "Starts in a moment" in waiting_reason(task)
        Worker.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=41))
        assert "No worker has reported for 40 s" in waiting_reason(task)

    def test_a_later_try_says_when(self, project, worker):
        at = timezone.now() + timedelta(minutes=2)
        task = waiting(project, status=Task.Status.RETRYING, not_before=at, message="The disk is nearly full.")
        assert waiting_reason(task) == f"Tries again at {timezone.localtime(at):%H:%M:%S} by itself. The disk is nearly full."

    def test_ones_own_running_step_is_named(self, project, worker):
        other = factories.ProjectFactory.create(session=project.session, title="Forests")
        factories.task_running(other, "video_composition", 40, "Encoding", lease_until=timezone.now() + timedelta(seconds=30))
        assert "taken by Composition of “Forests”, 40 % done" in waiting_reason(waiting(project))

    def test_a_strangers_title_is_not_told(self, project, worker):
        other = factories.ProjectFactory.create(title="Secret")
        factories.task_running(other, "video_composition", 40, "Encoding", lease_until=timezone.now() + timedelta(seconds=30))
        sentence = waiting_reason(waiting(project))
        assert "somebody else's video" in sentence
        assert "Secret" not in sentence

    def test_three_of_ones_own(self, project, worker):
        for _ in range(3):
            other = factories.ProjectFactory.create(session=project.session)
            factories.task_running(other, "script_generation", 5, "…", lease_until=timezone.now() + timedelta(seconds=30))
        assert "3 of your steps run already" in waiting_reason(waiting(project))

    def test_it_stands_in_the_rail_and_in_the_panel(self, client, project, worker):
        waiting(project)
        assert page_of(client, project).count("Starts in a moment.") == 2


class TestEstimate:
    def test_median_of_past_runs_hidden_below_three(self, project):
        running = factories.task_running(project, "media_generation", 0, "Starting", seconds=10)
        for number, seconds in enumerate((60, 70)):
            other = factories.ProjectFactory.create()
            factories.task_done(other, "media_generation", "done", seconds=seconds)
            assert usual_seconds(running) is None, number
        other = factories.ProjectFactory.create()
        factories.task_done(other, "media_generation", "done", seconds=3600)
        assert usual_seconds(running) == pytest.approx(70)
        eta = project_board(project).stage("media_generation").eta_seconds
        assert eta == pytest.approx(60, abs=1)

    def test_time_in_the_queue_stands_apart(self, client, project):
        now = timezone.now()
        factories.task_running(project, "media_generation", 20, "Drawing", created_at=now - timedelta(seconds=100))
        assert "waited 1 min 00 s before" in page_of(client, project)


class TestLog:
    def test_newest_last_two_hundred_at_most_and_as_a_file(self, client, project):
        task = waiting(project)
        events_write(task, 230)
        page = client.get(reverse("pipeline:log", args=[project.pk])).content.decode()
        lines = re.findall(r"<li>(.*?)</li>", page)
        assert len(lines) == 200
        assert lines[-1].endswith("Picture 229")
        answer = client.get(reverse("pipeline:log_file", args=[project.pk]))
        assert answer.headers["Content-Disposition"] == 'attachment; filename="log.txt"'
        assert answer.content.decode().splitlines() == lines

    def test_queries_are_bounded(self, client, project, django_assert_max_num_queries):
        events_write(waiting(project), 50)
        with django_assert_max_num_queries(8):
            client.get(reverse("pipeline:log", args=[project.pk]))


class TestFirstLook:
    def look(self, project):
        return factories.asset_make(project, kind=Asset.Kind.PREVIEW, name="first-look.mp4", content=b"film", seconds=42.7)

    def test_is_shown_until_there_is_the_video(self, client, project):
        script = factories.with_script(project)
        factories.with_media(project, script, done=False)
        assert 'id="first-look" hidden' in page_of(client, project)
        look = self.look(project)
        page = page_of(client, project)
        assert "The first 42 seconds" in page
        assert f"/media/{look.pk}/" in page
        fragment = client.get(reverse("pipeline:first_look", args=[project.pk])).content.decode()
        assert "The first 42 seconds" in fragment
        assert "<html" not in fragment
        factories.with_video(project, script)
        assert 'id="first-look" hidden' in page_of(client, project)


class TestRetryFromHere:
    def test_retries_and_goes_on(self, client, project):
        factories.with_script(project)
        task = factories.task_failed(project, "media_generation", "The disk is full.", input_data={"music_mood": "calm"})
        page = page_of(client, project)
        assert "Media stopped at" in page
        assert "no money" in page
        answer = client.post(reverse("pipeline:retry_from_here", args=[project.pk, "media_generation"]))
        assert answer.url.endswith("#panel-media_generation")
        task.refresh_from_db()
        assert task.status == Task.Status.RETRYING
        assert task.input_data == {"music_mood": "calm", "continue": True}

    def test_a_running_step_is_left_alone_and_the_page_says_so(self, client, project):
        factories.with_script(project)
        task = factories.task_running(project, "media_generation", 30, "Drawing", input_data={})
        url = reverse("pipeline:retry_from_here", args=[project.pk, "media_generation"])
        answer = client.post(url, follow=True)
        assert "Only a failed or cancelled task can be retried." in answer.content.decode()
        task.refresh_from_db()
        assert task.input_data == {}

    def test_cost_is_what_past_runs_took(self, client, project):
        for _ in range(3):
            factories.task_done(factories.ProjectFactory.create(), "media_generation", "done", seconds=240)
        factories.with_script(project)
        factories.task_failed(project, "media_generation", "The disk is full.")
        assert "about 4 min of this machine at the most, no money." in page_of(client, project)


@pytest.mark.parametrize("name", ["rail", "first_look", "log", "log_file"])
def test_strangers_get_nothing(client, name):
    project = factories.ProjectFactory.create()
    assert client.get(reverse(f"pipeline:{name}", args=[project.pk])).status_code == 404


def test_strangers_retry_nothing(client):
    project = factories.ProjectFactory.create()
    task = factories.task_failed(project, "media_generation", "No.")
    assert client.post(reverse("pipeline:retry_from_here", args=[project.pk, "media_generation"])).status_code == 404
    task.refresh_from_db()
    assert task.status == Task.Status.FAILED


def test_before_there_are_themes_they_are_what_is_next(client, project):
    assert "Next: choose where the trends come from." in page_of(client, project)
    factories.with_trends(project)
    assert "Next: pick what to talk about" in page_of(client, project)


def test_a_cancelled_step_is_the_next_thing_to_do(client, project):
    factories.with_script(project, input_type="topic")
    factories.TaskFactory.create(project=project, task_type="media_generation", queue="cpu", status=Task.Status.CANCELLED)
    assert "Next: retry the step that you stopped" in page_of(client, project)
