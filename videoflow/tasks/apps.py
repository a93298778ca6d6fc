from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "videoflow.tasks"
    verbose_name = "Tasks"
