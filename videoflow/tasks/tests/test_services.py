from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from videoflow import redis
from videoflow.errors import BadInput, VideoflowError
from videoflow.memory import HeavySteps, Memory
from videoflow.tasks import oversight, rows, services, wakeup
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.tests.factories import claim_make, session_make, task_make

pytestmark = pytest.mark.django_db


def events_of(task: Task) -> list[tuple[int, str, str]]:
    return list(task.events.order_by("seq").values_list("seq", "event_type", "status"))


class TestEnqueue:
    def test_ok(self):
        task = task_make()
        assert task.status == "pending"
        assert events_of(task) == [(1, "status_change", "pending")]

    def test_wakes_a_worker_after_the_commit_only(self, django_capture_on_commit_callbacks, monkeypatch):
        sent: list[str] = []
        monkeypatch.setattr(services, "wakeup_send", lambda *, task_id, queue: sent.append(queue))
        with django_capture_on_commit_callbacks(execute=True):
            task_make(queue="io")
            assert sent == []
        assert sent == ["io"]

    def test_the_same_stage_of_a_project_runs_once_at_a_time(self):
        task = task_make()
        with pytest.raises(services.TaskConflict):
            services.task_enqueue(
                session=task.session, project_id=task.project_id, task_type=task.task_type, queue="cpu", input_data={}
            )

    def test_a_rolled_back_task_leaves_no_gap_in_the_sequence(self):
        session = session_make()
        with pytest.raises(RuntimeError), transaction.atomic():
            task_make(session)
            raise RuntimeError
        assert events_of(task_make(session))[0][0] == 1

    def test_no_more_than_so_many_wait_and_nothing_is_left_of_the_refused(self):
        session = session_make()
        for _ in range(2):
            task_make(session, most_waiting=2)
        with pytest.raises(services.TooManyWaiting, match="2 steps"):
            task_make(session, most_waiting=2)
        session.refresh_from_db()
        assert (session.tasks.count(), session.head_seq) == (2, 2)
        task_make(most_waiting=2), claim_make(session.tasks.first())
        assert task_make(session, most_waiting=2).status == "pending"


class TestClaim:
    def test_ok(self):
        task = task_make()
        claim = claim_make(task)
        task.refresh_from_db()
        assert (task.status, task.fence, task.attempt, claim.fence) == ("in_progress", 1, 1, 1)
        assert task.lease_until is not None and task.lease_until > timezone.now()

    def test_a_task_is_claimed_once(self):
        task = task_make()
        claim_make(task)
        assert services.task_claim(queue="cpu", worker_id="host:test:2", task_id=task.pk) is None

    def test_priority_goes_first_then_turn_by_turn_between_sessions(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 10}
        busy, quiet = session_make(), session_make()
        first, second = task_make(busy), task_make(busy)
        other = task_make(quiet)
        urgent = task_make(busy, priority=Task.Priority.HIGH)
        claims = [services.task_claim(queue="cpu", worker_id="host:test:1") for _ in range(4)]
        assert [claim.task_id for claim in claims if claim] == [urgent.pk, other.pk, first.pk, second.pk]

    @pytest.mark.parametrize(("free", "is_asked", "started"), [(10**9, False, 1), (10**10, False, 3), (0, True, 3)])
    def test_a_second_heavy_step_waits_for_memory_unless_the_slots_are_set(self, settings, monkeypatch, free, is_asked, started):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 3, "io": 3}
        settings.VIDEOFLOW_HEAVY_STEPS = HeavySteps(3, "", is_asked=is_asked)
        monkeypatch.setattr("videoflow.memory.memory_now", lambda: Memory(16_000_000_000, free))
        for _ in range(4):
            task_make()
            task_make(queue="io")
        claims = [services.task_claim(queue="cpu", worker_id="host:test:1") for _ in range(4)]
        assert sum(claim is not None for claim in claims) == started
        assert all(services.task_claim(queue="io", worker_id="host:test:1") for _ in range(3)), "light ones need none"

    def test_a_session_with_three_running_waits_for_others(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 10}
        busy, quiet = session_make(), session_make()
        tasks = [task_make(busy) for _ in range(5)]
        later = task_make(quiet)
        claims = [services.task_claim(queue="cpu", worker_id="host:test:1") for _ in range(5)]
        assert later.pk in [claim.task_id for claim in claims if claim]
        assert claims[4] is None and not services.tasks_due(queue="cpu").exists()
        Task.objects.filter(session=busy).update(lease_until=timezone.now() - timedelta(seconds=1))
        claim = services.task_claim(queue="cpu", worker_id="host:test:1")
        assert claim is not None and claim.task_id in {task.pk for task in tasks}, "dead workers hold nobody up"

    def test_brings_the_row_as_it_was_claimed(self):
        claim = claim_make(task_make())
        assert claim.task is not None
        assert {**vars(claim.task), "_state": None} == {**vars(Task.objects.get(pk=claim.task_id)), "_state": None}

    @pytest.mark.sqlite
    def test_is_found_in_the_index_alone(self):
        task_make()
        with CaptureQueriesContext(connection) as queries:
            rows.next_due(queue="cpu", session_limit=3, now=timezone.now())
        plan = "".join(row[3] for row in connection.cursor().execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}").fetchall())
        assert "USING COVERING INDEX task_waiting" in plan
        assert "SCAN tasks_task" not in plan

    def test_no_more_than_the_slots_of_a_host(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 1}
        task_make(), task_make()
        assert services.task_claim(queue="cpu", worker_id="host:test:1")
        assert services.task_claim(queue="cpu", worker_id="host:test:2") is None
        assert services.task_claim(queue="cpu", worker_id="other:test:1")

    def test_waits_for_not_before(self):
        task = task_make()
        Task.objects.update(not_before=timezone.now() + timedelta(seconds=60))
        assert services.task_claim(queue=task.queue, worker_id="host:test:1") is None


class TestFence:
    def test_a_worker_taken_for_dead_can_write_nothing(self):
        task = task_make()
        old = claim_make(task)
        Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert services.leases_reap() == 1
        new = claim_make(task, "host:test:2")
        with pytest.raises(services.LeaseLost):
            services.task_complete(claim=old, message="done", result_data={})
        with pytest.raises(services.LeaseLost):
            services.task_progress(claim=old, percent=50, message="still here")
        with pytest.raises(services.LeaseLost):
            services.task_fail(claim=old, error=VideoflowError("no"))
        assert not services.task_heartbeat(claim=old)
        services.task_complete(claim=new, message="done", result_data={})
        assert [kind for _, kind, _ in events_of(task)].count("completion") == 1


class TestProgress:
    def test_never_falls_and_never_reaches_a_hundred_by_itself(self):
        claim = claim_make(task_make())
        for percent, seen in ((30, 30), (10, 30), (101, 99)):
            services.task_progress(claim=claim, percent=percent, message="…")
            assert Task.objects.get(pk=claim.task_id).progress == seen

    def test_sequence_has_no_gaps(self):
        task = task_make()
        claim = claim_make(task)
        for percent in range(5):
            services.task_progress(claim=claim, percent=percent, message="…")
        services.task_complete(claim=claim, message="done", result_data={"result_url": "/media/x", "size_bytes": 3})
        assert [seq for seq, _, _ in events_of(task)] == list(range(1, 9))
        assert ProgressEvent.objects.get(event_type="completion").data == {"result_url": "/media/x", "size_bytes": 3}


class TestFail:
    def test_a_final_failure_says_so_once(self):
        task = task_make()
        services.task_fail(claim=claim_make(task), error=BadInput("Too short.", code="TOO_SHORT"))
        task.refresh_from_db()
        assert task.status == "failed"
        assert task.error is not None and task.error["error_code"] == "TOO_SHORT"
        assert [kind for _, kind, _ in events_of(task)].count("error") == 1

    def test_what_may_pass_is_tried_again_three_times(self):
        task = task_make()
        for _ in range(3):
            services.task_fail(claim=claim_make(task), error=VideoflowError("Busy.", retryable=True))
            task.refresh_from_db()
            assert task.status == "retrying"
            assert task.not_before is not None
        services.task_fail(claim=claim_make(task), error=VideoflowError("Busy.", retryable=True))
        task.refresh_from_db()
        assert task.status == "failed"

    def test_after_the_users_retry_what_may_pass_is_tried_three_times_again(self):
        task = task_make()
        for _ in range(4):
            services.task_fail(claim=claim_make(task), error=VideoflowError("Busy.", retryable=True))
        services.task_retry(task_id=task.pk)
        for status in ("retrying", "retrying", "retrying", "failed"):
            assert services.task_fail(claim=claim_make(task), error=VideoflowError("Busy.", retryable=True)).status == status

    @pytest.mark.parametrize(("asked", "seconds"), [(34.0, 34), (1, 5), (90_000, 3600), (None, 5)])
    def test_the_pause_a_service_asks_for_is_kept(self, asked, seconds):
        error = VideoflowError("Busy.", retryable=True, details={"retry_after_seconds": asked})
        with time_machine.travel(timezone.now(), tick=False):
            task = services.task_fail(claim=claim_make(task_make()), error=error)
            assert task.not_before == timezone.now() + timedelta(seconds=seconds)


class TestRecovery:
    def test_three_recoveries_then_failed(self):
        task = task_make()
        for recoveries in (1, 2, 3):
            claim_make(task)
            Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            services.leases_reap()
            task.refresh_from_db()
            assert (task.status, task.recoveries) == ("retrying", recoveries)
        claim_make(task)
        Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1), retry_count=2)
        services.leases_reap()
        task.refresh_from_db()
        assert task.status == "failed"
        error = ProgressEvent.objects.get(event_type="error")
        assert (error.data["error_code"], error.data["retry_count"], error.data["max_retries"]) == ("WORKER_LOST", 2, 3)

    def test_a_live_lease_is_left_alone(self):
        claim_make(task_make())
        assert services.leases_reap() == 0

    def test_release_at_shutdown_is_no_recovery(self):
        task = task_make()
        services.task_release(claim=claim_make(task))
        task.refresh_from_db()
        assert (task.status, task.recoveries) == ("pending", 0)


class TestCancel:
    @pytest.mark.parametrize("running", [False, True])
    def test_ok(self, running):
        task = task_make()
        claim = claim_make(task) if running else None
        services.task_cancel(task_id=task.pk)
        task.refresh_from_db()
        assert task.status == "cancelled"
        if claim:
            assert not services.task_is_ours(claim=claim)

    def test_an_ended_task_cannot_be_cancelled(self):
        task = task_make()
        services.task_complete(claim=claim_make(task), message="done", result_data={})
        with pytest.raises(BadInput):
            services.task_cancel(task_id=task.pk)


class TestRetry:
    def test_a_cancelled_task_runs_again_under_a_new_fence(self):
        task = task_make()
        old = claim_make(task)
        services.task_cancel(task_id=task.pk)
        services.task_retry(task_id=task.pk)
        new = claim_make(task)
        assert new.fence == old.fence + 1
        assert not services.task_is_ours(claim=old)

    def test_three_times_at_most(self):
        task = task_make()
        for _ in range(3):
            services.task_cancel(task_id=task.pk)
            services.task_retry(task_id=task.pk)
        services.task_cancel(task_id=task.pk)
        with pytest.raises(BadInput, match="three times"):
            services.task_retry(task_id=task.pk)

    def test_not_while_too_many_wait(self, settings):
        settings.VIDEOFLOW_USER_WAITING = 2
        session = session_make()
        task = task_make(session)
        services.task_cancel(task_id=task.pk)
        for _ in range(2):
            task_make(session)
        with pytest.raises(services.TooManyWaiting):
            services.task_retry(task_id=task.pk)
        task.refresh_from_db()
        assert (task.status, task.retry_count) == ("cancelled", 0)

    def test_a_running_task_cannot_be_retried(self):
        task = task_make()
        with pytest.raises(BadInput, match="failed or cancelled"):
            services.task_retry(task_id=task.pk)


class TestWakeups:
    def test_repeats_with_growing_waits(self, monkeypatch):
        monkeypatch.setattr(oversight, "wakeup_send", lambda *, task_id, queue: True)
        task = task_make()
        Task.objects.update(dispatched_at=None)
        assert oversight.wakeups_repeat() == 1
        assert oversight.wakeups_repeat() == 0
        Task.objects.update(dispatched_at=timezone.now() - timedelta(seconds=3))
        assert oversight.wakeups_repeat() == 1
        task.refresh_from_db()
        assert task.hint_count == 2

    def test_unanswered_only_after_three_and_with_a_free_slot(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 1}
        waiting = task_make()
        assert not oversight.has_unanswered(queue="cpu", host="host")
        Task.objects.filter(pk=waiting.pk).update(hint_count=3)
        assert oversight.has_unanswered(queue="cpu", host="host")
        claim_make(task_make())
        assert not oversight.has_unanswered(queue="cpu", host="host")

    def test_redis_away_is_no_error(self, monkeypatch):
        monkeypatch.setattr(redis.breaker, "allows", lambda: False)
        assert wakeup.wakeup_send(task_id="x", queue="cpu") is False
