from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("videoflow.health.urls")),
    path("", include("videoflow.tasks.urls")),
    path("", include("videoflow.pipeline.urls")),
]
