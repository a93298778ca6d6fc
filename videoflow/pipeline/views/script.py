"""Editing a script: every act is a form that works by itself, and answers the panel's module with a fragment."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import whole_number
from videoflow.pipeline.board import project_board
from videoflow.pipeline.editing import proposals as proposing
from videoflow.pipeline.editing import turns
from videoflow.pipeline.editing.pronunciations import pronunciation_listen, pronunciation_remove, pronunciation_set
from videoflow.pipeline.editing.versions import version_restore, versions_compare
from videoflow.pipeline.models import Project, Script, Turn, script_current
from videoflow.pipeline.panels.script import head_content, lines_content, turns_of
from videoflow.pipeline.spoken import pronunciations_of
from videoflow.pipeline.stages.drafting import INSTRUCTION_LIMIT
from videoflow.pipeline.views.autosave import conflict, refused, saved, wants_json
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

_MADE_FROM_IT = ("media_generation", "video_composition")
_REVISION_LIMIT = 2_147_483_647


def _script(project: Project) -> Script:
    script = script_current(project)
    if script is None:
        raise Http404
    return script


@require_safe
@never_cache
def head(request: Request, project_id: UUID) -> HttpResponse:
    """The figures above the lines."""
    project = project_get(request, project_id)
    script = _script(project)
    panel = head_content(project, project_board(project), script, turns_of(script))
    return render(request, "pipeline/script/_head.html", {"project": project, "panel": panel})


@require_safe
@never_cache
def lines(request: Request, project_id: UUID) -> HttpResponse:
    """The lines alone."""
    project = project_get(request, project_id)
    return _lines(request, project)


def _lines(request: Request, project: Project, sentence: str = "") -> HttpResponse:
    script = _script(project)
    panel = lines_content(project, script, turns_of(script))
    return render(request, "pipeline/script/_lines.html", {"project": project, "panel": panel, "sentence": sentence})


def _back(project: Project) -> HttpResponse:
    return to_panel(project, "script_generation")


def _changed(script: Script) -> tuple[str, ...]:
    return _MADE_FROM_IT if script.media_seconds is not None else ()


def _number(value: Any) -> int:
    return whole_number(str(value or ""), most=_REVISION_LIMIT) or 0


# Lines -------------------------------------------------------------------------------------------------------------------


def _split(turn: Turn, data: Mapping[str, str]) -> None:
    at = data.get("at", "")
    place = len(" ".join(data.get("text", "")[: _number(at)].split())) if at else turns.split_place(turn.text)
    turns.turn_split(turn=turn, at_character=place)


def _propose(turn: Turn, data: Mapping[str, str]) -> None:
    proposing.propose(project=turn.script.project, keys={turn.key})


def _accept(turn: Turn, data: Mapping[str, str]) -> None:
    proposing.proposals_accept(project=turn.script.project, keys={turn.key})


def _refuse(turn: Turn, data: Mapping[str, str]) -> None:
    proposing.proposals_refuse(project=turn.script.project, keys={turn.key})


_ACTS: dict[str, Callable[[Turn, Mapping[str, str]], None]] = {
    "save": lambda turn, data: None,
    "split": _split,
    "merge": lambda turn, data: turns.turn_merge(turn=turn),
    "up": lambda turn, data: turns.turn_move(turn=turn, by=-1),
    "down": lambda turn, data: turns.turn_move(turn=turn, by=1),
    "swap": lambda turn, data: turns.turn_swap(turn=turn),
    "lock": lambda turn, data: turns.turn_lock(turn=turn, is_locked=True),
    "unlock": lambda turn, data: turns.turn_lock(turn=turn, is_locked=False),
    "add": lambda turn, data: turns.turn_add(turn=turn, text=data.get("new_text", "")),
    "delete": lambda turn, data: turns.turn_delete(turn=turn),
    "propose": _propose,
    "accept": _accept,
    "refuse": _refuse,
}


@require_POST
def line(request: Request, project_id: UUID, key: UUID) -> HttpResponse:
    """Save a line's words, then do what was asked with it."""
    project = project_get(request, project_id)
    act = request.POST.get("act", "save")
    if act not in _ACTS:
        raise Http404
    turn = Turn.objects.select_related("script__project").filter(script=_script(project), key=key).first()
    if turn is None:
        get_object_or_404(Turn.objects.filter(script__project=project, key=key)[:1])
        return _refusal(request, project, key, BadInput(_("The script was written anew, and this line is not in it any more.")))
    try:
        if "text" in request.POST and act != "delete":
            turn = turns.turn_text_save(turn=turn, text=request.POST["text"], revision=_number(request.POST.get("revision")))
        _ACTS[act](turn, request.POST)
    except turns.StaleRevision as error:
        if wants_json(request):
            return conflict(error.turn.revision, {"text": error.turn.text})
        return _refusal(request, project, key, error, theirs=error.turn)
    except VideoflowError as error:
        return _refusal(request, project, key, error)
    if request.htmx:
        return _edited(_lines(request, project), turn.script)
    if wants_json(request):
        seconds = _("about %s s") % round(turn.measured_seconds, 1) if not turn.words else f"{turn.measured_seconds:.1f} s"
        return saved(turn.revision, changed=_changed(turn.script), seconds=seconds, words=len(turn.text.split()))
    return _back(project)


def _edited(response: HttpResponse, script: Script) -> HttpResponse:
    response.headers["HX-Trigger"] = json.dumps({"vf:edited": {"panels": list(_changed(script))}})
    return response


def _refusal(request: Request, project: Project, key: UUID, error: VideoflowError, *, theirs: Turn | None = None) -> HttpResponse:
    """Say at the line why not; without the panel's module on a page of its own, with what was typed."""
    if wants_json(request):
        return refused({"text": translated(str(error))})
    is_new = request.POST.get("act") == "add"
    context = {
        "project": project,
        "key": key,
        "error": translated(str(error)) if not is_new or request.POST.get("new_text") else "",
        "is_new": is_new,
        "text": request.POST.get("new_text" if is_new else "text", ""),
        "theirs": theirs,
        "limit": turns.TEXT_LIMIT,
        "revision": theirs.revision if theirs else _number(request.POST.get("revision")),
    }
    return render(request, "pipeline/script/line.html", context, status=409 if theirs else 422)


# Proposals ---------------------------------------------------------------------------------------------------------------


@require_POST
def proposals(request: Request, project_id: UUID) -> HttpResponse:
    """Propose other words for all lines, or accept or refuse all that are proposed."""
    project = project_get(request, project_id)
    script = _script(project)
    try:
        sentence = _proposals_act(project, script, request.POST)
    except VideoflowError as error:
        if wants_json(request):
            return refused({"act": translated(str(error))})
        messages.error(request, translated(str(error)))
        return _back(project)
    if request.htmx:
        return _edited(_lines(request, project, sentence), script)
    messages.success(request, sentence)
    return _back(project)


def _proposals_act(project: Project, script: Script, data: Mapping[str, str]) -> str:
    act = data.get("act", "")
    if act == "propose":
        keys = proposing.lines_named(script, data.get("lines", ""))
        proposed = proposing.propose(project=project, keys=keys, instruction=data.get("instruction", "")[:INSTRUCTION_LIMIT])
        if proposed.task is not None:
            return _("Other words are being written for %s lines. They will stand beside them.") % proposed.lines
        return _("Other words are proposed for %s lines. Nothing has changed yet.") % proposed.lines
    if act == "accept":
        return _("%s lines have their new words.") % proposing.proposals_accept(project=project)
    if act == "refuse":
        return _("%s proposals refused.") % proposing.proposals_refuse(project=project)
    raise Http404


# Versions ----------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def version(request: Request, project_id: UUID, number: int) -> HttpResponse:
    """Compare a version with the script as it is; restore it by POST."""
    project = project_get(request, project_id)
    current = _script(project)
    wanted = get_object_or_404(project.scripts, version=number)
    if request.method == "POST":
        try:
            version_restore(project=project, version=wanted)
        except VideoflowError as error:
            messages.error(request, translated(str(error)))
        else:
            messages.success(request, _("Version %s is back. What stood here before is kept as a version.") % number)
        return _back(project)
    context = {"project": project, "version": wanted, "current": current, "changes": versions_compare(wanted, current)}
    return render(request, "pipeline/script/_version.html" if request.htmx else "pipeline/script/version.html", context)


# Pronunciations ----------------------------------------------------------------------------------------------------------


@require_POST
def pronunciations(request: Request, project_id: UUID) -> HttpResponse:
    """Put a word in the book, take one out, or hear one."""
    project = project_get(request, project_id)
    written, spoken = request.POST.get("written", ""), request.POST.get("spoken", "")
    act = request.POST.get("act", "add")
    error: VideoflowError | None = None
    try:
        if act == "listen":
            recording = pronunciation_listen(project=project, written=written, spoken=spoken)
            return HttpResponse(recording.read_bytes(), content_type="audio/wav")
        if act == "remove":
            pronunciation_remove(project=project, written=written)
        else:
            pronunciation_set(project=project, written=written, spoken=spoken)
    except VideoflowError as refusal:
        error = refusal
        if wants_json(request):
            return refused({next(iter(error.details), "written"): translated(str(error))})
    if error is None and not request.htmx:
        return _back(project)
    at = next(iter(error.details), "written") if error else ""
    panel = {
        "pronunciations": pronunciations_of(project),
        "written": written,
        "spoken": spoken,
        "errors": {at: translated(str(error))},
    }
    context = {"project": project, "panel": panel if error else {"pronunciations": pronunciations_of(project)}}
    name = "pipeline/script/_book.html" if request.htmx else "pipeline/script/book.html"
    response = render(request, name, context, status=422 if error and not request.htmx else 200)
    if error is None:
        script = script_current(project)
        panels = list(_changed(script)) if script else []
        response.headers["HX-Trigger"] = json.dumps({"vf:edited": {"panels": panels}, "vf:lines": ""})
    return response
