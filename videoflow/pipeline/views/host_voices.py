"""The voices of a project's hosts: a fragment of the media panel's choice of services, and a page without scripts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from videoflow.errors import VideoflowError
from videoflow.pipeline.editing.host_voices import SPEAKERS, host_voice_set
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels.base import host_names
from videoflow.pipeline.panels.made_with import choice_shown
from videoflow.pipeline.views.owner import project_get
from videoflow.pipeline.voices import voices_choose, voices_of
from videoflow.providers.base import Voice
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

PANELS = ["script_generation", "video_composition"]
"""Those that say what waits to be spoken; the media panel holds this fragment."""


@dataclass(frozen=True, slots=True)
class HostRow:
    speaker: str
    name: str
    voice: str
    """The key of the voice that will speak."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def host_voices(request: Request, project_id: UUID) -> HttpResponse:
    """Who speaks with which voice; a POST of ``speaker`` and ``voice`` changes it."""
    project = project_get(request, project_id)
    voices: Sequence[Voice] = ()
    problem = ""
    try:
        voices = voices_of(project, project.language)
        if request.method == "POST":
            host_voice_set(
                project=project, speaker=request.POST.get("speaker", ""), voice=request.POST.get("voice", ""), voices=voices
            )
    except VideoflowError as error:
        problem = translated(str(error))
    if request.method == "POST" and not problem and not request.htmx:
        messages.success(request, _("The voice is saved. Lines that another voice spoke are spoken again by “Make media”."))
        return HttpResponseRedirect(reverse("pipeline:host_voices", args=[project.pk]))
    rows: list[HostRow] = []
    try:
        rows = _rows(project, voices)
    except VideoflowError as error:
        problem = problem or translated(str(error))
    context = {
        "project": project,
        "hosts": rows,
        "voices": voices,
        "problem": problem,
        "service": choice_shown(project, "speech").service,
    }
    template = "pipeline/services/host_voices.html"
    is_refused = request.method == "POST" and bool(problem)
    response = render(
        request, f"{template}#host_voices" if request.htmx else template, context, status=422 if is_refused else 200
    )
    if request.method == "POST" and not problem:
        response.headers["HX-Trigger"] = json.dumps({"vf:edited": {"panels": PANELS}})
    return response


def _rows(project: Project, voices: Sequence[Voice]) -> list[HostRow]:
    chosen = voices_choose(project, project.language, voices)
    names = host_names(project)
    return [HostRow(speaker, names[speaker], chosen[speaker]) for speaker in SPEAKERS]
