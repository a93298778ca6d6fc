from importlib import import_module

from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "videoflow.pipeline"
    verbose_name = "Videos"

    def ready(self) -> None:
        import_module(f"{self.name}.receivers")  # models can be imported from here on
