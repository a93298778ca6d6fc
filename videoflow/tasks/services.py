"""Everything that changes a task. Each change writes its event in the same transaction; hints go out on commit."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from videoflow.errors import BadInput, Cancelled, VideoflowError, WaitUntil
from videoflow.logs import NOTHING, request_named
from videoflow.sentences import Sentence
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.events import event_message, rfc3339
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.rows import Sql, event_insert, has_slot, next_due, task_change
from videoflow.tasks.wakeup import bell_ring, wakeup_send

LEASE = timedelta(seconds=30)
MAX_RECOVERIES = 3
MAX_USER_RETRIES = 3
MAX_AUTOMATIC_RETRIES = 3
RETRY_WAITS_SECONDS = (5, 20, 60)
LONGEST_WAIT_SECONDS = 3600
WAITING = Sentence("Waiting for a free worker")

logger = logging.getLogger(__name__)


class TaskConflict(VideoflowError):
    """The same stage of the same project is already waiting or running."""

    code = "TASK_ALREADY_RUNNING"


class TooManyWaiting(VideoflowError):
    """The session has so many tasks waiting that another one would only wait longer."""

    code = "TOO_MANY_WAITING"
    retryable = True


class LeaseLost(Cancelled):
    """Somebody else owns the task now: stop quietly, write nothing."""

    code = "LEASE_LOST"


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to one task until the lease ends; ``fence`` goes into every later write."""

    task_id: UUID
    fence: int
    worker_id: str
    task: Task | None = field(default=None, compare=False, repr=False)
    """The row as it was claimed, so that the run need not read it again."""

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


def _event_write(task: Task, event_type: str, data: Mapping[str, Any] | None = None) -> None:
    """Append the task's present state to its session's event stream; must run inside the change's transaction."""
    event = ProgressEvent(
        session_id=task.session_id,
        task_id=task.pk,
        event_type=event_type,
        task_type=task.task_type,
        status=task.status,
        progress=task.progress,
        message=task.message,
        data=dict(data or {}),
    )
    event_insert(event)
    transaction.on_commit(lambda: bell_ring(session_id=event.session_id, seq=event.seq, row=event_message(event)))


def task_enqueue(
    *,
    session: CreatorSession,
    project_id: UUID,
    task_type: str,
    queue: str,
    input_data: Mapping[str, Any],
    priority: int = Task.Priority.NORMAL,
    message: str = WAITING,
    wake: bool = True,
    most_waiting: int | None = None,
) -> Task:
    """Write the task row; a worker hears of it on commit.

    Raises:
        TaskConflict: the same stage of the project is already waiting or running.
        TooManyWaiting: more than ``most_waiting`` tasks of the session would wait.
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
                request_id=request_named(),
            )
            _event_write(task, ProgressEvent.Type.STATUS_CHANGE)
            _waiting_check(task, most_waiting)
    except IntegrityError as error:
        raise TaskConflict("This step is already running for this project. Wait for it or cancel it first.") from error
    logger.info("asked for stage=%s queue=%s", task_type, queue, extra={"task_id": str(task.pk)})
    if wake:
        transaction.on_commit(lambda: wakeup_send(task_id=task.pk, queue=queue))
    return task


def _waiting_check(task: Task, limit: int | None) -> None:
    """Refuse the task just written when too many wait; its event holds the session, so two at once are counted one by one."""
    if limit is not None and Task.objects.filter(session_id=task.session_id, status__in=Task.WAITING).count() > limit:
        raise TooManyWaiting(
            Sentence(
                "%(limit)s steps of yours are waiting already. Let some finish, or cancel some under Tasks, then start this one.",
                limit=limit,
            ),
            details={"waiting": limit},
        )


def tasks_due(*, queue: str | None = None, now: datetime | None = None) -> QuerySet[Task]:
    """Return the tasks a worker may claim, by priority, then by age."""
    now = now or timezone.now()
    running = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__gte=now).order_by().values("session")
    busy = running.annotate(tasks=Count("pk")).filter(tasks__gte=settings.VIDEOFLOW_USER_RUNNING).values("session")
    due = Task.objects.filter(status__in=Task.WAITING, cancel_requested_at__isnull=True).exclude(session__in=busy)
    due = due.filter(Q(not_before__isnull=True) | Q(not_before__lte=now))
    if queue:
        due = due.filter(queue=queue)
    return due.order_by("-priority", "created_at")


def task_claim(*, queue: str, worker_id: str, task_id: UUID | None = None) -> Claim | None:
    """Claim the best due task of a queue, or just ``task_id``; None when there is nothing to do or no free slot.

    ``worker_id`` is ``host:kind:pid``. One guarded UPDATE hands out the fence; losing the race for a row tries the next one. May
    run inside the transaction that ends the worker's last task, which saves that one's commit.
    """
    with transaction.atomic(savepoint=False):
        while True:
            now = timezone.now()
            chosen = task_id
            if task_id is None:
                if not has_slot(queue=queue, host=worker_id.partition(":")[0], now=now):
                    return None
                chosen = next_due(queue=queue, session_limit=settings.VIDEOFLOW_USER_RUNNING, now=now)
            if chosen is None:
                return None
            task = task_change(
                task_id=chosen,
                statuses=Task.WAITING,
                status=Task.Status.IN_PROGRESS,
                attempt=Sql("attempt + 1"),
                fence=Sql("fence + 1"),
                lease_until=now + LEASE,
                worker_id=worker_id,
                progress=0,
                message=Sentence("Starting"),
                error=None,
                not_before=None,
                attempt_started_at=now,
                started_at=Sql("COALESCE(started_at, %s)", now),
                hint_count=0,
                estimated_seconds_remaining=None,
            )
            if task is not None:
                _event_write(task, ProgressEvent.Type.STATUS_CHANGE, {"attempt": task.attempt})
                return Claim(task.pk, task.fence, worker_id, task)
            if task_id is not None:
                return None


def task_heartbeat(*, claim: Claim) -> bool:
    """Renew the lease; False when the task is not ours any more (cancelled, or taken over)."""
    with transaction.atomic():  # the lease counts from when the write lock was got, however long that took
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
    share = min(99, max(0, percent))
    with transaction.atomic():
        task = _claimed_change(
            claim,
            progress=Sql("CASE WHEN progress < %s THEN %s ELSE progress END", share, share),
            message=message,
            estimated_seconds_remaining=eta_seconds,
        )
        _event_write(task, ProgressEvent.Type.PROGRESS_UPDATE, {**(data or {}), "eta_seconds": eta_seconds})


def _claimed_change(claim: Claim, **values: Any) -> Task:
    """Change the task and return it as it is now, or raise LeaseLost when it is not ours."""
    task = task_change(task_id=claim.task_id, statuses=[Task.Status.IN_PROGRESS], if_fence=claim.fence, **values)
    if task is None:
        raise LeaseLost("Another worker has taken this task over.")
    return task


def _task_end(claim: Claim, event_type: str, *, data: Mapping[str, Any] | None = None, **changes: Any) -> Task:
    """Move our in-progress task to another status and write the event, or raise LeaseLost."""
    task = _claimed_change(claim, lease_until=None, estimated_seconds_remaining=None, **changes)
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
            message=message,
            result_data=dict(result_data),
            completed_at=timezone.now(),
        )


def task_fail(*, claim: Claim, error: VideoflowError) -> Task:
    """End the attempt: ``retrying`` when it waits, or trying again can help and tries are left, else ``failed``."""
    with transaction.atomic():
        task = claim.rows().first()
        if task is None:
            raise LeaseLost("Another worker has taken this task over.")
        body = error_body(code=error.code, message=str(error), details=error.details, retryable=error.retryable)
        if isinstance(error, WaitUntil):
            return _task_end(
                claim,
                ProgressEvent.Type.STATUS_CHANGE,
                data=body,
                status=Task.Status.RETRYING,
                error=body,
                message=str(error),
                not_before=error.until,
            )
        if error.retryable and task.automatic_retries < MAX_AUTOMATIC_RETRIES:
            wait_seconds = _wait_seconds(error, task.automatic_retries)
            return _task_end(
                claim,
                ProgressEvent.Type.STATUS_CHANGE,
                data=body,
                status=Task.Status.RETRYING,
                automatic_retries=task.automatic_retries + 1,
                error=body,
                message=Sentence("Trying again in %(seconds)s s: %(reason)s", seconds=wait_seconds, reason=error),
                not_before=timezone.now() + timedelta(seconds=wait_seconds),
            )
        return _task_end(
            claim,
            ProgressEvent.Type.ERROR,
            data={**body, "retry_count": task.retry_count, "max_retries": MAX_USER_RETRIES},
            status=Task.Status.FAILED,
            error=body,
            message=str(error),
            completed_at=timezone.now(),
        )


def _wait_seconds(error: VideoflowError, retries: int) -> int:
    """Return the pause before the next attempt: as long as a service asked for, within reason, and no less than our own."""
    asked = error.details.get("retry_after_seconds")
    own = RETRY_WAITS_SECONDS[retries]
    return max(own, min(math.ceil(asked), LONGEST_WAIT_SECONDS)) if isinstance(asked, int | float) else own


def task_release(*, claim: Claim) -> None:
    """Give the task back at shutdown; it goes on elsewhere and this does not count as a recovery."""
    with transaction.atomic():
        task = _task_end(
            claim,
            ProgressEvent.Type.STATUS_CHANGE,
            status=Task.Status.PENDING,
            message=Sentence("Waiting: the worker was stopped"),
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
        # The session before the task, as a claim has them: held the other way round, each would wait for the other.
        CreatorSession.objects.select_for_update(no_key=True, of=("self",)).filter(tasks=task_id).first()
        task = task_change(
            task_id=task_id,
            statuses=Task.OPEN,
            status=Task.Status.CANCELLED,
            cancel_requested_at=now,
            completed_at=now,
            lease_until=None,
            message=Sentence("Cancelled"),
            estimated_seconds_remaining=None,
        )
        if task is None:
            raise BadInput("This task has already ended, so there is nothing to cancel.", code="TASK_ENDED")
        _event_write(task, ProgressEvent.Type.STATUS_CHANGE)
    return task


def task_retry(*, task_id: UUID) -> Task:
    """Run a failed or cancelled task again, three times at most.

    Raises:
        BadInput: it has not ended badly, or was retried three times already.
        TaskConflict: the same stage is running again meanwhile.
        TooManyWaiting: as many tasks of the session wait already as may.
    """
    try:
        with transaction.atomic():
            task = task_change(
                task_id=task_id,
                statuses=(Task.Status.FAILED, Task.Status.CANCELLED),
                if_retried_less_than=MAX_USER_RETRIES,
                status=Task.Status.RETRYING,
                retry_count=Sql("retry_count + 1"),
                automatic_retries=0,
                recoveries=0,
                cancel_requested_at=None,
                completed_at=None,
                not_before=None,
                error=None,
                progress=0,
                message=WAITING,
                dispatched_at=timezone.now(),
                request_id=request_named(),
            )
            if task is None:
                if Task.objects.get(pk=task_id).status not in (Task.Status.FAILED, Task.Status.CANCELLED):
                    raise BadInput("Only a failed or cancelled task can be retried.", code="TASK_NOT_RETRYABLE")
                raise BadInput("This task was retried three times already. Start the step anew.", code="RETRIES_USED_UP")
            _event_write(task, ProgressEvent.Type.STATUS_CHANGE)
            _waiting_check(task, settings.VIDEOFLOW_USER_WAITING)
    except IntegrityError as error:
        raise TaskConflict("This step is already running again for this project.") from error
    logger.info("retry asked for stage=%s", task.task_type, extra={"task_id": str(task.pk)})
    transaction.on_commit(lambda: wakeup_send(task_id=task.pk, queue=task.queue))
    return task


def leases_reap() -> int:
    """Take expired leases back: ``retrying`` up to three recoveries, then ``failed``. Return how many."""
    reaped = 0
    now = timezone.now()
    ahead = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__gt=now + LEASE)
    if ahead.exists():  # the clock was put back: a dead worker's task must not wait for the old time to come again
        ahead.update(lease_until=now + LEASE)
    expired = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__lt=now)
    for pk, fence, recoveries, retry_count in list(expired.values_list("pk", "fence", "recoveries", "retry_count")):
        claim = Claim(pk, fence, "")
        try:
            with transaction.atomic():
                if not claim.rows().filter(lease_until__lt=now).select_for_update().exists():
                    continue  # renewed or ended since it was read
                if recoveries >= MAX_RECOVERIES:
                    body = error_body(
                        code="WORKER_LOST",
                        message=Sentence(
                            "The worker died four times while doing this step. Retry it, or look at the worker's log."
                        ),
                    )
                    task = _task_end(
                        claim,
                        ProgressEvent.Type.ERROR,
                        data={**body, "retry_count": retry_count, "max_retries": MAX_USER_RETRIES},
                        status=Task.Status.FAILED,
                        error=body,
                        message=body["message"],
                        completed_at=now,
                        fence=Sql("fence + 1"),
                    )
                else:
                    task = _task_end(
                        claim,
                        ProgressEvent.Type.STATUS_CHANGE,
                        status=Task.Status.RETRYING,
                        message=Sentence("The worker was lost; another one takes over"),
                        recoveries=Sql("recoveries + 1"),
                        fence=Sql("fence + 1"),
                        dispatched_at=None,
                        not_before=None,
                    )
                logger.warning(
                    "lease expired status=%s fence=%s recoveries=%s",
                    *(task.status, fence, task.recoveries),
                    extra={"task_id": str(pk), "request_id": task.request_id or NOTHING},
                )
            reaped += 1
        except LeaseLost:
            continue  # ended between the read and the write
    return reaped
