import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class CreatorSession(models.Model):
    """Who is working: owns projects, tasks and the live event stream.

    The id is an identifier, never a credential: the owner is the user, or whoever holds the token whose SHA-256 stands in
    ``cookie_hash`` (browsers) or ``bearer_hash`` (programs).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE)
    cookie_hash = models.CharField(max_length=64, blank=True, db_index=True)
    bearer_hash = models.CharField(max_length=64, blank=True, db_index=True)
    preferences = models.JSONField(default=dict, blank=True)
    head_seq = models.BigIntegerField(default=0, help_text="Number of the session's newest progress event.")
    states_mark = models.BigIntegerField(default=0, help_text="Drawn anew with each save of a state; proves a cached one.")
    created_at = models.DateTimeField(default=timezone.now)
    last_activity = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: lives until deleted.")

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Session {str(self.id)[:8]}"


class OneUseLink(models.Model):
    """A link that opens one session in one browser, once; only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="links")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Link to {self.session}"


class UIState(models.Model):
    """What a component of the workflow page held when it was last saved; ``revision`` grows with each save."""

    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="ui_states")
    component_name = models.CharField(max_length=40)
    form_data = models.JSONField(default=dict, blank=True)
    ui_state = models.JSONField(default=dict, blank=True)
    auto_save = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("session", "component_name"), name="ui_state_once_per_component")]

    def __str__(self) -> str:
        return f"{self.component_name} of {self.session}"


class WorkflowState(models.Model):
    """Where a session stands in the five steps; no row until it is first saved, which counts as revision 0."""

    session = models.OneToOneField(CreatorSession, on_delete=models.CASCADE, related_name="workflow")
    current_step = models.CharField(max_length=40, default="trending_analysis")
    completed_steps = models.JSONField(default=list, blank=True)
    active_project = models.ForeignKey("pipeline.Project", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    form_data = models.JSONField(default=dict, blank=True)
    revision = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Workflow of {self.session}"


class IdempotencyKey(models.Model):
    """A program's promise that two submits are one; the first reply is kept for a day."""

    session = models.ForeignKey(CreatorSession, on_delete=models.CASCADE, related_name="idempotency_keys")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    reply = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("session", "key"), name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.key} of {self.session}"


class AttemptCount(models.Model):
    """How often somebody has tried a password since ``since``; ``key`` is a hash of what is tried, the name and the address."""

    key = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.count} attempts since {self.since:%H:%M}"
