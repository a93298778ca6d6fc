from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import select_template
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import Request, render_partial
from videoflow.pipeline import stages
from videoflow.pipeline.about import studio_parts
from videoflow.pipeline.board import Board, project_board
from videoflow.pipeline.forms import (
    MappingForm,
    PublishForm,
    ScriptForm,
    StudioForm,
    ThemesForm,
    TopicForm,
    TrendsForm,
    VideoForm,
    mapping_of,
    stage_form,
)
from videoflow.pipeline.media_files import file_response, preview_path
from videoflow.pipeline.models import Project, SourceFile
from videoflow.pipeline.panels import panel_content
from videoflow.pipeline.selectors import assets_of, project_cards, projects_of, publications_of
from videoflow.pipeline.services import project_create, project_delete, source_file_add, stage_start
from videoflow.pipeline.sources import columns_missing
from videoflow.pipeline.store import asset_path
from videoflow.sessions.accounts import sessions_claim
from videoflow.sessions.services import link_use

WAYS: dict[str, type[VideoForm]] = {"trends": TrendsForm, "topic": TopicForm, "script": ScriptForm}
CHAINED = {"script_generation", "media_generation", "video_composition"}
"""Stages whose panel offers to go on by itself up to the finished video."""
PAGE_SIZE = 24
RECENT = 4
THEMES = ("light", "dark", "system")
THEME_COOKIE = "videoflow_theme"
THEME_COOKIE_SECONDS = 400 * 24 * 3600


# Start -------------------------------------------------------------------------------------------------------------------


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
    title = form.cleaned_data.get("topic") or "Your script"
    try:
        project = _project_begin(request, form, title, "script_generation", form.input_data() | {"continue": True})  # type: ignore[attr-defined]
    except VideoflowError as error:
        form.refuse(_as_refusal(error), field=field)
        return _start_page(request, way, form, status=422)
    return redirect("pipeline:project_detail", project.pk)


def _start_trends(request: Request, form: TrendsForm) -> HttpResponse:
    data = form.cleaned_data
    source: SourceFile | None = None
    mapping = mapping_of(request.POST)
    try:
        if data["use"] != "sample":
            source = _source_take(request, form)
            missing = columns_missing(source, mapping)
            if missing is not None:
                form.refuse(missing.refusal, field="file")
                columns = MappingForm(request.POST if mapping else None, columns=missing.columns, guessed=missing.guessed)
                return _start_page(request, "trends", form, status=422, source=source, mapping=columns)
        input_data = {"source": str(source.pk) if source else "sample", "window": data["window"], "mapping": mapping}
        title = Path(source.name).stem if source else "What is trending (sample)"
        project = _project_begin(request, form, title, "trending_analysis", input_data)
    except VideoflowError as error:
        form.refuse(_as_refusal(error), field="file")
        return _start_page(request, "trends", form, status=422)
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


def _project_begin(request: Request, form: VideoForm, title: str, task_type: str, input_data: dict[str, Any]) -> Project:
    """Create a project and queue its first stage; neither without the other."""
    with transaction.atomic():
        session = request.creator.session
        project = project_create(session=session, title=title, **form.project_facts())
        stage_start(project=project, task_type=task_type, input_data=input_data)
    return project


def _as_refusal(error: VideoflowError) -> BadInput:
    return BadInput(str(error), code=error.code, details=error.details)


def _start_page(request: Request, way: str, form: VideoForm, *, status: int = 200, **extra: Any) -> HttpResponse:
    recent = (
        project_cards(projects_of(request.creator.sessions)[:RECENT])
        if request.creator.cookie or request.user.is_authenticated
        else []
    )
    context = {"way": way, "form": form, "recent": recent, "stages": stages.load(), **extra}
    return render(request, "pipeline/start.html", context, status=status)


# Workflow page -----------------------------------------------------------------------------------------------------------


def _project(request: Request, project_id: UUID) -> Project:
    return get_object_or_404(projects_of(request.creator.sessions).select_related("session"), pk=project_id)


def _panel_context(board: Board, name: str, form: StudioForm | None = None) -> dict[str, Any]:
    """Return what the panel of one stage is drawn from; ``form`` is the one that was just refused."""
    state = board.stage(name)
    content = panel_content(board.project, board, name)
    failure = state.failure.get("details") or {}
    if state.failure.get("error_code") == "COLUMNS_UNKNOWN" and isinstance(failure.get("columns"), list):
        content["mapping"] = MappingForm(columns=failure["columns"], guessed=failure.get("guessed") or {})
    if "first_values" in content:
        content["form"] = form or PublishForm(initial=content["first_values"])
    else:
        content["form"] = form
    if isinstance(form, ThemesForm):
        content["posted"] = [int(value) for value in form["theme_ids"].value() or [] if str(value).isdecimal()]
    template = select_template([f"pipeline/stages/{name}.html", "pipeline/stages/_default.html"])
    return {"state": state, "panel": content, "panel_template": template, "is_active": name == board.active or form is not None}


def _detail_page(request: Request, project: Project, *, refused: tuple[str, StudioForm] | None = None) -> HttpResponse:
    board = project_board(project)
    names = [state.name for state in board.stages]
    panels = [_panel_context(board, name, refused[1] if refused and refused[0] == name else None) for name in names]
    context = {"project": project, "board": board, "panels": panels}
    return render(request, "pipeline/project.html", context, status=422 if refused else 200)


@require_safe
@never_cache
def project_detail(request: Request, project_id: UUID) -> HttpResponse:
    """The workflow page: the five panels and the progress rail."""
    return _detail_page(request, _project(request, project_id))


@require_safe
@never_cache
def rail(request: Request, project_id: UUID) -> HttpResponse:
    """The progress rail alone."""
    project = _project(request, project_id)
    return render(request, "pipeline/project.html#rail", {"project": project, "board": project_board(project)})


@require_safe
@never_cache
def panel(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """One panel alone."""
    project = _project(request, project_id)
    if task_type not in {stage.name for stage in stages.load()}:
        raise Http404
    board = project_board(project)
    return render(
        request, "pipeline/project.html#panel", {"project": project, "board": board, **_panel_context(board, task_type)}
    )


@require_POST
def stage_run(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """Start a stage from its panel."""
    project = _project(request, project_id)
    if task_type not in {stage.name for stage in stages.load()}:
        raise Http404
    form = stage_form(task_type, request.POST, project)
    at_panel = "trending_analysis" if isinstance(form, ThemesForm) else task_type  # where the form stands
    if not form.is_valid():
        return _detail_page(request, project, refused=(at_panel, form))
    input_data = form.input_data()  # type: ignore[attr-defined]
    if task_type in CHAINED and request.POST.get("continue"):
        input_data["continue"] = True
    try:
        stage_start(project=project, task_type=task_type, input_data=input_data)
    except VideoflowError as error:
        form.refuse(_as_refusal(error))
        return _detail_page(request, project, refused=(at_panel, form))
    return HttpResponseRedirect(f"{reverse('pipeline:project_detail', args=[project.pk])}#panel-{task_type}")


# History -----------------------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def project_list(request: Request) -> HttpResponse:
    """Every project of the creator."""
    page = Paginator(projects_of(request.creator.sessions), PAGE_SIZE).get_page(request.GET.get("page"))
    cards = project_cards(page.object_list)
    context = {
        "page": page,
        "cards": cards,
        "stages": stages.load(),
        "session": request.creator.session_or_none,
        "is_busy": any(card.is_running for card in cards),
    }
    return render_partial(request, "pipeline/projects.html", context, partial="projects")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, project_id: UUID) -> HttpResponse:
    """Ask, then delete a project with its files."""
    project = _project(request, project_id)
    if request.method != "POST":
        card = project_cards([project])[0]
        size_bytes = sum(project.assets.values_list("size_bytes", flat=True))
        return render(request, "pipeline/project_delete.html", {"card": card, "project": project, "size_bytes": size_bytes})
    title = project.title
    project_delete(project=project)
    messages.success(request, f"“{title}” was deleted.")
    return redirect("pipeline:project_list")


# Files -------------------------------------------------------------------------------------------------------------------


@require_safe
def asset_file(request: Request, asset_id: UUID, name: str) -> HttpResponseBase:
    """A file of a project, for its owner; the name in the address is for people."""
    asset = get_object_or_404(assets_of(request.creator.sessions), pk=asset_id)
    path = asset_path(asset)
    if not path.is_file():
        raise Http404
    return file_response(request, path, name=name or asset.name, etag=asset.sha256)


@require_safe
def asset_preview(request: Request, asset_id: UUID) -> HttpResponseBase:
    """A small picture of an image or clip."""
    asset = get_object_or_404(assets_of(request.creator.sessions), pk=asset_id)
    try:
        path = preview_path(asset)
    except (BadInput, OSError) as error:
        raise Http404 from error
    return file_response(request, path, name=f"{Path(asset.name).stem}.jpg", etag=f"{asset.sha256}-preview")


@require_safe
def export_file(request: Request, publication_id: int, name: str) -> HttpResponseBase:
    """A file of a folder that a video was published to."""
    publication = get_object_or_404(publications_of(request.creator.sessions), pk=publication_id, target="folder")
    path = Path(settings.VIDEOFLOW_DATA) / publication.location / name
    if name not in publication.files or not path.is_file():
        raise Http404
    stat = path.stat()
    return file_response(request, path, name=name, etag=f"{publication.pk}-{stat.st_size:x}-{stat.st_mtime_ns:x}")


# The studio itself -------------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def settings_page(request: Request) -> HttpResponse:
    """What is built in, and how the pages look."""
    return render(request, "pipeline/settings.html", {"parts": studio_parts(), "themes": THEMES})


@require_POST
def theme(request: Request) -> HttpResponse:
    """Remember light, dark or as the system has it, in this browser."""
    chosen = request.POST.get("theme", "")
    wanted = request.POST.get("next", "")
    response = HttpResponseRedirect(
        wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else reverse("pipeline:settings")
    )
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            chosen,
            max_age=THEME_COOKIE_SECONDS,
            samesite="Lax",
            httponly=False,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: Request, token: str) -> HttpResponse:
    """Open a session in this browser with a one-use link; looking at the page does not use it up."""
    if request.method != "POST":
        return render(request, "pipeline/open_link.html", {"token": token})
    session = link_use(token=token, cookie=request.creator.token())
    if session is None:
        return render(request, "pipeline/open_link.html", {"token": token, "is_spent": True}, status=404)
    if request.user.is_authenticated:
        sessions_claim(user=request.user, cookie=request.creator.token())
    newest = Project.objects.filter(session=session).order_by("-updated_at").first()
    return redirect("pipeline:project_detail", newest.pk) if newest else redirect("pipeline:project_list")
