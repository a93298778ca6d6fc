from django.apps import AppConfig


class PipelineConfig(AppConfig):
    name = "videoflow.pipeline"
    verbose_name = "Videos"
