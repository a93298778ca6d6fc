from django.contrib import admin
from django.urls import include, path

from videoflow.api.api import api

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("", include("videoflow.health.urls")),
    path("", include("videoflow.tasks.urls")),
    path("", include("videoflow.pipeline.urls")),
]
