from django.urls import re_path

from videoflow.tasks.consumers import ProgressConsumer

websocket_urlpatterns = [re_path(r"^ws/progress/(?P<session_id>[^/]+)$", ProgressConsumer.as_asgi())]  # type: ignore[arg-type]
