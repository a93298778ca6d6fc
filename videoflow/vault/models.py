from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Credential(models.Model):
    """A secret for one outside service, sealed for one owner: a user, or a session without one.

    The ciphertext is bound to owner and provider, so a row copied under another owner cannot be opened. Only ``last4`` is ever
    shown.
    """

    session = models.ForeignKey(
        "creator_sessions.CreatorSession", null=True, blank=True, on_delete=models.CASCADE, related_name="credentials"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="credentials"
    )
    provider = models.CharField(max_length=40)
    ciphertext = models.BinaryField()
    last4 = models.CharField(max_length=4)
    label = models.CharField(
        max_length=80, blank=True, help_text="The owner's own word for it, e.g. which account it belongs to."
    )
    created_at = models.DateTimeField(default=timezone.now, help_text="When this key was entered.")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="When it was last opened for a call, to the minute.")
    rotated_at = models.DateTimeField(default=timezone.now, help_text="When it was last sealed.")

    class Meta:
        ordering = ("provider",)
        constraints = [
            models.CheckConstraint(
                condition=Q(session__isnull=True, user__isnull=False) | Q(session__isnull=False, user__isnull=True),
                name="credential_one_owner",
            ),
            models.UniqueConstraint(
                fields=("session", "provider"), condition=Q(session__isnull=False), name="credential_once_per_session"
            ),
            models.UniqueConstraint(
                fields=("user", "provider"), condition=Q(user__isnull=False), name="credential_once_per_user"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} …{self.last4}"
