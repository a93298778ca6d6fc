"""Random lives of tasks, step by step against a plain model: claims, reports, ends, retries, lost workers, a clock that moves."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule, run_state_machine_as_test

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.models import Project
from videoflow.sessions.models import CreatorSession
from videoflow.tasks import services
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.services import Claim, LeaseLost, TaskConflict

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUEUE = "cpu"
STAGES = ("trending_analysis", "script_generation")


class TaskLives(RuleBasedStateMachine):
    """The model knows one thing for sure: which claim, if any, may still write to a task."""

    tasks = Bundle("tasks")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.time = self.clock.start()
        sessions = [CreatorSession.objects.create() for _ in range(2)]
        self.projects = [Project.objects.create(session=session) for session in sessions for _ in range(2)]
        self.holder: dict[UUID, Claim] = {}
        self.completions: Counter[UUID] = Counter()
        self.errors: Counter[UUID] = Counter()

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def is_held(self, claim: Claim) -> bool:
        return self.holder.get(claim.task_id) == claim

    @rule(target=tasks, project=st.integers(0, 3), stage=st.sampled_from(STAGES), priority=st.sampled_from([0, 1, 2]))
    def enqueue(self, project: int, stage: str, priority: int):
        row = self.projects[project]
        is_open = Task.objects.filter(project=row, task_type=stage, status__in=Task.OPEN).exists()
        try:
            task = services.task_enqueue(
                session=row.session, project_id=row.pk, task_type=stage, queue=QUEUE, input_data={}, priority=priority
            )
        except TaskConflict:
            assert is_open
            return multiple()
        assert not is_open
        return task.pk

    @rule(target=claims, worker=st.integers(1, 3))
    def claim(self, worker: int):
        due = list(services.tasks_due(queue=QUEUE).values_list("pk", "priority"))
        claim = services.task_claim(queue=QUEUE, worker_id=f"host:test:{worker}")
        if claim is None:
            assert not due
            return multiple()
        assert claim.task_id in dict(due), "a task was claimed that is not due"
        assert dict(due)[claim.task_id] == max(priority for _, priority in due), "a more urgent task was passed over"
        assert claim.task_id not in self.holder, "two workers hold one task"
        self.holder[claim.task_id] = claim
        return claim

    @rule(claim=claims, percent=st.integers(-5, 200))
    def progress(self, claim: Claim, percent: int):
        before = Task.objects.get(pk=claim.task_id)
        try:
            services.task_progress(claim=claim, percent=percent, message="at work")
        except LeaseLost:
            assert not self.is_held(claim)
            assert Task.objects.get(pk=claim.task_id).progress == before.progress
            return
        assert self.is_held(claim)
        assert before.progress <= Task.objects.get(pk=claim.task_id).progress <= 99

    @rule(claim=claims)
    def beat(self, claim: Claim):
        assert services.task_heartbeat(claim=claim) == services.task_is_ours(claim=claim) == self.is_held(claim)

    @rule(claim=claims)
    def complete(self, claim: Claim):
        try:
            services.task_complete(claim=claim, message="done", result_data={})
        except LeaseLost:
            assert not self.is_held(claim)
            return
        assert self.is_held(claim)
        del self.holder[claim.task_id]
        self.completions[claim.task_id] += 1

    @rule(claim=claims, may_pass=st.booleans())
    def fail(self, claim: Claim, may_pass: bool):
        try:
            task = services.task_fail(claim=claim, error=VideoflowError("No.", retryable=may_pass))
        except LeaseLost:
            assert not self.is_held(claim)
            return
        assert self.is_held(claim)
        del self.holder[claim.task_id]
        assert may_pass or task.status == "failed"
        self.errors[claim.task_id] += task.status == "failed"

    @rule(claim=claims)
    def release(self, claim: Claim):
        before = Task.objects.get(pk=claim.task_id).recoveries
        try:
            services.task_release(claim=claim)
        except LeaseLost:
            assert not self.is_held(claim)
            return
        assert self.is_held(claim)
        del self.holder[claim.task_id]
        assert Task.objects.get(pk=claim.task_id).recoveries == before

    @rule(task=tasks)
    def cancel(self, task: UUID):
        was_open = Task.objects.get(pk=task).status in list(Task.OPEN)
        try:
            services.task_cancel(task_id=task)
        except BadInput:
            assert not was_open
            return
        assert was_open
        self.holder.pop(task, None)

    @rule(task=tasks)
    def retry(self, task: UUID):
        before = Task.objects.get(pk=task)
        try:
            services.task_retry(task_id=task)
        except TaskConflict:
            assert Task.objects.filter(project=before.project_id, task_type=before.task_type, status__in=Task.OPEN).exists()
            return
        except BadInput:
            assert before.status not in ("failed", "cancelled") or before.retry_count == services.MAX_USER_RETRIES
            return
        assert before.retry_count < services.MAX_USER_RETRIES

    @rule(seconds=st.sampled_from([1, 4, 11, 29, 31, 70]))
    def wait(self, seconds: int):
        self.time.shift(timedelta(seconds=seconds))

    @rule(seconds=st.sampled_from([5, 3600]))
    def the_clock_goes_back(self, seconds: int):
        self.time.shift(timedelta(seconds=-seconds))

    @rule()
    def reap(self):
        expired = Task.objects.filter(status="in_progress", lease_until__lt=self.now())
        lost = {task.pk: task.recoveries for task in expired}
        assert services.leases_reap() == len(lost)
        for pk, recoveries in lost.items():
            del self.holder[pk]
            task = Task.objects.get(pk=pk)
            assert task.status == ("failed" if recoveries >= services.MAX_RECOVERIES else "retrying")
            self.errors[pk] += task.status == "failed"

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the moved clock

    @precondition(lambda self: self.holder)
    @rule()
    def every_worker_dies(self):
        self.time.shift(services.LEASE + timedelta(seconds=1))
        self.reap()

    @invariant()
    def the_row_agrees_with_the_model(self):
        for task in Task.objects.all():
            claim = self.holder.get(task.pk)
            assert (task.status == "in_progress") == (claim is not None)
            assert claim is None or (claim.fence == task.fence and task.lease_until is not None)
            assert (task.lease_until is None) == (claim is None)
            assert task.has_ended == (task.completed_at is not None)
            assert self.completions[task.pk] == int(task.status == "completed")
            assert task.recoveries <= services.MAX_RECOVERIES
            assert 0 <= task.progress <= 100
            assert (task.progress == 100) <= (task.status == "completed")

    @invariant()
    def every_stream_is_whole(self):
        for session in CreatorSession.objects.all():
            rows = list(ProgressEvent.objects.filter(session=session).order_by("seq"))
            assert [row.seq for row in rows] == list(range(1, session.head_seq + 1))
            last = {row.task_id: row for row in rows}
            for task in Task.objects.filter(session=session):
                assert (last[task.pk].status, last[task.pk].progress) == (task.status, task.progress)
                kinds = Counter(row.event_type for row in rows if row.task_id == task.pk)
                assert (kinds["completion"], kinds["error"]) == (self.completions[task.pk], self.errors[task.pk])


@pytest.mark.django_db
def test_no_life_of_a_task_breaks_a_promise(settings_hints_off):
    run_state_machine_as_test(
        TaskLives,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def settings_hints_off(settings, monkeypatch):
    """No Redis in this test: the hints are about to be lost anyway when everything is rolled back."""
    settings.VIDEOFLOW_QUEUE_SLOTS = {QUEUE: 100}
    monkeypatch.setattr(services, "wakeup_send", lambda **_: True)
