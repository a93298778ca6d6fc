from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from videoflow.sessions.models import CreatorSession


class ServiceFact(models.Model):
    """Something small that was learned about a service and saves a request next time, such as the pace of a voice."""

    service = models.CharField(max_length=40)
    name = models.CharField(max_length=200, help_text="What it is about; names no key and no owner.")
    value = models.JSONField()
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("service", "name"), name="service_fact_once")]

    def __str__(self) -> str:
        return f"{self.service}: {self.name}"


class ServiceCall(models.Model):
    """One request to a service and how it ended, without what was asked: what the health of services is read from."""

    service = models.CharField(max_length=40)
    outcome = models.CharField(max_length=40, help_text="ok, or the error's code.")
    milliseconds = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    OK = "ok"

    class Meta:
        indexes = [models.Index(fields=("service", "-created_at"), name="service_call_newest")]

    def __str__(self) -> str:
        return f"{self.service}: {self.outcome}"


class ServicePrice(models.Model):
    """What a unit of a service costs, as the operator wrote it down; it goes before the catalogue."""

    service = models.CharField(max_length=40)
    capability = models.CharField(max_length=20)
    model = models.CharField(max_length=120, blank=True, help_text="Empty: every model without a line of its own.")
    micros = models.BigIntegerField(help_text="Millionths of a US dollar for one unit, e.g. 1,000 characters.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("service", "capability", "model")
        constraints = [models.UniqueConstraint(fields=("service", "capability", "model"), name="service_price_once")]

    def __str__(self) -> str:
        return f"{self.service} {self.capability} {self.model}".strip()


class Budget(models.Model):
    """What an owner may spend in a month (UTC); also the row that is locked while money is reserved."""

    session = models.OneToOneField(CreatorSession, null=True, on_delete=models.CASCADE, related_name="budget")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="budget")
    month_micros = models.BigIntegerField(null=True, blank=True, help_text="Millionths of a US dollar; empty: no limit.")
    takes_unknown_prices = models.BooleanField(
        default=False, help_text="Whether calls without a known price are made although there is a limit."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(session__isnull=True, user__isnull=False) | Q(session__isnull=False, user__isnull=True),
                name="budget_one_owner",
            )
        ]

    def __str__(self) -> str:
        return f"Budget of {self.user or self.session_id}"
