from django.urls import path

from videoflow.pipeline import views

app_name = "pipeline"
urlpatterns = [
    path("", views.start, name="start"),
    path("projects/", views.project_list, name="project_list"),
    path("projects/<uuid:project_id>/", views.project_detail, name="project_detail"),
    path("projects/<uuid:project_id>/rail/", views.rail, name="rail"),
    path("projects/<uuid:project_id>/panels/<slug:task_type>/", views.panel, name="panel"),
    path("projects/<uuid:project_id>/stages/<slug:task_type>/start/", views.stage_run, name="stage_run"),
    path("projects/<uuid:project_id>/delete/", views.delete, name="project_delete"),
    path("exports/<int:publication_id>/<str:name>", views.export_file, name="export_file"),
    path("media/<uuid:asset_id>/preview.jpg", views.asset_preview, name="asset_preview"),
    path("media/<uuid:asset_id>/<str:name>", views.asset_file, name="asset_file"),
    path("settings/", views.settings_page, name="settings"),
    path("theme/", views.theme, name="theme"),
    path("open/<str:token>/", views.open_link, name="open_link"),
]
