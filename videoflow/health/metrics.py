"""Figures for Prometheus: a fixed number of questions to the database, two to Redis, whatever the studio holds.

What is counted from rows goes with the rows (deleting projects lowers it), so everything here is a gauge.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.health.installation import free_bytes
from videoflow.health.probes import WORKER_SILENT_AFTER, State, probe_all
from videoflow.health.sockets import sockets_open
from videoflow.tasks.models import ProgressEvent, Task, Worker

STAGE_WINDOW = timedelta(hours=24)
EVENT_WINDOW = timedelta(minutes=1)
EVENT_ROWS = 50_000
"""Events of the last minute are looked for among the newest rows only."""
KEPT_SECONDS = 5.0
"""Asked again within this time, the same text is given: scraping cannot slow the studio down."""

Sample = tuple[Mapping[str, str], float]
_CHECK_FIGURES: Mapping[State, float] = {"ok": 1.0, "degraded": 0.5, "down": 0.0}


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge with its samples, each with its labels; without samples it could not be measured and is left out."""

    name: str
    about: str
    samples: Sequence[Sample]

    def lines(self) -> Iterator[str]:
        """Return its lines of the text format."""
        if self.samples:
            yield f"# HELP {self.name} {self.about}"
            yield f"# TYPE {self.name} gauge"
        for labels, value in self.samples:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            yield f"{self.name}{{{inside}}} {_number(value)}" if inside else f"{self.name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def _plain(name: str, about: str, value: float | None) -> Metric:
    return Metric(name, about, [] if value is None else [({}, value)])


def metrics_now() -> list[Metric]:
    """Measure everything once. Eight queries, and two commands to Redis when it is there."""
    return [*_queues(), *_recoveries(), _stage_durations(), _events(), _workers(), *_checks(), *_redis(), *_process()]


def _queues() -> Iterable[Metric]:
    now = timezone.now()
    queues = list(settings.VIDEOFLOW_QUEUE_SLOTS)
    counted = Task.objects.order_by().values_list("queue", "status").annotate(count=Count("pk"))
    counts = {(queue, status): count for queue, status, count in counted}
    samples: list[Sample] = [
        ({"queue": queue, "status": status}, counts.get((queue, status), 0)) for queue in queues for status in Task.Status.values
    ]
    yield Metric("videoflow_tasks", "Tasks by queue and status.", samples)

    newest = ProgressEvent.objects.filter(task=OuterRef("pk")).order_by("-seq").values("created_at")[:1]
    due = Task.objects.filter(Q(not_before__isnull=True) | Q(not_before__lte=now), status__in=Task.WAITING).order_by()
    due = due.annotate(due_at=Coalesce("not_before", Subquery(newest), "created_at"))
    oldest = dict(due.values_list("queue").annotate(oldest=Min("due_at")))
    ages: list[Sample] = [
        ({"queue": queue}, max(0.0, (now - oldest[queue]).total_seconds()) if queue in oldest else 0.0) for queue in queues
    ]
    yield Metric("videoflow_queue_oldest_seconds", "How long the oldest task that could start has been waiting.", ages)


def _recoveries() -> Iterable[Metric]:
    """Each expiry moves the fence once more than the claims do, so the difference counts them."""
    now = timezone.now()
    sums = Task.objects.aggregate(expiries=Sum(F("fence") - F("attempt")), retries=Sum("retry_count"))
    yield _plain(
        "videoflow_lease_expiries", "Leases that ran out, over all tasks kept: workers that were lost.", sums["expiries"] or 0
    )
    yield _plain("videoflow_task_retries", "Retries asked for by users, over all tasks kept.", sums["retries"] or 0)
    overdue = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__lt=now).count()
    yield _plain("videoflow_leases_overdue", "Running tasks whose lease has run out and that nobody took back yet.", overdue)


def _stage_durations() -> Metric:
    length = ExpressionWrapper(F("completed_at") - F("attempt_started_at"), output_field=DurationField())
    ended = Task.objects.filter(status=Task.Status.COMPLETED, completed_at__gte=timezone.now() - STAGE_WINDOW).order_by()
    found = (
        ended.values_list("task_type").annotate(count=Count("pk"), total=Sum(length), longest=Max(length)).order_by("task_type")
    )
    samples: list[Sample] = []
    for task_type, count, total, longest in found:
        figures = {"count": count, "sum": total.total_seconds(), "max": longest.total_seconds()}
        samples += [({"task_type": task_type, "figure": figure}, value) for figure, value in figures.items()]
    return Metric(
        "videoflow_stage_seconds", "Runs completed in the last 24 hours: how many, their seconds, the longest.", samples
    )


def _events() -> Metric:
    """Count the last minute's events among the newest rows; the whole table is never read."""
    head = ProgressEvent.objects.aggregate(head=Max("pk"))["head"] or 0
    since = timezone.now() - EVENT_WINDOW
    recent = ProgressEvent.objects.filter(pk__gt=head - EVENT_ROWS, created_at__gte=since).count()
    return _plain("videoflow_events_per_minute", "Progress events of the last minute.", recent)


def _workers() -> Metric:
    alive = Worker.objects.filter(heartbeat_at__gte=timezone.now() - WORKER_SILENT_AFTER)
    counts = dict(alive.order_by().values_list("kind").annotate(count=Count("pk")))
    kinds = sorted({"celery", "dispatcher", *counts})
    return Metric(
        "videoflow_workers", "Processes with a fresh heartbeat.", [({"kind": kind}, counts.get(kind, 0)) for kind in kinds]
    )


def _checks() -> Iterable[Metric]:
    samples: list[Sample] = [({"name": name}, _CHECK_FIGURES[probe.state]) for name, probe in probe_all().items()]
    yield Metric("videoflow_check", "Health by part, as in /health: 1 ok, 0.5 degraded, 0 down.", samples)


def _redis() -> Iterable[Metric]:
    """Ask Redis only when it is worth asking; while it is away its figures are absent."""
    if not redis.breaker.allows():
        return
    try:
        memory = redis.connection().info("memory")
        keys = redis.connection().dbsize()
    except (RedisError, OSError):
        redis.breaker.failed()
        return
    yield _plain("videoflow_redis_memory_bytes", "Memory that Redis uses.", memory["used_memory"])
    yield _plain("videoflow_redis_memory_limit_bytes", "Memory that Redis may use; 0 is no limit.", memory.get("maxmemory", 0))
    yield _plain("videoflow_redis_keys", "Keys in Redis; `manage.py redis_report` says which.", keys)


def _process() -> Iterable[Metric]:
    yield _plain("videoflow_sockets", "Live-progress sockets open in the process that answered.", sockets_open())
    yield _plain("videoflow_storage_free_bytes", "Free disk for the data folder.", free_bytes(settings.VIDEOFLOW_DATA))


class _Kept:
    """The last text and when it was measured; one measurement at a time."""

    lock = threading.Lock()
    text = ""
    until = 0.0


def metrics_text() -> str:
    """Return the text format, measured at most every 5 s in this process.

    Raises:
        DatabaseError: the database does not answer.
    """
    with _Kept.lock:
        if time.monotonic() >= _Kept.until:
            _Kept.text = "".join(f"{line}\n" for metric in metrics_now() for line in metric.lines())
            _Kept.until = time.monotonic() + KEPT_SECONDS
        return _Kept.text


def metrics_forget() -> None:
    """Measure anew at the next question."""
    with _Kept.lock:
        _Kept.until = 0.0
