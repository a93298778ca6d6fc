"""What the creator decides about a call whose answer was lost."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from videoflow.errors import BadInput
from videoflow.pipeline.unknown_calls import call_ask_again, call_leave
from videoflow.pipeline.views.owner import project_get, to_panel
from videoflow.sessions.middleware import Request
from videoflow.translation import translated


@require_POST
def decide(request: Request, project_id: UUID, call_id: UUID) -> HttpResponse:
    """Ask the service again, or leave the call as it is."""
    project = project_get(request, project_id)
    call = get_object_or_404(project.provider_calls, pk=call_id)
    try:
        if request.POST.get("act") == "ask_again":
            task = call_ask_again(call_id=call.pk)
            sentence = _("It is asked again.") if task else _("Start the step anew: it asks again then.")
        elif request.POST.get("act") == "leave":
            call_leave(call_id=call.pk)
            sentence = _("It is left as it is. Nothing is asked again.")
        else:
            raise BadInput(_("Choose whether to ask again or to leave it."))
        messages.success(request, sentence)
    except BadInput as error:
        messages.error(request, translated(str(error)))
    return to_panel(project, call.stage)
