from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "videoflow.health"
    label = "health"
    verbose_name = "Health"
