import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from videoflow.sessions.models import CreatorSession
from videoflow.translation import SentenceField


class Task(models.Model):
    """One run of one stage for one project; the row is the queue of record and the outbox.

    ::

        pending ──claim──> in_progress ──> completed | failed | cancelled
           ^                 │  │
           └──release────────┘  └──> retrying ──claim──> in_progress
                                        ^
              failed | cancelled ──user's retry

    ``retrying`` waits for ``not_before``. Every write of a worker says ``WHERE fence = mine``: the fence grows with each claim,
    so a worker that was taken for dead can change nothing. ``retry_count`` counts the user's retries, ``automatic_retries`` and
    ``recoveries`` (expired leases) what happened since the last of them, ``attempt`` all claims.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        IN_PROGRESS = "in_progress"
        RETRYING = "retrying"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Priority(models.IntegerChoices):
        LOW = 0, "low"
        NORMAL = 1, "normal"
        HIGH = 2, "high"

    WAITING = (Status.PENDING, Status.RETRYING)
    OPEN = (Status.PENDING, Status.RETRYING, Status.IN_PROGRESS)
    ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="tasks")
    project = models.ForeignKey("pipeline.Project", on_delete=models.CASCADE, related_name="tasks")
    task_type = models.CharField(max_length=40, help_text="Name of the stage.")
    queue = models.CharField(max_length=16, help_text="io, cpu or upload.")
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Per cent; never falls within an attempt.")
    message = SentenceField(blank=True, default="")
    input_data = models.JSONField(default=dict, blank=True)
    result_data = models.JSONField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True, help_text="The contract's error body.")
    estimated_seconds_remaining = models.PositiveIntegerField(null=True, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    attempt_started_at = models.DateTimeField(null=True, blank=True)
    retry_count = models.PositiveSmallIntegerField(default=0)
    automatic_retries = models.PositiveSmallIntegerField(default=0)
    recoveries = models.PositiveSmallIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker_id = models.CharField(max_length=120, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True, help_text="Last wake-up sent.")
    hint_count = models.PositiveSmallIntegerField(default=0, help_text="Wake-ups sent since the task became due.")
    request_id = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="The request that asked for it last, as logs name it."
    )

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(
                fields=("queue", "-priority", "session", "created_at", "not_before", "status", "cancel_requested_at"),
                condition=Q(status__in=("pending", "retrying"), cancel_requested_at__isnull=True),
                name="task_waiting",
            ),
            models.Index(fields=("status", "lease_until"), name="task_lease"),
            models.Index(fields=("session", "-created_at"), name="task_session"),
            models.Index(fields=("session", "queue", "-attempt_started_at"), name="task_turn"),
            models.Index(fields=("project", "task_type", "-created_at"), name="task_project_stage"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=("project", "task_type"),
                condition=Q(status__in=("pending", "retrying", "in_progress")),
                name="task_one_open_per_stage",
            )
        ]

    def __str__(self) -> str:
        return f"{self.task_type} {str(self.id)[:8]}"

    @property
    def has_ended(self) -> bool:
        return self.status in self.ENDED


class ProgressEvent(models.Model):
    """One thing that happened in a session; ``seq`` grows by one per session without gaps."""

    class Type(models.TextChoices):
        PROGRESS_UPDATE = "progress_update"
        STATUS_CHANGE = "status_change"
        ERROR = "error"
        COMPLETION = "completion"

    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="events")
    event_type = models.CharField(max_length=20, choices=Type.choices)
    task_type = models.CharField(max_length=40)
    status = models.CharField(max_length=16)
    progress = models.PositiveSmallIntegerField(default=0)
    message = SentenceField(blank=True, default="")
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("session", "seq")
        constraints = [models.UniqueConstraint(fields=("session", "seq"), name="event_seq_once")]
        indexes = [models.Index(fields=("task", "seq"), name="event_task")]

    def __str__(self) -> str:
        return f"{self.seq} {self.event_type}"


class TaskPart(models.Model):
    """A piece of a task that any worker of its queue may do while the task is open; the task's own worker joins the pieces.

    ::

        waiting ──claim──> claimed ──> done
           ^                 │
           └── given back ───┘  (or the lease ran out: it is claimed anew as it stands)

    As with tasks, every write of a worker says ``WHERE fence = mine``.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        CLAIMED = "claimed"
        DONE = "done"

    OPEN = (State.WAITING, State.CLAIMED)

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    queue = models.CharField(max_length=16)
    needs = models.CharField(max_length=200, help_text="What a worker must have: versions and an encoder.")
    size = models.PositiveIntegerField(help_text="How much work it is: frames.")
    size_done = models.PositiveIntegerField(default=0)
    job = models.JSONField(default=dict, blank=True, help_text="What to do; stored files by their names.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = SentenceField(blank=True, default="", help_text="Why a worker gave it up; the task's own worker does it then.")
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker_id = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("task", "number")
        constraints = [models.UniqueConstraint(fields=("task", "number"), name="part_number_once")]
        indexes = [
            models.Index(fields=("queue", "state", "needs"), condition=Q(state__in=("waiting", "claimed")), name="part_open")
        ]

    def __str__(self) -> str:
        return f"{str(self.task_id)[:8]}/{self.number}"


class Worker(models.Model):
    """A process that runs tasks or looks after them; alive while its heartbeat is fresh."""

    worker_id = models.CharField(max_length=120, primary_key=True)
    kind = models.CharField(max_length=16, help_text="celery or dispatcher.")
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.worker_id
