from django.apps import AppConfig

from videoflow import celery  # noqa: F401 - whoever sends a wake-up needs the configured application as Celery's default
from videoflow.health import checks  # noqa: F401 - Django's checks know of ours once it is read


class HealthConfig(AppConfig):
    name = "videoflow.health"
    label = "health"
    verbose_name = "Health"
