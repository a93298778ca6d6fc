"""What the dispatcher sees to: tasks nobody heard of, slots that stay free, processes that are alive."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from videoflow.tasks.models import Task, Worker
from videoflow.tasks.rows import has_slot
from videoflow.tasks.services import tasks_due
from videoflow.tasks.wakeup import wakeup_send

WAKEUPS_AT_ONCE = 50
UNANSWERED_WAKEUPS = 3  # 7 s after a task became due


def wakeups_repeat() -> int:
    """Send wake-ups again for due tasks nobody took, waiting 1, 2, 4 ... 60 s between them. Return how many were sent.

    A time ahead of us says that the clock was put back: it does not count.
    """
    now = timezone.now()
    due = tasks_due(now=now).values_list("pk", "queue", "dispatched_at", "hint_count")[:WAKEUPS_AT_ONCE]
    late = [
        (pk, queue)
        for pk, queue, dispatched_at, hint_count in due
        if not dispatched_at or not now - timedelta(seconds=min(60, 2**hint_count)) < dispatched_at <= now
    ]
    if not late:
        return 0
    Task.objects.filter(pk__in=[pk for pk, _ in late]).update(dispatched_at=now, hint_count=F("hint_count") + 1)
    return sum(wakeup_send(task_id=pk, queue=queue) for pk, queue in late)


def due_count(*, queue: str) -> int:
    """Return how many tasks of a queue could start now."""
    return tasks_due(queue=queue).count()


def has_unanswered(*, queue: str, host: str) -> bool:
    """Say whether a due task was rung for again and again though the host has a free slot: its workers hear nothing.

    A worker may sit on a dead connection for a minute after Redis came back, or not run at all.
    """
    if not tasks_due(queue=queue).filter(hint_count__gte=UNANSWERED_WAKEUPS).exists():
        return False
    return has_slot(queue=queue, host=host, now=timezone.now())


def worker_beat(*, worker_id: str, kind: str, host: str, pid: int) -> None:
    """Record that a process is alive."""
    Worker.objects.update_or_create(
        worker_id=worker_id, defaults={"kind": kind, "host": host, "pid": pid, "heartbeat_at": timezone.now()}
    )


def workers_forget(*, older_than: timedelta) -> None:
    """Delete the rows of processes that have not been heard of for long."""
    Worker.objects.filter(heartbeat_at__lt=timezone.now() - older_than).delete()
