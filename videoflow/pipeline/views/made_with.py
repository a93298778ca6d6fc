"""What a project's steps are made with: the choice of a service, its model and options, the switch for a stand-in, the budget."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from videoflow.errors import BadInput, VideoflowError
from videoflow.http import Request
from videoflow.pipeline.budget import budget_get, budget_set, micros_read, project_budget_set
from videoflow.pipeline.connections import client_for, connection_for, owner_of
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels.made_with import CAPABILITIES, choice_shown, made_with, made_with_line
from videoflow.pipeline.selectors import tasks_latest
from videoflow.pipeline.service_options import options_read
from videoflow.pipeline.views.owner import project_get
from videoflow.pipeline.voices import voices_of
from videoflow.providers.base import Capability, Voice
from videoflow.providers.service_check import service_check
from videoflow.providers.services import EMBEDDED, SERVICES
from videoflow.tasks.services import task_retry

LONGEST_MODEL = 120


@dataclass(frozen=True, slots=True)
class Acted:
    """What a POST did, in a sentence; or what a service was asked for, to choose from now."""

    said: str = ""
    models: Mapping[Capability, Sequence[str]] = field(default_factory=dict)
    voices: Sequence[Voice] | None = None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """The open disclosure of a panel; a POST changes what ``act`` says and draws it anew."""
    project = project_get(request, project_id)
    if task_type not in CAPABILITIES:
        raise Http404
    if request.method != "POST":
        return _shown(request, project, task_type)
    try:
        acted = _acted(request, project, task_type)
    except VideoflowError as error:
        return _shown(request, project, task_type, problem=str(error))
    if request.htmx or not acted.said:
        response = _shown(request, project, task_type, acted=acted)
        if acted.said:  # a voice is paid for in two panels
            others = [name for name in CAPABILITIES if name != task_type]
            response.headers["HX-Trigger"] = json.dumps({"vf:edited": {"panels": others}})
        return response
    messages.success(request, acted.said)
    return HttpResponseRedirect(f"{reverse('pipeline:project_detail', args=[project.pk])}#panel-{task_type}")


@require_POST
def budget_raise(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """Set the limit that stopped a step, and retry it."""
    project = project_get(request, project_id)
    task = tasks_latest(project).get(task_type)
    if task is None:
        raise Http404
    try:
        micros = _amount(request.POST.get("amount", ""))
        if request.POST.get("scope") == "month":
            unknown = budget_get(project.session).takes_unknown_prices
            budget_set(session=project.session, month_micros=micros, takes_unknown_prices=unknown)
        else:
            project_budget_set(project=project, micros=micros)
        task_retry(task_id=task.pk)
        messages.success(request, _("The budget is raised, and the step goes on where it stopped."))
    except VideoflowError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(f"{reverse('pipeline:project_detail', args=[project.pk])}#panel-{task_type}")


def _acted(request: Request, project: Project, task_type: str) -> Acted:
    act = request.POST.get("act", "")
    if act == "budget":
        _budget_save(request, project)
        return Acted(_("The budget is saved."))
    capability = next((name for name in CAPABILITIES[task_type] if name == request.POST.get("capability")), None)
    if capability is None:
        raise BadInput(_("Choose what the service is for."))
    if act == "choose":
        label = _choose(project, capability, request.POST.get("service", ""))
        return Acted(_("From now on: %(service)s.") % {"service": label})
    if act == "options":
        _options_save(project, capability, request.POST)
        return Acted(_("Saved."))
    if act == "models":
        return Acted(models={capability: _models_ask(project, capability)})
    if act == "voices":
        return Acted(voices=_voices_ask(project))
    if act == "hosts":
        return Acted(_("Saved. Lines are spoken anew where their voice changed."), voices=_hosts_save(project, request.POST))
    raise BadInput(_("Choose what to do."))


def _models_ask(project: Project, capability: Capability) -> Sequence[str]:
    service = choice_shown(project, capability).service
    connection = connection_for(owner=owner_of(project), service=service)
    listed = service_check(client_for(connection), today=timezone.now().date()).models
    if not listed:
        raise BadInput(_("%(service)s lists no models. Type the name.") % {"service": SERVICES[service].label})
    return listed


def _voices_ask(project: Project) -> Sequence[Voice]:
    voices = voices_of(project, project.language)
    if len(voices) < 2:
        label = SERVICES[choice_shown(project, "speech").service].label
        raise BadInput(_("%(service)s has no two voices for the language of this project.") % {"service": label})
    return voices


def _hosts_save(project: Project, form: Mapping[str, str]) -> Sequence[Voice]:
    """Give each host a voice of the project's service; two hosts, two voices."""
    voices = _voices_ask(project)
    wanted = {speaker: form.get(f"voice_{speaker}", "") for speaker in ("A", "B")}
    if not set(wanted.values()) <= {voice.key for voice in voices}:
        raise BadInput(_("Choose voices of the list."), code="VOICE_UNKNOWN")
    if wanted["A"] == wanted["B"]:
        raise BadInput(_("Two hosts need two voices, or nobody can tell them apart."), code="VOICES_EQUAL")
    with transaction.atomic():
        row = Project.objects.select_for_update().get(pk=project.pk)
        row.hosts = {speaker: {**row.hosts.get(speaker, {}), "voice": voice} for speaker, voice in wanted.items()}
        row.save(update_fields=["hosts"])
    project.hosts = row.hosts
    return voices


def _choose(project: Project, capability: Capability, service: str) -> str:
    """Write the service down; its model and options begin empty, the switch for a stand-in off."""
    if service not in SERVICES or capability not in SERVICES[service].capabilities:
        raise BadInput(_("Choose a service of the list."), code="SERVICE_UNKNOWN")
    with transaction.atomic():
        row = Project.objects.select_for_update().get(pk=project.pk)
        if row.providers.get(capability, {}).get("service", EMBEDDED) != service:
            row.providers.pop(capability, None)
            if service != EMBEDDED:
                row.providers[capability] = {"service": service}
            row.save(update_fields=["providers"])
    project.providers = row.providers
    return SERVICES[service].label


def _options_save(project: Project, capability: Capability, form: Mapping[str, str]) -> None:
    """Write model, options and the switch of the chosen service down."""
    service = form.get("service", "")
    model = form.get("model", "").strip()
    if len(model) > LONGEST_MODEL or not model.isprintable():
        raise BadInput(_("A model's name has %(limit)s signs at most.") % {"limit": LONGEST_MODEL}, code="MODEL_INVALID")
    options = options_read(service, capability, form)
    with transaction.atomic():
        row = Project.objects.select_for_update().get(pk=project.pk)
        if service == EMBEDDED or row.providers.get(capability, {}).get("service") != service:
            raise BadInput(_("Another service was chosen meanwhile. Look again."), code="CHOICE_CHANGED")
        row.providers[capability] = {
            "service": service,
            "model": model,
            "options": options,
            "fallback": form.get("fallback") == "on",
        }
        row.save(update_fields=["providers"])
    project.providers = row.providers


def _budget_save(request: Request, project: Project) -> None:
    project_micros = _amount(request.POST.get("project_amount", ""))
    month_micros = _amount(request.POST.get("month_amount", ""))
    takes_unknown = request.POST.get("takes_unknown_prices") == "on"
    project_budget_set(project=project, micros=project_micros)
    budget_set(session=project.session, month_micros=month_micros, takes_unknown_prices=takes_unknown)
    project.budget_micros = project_micros


def _amount(text: str) -> int | None:
    return micros_read(text) if text.strip() else None


def _shown(request: Request, project: Project, task_type: str, *, acted: Acted | None = None, problem: str = "") -> HttpResponse:
    done = acted or Acted()
    context = {
        "project": project,
        "stage": task_type,
        "line": made_with_line(project, task_type),
        "made": made_with(project, task_type, models=done.models, voices=done.voices),
        "said": done.said,
        "problem": problem,
    }
    template = "pipeline/services/made_with.html"
    return render(request, f"{template}#made_with" if request.htmx else template, context, status=422 if problem else 200)
