from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import select_template
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from videoflow.errors import VideoflowError
from videoflow.http import whole_number
from videoflow.pipeline import stages
from videoflow.pipeline.board import Board, project_board
from videoflow.pipeline.editing.steps import steps_state
from videoflow.pipeline.forms import (
    MappingForm,
    StudioForm,
    ThemesForm,
    stage_form,
)
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels import panel_content
from videoflow.pipeline.selectors import first_look_of
from videoflow.pipeline.services import stage_start
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.pipeline.views.refusal import refusal
from videoflow.sessions.middleware import Request

CHAINED = {"script_generation", "media_generation", "video_composition"}
"""Stages whose panel offers to go on by itself up to the finished video."""


def _panel_context(
    board: Board, name: str, query: QueryDict, form: StudioForm | None = None, *, is_lazy: bool = False
) -> dict[str, Any]:
    """Return what the panel of one stage is drawn from; ``form`` is the one that was just refused.

    A lazy panel is closed, and has nothing inside until somebody opens it.
    """
    state = board.stage(name)
    is_active = name == board.active or form is not None or name in query.getlist("open")
    if is_lazy and not is_active:
        return {"state": state, "is_lazy": True}
    content = panel_content(board.project, board, name, query)
    failure = state.failure.get("details") or {}
    if state.failure.get("error_code") == "COLUMNS_UNKNOWN" and isinstance(failure.get("columns"), list):
        content["mapping"] = MappingForm(columns=failure["columns"], guessed=failure.get("guessed") or {})
    content["form"] = form or content.get("form")
    if isinstance(form, ThemesForm):
        content["posted"] = [whole_number(str(value)) for value in form["theme_ids"].value() or []]
    template = select_template([f"pipeline/stages/{name}.html", "pipeline/stages/_default.html"])
    return {"state": state, "panel": content, "panel_template": template, "is_active": is_active}


def detail_page(request: Request, project: Project, *, refused: tuple[str, StudioForm] | None = None) -> HttpResponse:
    """Draw the workflow page; ``refused`` names the panel whose form was just refused."""
    board = project_board(project)
    names = [state.name for state in board.stages]
    forms = {refused[0]: refused[1]} if refused else {}
    panels = [_panel_context(board, name, request.GET, forms.get(name), is_lazy=True) for name in names]
    context = {
        "project": project,
        "board": board,
        "panels": panels,
        "steps": steps_state(project),
        "first_look": first_look_of(project),
    }
    return render(request, "pipeline/project.html", context, status=422 if refused else 200)


@require_safe
@never_cache
def project_detail(request: Request, project_id: UUID) -> HttpResponse:
    """The workflow page: the progress rail and the five panels, of which the open one has its content."""
    return detail_page(request, project_get(request, project_id))


@require_safe
@never_cache
def panel(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """One panel alone; with ``head`` a closed one without its content."""
    project = project_get(request, project_id)
    if task_type not in {stage.name for stage in stages.load()}:
        raise Http404
    board = project_board(project)
    return render(
        request,
        "pipeline/project.html#panel",
        {"project": project, "board": board, **_panel_context(board, task_type, request.GET, is_lazy="head" in request.GET)},
    )


@require_POST
def stage_run(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """Start a stage from its panel."""
    project = project_get(request, project_id)
    if task_type not in {stage.name for stage in stages.load()}:
        raise Http404
    form = stage_form(task_type, request.POST, project, request.FILES)
    at_panel = "trending_analysis" if isinstance(form, ThemesForm) else task_type  # where the form stands
    if not form.is_valid():
        return detail_page(request, project, refused=(at_panel, form))
    input_data = form.input_data()  # type: ignore[attr-defined]
    if task_type in CHAINED and request.POST.get("continue"):
        input_data["continue"] = True
    try:
        stage_start(project=project, task_type=task_type, input_data=input_data)
    except VideoflowError as error:
        form.refuse(error)
        return refusal(detail_page(request, project, refused=(at_panel, form)), error)
    return to_panel(project, task_type)
