import errno
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from videoflow.children import ChildFailed
from videoflow.errors import BadInput, VideoflowError
from videoflow.logs import current_task_id
from videoflow.pipeline import reach, runner, stages
from videoflow.pipeline.models import Asset, Project, Theme
from videoflow.pipeline.services import project_create, source_file_add, stage_start
from videoflow.pipeline.stages.base import Stage, StageContext, StageInput, StageNotReady, StageOutput, always_ready
from videoflow.pipeline.store import work_dir
from videoflow.pipeline.tasks import run_task
from videoflow.sessions.services import session_create
from videoflow.storage.base import StorageFault
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.services import LeaseLost, TooManyWaiting, task_cancel, task_claim

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[[StageContext], StageOutput]


@pytest.fixture
def project() -> Project:
    return project_create(session=session_create(), seed=1)


@pytest.fixture
def stage_of(monkeypatch) -> Callable[..., None]:
    """Let the named stages be small functions, so that the runner's own behaviour is all that is tested."""

    def replace(**runs: Run) -> None:
        made = tuple(
            Stage(name, name, order, "io", name, StageInput, always_ready, run) for order, (name, run) in enumerate(runs.items())
        )
        monkeypatch.setattr(stages, "load", lambda: made)

    return replace


def done(result: dict[str, Any] | None = None) -> StageOutput:
    return StageOutput("done", lambda: result or {})


def run_next(queue: str = "io") -> Task:
    claim = task_claim(queue=queue, worker_id=runner.worker_id_make("test"))
    assert claim is not None
    return runner.task_run(claim=claim)


class TestTaskRun:
    def test_ok(self, project, stage_of, settings, tmp_path):
        settings.VIDEOFLOW_DATA = tmp_path
        seen: list[StageContext] = []

        def look(context: StageContext) -> StageOutput:
            seen.append(context)
            assert context.work_dir.is_dir()
            return done({"size_bytes": 5})

        stage_of(first=look)
        stage_start(project=project, task_type="first", input_data={})
        task = run_next()
        assert (task.status, task.progress, task.message, task.result_data) == ("completed", 100, "done", {"size_bytes": 5})
        assert list((settings.VIDEOFLOW_DATA / "work").iterdir()) == []

    def test_the_real_first_stage_on_a_real_file(self, project):
        csv = (
            "video_id,title,publishedAt,channelId,channelTitle,categoryId,trending_date,tags,view_count,likes,dislikes,comment_count,"
            "thumbnail_link,comments_disabled,ratings_disabled,description\n"
            + "".join(
                f"id{n},Minecraft castle build {n},2020-08-11T10:00:00Z,c{n},Channel {n},20,2020-08-12,minecraft|castle,"
                f"{1000 * n},1,0,1,x,False,False,text\n"
                for n in range(1, 6)
            )
        ).encode()
        file = source_file_add(session=project.session, name="trending.csv", chunks=[csv])
        stage_start(project=project, task_type="trending_analysis", input_data={"source": str(file.pk)})
        task = run_next()
        assert task.status == "completed", task.error
        theme = Theme.objects.get(report__project=project, rank=1)
        assert "minecraft" in theme.label.lower()
        assert theme.videos.count() >= 3

    def test_a_refusal_is_the_tasks_error(self, project):
        file = source_file_add(session=project.session, name="picture.csv", chunks=[b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8])
        stage_start(project=project, task_type="trending_analysis", input_data={"source": str(file.pk)})
        task = run_next()
        assert task.status == "failed"
        assert task.error is not None and len(task.error["message"]) > 20

    def test_what_is_not_foreseen_shows_no_inside(self, project, stage_of):
        def fail(context: StageContext) -> StageOutput:
            raise KeyError("/secret/path")

        stage_of(first=fail)
        stage_start(project=project, task_type="first", input_data={})
        task = run_next()
        assert task.status == "failed"
        assert task.error is not None and "secret" not in str(task.error)

    def test_the_last_of_quick_reports_is_written_while_the_stage_works_on(self, project, stage_of):
        def report(context: StageContext) -> StageOutput:
            context.report(0.1, "Drawing")
            context.report(0.9, "Listening")
            for _ in range(5000):
                if Task.objects.get(pk=context.task.pk).message == "Listening":
                    break
                threading.Event().wait(0.05)
            return StageOutput(Task.objects.get(pk=context.task.pk).message, dict)

        stage_of(first=report)
        stage_start(project=project, task_type="first", input_data={})
        assert run_next().message == "Listening"

    def test_a_fallen_worker_process_shows_no_inside(self, project, stage_of):
        def fall(context: StageContext) -> StageOutput:
            raise ChildFailed("A worker process ended.", details={"stderr": ["File /secret/path"], "exit": -9})

        stage_of(first=fall)
        stage_start(project=project, task_type="first", input_data={})
        task = run_next()
        assert task.error is not None and task.error["details"] == {"exit": -9}

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), OperationalError("database or disk is full")])
    def test_a_full_disk_is_said_and_tried_again(self, project, stage_of, error):
        def fill(context: StageContext) -> StageOutput:
            raise error

        stage_of(first=fill)
        stage_start(project=project, task_type="first", input_data={})
        task = run_next()
        assert (task.status, (task.error or {}).get("error_code")) == ("retrying", "DISK_FULL")

    def test_a_scratch_folder_that_cannot_be_made_is_a_failure_not_a_lost_worker(self, project, stage_of, settings, tmp_path):
        settings.VIDEOFLOW_DATA = tmp_path
        (tmp_path / "work").write_text("in the way")
        stage_of(first=lambda context: done({"made": str(context.work_dir)}))
        stage_start(project=project, task_type="first", input_data={})
        assert run_next().status == "failed"

    def test_removes_what_a_killed_attempt_left(self, project, stage_of):
        stage_of(first=lambda context: done())
        task = stage_start(project=project, task_type="first", input_data={})
        left = work_dir(f"{task.pk}-0")
        (left / "half.mp4").write_bytes(b"x")
        Task.objects.update(attempt=1)
        run_next()
        assert not left.exists()

    def test_each_line_of_the_log_names_the_task(self, project, stage_of, caplog):
        named: list[str] = []

        def look(context: StageContext) -> StageOutput:
            named.append(current_task_id.get())
            return done()

        stage_of(first=look)
        task = stage_start(project=project, task_type="first", input_data={})
        run_next()
        assert named == [str(task.pk)]
        assert current_task_id.get() == "-"

    def test_what_may_pass_waits_and_is_retried(self, project, stage_of):
        def busy(context: StageContext) -> StageOutput:
            raise VideoflowError("Busy.", retryable=True)

        stage_of(first=busy)
        stage_start(project=project, task_type="first", input_data={})
        task = run_next()
        assert task.status == "retrying"
        assert task.not_before is not None and task.not_before > timezone.now()

    def test_a_cancel_reaches_the_stage_at_work(self, project, stage_of):
        running, stopped = threading.Event(), threading.Event()

        def wait(context: StageContext) -> StageOutput:
            running.set()
            while not context.cancelled():
                threading.Event().wait(0.02)
            stopped.set()
            context.check()
            return done()

        stage_of(first=wait)
        task = stage_start(project=project, task_type="first", input_data={})
        thread = threading.Thread(target=run_next)
        thread.start()
        assert running.wait(240)
        task_cancel(task_id=task.pk)
        assert stopped.wait(240)
        thread.join(240)
        task.refresh_from_db()
        assert task.status == "cancelled"

    def test_a_stage_that_lost_its_task_writes_no_rows(self, project, stage_of):
        def slow(context: StageContext) -> StageOutput:
            Task.objects.update(fence=99)
            with pytest.raises(LeaseLost), context.fenced():
                Project.objects.filter(pk=project.pk).update(title="stale")
            return StageOutput("done", lambda: {"renamed": Project.objects.filter(pk=project.pk).update(title="stale")})

        stage_of(first=slow)
        stage_start(project=project, task_type="first", input_data={})
        run_next()
        project.refresh_from_db()
        assert project.title == "Untitled video"
        assert not ProgressEvent.objects.filter(event_type="completion").exists()

    def test_shut_down_gives_the_task_back(self, project, stage_of, monkeypatch):
        monkeypatch.setattr(runner._Shutdown, "requested", threading.Event())
        monkeypatch.setattr(runner._Shutdown, "closing", threading.Event())

        def told_to_end(context: StageContext) -> StageOutput:
            runner.shutdown_request()
            context.check()
            return done()

        stage_of(first=told_to_end)
        stage_start(project=project, task_type="first", input_data={})
        task = run_next()
        assert (task.status, task.recoveries) == ("pending", 0)

    def test_a_process_that_drains_finishes_what_it_is_at_and_begins_nothing(self, project, stage_of, monkeypatch):
        monkeypatch.setattr(runner._Shutdown, "closing", threading.Event())

        def told_to_drain(context: StageContext) -> StageOutput:
            runner.drain_request()
            context.check()
            return done()

        stage_of(first=told_to_drain, second=lambda context: done())
        first = stage_start(project=project, task_type="first", input_data={})
        second = stage_start(project=project, task_type="second", input_data={})
        assert runner.queue_drain(queue=first.queue, worker_id="host:test:1") == 1
        for task, status in ((first, "completed"), (second, "pending")):
            task.refresh_from_db()
            assert task.status == status

    def test_a_host_without_its_storage_takes_no_other_task(self, project, stage_of, monkeypatch):
        away = StorageFault("The storage does not answer.", retryable=True)
        storage = SimpleNamespace(is_remote=True, probe=Mock(side_effect=[away, None]))
        monkeypatch.setattr(reach, "media_storage", lambda: storage)
        monkeypatch.setattr(runner, "parts_help", lambda **_: False)
        stage_of(first=Mock(side_effect=away), second=lambda context: done())
        first = stage_start(project=project, task_type="first", input_data={})
        second = stage_start(project=project, task_type="second", input_data={})
        assert [runner.queue_drain(queue=first.queue, worker_id="host:test:1") for _ in range(2)] == [1, 1]
        for task, status in ((first, "retrying"), (second, "completed")):
            task.refresh_from_db()
            assert task.status == status

    def test_one_thread_keeps_the_leases_and_lets_go_of_its_connection(self, project, stage_of):
        stage_of(first=lambda context: done(), second=lambda context: done())
        for name in ("first", "second"):
            stage_start(project=project, task_type=name, input_data={})
            run_next()
        assert [thread.name for thread in threading.enumerate()].count("leases") == 1
        assert runner._keeper._leases == []

    @pytest.mark.sqlite
    def test_a_drain_claims_the_next_in_the_commit_that_ends_the_last(self, project, stage_of):
        other = project_create(session=project.session)
        stage_of(first=lambda context: done())
        for row in (project, other):
            stage_start(project=row, task_type="first", input_data={})
        with CaptureQueriesContext(connection) as queries:
            assert runner.queue_drain(queue="io", worker_id="host:test:1") == 2
        assert [query["sql"] for query in queries].count("COMMIT") == 4, "first claim, end and claim, end, nothing more to claim"
        assert set(Task.objects.values_list("status", flat=True)) == {"completed"}


class TestContinue:
    def test_the_next_stage_is_queued_with_the_completion(self, project, stage_of):
        stage_of(first=lambda context: done(), second=lambda context: done())
        stage_start(project=project, task_type="first", input_data={"continue": True})
        run_next()
        following = Task.objects.get(task_type="second")
        assert (following.status, following.input_data) == ("pending", {"continue": True})

    def test_a_stage_alone_stays_alone(self, project, stage_of):
        stage_of(first=lambda context: done(), second=lambda context: done())
        stage_start(project=project, task_type="first", input_data={})
        run_next()
        assert not Task.objects.filter(task_type="second").exists()

    def test_goes_on_however_many_wait(self, project, stage_of):
        stage_of(first=lambda context: done(), second=lambda context: done())
        stage_start(project=project, task_type="first", input_data={"continue": True})
        claim = task_claim(queue="io", worker_id="host:test:1")
        assert claim is not None
        for _ in range(20):
            stage_start(project=project_create(session=project.session), task_type="second", input_data={})
        runner.task_run(claim=claim)
        assert Task.objects.get(project=project, task_type="second").status == "pending"


class TestStageStart:
    def test_a_file_that_is_not_there_or_anothers_is_refused_at_the_form(self, project):
        theirs = source_file_add(session=session_create(), name="trending.csv", chunks=[b"title,views\n"])
        for source in ("no file", "00000000-0000-4000-8000-000000000000", str(theirs.pk)):
            with pytest.raises(BadInput, match="Import it again") as caught:
                stage_start(project=project, task_type="trending_analysis", input_data={"source": source})
            assert caught.value.details.keys() == {"source"}
        assert not Task.objects.exists()

    def test_no_more_than_twenty_wait(self, project):
        for _ in range(20):
            stage_start(project=project_create(session=project.session), task_type="trending_analysis", input_data={})
        with pytest.raises(TooManyWaiting, match="20 steps"):
            stage_start(project=project, task_type="trending_analysis", input_data={})

    def test_names_each_wrong_field(self, project):
        with pytest.raises(BadInput) as caught:
            stage_start(project=project, task_type="script_generation", input_data={"minimum_seconds": 3, "nonsense": 1})
        assert set(caught.value.details) == {"minimum_seconds", "nonsense"}

    def test_an_earlier_stage_is_missing(self, project):
        for stage in ("media_generation", "video_composition", "youtube_upload"):
            with pytest.raises(StageNotReady):
                stage_start(project=project, task_type=stage, input_data={})

    def test_a_bare_topic_is_refused_at_the_form(self, project):
        with pytest.raises(BadInput, match="notes"):
            stage_start(project=project, task_type="script_generation", input_data={"input_type": "topic", "topic": "Tea"})

    def test_a_language_without_a_voice_is_refused_at_the_form(self, project):
        with pytest.raises(BadInput, match="offline voices"):
            stage_start(
                project=project,
                task_type="script_generation",
                input_data={"input_type": "script", "script_text": "A: Hallo.\nB: Guten Tag.", "language": "de"},
            )
        assert not Task.objects.exists()

    @pytest.mark.parametrize(
        ("field", "text"),
        [
            ("notes", "Die Stadt hat viele Bäume gepflanzt, und das ist gut für die Menschen, die dort wohnen. " * 9),
            ("topic", "Почему города сажают леса"),
            ("script_text", "Ana: Das ist nicht zu glauben, und es wird noch besser.\nBen: Ich habe es auch gesehen."),
        ],
    )
    def test_a_text_in_another_language_is_refused_at_the_form(self, project, field, text):
        input_data = {"input_type": "script" if field == "script_text" else "topic", "topic": "Trees", field: text}
        with pytest.raises(BadInput, match=r"seems? to be in") as caught:
            stage_start(project=project, task_type="script_generation", input_data=input_data)
        assert caught.value.details.keys() == {field}


class TestRunTask:
    def test_a_wakeup_drains_its_queue(self, project, stage_of):
        other = project_create(session=project.session)
        stage_of(first=lambda context: done())
        task = stage_start(project=project, task_type="first", input_data={})
        stage_start(project=other, task_type="first", input_data={})
        run_task(str(task.pk))
        assert set(Task.objects.values_list("status", flat=True)) == {"completed"}

    def test_a_wakeup_for_nothing_does_nothing(self):
        run_task("00000000-0000-4000-8000-000000000000")
        assert not Asset.objects.exists()
