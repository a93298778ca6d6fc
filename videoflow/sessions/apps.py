from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "videoflow.sessions"
    label = "creator_sessions"  # django.contrib.sessions owns "sessions"
    verbose_name = "Creator sessions"
