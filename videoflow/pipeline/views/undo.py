"""Undo and redo for the whole workflow page."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from videoflow.pipeline.editing import steps
from videoflow.pipeline.models import EditStep, Project
from videoflow.pipeline.views.owner import project_get
from videoflow.sessions.middleware import Request
from videoflow.translation import translated


@require_safe
@never_cache
def step_buttons(request: Request, project_id: UUID) -> HttpResponse:
    """The two buttons, with what they would do."""
    project = project_get(request, project_id)
    return render(request, "pipeline/_steps.html", {"project": project, "steps": steps.steps_state(project)})


@require_POST
def undo(request: Request, project_id: UUID) -> HttpResponse:
    """Take the newest edit back."""
    return _step(request, project_id, steps.undo, _("Undone: %s"), _("There is nothing to undo."))


@require_POST
def redo(request: Request, project_id: UUID) -> HttpResponse:
    """Do the edit that was undone last again."""
    return _step(request, project_id, steps.redo, _("Done again: %s"), _("There is nothing to do again."))


def _step(request: Request, project_id: UUID, act: Callable[[Project], EditStep | None], done: str, nothing: str) -> HttpResponse:
    project = project_get(request, project_id)
    step = act(project)
    sentence = done % translated(step.label) if step else nothing
    if not request.htmx:
        messages.success(request, sentence)
        return redirect("pipeline:project_detail", project.pk)
    context = {"project": project, "steps": steps.steps_state(project), "sentence": sentence}
    response = render(request, "pipeline/_steps.html", context)
    response.headers["HX-Trigger"] = "vf:changed"
    return response
