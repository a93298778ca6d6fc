from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from videoflow.api.api import api

handler400 = "videoflow.http.bad_request"
handler500 = "videoflow.http.server_error"

urlpatterns = [
    path("admin/login/", RedirectView.as_view(pattern_name="sessions:sign_in", query_string=True), name="admin_sign_in"),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("", include("videoflow.health.urls")),
    path("", include("videoflow.sessions.urls")),
    path("", include("videoflow.tasks.urls")),
    path("", include("videoflow.pipeline.urls")),
]
