"""Figures for Prometheus: a fixed number of questions to the database, two to Redis, whatever the studio holds.

What is counted from rows goes with the rows (deleting projects lowers it), so everything here is a gauge.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.health.figures import Metric, Sample, plain
from videoflow.health.installation import free_bytes
from videoflow.health.ledgers import ledger_metrics
from videoflow.health.probes import WORKER_SILENT_AFTER, State, probe_all
from videoflow.health.sockets import sockets_open
from videoflow.tasks.models import ProgressEvent, Task, TaskPart, Worker
from videoflow.tasks.services import tasks_due

STAGE_WINDOW = timedelta(hours=24)
BUCKET_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
UNKNOWN_STAGE = timedelta(seconds=60)
"""Taken for a stage that has not been run in the last 24 hours."""
EVENT_WINDOW = timedelta(minutes=1)
EVENT_ROWS = 50_000
"""Events of the last minute are looked for among the newest rows only."""
KEPT_SECONDS = 5.0
"""Asked again within this time, the same text is given: scraping cannot slow the studio down."""
KEPT_LEDGERS_SECONDS = 60.0

_CHECK_FIGURES: Mapping[State, float] = {"ok": 1.0, "degraded": 0.5, "down": 0.0}


def metrics_now() -> list[Metric]:
    """Measure everything once. Ten queries, and two commands to Redis when it is there; what is slow, once a minute."""
    fresh = [*_queues(), *_backlogs(), _parts(), *_recoveries(), *_stage_durations(), _events(), _workers()]
    return [*fresh, *_checks(), *_redis(), *_process(), *_ledgers()]


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


def _backlogs() -> Iterable[Metric]:
    """What an autoscaler reads: how much could start now, and about how long one slot would work on it."""
    queues = list(settings.VIDEOFLOW_QUEUE_SLOTS)
    length = ExpressionWrapper(F("completed_at") - F("attempt_started_at"), output_field=DurationField())
    ended = Task.objects.filter(status=Task.Status.COMPLETED, completed_at__gte=timezone.now() - STAGE_WINDOW).order_by()
    usual = dict(ended.values_list("task_type").annotate(usual=Avg(length)))
    counts, seconds = dict.fromkeys(queues, 0), dict.fromkeys(queues, 0.0)
    for queue, task_type, count in tasks_due().order_by().values_list("queue", "task_type").annotate(count=Count("pk")):
        counts[queue] = counts.get(queue, 0) + count
        seconds[queue] = seconds.get(queue, 0.0) + count * usual.get(task_type, UNKNOWN_STAGE).total_seconds()
    yield Metric("videoflow_queue_due", "Tasks that could start now.", [({"queue": name}, counts[name]) for name in counts])
    yield Metric(
        "videoflow_queue_backlog_seconds",
        "Work that could start now, in seconds of one slot, by what these stages took in the last 24 hours.",
        [({"queue": name}, seconds[name]) for name in seconds],
    )


def _parts() -> Metric:
    """Whether other hosts have work to take: pieces of videos that are being composed."""
    running = TaskPart.objects.filter(state__in=TaskPart.OPEN, task__status__in=Task.OPEN).order_by()
    counts = dict(running.values_list("state").annotate(count=Count("pk")))
    samples: list[Sample] = [({"state": state}, counts.get(state, 0)) for state in TaskPart.OPEN]
    return Metric("videoflow_queue_parts", "Parts of running tasks that wait for a worker, or have one.", samples)


def _recoveries() -> Iterable[Metric]:
    """Each expiry moves the fence once more than the claims do, so the difference counts them."""
    now = timezone.now()
    sums = Task.objects.aggregate(expiries=Sum(F("fence") - F("attempt")), retries=Sum("retry_count"))
    yield plain(
        "videoflow_lease_expiries", "Leases that ran out, over all tasks kept: workers that were lost.", sums["expiries"] or 0
    )
    yield plain("videoflow_task_retries", "Retries asked for by users, over all tasks kept.", sums["retries"] or 0)
    overdue = Task.objects.filter(status=Task.Status.IN_PROGRESS, lease_until__lt=now).count()
    yield plain("videoflow_leases_overdue", "Running tasks whose lease has run out and that nobody took back yet.", overdue)


def _stage_durations() -> Iterable[Metric]:
    """Counted over a sliding window: ``histogram_quantile`` takes these buckets as they are, without ``rate``."""
    length = ExpressionWrapper(F("completed_at") - F("attempt_started_at"), output_field=DurationField())
    ended = Task.objects.filter(status=Task.Status.COMPLETED, completed_at__gte=timezone.now() - STAGE_WINDOW).order_by()
    within = {f"within_{edge}": Count("pk", filter=Q(length__lte=timedelta(seconds=edge))) for edge in BUCKET_SECONDS}
    found = (
        ended.annotate(length=length)
        .values("task_type")
        .annotate(count=Count("pk"), total=Sum("length"), longest=Max("length"), **within)
        .order_by("task_type")
    )
    samples: list[Sample] = []
    buckets: list[Sample] = []
    for row in found:
        label = {"task_type": row["task_type"]}
        figures = {"count": row["count"], "sum": row["total"].total_seconds(), "max": row["longest"].total_seconds()}
        samples += [({**label, "figure": figure}, value) for figure, value in figures.items()]
        buckets += [({**label, "le": str(edge)}, row[f"within_{edge}"]) for edge in BUCKET_SECONDS]
        buckets.append(({**label, "le": "+Inf"}, row["count"]))
    yield Metric("videoflow_stage_seconds", "Runs completed in the last 24 hours: how many, their seconds, the longest.", samples)
    yield Metric(
        "videoflow_stage_seconds_bucket", "Runs completed in the last 24 hours that took at most so many seconds.", buckets
    )


def _events() -> Metric:
    """Count the last minute's events among the newest rows; the whole table is never read."""
    head = ProgressEvent.objects.aggregate(head=Max("pk"))["head"] or 0
    since = timezone.now() - EVENT_WINDOW
    recent = ProgressEvent.objects.filter(pk__gt=head - EVENT_ROWS, created_at__gte=since).count()
    return plain("videoflow_events_per_minute", "Progress events of the last minute.", recent)


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
    yield plain("videoflow_redis_memory_bytes", "Memory that Redis uses.", memory["used_memory"])
    yield plain("videoflow_redis_memory_limit_bytes", "Memory that Redis may use; 0 is no limit.", memory.get("maxmemory", 0))
    yield plain("videoflow_redis_keys", "Keys in Redis; `manage.py redis_report` says which.", keys)


def _process() -> Iterable[Metric]:
    yield plain("videoflow_sockets", "Live-progress sockets open in the process that answered.", sockets_open())
    yield plain("videoflow_storage_free_bytes", "Free disk for the data folder.", free_bytes(settings.VIDEOFLOW_DATA))


class _KeptLedgers:
    """What takes long in a large studio, measured once a minute."""

    metrics: "list[Metric]" = []
    until = 0.0


def _ledgers() -> list[Metric]:
    if time.monotonic() >= _KeptLedgers.until:
        _KeptLedgers.metrics = list(ledger_metrics())
        _KeptLedgers.until = time.monotonic() + KEPT_LEDGERS_SECONDS
    return _KeptLedgers.metrics


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
        _Kept.until = _KeptLedgers.until = 0.0
