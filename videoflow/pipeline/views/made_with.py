"""What a project's steps are made with: the choice of a service, its model and options, the switch for a stand-in, the budget."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.budget import budget_get, budget_set, micros_read, project_budget_set
from videoflow.pipeline.connections import client_for, connection_for, owner_of
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels.made_with import CAPABILITIES, choice_shown, made_with, made_with_line
from videoflow.pipeline.selectors import tasks_latest
from videoflow.pipeline.service_options import options_read
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.providers.base import Capability
from videoflow.providers.service_check import service_check
from videoflow.providers.services import EMBEDDED, SERVICES
from videoflow.sessions.middleware import Request
from videoflow.sessions.services import preferences_set
from videoflow.tasks.services import task_retry
from videoflow.translation import translated

LONGEST_MODEL = 120
Models = Mapping[Capability, Sequence[str]]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choices(request: Request, project_id: UUID, task_type: str) -> HttpResponse:
    """The open disclosure of a panel; a POST changes what ``act`` says and draws it anew."""
    project = project_get(request, project_id)
    if task_type not in CAPABILITIES:
        raise Http404
    if request.method != "POST":
        return _shown(request, project, task_type)
    models: Models = {}
    try:
        said, models = _acted(request, project, task_type)
    except VideoflowError as error:
        return _shown(request, project, task_type, problem=translated(str(error)))
    if request.htmx or models:
        response = _shown(request, project, task_type, said=said, models=models)
        if not models:  # a voice is paid for in two panels
            others = [name for name in CAPABILITIES if name != task_type]
            response.headers["HX-Trigger"] = json.dumps({"vf:edited": {"panels": others}})
        return response
    messages.success(request, said)
    return to_panel(project, task_type)


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
        messages.error(request, translated(str(error)))
    return to_panel(project, task_type)


def _acted(request: Request, project: Project, task_type: str) -> tuple[str, Models]:
    act = request.POST.get("act", "")
    if act == "budget":
        _budget_save(request, project)
        return _("The budget is saved."), {}
    capability = next((name for name in CAPABILITIES[task_type] if name == request.POST.get("capability")), None)
    if capability is None:
        raise BadInput(_("Choose what the service is for."))
    if act == "choose":
        label = _choose(project, capability, request.POST.get("service", ""))
        return _("From now on: %(service)s.") % {"service": label}, {}
    if act == "options":
        _options_save(project, capability, request.POST)
        return _("Saved."), {}
    if act == "models":
        service = choice_shown(project, capability).service
        connection = connection_for(owner=owner_of(project), service=service)
        listed = service_check(client_for(connection), today=timezone.now().date()).models
        if not listed:
            raise BadInput(_("%(service)s lists no models. Type the name.") % {"service": SERVICES[service].label})
        return "", {capability: listed}
    if act == "usual":
        _usual_save(project, capability)
        return _("New projects begin with this choice."), {}
    raise BadInput(_("Choose what to do."))


def _choose(project: Project, capability: Capability, service: str) -> str:
    """Write the service down; its model and options begin empty, the switch for a stand-in off."""
    if service not in SERVICES or capability not in SERVICES[service].capabilities:
        raise BadInput(_("Choose a service of the list."), code="SERVICE_UNKNOWN")
    with transaction.atomic():
        row = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
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
        row = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
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


def _usual_save(project: Project, capability: Capability) -> None:
    """Let new projects of this owner begin with the project's choice."""
    usual = dict(project.session.preferences.get("providers") or {})
    usual.pop(capability, None)
    if capability in project.providers:
        usual[capability] = project.providers[capability]
    project.session = preferences_set(session=project.session, changes={"providers": usual or None})


def _budget_save(request: Request, project: Project) -> None:
    project_micros = _amount(request.POST.get("project_amount", ""))
    month_micros = _amount(request.POST.get("month_amount", ""))
    takes_unknown = request.POST.get("takes_unknown_prices") == "on"
    project_budget_set(project=project, micros=project_micros)
    budget_set(session=project.session, month_micros=month_micros, takes_unknown_prices=takes_unknown)
    project.budget_micros = project_micros


def _amount(text: str) -> int | None:
    return micros_read(text) if text.strip() else None


def _shown(
    request: Request, project: Project, task_type: str, *, said: str = "", problem: str = "", models: Models | None = None
) -> HttpResponse:
    context = {
        "project": project,
        "stage": task_type,
        "line": made_with_line(project, task_type),
        "made": made_with(project, task_type, models=models),
        "said": said,
        "problem": problem,
    }
    template = "pipeline/services/made_with.html"
    return render(request, f"{template}#made_with" if request.htmx else template, context, status=422 if problem else 200)
