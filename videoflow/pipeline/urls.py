from django.urls import path

from videoflow.pipeline.views import files, history, settings, start, undo, workflow

app_name = "pipeline"
urlpatterns = [
    path("", start.start, name="start"),
    path("projects/", history.project_list, name="project_list"),
    path("projects/<uuid:project_id>/", workflow.project_detail, name="project_detail"),
    path("projects/<uuid:project_id>/rail/", workflow.rail, name="rail"),
    path("projects/<uuid:project_id>/panels/<slug:task_type>/", workflow.panel, name="panel"),
    path("projects/<uuid:project_id>/stages/<slug:task_type>/start/", workflow.stage_run, name="stage_run"),
    path("projects/<uuid:project_id>/delete/", history.delete, name="project_delete"),
    # editing
    path("projects/<uuid:project_id>/steps/", undo.step_buttons, name="step_buttons"),
    path("projects/<uuid:project_id>/undo/", undo.undo, name="undo"),
    path("projects/<uuid:project_id>/redo/", undo.redo, name="redo"),
    # files
    path("exports/<int:publication_id>/<str:name>", files.export_file, name="export_file"),
    path("media/<uuid:asset_id>/preview.jpg", files.asset_preview, name="asset_preview"),
    path("media/<uuid:asset_id>/<str:name>", files.asset_file, name="asset_file"),
    path("settings/", settings.settings_page, name="settings"),
    path("theme/", settings.theme, name="theme"),
    path("open/<str:token>/", settings.open_link, name="open_link"),
]
