from datetime import datetime, timedelta
from typing import cast

import pytest
import time_machine
from django.utils import timezone

from videoflow.pipeline.tests.factories import ProjectFactory, task_running
from videoflow.tasks import services
from videoflow.tasks.models import Task
from videoflow.tasks.oversight import wakeups_repeat
from videoflow.tasks.services import LEASE, Claim, leases_reap, task_heartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> Task:
    """A task whose worker has just renewed its lease."""
    return task_running(ProjectFactory.create(), "trending_analysis", 10, "x", lease_until=timezone.now() + LEASE, fence=1)


def status(task: Task) -> str:
    return Task.objects.get(pk=task.pk).status


class TestLeasesReap:
    def test_not_before_its_time(self, task: Task) -> None:
        ends_at = cast(datetime, task.lease_until)
        with time_machine.travel(ends_at - timedelta(seconds=1), tick=False):
            assert leases_reap() == 0
        with time_machine.travel(ends_at + timedelta(seconds=1), tick=False):
            assert leases_reap() == 1
        assert status(task) == "retrying"

    def test_one_that_is_renewed_after_the_look_is_left_alone(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

        def renewing(*facts: object) -> Claim:
            claim = Claim(*facts)
            assert task_heartbeat(claim=claim)
            return claim

        monkeypatch.setattr(services, "Claim", renewing)
        assert leases_reap() == 0
        assert (status(task), Task.objects.get().recoveries) == ("in_progress", 0)

    def test_a_clock_that_was_put_back_delays_it_by_one_lease(self, task: Task) -> None:
        earlier = timezone.now() - timedelta(hours=6)
        with time_machine.travel(earlier, tick=False):
            assert leases_reap() == 0
        with time_machine.travel(earlier + LEASE + timedelta(seconds=1), tick=False):
            assert leases_reap() == 1
        assert status(task) == "retrying"

    def test_a_clock_that_was_put_ahead_costs_a_live_worker_its_task_and_nothing_else(self, task: Task) -> None:
        claim = Claim(task.pk, task.fence, task.worker_id)
        with time_machine.travel(timezone.now() + timedelta(hours=6)):
            assert leases_reap() == 1
            assert not task_heartbeat(claim=claim)
        assert (status(task), Task.objects.get().recoveries) == ("retrying", 1)


class TestWakeupsRepeat:
    def test_a_clock_that_was_put_back_does_not_silence_it(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("videoflow.tasks.oversight.wakeup_send", lambda **_: True)
        Task.objects.update(status="pending", dispatched_at=timezone.now(), lease_until=None)
        with time_machine.travel(timezone.now() - timedelta(hours=6), tick=False):
            assert wakeups_repeat() == 1
            assert wakeups_repeat() == 0
