from importlib import import_module

from django.apps import AppConfig


class NoopConfig(AppConfig):
    name = "videoflow.tasks.tests.noop"
    label = "noop"

    def ready(self) -> None:
        import_module(f"{self.name}.patches")  # models can be imported from here on
