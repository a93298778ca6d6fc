import uuid

from django.db import models
from django.utils import timezone

from videoflow.translation import SentenceField


class ProviderCall(models.Model):
    """One request to a provider that costs money, written down before it is made.

    ::

        intent ──send──> submitted ──poll──> done
           │                 └──────────────> failed | unknown
           ├──send──> done       the reply is kept and given again, never paid for again
           ├──send──> failed     refused: nothing was charged; trying again is a call of its own
           └──lost──> unknown    it may have been charged; only a person decides whether to ask again

    Making or taking over a call needs the task itself. What became of a call is written by whoever made it or took it over
    (``task`` and ``fence``), also when the task was cancelled meanwhile: the world does not roll back, and a late reply ends
    even an ``unknown`` one well.
    """

    class State(models.TextChoices):
        INTENT = "intent"
        SUBMITTED = "submitted"
        DONE = "done"
        FAILED = "failed"
        UNKNOWN = "unknown"

    class Choice(models.TextChoices):
        ASK_AGAIN = "ask_again"
        LEAVE = "leave"

    OPEN = (State.INTENT, State.SUBMITTED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=80, unique=True, help_text="What is wanted, and the attempt.")
    wanted = models.CharField(
        max_length=64, db_index=True, help_text="Hash of project, stage, provider, purpose, request and run; the same each time."
    )
    project = models.ForeignKey("pipeline.Project", null=True, on_delete=models.SET_NULL, related_name="provider_calls")
    owner = models.CharField(max_length=60, blank=True, help_text="Whose money it spends: session:<id> or user:<id>.")
    task = models.ForeignKey("tasks.Task", null=True, on_delete=models.SET_NULL, related_name="provider_calls")
    fence = models.PositiveIntegerField(help_text="Of the task's claim that made or took over the call.")
    stage = models.CharField(max_length=40)
    purpose = SentenceField(longest=200)
    request_hash = models.CharField(max_length=64)
    run = models.PositiveIntegerField(default=1, help_text="Wanted results for the same request.")
    attempt = models.PositiveIntegerField(default=1, help_text="Calls for the same result: after a refusal, or a person's word.")
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120, blank=True)
    capability = models.CharField(max_length=20)
    state = models.CharField(max_length=12, choices=State.choices, default=State.INTENT)
    choice = models.CharField(max_length=12, choices=Choice.choices, blank=True, help_text="What a person decided.")
    remote_id = models.TextField(blank=True)
    reply_path = models.CharField(max_length=200, blank=True, help_text="Relative to the media folder; named by content.")
    reply_sha256 = models.CharField(max_length=64, blank=True)
    reply_bytes = models.BigIntegerField(null=True, blank=True)
    reply_type = models.CharField(max_length=120, blank=True)
    reserved_micros = models.BigIntegerField(
        null=True, blank=True, help_text="Millionths of the currency; empty: no price known."
    )
    charged_micros = models.BigIntegerField(null=True, blank=True, help_text="In millionths; empty: not told.")
    currency = models.CharField(max_length=3, default="USD")
    error_code = models.CharField(max_length=60, blank=True)
    error = SentenceField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=("project", "-created_at"), name="call_project"),
            models.Index(fields=("state", "-created_at"), name="call_state"),
            models.Index(fields=("owner", "-created_at"), name="call_owner"),
            models.Index(fields=("reply_path",), name="call_reply"),  # whether a stored file is an answer
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.purpose}"
