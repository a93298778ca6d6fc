from pathlib import Path
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import render_partial
from videoflow.pipeline import stages
from videoflow.pipeline.board import project_board
from videoflow.pipeline.forms import (
    MappingForm,
    ScriptForm,
    TopicForm,
    TrendsForm,
    VideoForm,
    mapping_of,
)
from videoflow.pipeline.models import Project, SourceFile
from videoflow.pipeline.panels.live_sources import live_content, live_input
from videoflow.pipeline.panels.writers import writers_usable
from videoflow.pipeline.selectors import ACTIVE, ProjectCard, project_cards, projects_of
from videoflow.pipeline.services import project_new, source_file_add, stage_start
from videoflow.pipeline.sources import columns_missing
from videoflow.pipeline.views.owner import project_get
from videoflow.pipeline.views.refusal import refusal
from videoflow.providers.services import service_label
from videoflow.sessions.middleware import Request

WAYS: dict[str, type[VideoForm]] = {"trends": TrendsForm, "topic": TopicForm, "script": ScriptForm}
RECENT = 4


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request) -> HttpResponse:
    """Three ways into a video; a refusal stands at its field and keeps what was typed."""
    way = str(request.POST.get("way") or request.GET.get("way") or "trends")
    if way not in WAYS:
        way = "trends"
    if request.method != "POST":
        return _start_page(request, way, WAYS[way]())
    form = WAYS[way](request.POST, request.FILES)
    if not form.is_valid():
        return _start_page(request, way, form, status=422)
    if isinstance(form, TrendsForm):
        return _start_trends(request, form)
    field = "notes" if way == "topic" else "script_text"
    title = form.cleaned_data.get("topic") or _("Your script")
    try:
        input_data = form.input_data() | {"continue": True}  # type: ignore[attr-defined]
        providers = _writer_chosen(request, form)
        project = _project_begin(request, form, title, "script_generation", input_data, providers=providers)
    except VideoflowError as error:
        form.refuse(error, field=field)
        return refusal(_start_page(request, way, form), error)
    return redirect("pipeline:project_detail", project.pk)


@require_POST
def panel_opened(request: Request, project_id: UUID) -> HttpResponse:
    """Remember where the creator is in a project, so that any device goes on from there."""
    project = project_get(request, project_id)
    name = request.POST.get("panel", "")
    if name not in {stage.name for stage in stages.load()}:
        return HttpResponseBadRequest()
    if name != project.last_panel:
        projects_of(request.creator.sessions).filter(pk=project.pk).update(last_panel=name, updated_at=timezone.now())
    return HttpResponse(status=204)


def _start_trends(request: Request, form: TrendsForm) -> HttpResponse:
    data = form.cleaned_data
    source: SourceFile | None = None
    mapping = mapping_of(request.POST)
    try:
        if data["use"] == "live":
            live = live_input(request.POST)
            title = service_label(live["source"]) if live["source"] else _("What is trending")
            project = _project_begin(request, form, title, "trending_analysis", live | {"window": data["window"]})
            return redirect("pipeline:project_detail", project.pk)
        if data["use"] != "sample":
            source = _source_take(request, form)
            missing = columns_missing(source, mapping)
            if missing is not None:
                form.refuse(missing.refusal, field="file")
                columns = MappingForm(request.POST if mapping else None, columns=missing.columns, guessed=missing.guessed)
                return _start_page(request, "trends", form, status=422, source=source, mapping=columns)
        input_data = {"source": str(source.pk) if source else "sample", "window": data["window"], "mapping": mapping}
        if source is None:
            input_data["continue"] = True  # one press leads to a finished video; themes can be picked for the next
        title = Path(source.name).stem if source else _("What is trending (sample)")
        project = _project_begin(request, form, title, "trending_analysis", input_data)
    except VideoflowError as error:
        form.refuse(error, field="live" if data["use"] == "live" else "file")
        return refusal(_start_page(request, "trends", form), error)
    return redirect("pipeline:project_detail", project.pk)


def _source_take(request: Request, form: TrendsForm) -> SourceFile:
    """Return the file sent now, or the one sent before that only waits for its columns to be named."""
    upload = form.cleaned_data.get("file")
    if upload:
        return source_file_add(session=request.creator.session, name=upload.name or "file", chunks=upload.chunks())
    source = SourceFile.objects.filter(pk=form.cleaned_data["source"], session__in=request.creator.sessions).first()
    if source is None:
        raise BadInput("The file is not there any more. Choose it again.")
    return source


def _writer_chosen(request: Request, form: VideoForm) -> dict[str, Any]:
    """Return the project's providers where a writing service that can be used was chosen."""
    wanted = form.cleaned_data.get("writer")
    if not wanted:
        return {}
    if wanted not in dict(writers_usable(request.creator.session)):
        raise BadInput(_("This writing service cannot be used now. Choose another writer."), details={"writer": "not usable"})
    return {"writer": {"service": wanted}}


def _project_begin(
    request: Request,
    form: VideoForm,
    title: str,
    task_type: str,
    input_data: dict[str, Any],
    *,
    providers: dict[str, Any] | None = None,
) -> Project:
    """Create a project and queue its first stage; neither without the other."""
    project = project_new(session=request.creator.session, title=title, **form.project_facts())
    project.providers = providers or {}
    stage_start(project=project, task_type=task_type, input_data=input_data)
    return project


def _start_page(request: Request, way: str, form: VideoForm, *, status: int = 200, **extra: Any) -> HttpResponse:
    """Draw the page, or only ``#last``: where the creator left off, as its work goes on."""
    cards: list[ProjectCard] = []
    if request.creator.cookie or request.user.is_authenticated:
        active = projects_of(request.creator.session_ids).filter(ACTIVE)
        cards = project_cards(active.select_related("session")[: RECENT + 1])
    known = bool(request.creator.cookie or request.user.is_authenticated)
    session = request.creator.session if known else None
    context = {
        "way": way,
        "form": form,
        "panel": live_content(session, live_input(request.POST)) if way == "trends" else {},
        "writers": writers_usable(session) if way == "topic" else [],
        "stages": stages.load(),
        "last": cards[0] if cards else None,
        "board": project_board(cards[0].project) if cards else None,
        "recent": cards[1:],
        **extra,
    }
    return render_partial(request, "pipeline/start.html", context, partial="last", status=status)
