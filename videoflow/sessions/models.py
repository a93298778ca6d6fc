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
