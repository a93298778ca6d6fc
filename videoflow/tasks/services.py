"""Everything that changes a task. Each change writes its event in the same transaction; hints go out on commit."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from videoflow.errors import BadInput, Cancelled, VideoflowError
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.events import event_message, rfc3339
from videoflow.tasks.models import ProgressEvent, Task, Worker
from videoflow.tasks.wakeup import bell_ring, wakeup_send

LEASE = timedelta(seconds=30)
MAX_RECOVERIES = 3
MAX_USER_RETRIES = 3
MAX_AUTOMATIC_RETRIES = 3
RETRY_WAITS_SECONDS = (5, 20, 60)
WAKEUPS_AT_ONCE = 50
UNANSWERED_WAKEUPS = 3  # 7 s after a task became due
CLAIM_CANDIDATES = 5  # how many rows are tried before a claim gives up to faster workers

logger = logging.getLogger(__name__)


class TaskConflict(VideoflowError):
    """The same stage of the same project is already waiting or running."""

    code = "TASK_ALREADY_RUNNING"


class LeaseLost(Cancelled):
    """Somebody else owns the task now: stop quietly, write nothing."""

    code = "LEASE_LOST"


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to one task until the lease ends; ``fence`` goes into every later write."""

    task_id: UUID
    fence: int
    worker_id: str

    def rows(self) -> QuerySet[Task]:
        """Return the task while it is still ours; empty once somebody else has claimed it."""
        return Task.objects.filter(pk=self.task_id, fence=self.fence, status=Task.Status.IN_PROGRESS)


def error_body(
    *, code: str, message: str, details: Mapping[str, object] | None = None, retryable: bool = False
) -> dict[str, Any]:
    """Return the contract's error body."""
    return {
        "error_code": code,
        "message": message,
        "details": dict(details or {}),
        "timestamp": rfc3339(timezone.now()),
        "retryable": retryable,
    }


def _seq_next(session_id: UUID) -> int:
    """Count the session's head up and return it, in one statement: every event passes here."""
    table, key = CreatorSession._meta.db_table, CreatorSession._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET head_seq = head_seq + 1 WHERE id = %s RETURNING head_seq",  # noqa: S608 - our own name
            [key.get_db_prep_value(session_id, connection)],
        )
        row = cursor.fetchone()
    if row is None:
        raise CreatorSession.DoesNotExist
    return int(row[0])


def _event_write(task: Task, event_type: str, data: Mapping[str, Any] | None = None) -> None:
    """Append the task's present state to its session's event stream; must run inside the change's transaction."""
    seq = _seq_next(task.session_id)
    event = ProgressEvent.objects.create(
        session_id=task.session_id,
        seq=seq,
        task=task,
        event_type=event_type,
        task_type=task.task_type,
        status=task.status,
        progress=task.progress,
        message=task.message,
        data=dict(data or {}),
    )
    transaction.on_commit(lambda: bell_ring(session_id=task.session_id, seq=seq, row=event_message(event)))


def task_enqueue(
    *,
    session: CreatorSession,
    project_id: UUID,
    task_type: str,
    queue: str,
    input_data: Mapping[str, Any],
    priority: int = Task.Priority.NORMAL,
    message: str = "Waiting for a free worker",
    wake: bool = True,
) -> Task:
    """Write the task row; a worker hears of it on commit.

    Raises:
        TaskConflict: the same stage of the project is already waiting or running.
    """
    try:
        with transaction.atomic():
            task = Task.objects.create(
                session=session,
                project_id=project_id,
                task_type=task_type,
                queue=queue,
                input_data=dict(input_data),
                priority=priority,
                message=message,
                dispatched_at=timezone.now(),
            )
            _event_write(task, ProgressEvent.Type.STATUS_CHANGE)
    except IntegrityError as error:
        raise TaskConflict("This step is already running for this project. Wait for it or cancel it first.") from error
    if wake:
        transaction.on_commit(lambda: wakeup_send(task_id=task.pk, queue=queue))
    return task


def _is_time(now: datetime) -> Q:
    return Q(not_before__isnull=True) | Q(not_before__lte=now)


def tasks_due(*, queue: str | None = None, now: datetime | None = None) -> QuerySet[Task]:
    """Return the tasks a worker may claim, by priority, then by age."""
    now = now or timezone.now()
    due = Task.objects.filter(status__in=Task.WAITING, cancel_requested_at__isnull=True)
    due = due.filter(_is_time(now))
    if queue:
        due = due.filter(queue=queue)
    return due.order_by("-priority", "created_at")


def _candidates(queue: str, now: datetime) -> Iterator[UUID]:
    """Yield the ids of due tasks in the order of their claims: by priority, then turn by turn between sessions, then by age.

    The turn is found between sessions, not between tasks: the cost does not grow with what one session has waiting.
    """
    due = tasks_due(queue=queue, now=now)
    started = Task.objects.filter(session=OuterRef("session"), queue=queue, attempt_started_at__isnull=False)
    served = Subquery(started.order_by("-attempt_started_at").values("attempt_started_at")[:1])
    turns = due.order_by().values("session", "priority").annotate(oldest=Min("created_at"), served=served)
    turns = turns.order_by("-priority", F("served").asc(nulls_first=True), "oldest")
    for turn in turns[:CLAIM_CANDIDATES]:
        pk = due.filter(session=turn["session"], priority=turn["priority"]).values_list("pk", flat=True).first()
        if pk is not None:
            yield pk


def _slots_taken(queue: str, host: str) -> bool:
    slots: int = settings.VIDEOFLOW_QUEUE_SLOTS[queue]
    running = Task.objects.filter(queue=queue, status=Task.Status.IN_PROGRESS, lease_until__gte=timezone.now())
    return running.filter(worker_id__startswith=f"{host}:").count() >= slots


def task_claim(*, queue: str, worker_id: str, task_id: UUID | None = None) -> Claim | None:
    """Claim the best due task of a queue, or just ``task_id``; None when there is nothing to do or no free slot.

    ``worker_id`` is ``host:kind:pid``. One guarded UPDATE hands out the fence; losing the race for a row tries the next one.
    """
    # Candidates are read before the transaction: the database's one write lock is for the claim alone.
    for pk in [task_id] if task_id else _candidates(queue, timezone.now()):
        with transaction.atomic():
            if task_id is None and _slots_taken(queue, worker_id.partition(":")[0]):
                return None
            now = timezone.now()
            rows = Task.objects.filter(status__in=Task.WAITING, cancel_requested_at__isnull=True)
            if task_id is None:
                rows = rows.filter(_is_time(now))
            claimed = rows.filter(pk=pk).update(
                status=Task.Status.IN_PROGRESS,
                attempt=F("attempt") + 1,
                fence=F("fence") + 1,
                lease_until=now + LEASE,
                worker_id=worker_id,
                progress=0,
                message="Starting",
                error=None,
                not_before=None,
                attempt_started_at=now,
                started_at=Coalesce(F("started_at"), now),
                hint_count=0,
                estimated_seconds_remaining=None,
            )
            if claimed:
                task = Task.objects.get(pk=pk)
                _event_write(task, ProgressEvent.Type.STATUS_CHANGE, {"attempt": task.attempt})
                return Claim(task.pk, task.fence, worker_id)
    return None


def task_heartbeat(*, claim: Claim) -> bool:
    """Renew the lease; False when the task is not ours any more (cancelled, or taken over)."""
    return bool(claim.rows().update(lease_until=timezone.now() + LEASE))


def task_is_ours(*, claim: Claim) -> bool:
    """Say whether the work should go on; one read."""
    return claim.rows().exists()


def task_progress(
    *, claim: Claim, percent: int, message: str, eta_seconds: int | None = None, data: Mapping[str, Any] | None = None
) -> None:
    """Record progress; within an attempt the percentage never falls.

    Raises:
        LeaseLost: the task is no longer ours; nothing was written.
    """
    with transaction.atomic():
        task = claim.rows().first()
        if task is None:
            raise LeaseLost("Another worker has taken this task over.")
        task.progress = max(task.progress, min(99, percent))
        task.message = message[:500]
        task.estimated_seconds_remaining = eta_seconds
        task.save(update_fields=["progress", "message", "estimated_seconds_remaining"])
        _event_write(task, ProgressEvent.Type.PROGRESS_UPDATE, {**(data or {}), "eta_seconds": eta_seconds})


def _task_end(claim: Claim, event_type: str, *, data: Mapping[str, Any] | None = None, **changes: Any) -> Task:
    """Move our in-progress task to another status and write the event, or raise LeaseLost."""
    changed = claim.rows().update(lease_until=None, estimated_seconds_remaining=None, **changes)
    if not changed:
        raise LeaseLost("Another worker has taken this task over.")
    task = Task.objects.get(pk=claim.task_id)
    _event_write(task, event_type, data)
    return task


def task_complete(*, claim: Claim, message: str, result_data: Mapping[str, Any]) -> Task:
    """End the task well; call it inside the transaction that writes the stage's rows.

    Raises:
        LeaseLost: the task is no longer ours; the caller's transaction must roll back.
    """
    file_facts = {key: result_data[key] for key in ("result_url", "size_bytes", "duration_seconds") if key in result_data}
    with transaction.atomic():
        return _task_end(
            claim,
            ProgressEvent.Type.COMPLETION,
            data=file_facts,
            status=Task.Status.COMPLETED,
            progress=100,
            message=message[:500],
            result_data=dict(result_data),
            completed_at=timezone.now(),
        )


def task_fail(*, claim: Claim, error: VideoflowError) -> Task:
    """End the attempt badly: ``retrying`` when trying again can help and tries are left, else ``failed``."""
    with transaction.atomic():
        task = claim.rows().first()
        if task is None:
            raise LeaseLost("Another worker has taken this task over.")
        body = error_body(code=error.code, message=str(error), details=error.details, retryable=error.retryable)
        automatic = task.attempt - task.recoveries - task.retry_count
        if error.retryable and automatic <= MAX_AUTOMATIC_RETRIES:
            wait_seconds = RETRY_WAITS_SECONDS[max(0, automatic - 1)]
            return _task_end(
                claim,
                ProgressEvent.Type.STATUS_CHANGE,
                data=body,
                status=Task.Status.RETRYING,
                error=body,
                message=f"Trying again in {wait_seconds} s: {error}"[:500],
                not_before=timezone.now() + timedelta(seconds=wait_seconds),
            )
        return _task_end(
            claim,
            ProgressEvent.Type.ERROR,
            data={**body, "retry_count": task.retry_count, "max_retries": MAX_USER_RETRIES},
            status=Task.Status.FAILED,
            error=body,
            message=str(error)[:500],
            completed_at=timezone.now(),
        )


def task_release(*, claim: Claim) -> None:
    """Give the task back at shutdown; it goes on elsewhere and this does not count as a recovery."""
    with transaction.atomic():
        task = _task_end(
            claim,
            ProgressEvent.Type.STATUS_CHANGE,
            status=Task.Status.PENDING,
            message="Waiting: the worker was stopped",
            dispatched_at=None,
        )
    wakeup_send(task_id=task.pk, queue=task.queue)


def task_cancel(*, task_id: UUID) -> Task:
    """Cancel at once: the row says ``cancelled`` from now on and the worker, finding that out, kills what it started.

    Raises:
        BadInput: the task has already ended.
    """
    now = timezone.now()
    with transaction.atomic():
        changed = Task.objects.filter(pk=task_id, status__in=Task.OPEN).update(
            status=Task.Status.CANCELLED,
            cancel_requested_at=now,
            completed_at=now,
            lease_until=None,
            message="Cancelled",
            estimated_seconds_remaining=None,
        )
        if not changed:
            raise BadInput("This task has already ended, so there is nothing to cancel.", code="TASK_ENDED")
        task = Task.objects.get(pk=task_id)
        _event_write(task, ProgressEvent.Type.STATUS_CHANGE)
    return task


def task_retry(*, task_id: UUID) -> Task:
    """Run a failed or cancelled task again, three times at most.

    Raises:
        BadInput: it has not ended badly, or was retried three times already.
        TaskConflict: the same stage is running again meanwhile.
    """
    try:
        with transaction.atomic():
            changed = Task.objects.filter(
                pk=task_id, status__in=(Task.Status.FAILED, Task.Status.CANCELLED), retry_count__lt=MAX_USER_RETRIES
            ).update(
                status=Task.Status.RETRYING,
                retry_count=F("retry_count") + 1,
                recoveries=0,
                cancel_requested_at=None,
                completed_at=None,
                not_before=None,
                error=None,
                progress=0,
                message="Waiting for a free worker",
                dispatched_at=timezone.now(),
            )
            task = Task.objects.get(pk=task_id)
            if not changed:
                if task.status not in (Task.Status.FAILED, Task.Status.CANCELLED):
                    raise BadInput("Only a failed or cancelled task can be retried.", code="TASK_NOT_RETRYABLE")
                raise BadInput("This task was retried three times already. Start the step anew.", code="RETRIES_USED_UP")
            _event_write(task, ProgressEvent.Type.STATUS_CHANGE)
    except IntegrityError as error:
        raise TaskConflict("This step is already running again for this project.") from error
    transaction.on_commit(lambda: wakeup_send(task_id=task.pk, queue=task.queue))
    return task


def leases_reap() -> int:
    """Take expired leases back: ``retrying`` up to three recoveries, then ``failed``. Return how many."""
    reaped = 0
    now = timezone.now()
    expired = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__lt=now).values_list("pk", "fence", "recoveries")
    for pk, fence, recoveries in list(expired):
        claim = Claim(pk, fence, "")
        try:
            with transaction.atomic():
                if recoveries >= MAX_RECOVERIES:
                    body = error_body(
                        code="WORKER_LOST",
                        message="The worker died four times while doing this step. Retry it, or look at the worker's log.",
                    )
                    _task_end(
                        claim,
                        ProgressEvent.Type.ERROR,
                        data={**body, "retry_count": 0, "max_retries": MAX_USER_RETRIES},
                        status=Task.Status.FAILED,
                        error=body,
                        message=body["message"],
                        completed_at=now,
                        fence=F("fence") + 1,
                    )
                else:
                    task = _task_end(
                        claim,
                        ProgressEvent.Type.STATUS_CHANGE,
                        status=Task.Status.RETRYING,
                        message="The worker was lost; another one takes over",
                        recoveries=F("recoveries") + 1,
                        fence=F("fence") + 1,
                        dispatched_at=None,
                        not_before=None,
                    )
                    logger.warning("lease expired task=%s fence=%s recoveries=%s", task.pk, fence, task.recoveries)
            reaped += 1
        except LeaseLost:
            continue  # renewed or ended between the read and the write
    return reaped


def wakeups_repeat() -> int:
    """Send wake-ups again for due tasks nobody took, waiting 1, 2, 4 ... 60 s between them. Return how many were sent."""
    now = timezone.now()
    due = tasks_due(now=now).values_list("pk", "queue", "dispatched_at", "hint_count")[:WAKEUPS_AT_ONCE]
    late = [
        (pk, queue)
        for pk, queue, dispatched_at, hint_count in due
        if not dispatched_at or dispatched_at + timedelta(seconds=min(60, 2**hint_count)) <= now
    ]
    if not late:
        return 0
    Task.objects.filter(pk__in=[pk for pk, _ in late]).update(dispatched_at=now, hint_count=F("hint_count") + 1)
    return sum(wakeup_send(task_id=pk, queue=queue) for pk, queue in late)


def due_count(*, queue: str) -> int:
    """Return how many tasks of a queue could start now."""
    return tasks_due(queue=queue).order_by().aggregate(count=Count("pk"))["count"] or 0


def has_unanswered(*, queue: str, host: str) -> bool:
    """Say whether a due task was rung for again and again though the host has a free slot: its workers hear nothing.

    A worker may sit on a dead connection for a minute after Redis came back, or not run at all.
    """
    return tasks_due(queue=queue).filter(hint_count__gte=UNANSWERED_WAKEUPS).exists() and not _slots_taken(queue, host)


def worker_beat(*, worker_id: str, kind: str, host: str, pid: int) -> None:
    """Record that a process is alive."""
    Worker.objects.update_or_create(
        worker_id=worker_id, defaults={"kind": kind, "host": host, "pid": pid, "heartbeat_at": timezone.now()}
    )


def workers_forget(*, older_than: timedelta) -> None:
    """Delete the rows of processes that have not been heard of for long."""
    Worker.objects.filter(heartbeat_at__lt=timezone.now() - older_than).delete()
