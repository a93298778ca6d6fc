"""Parts of a task: claimed once, fenced, taken over, given back, never more workers on a host than it has slots."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from videoflow.tasks.models import Task, TaskPart, Worker
from videoflow.tasks.oversight import worker_beat
from videoflow.tasks.parts import (
    MAX_CLAIMS,
    NewPart,
    PartClaim,
    hosts_elsewhere,
    needs_waiting,
    part_beat,
    part_claim,
    part_claim_helping,
    part_done,
    part_release,
    part_wanted,
    parts_forget,
    parts_open,
    parts_states,
    parts_write,
)
from videoflow.tasks.rows import slots_taken
from videoflow.tasks.services import Claim, LeaseLost, task_cancel, task_claim, task_complete, task_release
from videoflow.tasks.tests.factories import claim_make, session_make, task_make

pytestmark = pytest.mark.django_db(transaction=True)
NEEDS = "10 fonts 15 libx264"
COMPOSER, HELPER, OTHER = "home:celery:1", "away:celery:2", "far:celery:3"


def composing(count: int = 3, **fields: Any) -> Claim:
    """A running task with parts of 100, 101, … frames."""
    claim = claim_make(task_make(**fields), COMPOSER)
    parts_write(claim=claim, keep=(), parts=[NewPart(NEEDS, 100 + n, {"segments": [n]}) for n in range(count)])
    return claim


def helped(claim: Claim, worker: str = HELPER) -> PartClaim | None:
    return part_claim_helping(task_id=claim.task_id, queue="cpu", worker_id=worker, needs=[NEEDS])


def taken(claim: Claim, worker: str = HELPER) -> PartClaim:
    part = helped(claim, worker)
    assert part is not None
    return part


def lease_end(part: PartClaim) -> None:
    TaskPart.objects.filter(pk=part.part_id).update(lease_until=timezone.now() - timedelta(seconds=1))


class TestClaim:
    def test_ok(self):
        claim = composing()
        first, second, third = part_claim(claim=claim), taken(claim), taken(claim, OTHER)
        assert first is not None
        assert [first.size, second.size, third.size] == [100, 101, 102]
        assert (part_claim(claim=claim), helped(claim)) == (None, None)
        assert second.job == {"segments": [1]}

    def test_a_lost_lease_is_taken_over_and_the_dead_write_nothing(self):
        claim = composing(1)
        lost = taken(claim)
        lease_end(lost)
        found = part_claim(claim=claim)
        assert found is not None
        assert (found.part_id, found.fence) == (lost.part_id, lost.fence + 1)
        assert not part_beat(claim=lost, size_done=50)
        assert not part_done(claim=lost)
        part_release(claim=lost, problem="too late")
        assert part_beat(claim=found, size_done=7)
        assert part_done(claim=found)
        row = TaskPart.objects.get()
        assert (row.state, row.size_done, row.attempts, row.problem, row.job) == ("done", 100, 2, "", {})

    def test_what_a_worker_cannot_make_is_left_to_the_own_worker(self):
        claim = composing(1)
        part_release(claim=taken(claim), problem="It does not open here.")
        assert helped(claim, OTHER) is None
        assert part_wanted(queue="cpu", needs=[NEEDS]) is None
        assert part_claim(claim=claim) is not None

    def test_a_part_that_ends_its_workers_is_left_to_the_own_worker(self):
        claim = composing(1)
        for _ in range(MAX_CLAIMS):
            lease_end(taken(claim))
        assert helped(claim) is None
        assert part_claim(claim=claim) is not None

    def test_given_back_it_waits_as_before(self):
        claim = composing(1)
        part_release(claim=taken(claim))
        assert TaskPart.objects.get().attempts == 0
        assert taken(claim, OTHER).size == 100

    def test_whoever_lacks_what_it_needs_does_not_get_it(self):
        claim = composing(1)
        assert needs_waiting(queue="cpu") == {NEEDS}
        assert part_claim_helping(task_id=claim.task_id, queue="cpu", worker_id=HELPER, needs=["11 fonts"]) is None
        assert part_wanted(queue="cpu", needs=["11 fonts"]) is None

    def test_parts_of_a_cancelled_task_belong_to_nobody(self):
        claim = composing(2)
        part = taken(claim)
        task_cancel(task_id=claim.task_id)
        assert not part_beat(claim=part, size_done=1)
        assert not part_done(claim=part)
        assert helped(claim, OTHER) is None
        assert part_claim(claim=claim) is None

    def test_parts_go_on_while_the_task_waits_for_another_worker(self):
        claim = composing(2)
        part = taken(claim)
        task_release(claim=claim)
        assert part_beat(claim=part, size_done=1)
        assert part_done(claim=part)
        assert part_claim(claim=claim) is None  # the task is not this worker's any more
        assert helped(claim) is not None

    def test_the_most_urgent_video_is_helped_first(self):
        composing(1)
        urgent = composing(1, priority=Task.Priority.HIGH)
        assert part_wanted(queue="cpu", needs=[NEEDS]) == urgent.task_id


class TestSlots:
    def test_a_helper_takes_one_slot_whatever_it_has_in_hand(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 1}
        claim = composing(4)
        mine = [taken(claim), taken(claim)]
        assert slots_taken(queue="cpu", host="away", now=timezone.now()) == 1
        assert helped(claim, "away:celery:9") is None  # the host has one slot
        task_make()
        assert task_claim(queue="cpu", worker_id="away:celery:9") is None
        for part in mine:
            part_done(claim=part)
        assert slots_taken(queue="cpu", host="away", now=timezone.now()) == 0
        assert task_claim(queue="cpu", worker_id="away:celery:9") is not None
        assert helped(claim) is None  # the slot went to a task of its own

    def test_the_composing_worker_takes_no_second_one(self, settings):
        settings.VIDEOFLOW_QUEUE_SLOTS = {"cpu": 1}
        claim = composing(2)
        assert part_claim(claim=claim) is not None
        assert slots_taken(queue="cpu", host="home", now=timezone.now()) == 1
        assert helped(claim, "home:celery:9") is None


class TestWrite:
    def test_parts_of_an_earlier_attempt_are_kept_or_go(self):
        claim = composing(3)
        done, kept = taken(claim), taken(claim)
        part_done(claim=done)
        assert set(parts_open(task_id=claim.task_id)) == {kept.part_id, kept.part_id + 1}
        parts_write(claim=claim, keep=[kept.part_id], parts=[NewPart(NEEDS, 7, {})])
        assert list(TaskPart.objects.values_list("number", "state", "size")) == [
            (0, "done", 100),
            (1, "claimed", 101),
            (2, "waiting", 7),
        ]
        assert part_beat(claim=kept, size_done=1)

    def test_not_for_a_task_of_somebody_else(self):
        claim = composing(1)
        task_release(claim=claim)
        with pytest.raises(LeaseLost):
            parts_write(claim=claim, keep=(), parts=[])
        assert TaskPart.objects.count() == 1


def test_states_say_who_is_at_what() -> None:
    claim = composing(4)
    done, gone = taken(claim), taken(claim, OTHER)
    part_done(claim=done)
    lease_end(gone)
    mine = part_claim(claim=claim)
    assert mine is not None
    part_beat(claim=mine, size_done=40)
    found = [(state.host, state.is_done, state.is_live, state.size_done) for state in parts_states(task_id=claim.task_id)]
    assert found == [("away", True, False, 100), ("home", False, True, 40), ("", False, False, 0), ("", False, False, 0)]


def test_a_lease_of_a_clock_that_was_put_back_is_cut() -> None:
    claim = composing(1)
    part = taken(claim)
    TaskPart.objects.filter(pk=part.part_id).update(lease_until=timezone.now() + timedelta(hours=3))
    parts_states(task_id=claim.task_id)
    lease = TaskPart.objects.get().lease_until
    assert lease is not None
    assert lease < timezone.now() + timedelta(minutes=1)


def test_hosts_elsewhere_are_those_whose_workers_are_alive() -> None:
    for worker_id, kind in (("a:celery:1", "celery"), ("b:celery:1", "celery"), ("c:dispatcher:1", "dispatcher")):
        worker_beat(worker_id=worker_id, kind=kind, host=worker_id[0], pid=1)
    assert hosts_elsewhere(host="a") == 1
    Worker.objects.filter(host="b").update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert hosts_elsewhere(host="a") == 0


def test_parts_of_ended_tasks_are_forgotten_in_time() -> None:
    claim = composing(1)
    task_complete(claim=claim, message="Done", result_data={})
    composing(1, session=session_make())
    assert parts_forget(older_than=timedelta(days=1)).count() == 0
    assert [part.task_id for part in parts_forget(older_than=-timedelta(minutes=1))] == [claim.task_id]
