from django.urls import path

from videoflow.pipeline.views import composer, files, history, publish, rail, script, settings, start, undo, workflow

app_name = "pipeline"
urlpatterns = [
    path("", start.start, name="start"),
    path("projects/", history.project_list, name="project_list"),
    path("projects/<uuid:project_id>/", workflow.project_detail, name="project_detail"),
    path("projects/<uuid:project_id>/panels/<slug:task_type>/", workflow.panel, name="panel"),
    path("projects/<uuid:project_id>/stages/youtube_upload/start/", publish.publish, name="publish_start"),
    path("projects/<uuid:project_id>/stages/<slug:task_type>/start/", workflow.stage_run, name="stage_run"),
    # history
    path("projects/find/", history.project_find, name="project_find"),
    path("projects/<uuid:project_id>/delete/", history.delete, name="project_delete"),
    path("projects/<uuid:project_id>/delete/for-good/", history.purge, name="project_purge"),
    path("projects/<uuid:project_id>/restore/", history.restore, name="project_restore"),
    path("projects/<uuid:project_id>/archive/", history.archive, name="project_archive"),
    path("projects/<uuid:project_id>/duplicate/", history.duplicate, name="project_duplicate"),
    path("projects/<uuid:project_id>/panel/", start.panel_opened, name="panel_opened"),
    # editing
    path("projects/<uuid:project_id>/steps/", undo.step_buttons, name="step_buttons"),
    path("projects/<uuid:project_id>/undo/", undo.undo, name="undo"),
    path("projects/<uuid:project_id>/redo/", undo.redo, name="redo"),
    # script
    # rail
    path("projects/<uuid:project_id>/rail/", rail.rail, name="rail"),
    path("projects/<uuid:project_id>/first-look/", rail.first_look, name="first_look"),
    path("projects/<uuid:project_id>/log/", rail.log, name="log"),
    path("projects/<uuid:project_id>/log.txt", rail.log_file, name="log_file"),
    path("projects/<uuid:project_id>/stages/<slug:task_type>/retry/", rail.retry_from_here, name="retry_from_here"),
    path("projects/<uuid:project_id>/script/head/", script.head, name="script_head"),
    path("projects/<uuid:project_id>/script/lines/", script.lines, name="script_lines"),
    path("projects/<uuid:project_id>/script/lines/<uuid:key>/", script.line, name="script_line"),
    path("projects/<uuid:project_id>/script/proposals/", script.proposals, name="script_proposals"),
    path("projects/<uuid:project_id>/script/versions/<int:number>/", script.version, name="script_version"),
    path("projects/<uuid:project_id>/script/pronunciations/", script.pronunciations, name="script_pronunciations"),
    # composer
    path("projects/<uuid:project_id>/composer/state/", composer.state, name="composer_state"),
    path("projects/<uuid:project_id>/composer/captions/", composer.captions, name="composer_captions"),
    path("projects/<uuid:project_id>/composer/captions.jpg", composer.captions_picture, name="composer_captions_picture"),
    path("projects/<uuid:project_id>/composer/music/", composer.music, name="composer_music"),
    path("projects/<uuid:project_id>/composer/format/", composer.aspect, name="composer_format"),
    path("projects/<uuid:project_id>/composer/previews/<str:key>.mp4", composer.preview, name="composer_preview"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/", composer.scene, name="composer_scene"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/frame.jpg", composer.frame, name="composer_frame"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/change/", composer.scene_change, name="composer_change"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/lock/", composer.scene_lock, name="composer_lock"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/move/", composer.scene_move, name="composer_move"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/trim/", composer.scene_trim, name="composer_trim"),
    path("projects/<uuid:project_id>/composer/scenes/<uuid:key>/play/", composer.scene_play, name="composer_play"),
    # publish
    path("projects/<uuid:project_id>/publish/draft/", publish.draft, name="publish_draft"),
    path("projects/<uuid:project_id>/publish/checks/", publish.checks, name="publish_checks"),
    path("projects/<uuid:project_id>/publish/pictures/", publish.pictures, name="publish_pictures"),
    path("projects/<uuid:project_id>/publish/thumbnail.jpg", publish.thumbnail, name="publish_thumbnail"),
    # files
    path("exports/<int:publication_id>/<str:name>", files.export_file, name="export_file"),
    path("media/<uuid:asset_id>/preview.jpg", files.asset_preview, name="asset_preview"),
    path("media/<uuid:asset_id>/<str:name>", files.asset_file, name="asset_file"),
    path("settings/", settings.settings_page, name="settings"),
    path("preferences/", settings.preferences, name="preferences"),
    path("theme/", settings.theme, name="theme"),
    path("open/<str:token>/", settings.open_link, name="open_link"),
]
