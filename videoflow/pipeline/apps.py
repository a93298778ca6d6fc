from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "videoflow.pipeline"
    verbose_name = "Videos"

    def ready(self) -> None:
        from videoflow.pipeline import receivers  # noqa: F401 - models can be imported from here on
