"""Everything that changes a part of a task: written down by the task's own worker, done by whoever claims it, joined in SQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from videoflow.tasks.models import Task, TaskPart, Worker
from videoflow.tasks.rows import has_slot
from videoflow.tasks.services import LEASE, Claim, LeaseLost
from videoflow.tasks.wakeup import wakeup_send

MAX_CLAIMS = 3
"""A part that was claimed so often and never done is left to the task's own worker."""
WORKER_FRESH = timedelta(seconds=30)
"""A worker says every ten seconds that it is alive."""


@dataclass(frozen=True, slots=True)
class NewPart:
    needs: str
    size: int
    job: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PartClaim:
    """A worker's right to one part until the lease ends."""

    part_id: int
    task_id: UUID
    fence: int
    worker_id: str
    size: int = field(compare=False)
    job: Mapping[str, Any] = field(compare=False, repr=False)

    def rows(self) -> QuerySet[TaskPart]:
        """Return the part while it is ours and its task open; empty once it is not."""
        return TaskPart.objects.filter(
            pk=self.part_id, fence=self.fence, state=TaskPart.State.CLAIMED, task__in=_open_tasks().filter(pk=self.task_id)
        )


@dataclass(frozen=True, slots=True)
class PartState:
    """How far one part is; ``host`` is where it is being done or was."""

    part_id: int
    is_done: bool
    size: int
    size_done: int
    host: str
    is_live: bool
    """Claimed under a lease that runs."""


def _open_tasks() -> QuerySet[Task]:
    """Return the tasks whose parts are worth doing, also while their own worker is lost and not yet missed."""
    return Task.objects.filter(status__in=Task.OPEN, cancel_requested_at__isnull=True)


def _claimable(now: datetime) -> Q:
    return Q(state=TaskPart.State.WAITING) | Q(state=TaskPart.State.CLAIMED, lease_until__lt=now)


def parts_open(*, task_id: UUID) -> dict[int, tuple[str, Mapping[str, Any]]]:
    """Return what an earlier attempt left to do or others are still at: needs and job by id."""
    rows = TaskPart.objects.filter(task_id=task_id, state__in=TaskPart.OPEN)
    return {pk: (needs, job) for pk, needs, job in rows.values_list("pk", "needs", "job")}


def parts_write(*, claim: Claim, keep: Collection[int], parts: Sequence[NewPart]) -> None:
    """Write down what a task still has to do; open parts of earlier attempts go, but for those to ``keep``.

    Raises:
        LeaseLost: the task is no longer ours; nothing was written.
    """
    with transaction.atomic():
        task = claim.rows().select_for_update().first()
        if task is None:
            raise LeaseLost("Another worker has taken this task over.")
        own = TaskPart.objects.filter(task_id=task.pk)
        own.filter(state__in=TaskPart.OPEN).exclude(pk__in=keep).delete()
        highest = own.aggregate(highest=Max("number"))["highest"]
        first = 0 if highest is None else highest + 1
        TaskPart.objects.bulk_create(
            TaskPart(task_id=task.pk, number=number, queue=task.queue, needs=part.needs, size=part.size, job=dict(part.job))
            for number, part in enumerate(parts, first)
        )


def part_wanted(*, queue: str, needs: Collection[str]) -> UUID | None:
    """Return the task whose next part a worker that has ``needs`` should do; None when there is nothing to help with."""
    return (
        _for_helpers(queue=queue, needs=needs)
        .order_by("-task__priority", "task__attempt_started_at", "task_id")
        .values_list("task_id", flat=True)
        .first()
    )


def needs_waiting(*, queue: str) -> set[str]:
    """Return what the parts of a queue that wait need."""
    return set(TaskPart.objects.filter(_claimable(timezone.now()), queue=queue).order_by().values_list("needs", flat=True))


def _for_helpers(*, queue: str, needs: Collection[str]) -> QuerySet[TaskPart]:
    return TaskPart.objects.filter(
        _claimable(timezone.now()), queue=queue, needs__in=needs, problem="", attempts__lt=MAX_CLAIMS, task__in=_open_tasks()
    )


def part_claim(*, claim: Claim) -> PartClaim | None:
    """Claim the next part of a task that is ours; None when others have all that is left."""
    with transaction.atomic():
        rows = TaskPart.objects.filter(_claimable(timezone.now()), task__in=claim.rows())
        return _claimed(rows, claim.worker_id)


def part_claim_helping(*, task_id: UUID, queue: str, worker_id: str, needs: Collection[str]) -> PartClaim | None:
    """Claim the next part of somebody else's task; None when there is none, or this host has no free slot.

    A worker takes one slot of its host however many parts it has in hand.
    """
    with transaction.atomic():
        now = timezone.now()
        held = TaskPart.objects.filter(worker_id=worker_id, state=TaskPart.State.CLAIMED, queue=queue, lease_until__gte=now)
        if not held.exists() and not has_slot(queue=queue, host=worker_id.partition(":")[0], now=now):
            return None
        return _claimed(_for_helpers(queue=queue, needs=needs).filter(task_id=task_id), worker_id)


def _claimed(rows: QuerySet[TaskPart], worker_id: str) -> PartClaim | None:
    """Claim the first of ``rows`` that nobody else is claiming; call it in a transaction."""
    part = rows.select_for_update(skip_locked=True, of=("self",)).order_by("number").first()
    if part is None:
        return None
    now = timezone.now()
    mine = TaskPart.objects.filter(pk=part.pk, fence=part.fence).exclude(state=TaskPart.State.DONE)
    claimed = mine.update(
        state=TaskPart.State.CLAIMED,
        fence=F("fence") + 1,
        attempts=F("attempts") + 1,
        lease_until=now + LEASE,
        claimed_at=now,
        worker_id=worker_id,
        size_done=0,
    )
    return PartClaim(part.pk, part.task_id, part.fence + 1, worker_id, part.size, part.job) if claimed else None


def part_beat(*, claim: PartClaim, size_done: int) -> bool:
    """Renew the lease and say how far the part is; False when it is not ours any more or nobody wants it."""
    with transaction.atomic():
        return bool(claim.rows().update(lease_until=timezone.now() + LEASE, size_done=size_done))


def part_done(*, claim: PartClaim) -> bool:
    """Say that the part is done and stored; False when it is not ours any more."""
    done = TaskPart.State.DONE
    return bool(claim.rows().update(state=done, lease_until=None, job={}, done_at=timezone.now(), size_done=F("size")))


def part_release(*, claim: PartClaim, problem: str = "") -> None:
    """Give the part back; with a ``problem`` only the task's own worker takes it up again."""
    mine = TaskPart.objects.filter(pk=claim.part_id, fence=claim.fence, state=TaskPart.State.CLAIMED)
    mine.update(
        state=TaskPart.State.WAITING,
        fence=F("fence") + 1,
        lease_until=None,
        size_done=0,
        problem=problem,
        attempts=F("attempts") if problem else F("attempts") - 1,
    )


def parts_states(*, task_id: UUID) -> list[PartState]:
    """Return how far the parts of a task are. Leases far ahead, of a clock that was put back, are cut."""
    now = timezone.now()
    rows = list(TaskPart.objects.filter(task_id=task_id).values_list(
        "pk", "state", "size", "size_done", "worker_id", "lease_until"
    ))  # fmt: skip
    if any(lease_until and lease_until > now + LEASE for *_, lease_until in rows):
        TaskPart.objects.filter(task_id=task_id, lease_until__gt=now + LEASE).update(lease_until=now + LEASE)
    return [
        PartState(
            pk,
            state == TaskPart.State.DONE,
            size,
            size_done,
            worker_id.partition(":")[0],
            state == TaskPart.State.CLAIMED and lease_until is not None and lease_until >= now,
        )
        for pk, state, size, size_done, worker_id, lease_until in rows
    ]


def hosts_elsewhere(*, host: str) -> int:
    """Return how many other hosts have a worker that is alive."""
    fresh = Worker.objects.filter(kind="celery", heartbeat_at__gte=timezone.now() - WORKER_FRESH).exclude(host=host)
    return fresh.order_by().values("host").distinct().count()


def helpers_ring(*, task_id: UUID, queue: str, number: int) -> None:
    """Have so many workers look whether they can help."""
    for _ in range(number):
        if not wakeup_send(task_id=task_id, queue=queue):
            return


def parts_forget(*, older_than: timedelta) -> QuerySet[TaskPart]:
    """Return the parts of tasks that ended so long ago, for deleting."""
    ended = Task.objects.filter(status__in=Task.ENDED, completed_at__lt=timezone.now() - older_than)
    return TaskPart.objects.filter(task__in=ended)
