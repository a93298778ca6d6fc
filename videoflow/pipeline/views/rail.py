"""What stands beside the panels: the progress, its log, the first look, and going on after a failure."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from videoflow.errors import VideoflowError
from videoflow.pipeline import stages
from videoflow.pipeline.board import project_board
from videoflow.pipeline.models import Project
from videoflow.pipeline.selectors import first_look_of, tasks_latest
from videoflow.pipeline.templatetags.studio import state_label
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.services import task_retry
from videoflow.translation import translated

LOG_LINES = 200


@require_safe
@never_cache
def rail(request: Request, project_id: UUID) -> HttpResponse:
    """The progress rail alone."""
    project = project_get(request, project_id)
    return render(request, "pipeline/project.html#rail", {"project": project, "board": project_board(project)})


@require_safe
@never_cache
def first_look(request: Request, project_id: UUID) -> HttpResponse:
    """The first look alone; empty while there is none, and once there is the video."""
    project = project_get(request, project_id)
    return render(request, "pipeline/project.html#first_look", {"project": project, "first_look": first_look_of(project)})


def _log_lines(project: Project) -> list[str]:
    """Return what happened last to a project, the newest last; one query."""
    labels = {stage.name: str(stage.label) for stage in stages.load()}
    rows = ProgressEvent.objects.filter(task__project=project).order_by("-seq")[:LOG_LINES]
    return [
        "  ".join(
            (
                timezone.localtime(row.created_at).strftime("%H:%M:%S"),
                labels.get(row.task_type, row.task_type),
                f"{row.progress} %",
                translated(row.message)
                if row.event_type == ProgressEvent.Type.PROGRESS_UPDATE
                else f"{state_label(row.status)}: {translated(row.message)}",
            )
        )
        for row in reversed(rows)
    ]


@require_safe
@never_cache
def log(request: Request, project_id: UUID) -> HttpResponse:
    """The last 200 lines of the log."""
    project = project_get(request, project_id)
    return render(request, "pipeline/project.html#log", {"project": project, "lines": _log_lines(project)})


@require_safe
@never_cache
def log_file(request: Request, project_id: UUID) -> HttpResponse:
    """The same lines as a text file."""
    lines = _log_lines(project_get(request, project_id))
    return HttpResponse(
        "".join(f"{line}\n" for line in lines),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="log.txt"'},
    )


@require_POST
def retry_from_here(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """Run a failed or cancelled step again and go on by itself to the finished video."""
    project = project_get(request, project_id)
    task = tasks_latest(project).get(task_type)
    if task is None:
        raise Http404
    try:
        with transaction.atomic():
            Task.objects.filter(pk=task.pk, status__in=(Task.Status.FAILED, Task.Status.CANCELLED)).update(
                input_data=task.input_data | {"continue": True}
            )
            task_retry(task_id=task.pk)
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return to_panel(project, task_type)
