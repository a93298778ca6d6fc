"""The trending panel's own acts: ticks that are kept, and another file in the place of the one that was read."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import whole_number
from videoflow.pipeline.models import Project, TrendReport
from videoflow.pipeline.panels.live_sources import live_input
from videoflow.pipeline.services import source_file_add, stage_start
from videoflow.pipeline.views.autosave import saved, wants_json
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

PANEL = "trending_analysis"


def _back(project: Project) -> HttpResponse:
    return to_panel(project, PANEL)


@require_POST
def picks(request: Request, project_id: UUID, report_id: int) -> HttpResponse:
    """Keep the themes that are ticked; the last ticks win, whoever set them."""
    project = project_get(request, project_id)
    known = set(TrendReport.objects.filter(project=project, pk=report_id).values_list("themes", flat=True))
    if not known:
        raise Http404
    sent = {whole_number(value) for value in request.POST.getlist("theme_ids")[:500]}
    TrendReport.objects.filter(pk=report_id).update(picks=sorted(sent & known))
    return saved(0) if wants_json(request) else _back(project)


@require_POST
def source(request: Request, project_id: UUID) -> HttpResponse:
    """Read another file, or ask a live source, with the window of the last time."""
    project = project_get(request, project_id)
    file = request.FILES.get("file")
    before = project.tasks.filter(task_type=PANEL).order_by("-created_at").first()
    input_data: dict[str, Any] = {"window": (before.input_data if before else {}).get("window", "weekly")}
    try:
        if request.POST.get("live"):
            stage_start(project=project, task_type=PANEL, input_data=input_data | live_input(request.POST))
            return _back(project)
        if file is None:
            raise BadInput(_("Choose a file first."))
        taken = source_file_add(session=project.session, name=file.name or "file", chunks=file.chunks())
        stage_start(project=project, task_type=PANEL, input_data=input_data | {"source": str(taken.pk)})
    except VideoflowError as error:
        messages.error(request, translated(str(error)))
    return _back(project)
