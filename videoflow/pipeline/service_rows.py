from django.db import models
from django.utils import timezone


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
