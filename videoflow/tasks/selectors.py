from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from videoflow.sessions.models import CreatorSession
from videoflow.tasks.events import EventMessage, HelloMessage, event_message, rfc3339, task_message
from videoflow.tasks.models import ProgressEvent, Task

REPLAY = timedelta(hours=1)  # contract: replay serves one hour
REPLAY_BATCH = 200


def hello_get(*, session_id: UUID, after: int | None) -> HelloMessage:
    """Return the socket's first message: the head of the stream and the tasks that still matter.

    ``reset`` is true when ``after`` cannot be continued from: beyond the head, or older than an hour.
    """
    now = timezone.now()
    head = CreatorSession.objects.values_list("head_seq", flat=True).get(pk=session_id)
    reset = False
    if after is not None and after != head:
        following = (
            ProgressEvent.objects.filter(session_id=session_id, seq=after + 1).values_list("created_at", flat=True).first()
        )
        reset = after > head or following is None or following < now - REPLAY
    recent = Q(status__in=Task.OPEN) | Q(completed_at__gte=now - REPLAY)
    tasks = Task.objects.filter(recent, session_id=session_id).order_by("created_at")
    return {
        "event_type": "hello",
        "session_id": str(session_id),
        "seq": head,
        "reset": reset,
        "tasks": [task_message(task) for task in tasks],
        "timestamp": rfc3339(now),
    }


def events_after(*, session_id: UUID, seq: int) -> list[EventMessage]:
    """Return up to 200 events that follow ``seq``, in order."""
    rows = ProgressEvent.objects.filter(session_id=session_id, seq__gt=seq).order_by("seq")[:REPLAY_BATCH]
    return [event_message(row) for row in rows]


def heads_get(*, session_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of each session's newest event; sessions that are gone are left out."""
    return dict(CreatorSession.objects.filter(pk__in=session_ids).order_by().values_list("pk", "head_seq"))


def _hidden(session_ids: Collection[UUID]) -> QuerySet[Task]:
    """Return the tasks of the projects that were deleted and can still be had back."""
    return Task.objects.filter(project__session__in=session_ids, project__deleted_at__isnull=False).order_by()


def task_counts(session_ids: Collection[UUID]) -> dict[str, int]:
    """Return how many tasks the sessions have of each status, without those of deleted projects.

    All are counted, then the few of deleted projects: looking at the project of each takes as long again.
    """
    of_all = Task.objects.filter(session__in=session_ids).order_by().values_list("status").annotate(count=Count("pk"))
    hidden = dict(_hidden(session_ids).values_list("status").annotate(count=Count("pk")))
    return {status: count - hidden.get(status, 0) for status, count in of_all}


def tasks_listed(session_ids: Collection[UUID]) -> QuerySet[Task]:
    """Return the sessions' tasks without those of deleted projects."""
    return Task.objects.filter(session__in=session_ids).exclude(pk__in=_hidden(session_ids).values("pk"))


def queue_position(*, task: Task) -> int:
    """Return how many tasks of the same queue stand before this one, at the most."""
    return (
        Task.objects.filter(queue=task.queue, status__in=Task.OPEN)
        .filter(Q(priority__gt=task.priority) | Q(priority=task.priority, created_at__lt=task.created_at))
        .count()
    )
