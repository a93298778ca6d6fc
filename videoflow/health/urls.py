from django.urls import path

from videoflow.health import views

app_name = "health"
urlpatterns = [
    path("livez", views.live, name="live"),
    path("readyz", views.ready, name="ready"),
    path("health", views.ready, name="health"),
    path("metrics", views.metrics, name="metrics"),
]
