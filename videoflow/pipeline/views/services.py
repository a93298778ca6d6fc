"""Keys of outside services: entered, tested and deleted on the settings page. A key never comes back out."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from videoflow.errors import VideoflowError
from videoflow.pipeline.connections import client_for, connection_for
from videoflow.pipeline.panels.service_list import ServiceRow, own_key_check, price_lines, service_known, service_row
from videoflow.pipeline.service_health import health_of
from videoflow.pipeline.views.settings import settings_shown
from videoflow.providers.base import ProviderError
from videoflow.providers.service_check import Checked, service_check
from videoflow.sessions.middleware import Request
from videoflow.translation import translated
from videoflow.vault.services import Owner, credential_delete, credential_set, credentials_stored


def owner_read(request: Request) -> Owner:
    """Return whose keys this request is about; a session is made when there was none."""
    return Owner(session_id=request.creator.session.pk, user_id=request.user.pk if request.user.is_authenticated else None)


@require_POST
@never_cache
@sensitive_post_parameters("key")
def service(request: Request, key: str) -> HttpResponse:
    """Save, delete or test: ``act`` says which. The row is drawn anew, with what came of it."""
    try:
        known = service_known(key)
    except ProviderError as error:
        raise Http404 from error
    owner = owner_read(request)
    said, problem, checked = "", "", None
    act = request.POST.get("act", "")
    try:
        if act in ("save", "save_test"):
            own_key_check(service_row(key, credentials_stored(owner=owner)))
            secret, label = request.POST.get("key", ""), request.POST.get("label", "")
            credential_set(owner=owner, provider=known.key, secret=secret, label=label)
            said = _("The key for %(service)s is saved, sealed for you alone.") % {"service": known.label}
        elif act == "delete":
            own_key_check(service_row(key, credentials_stored(owner=owner)))
            credential_delete(owner=owner, provider=known.key)
            said = _("The key for %(service)s is deleted.") % {"service": known.label}
        if act in ("test", "save_test"):
            checked = _tested(owner, known.key)
    except VideoflowError as error:
        problem = translated(str(error))
    row = service_row(
        key,
        credentials_stored(owner=owner),
        lines=price_lines(),
        health=health_of([key])[key],
        checked=checked,
        problem=problem,
        is_open=True,
    )
    return _answered(request, row, said)


def _tested(owner: Owner, key: str) -> Checked:
    connection = connection_for(owner=owner, service=key)
    return service_check(client_for(connection), today=timezone.now().date())


def _answered(request: Request, row: ServiceRow, said: str) -> HttpResponse:
    if request.htmx:
        response = render(
            request, "pipeline/services/_service.html", {"row": row, "said": said}, status=422 if row.problem else 200
        )
        if said:
            response.headers["HX-Trigger"] = "vf:services"  # whose voices can be heard may have changed
        return response
    if row.problem or row.checked:
        if said:
            messages.success(request, said)
        return settings_shown(request, row=row, status=422 if row.problem else 200)
    messages.success(request, said)
    return HttpResponseRedirect(f"{reverse('pipeline:settings')}#service-{row.service.key}")
