"""A second project from a first: the same trends, script, recordings and scenes, and the same files behind them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from videoflow.pipeline.evidence import theme_ids_of
from videoflow.pipeline.models import Asset, Project, Script, Speech, script_current
from videoflow.pipeline.selectors import is_past_preview
from videoflow.tasks.models import Task

Row = TypeVar("Row", bound=Model)
_COPIED_STAGES = ("trending_analysis", "script_generation", "media_generation")
_KINDS_LEFT = (Asset.Kind.VIDEO, Asset.Kind.CAPTIONS, Asset.Kind.THUMBNAIL, Asset.Kind.PREVIEW)
"""What belongs to a finished video; the copy makes its own."""


def project_duplicate(*, project: Project) -> Project:
    """Return a copy that shares the files and nothing else: no video, no publications, no steps to undo.

    What is done in the project stands as done in the copy: its stages get a completed task that no worker ever ran.
    """
    with transaction.atomic():
        copy = _copy(
            project,
            title=_("%(title)s (copy)") % {"title": project.title[:180]},
            last_panel="",
            publish_draft={},
            publish_revision=0,
            kept_scenes=[],
            archived_at=None,
        )
        themes = _trends_copy(project, copy)
        done = project.tasks.filter(task_type__in=_COPIED_STAGES, status=Task.Status.COMPLETED).order_by("created_at")
        for task in {task.task_type: task for task in done if not is_past_preview(task)}.values():
            _task_copy(task, copy, themes)
        assets = {asset.pk: _copy(asset, project=copy, task=None) for asset in project.assets.exclude(kind__in=_KINDS_LEFT)}
        music = next((asset for key, asset in assets.items() if str(key) == str(copy.music.get("asset_id"))), None)
        if music is not None:
            copy.music = {**copy.music, "asset_id": str(music.pk)}
            copy.save(update_fields=["music"])
        script = script_current(project)
        if script is not None:
            _script_copy(script, copy, assets)
    return copy


def _copy(row: Row, **changes: Any) -> Row:
    """Save a new row with the values of this one, under a key and from a time of its own."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key and field.name not in changes]
    values = {field.attname: getattr(row, field.attname) for field in fields if field.name != "created_at"}
    fresh = row.__class__(**values, **changes)
    fresh.save(force_insert=True)
    return fresh


def _trends_copy(project: Project, copy: Project) -> dict[int, int]:
    """Copy the newest report with its themes and the videos behind them, and return the new key of each theme."""
    report = project.reports.first()
    if report is None:
        return {}
    fresh = _copy(report, project=copy, task=None, picks=None)
    videos = {video.pk: _copy(video, report=fresh) for video in report.videos.all()}
    themes: dict[int, int] = {}
    for theme in report.themes.prefetch_related("videos"):
        other = _copy(theme, report=fresh)
        other.videos.set([videos[video.pk] for video in theme.videos.all()])
        themes[theme.pk] = other.pk
    return themes


def _task_copy(task: Task, project: Project, themes: Mapping[int, int]) -> None:
    input_data = dict(task.input_data)
    if chosen := theme_ids_of(task):
        input_data["theme_ids"] = [themes[theme] for theme in chosen if theme in themes]
    Task.objects.create(
        session_id=project.session_id,
        project=project,
        task_type=task.task_type,
        queue=task.queue,
        status=Task.Status.COMPLETED,
        progress=100,
        message=task.message,
        input_data=input_data,
        completed_at=timezone.now(),
    )


def _script_copy(script: Script, project: Project, assets: Mapping[Any, Asset]) -> None:
    """Copy the script with its turns, their recordings and its scenes; turns and scenes keep their keys."""
    fresh = _copy(script, project=project, task=None, version=1)
    turns = {turn.pk: _copy(turn, script=fresh) for turn in script.turns.all()}
    for speech in Speech.objects.filter(turn__script=script):
        _copy(speech, turn=turns[speech.turn_id], asset=assets[speech.asset_id])
    for scene in script.scenes.prefetch_related("candidates"):
        made = assets.get(scene.made_id)
        other = _copy(scene, project=project, script=fresh, asset=assets[scene.asset_id], made=made)
        other.candidates.set([assets[asset.pk] for asset in scene.candidates.all() if asset.pk in assets])
