"""Voices on the settings page: listed by service and language, and heard. Nothing that costs money is done unasked."""

import threading
from pathlib import Path
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.budget import owner_name
from videoflow.pipeline.connections import Choice
from videoflow.pipeline.ledger import CallUnknown, Payer, paid_directly
from videoflow.pipeline.media_files import file_response
from videoflow.pipeline.models import Project, ProviderCall
from videoflow.pipeline.panels.voice_list import LANGUAGES, VoiceRow, voice_list
from videoflow.pipeline.store import cache_dir
from videoflow.pipeline.unknown_calls import call_ask_again
from videoflow.pipeline.views.services import owner_read
from videoflow.pipeline.voices import voice_sample, voices_of
from videoflow.providers.base import Voice
from videoflow.providers.services import SERVICES
from videoflow.sessions.middleware import Request
from videoflow.sessions.models import CreatorSession
from videoflow.translation import translated

STAGE = "voice_sample"
"""Under which a sample stands in the books."""
_signer = Signer(salt="voice sample")
_one_at_a_time = threading.BoundedSemaphore(1)
_WAIT_SECONDS = 90
"""An embedded voice takes a core and up to a gigabyte for some seconds."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def voices(request: Request, service: str) -> HttpResponse:
    """The voices of a service; a POST makes the sample of one and shows its row with it."""
    if service not in SERVICES or "speech" not in SERVICES[service].capabilities:
        raise Http404
    asked = request.POST if request.method == "POST" else request.GET
    language = asked.get("language", "en")
    if language not in dict(LANGUAGES):
        raise Http404
    owner = owner_read(request)
    project = Project(session=request.creator.session)
    row = _heard(request, project, service, language) if request.method == "POST" else None
    status = 422 if row and row.problem else 200
    context = {
        "row": row,
        "service": SERVICES[service],
        "language": language,
        "list": voice_list(project, owner, service, language),
    }
    if row and request.htmx:
        return render(request, "pipeline/services/_voice.html", context, status=status)
    template = "pipeline/services/voices.html"
    return render(request, f"{template}#voices" if request.htmx else template, context, status=status)


def _heard(request: Request, project: Project, service: str, language: str) -> VoiceRow:
    """Make the sample of the posted voice, or take the one that was made before."""
    key = request.POST.get("voice", "")
    session = request.creator.session
    voice = Voice(key, key, language, "")
    try:
        found = [each for each in voices_of(project, language, choice=Choice(service)) if each.key == key]
        if not found:
            raise BadInput("There is no such voice any more. Choose another one.", code="VOICE_UNKNOWN")
        voice = found[0]
        if request.POST.get("act") == "ask_again":
            _ask_again(session, request.POST.get("call", ""))
        return VoiceRow(voice, address=_sample(project, session, voice, service, language))
    except CallUnknown as error:
        return VoiceRow(voice, problem=translated(str(error)), lost_call=str(error.details["call_id"]))
    except VideoflowError as error:
        return VoiceRow(voice, problem=translated(str(error)))


def _sample(project: Project, session: CreatorSession, voice: Voice, service: str, language: str) -> str:
    if not _one_at_a_time.acquire(timeout=_WAIT_SECONDS):
        raise BadInput("Other voices are being made just now. Try again in a minute.", code="BUSY")
    try:
        pay = paid_directly(Payer(session, STAGE))
        path = voice_sample(project, voice.key, language, pay=pay, cancelled=lambda: False, choice=Choice(service))
    finally:
        _one_at_a_time.release()
    return reverse("pipeline:voice_file", args=[_signer.sign(path.stem)])


def _ask_again(session: CreatorSession, call: str) -> None:
    """Write down that a lost sample may be paid for once more; only for who spends the money."""
    try:
        call_id = UUID(call)
    except ValueError:
        raise Http404 from None
    row = get_object_or_404(ProviderCall, pk=call_id, owner=owner_name(session), project=None)
    call_ask_again(call_id=row.pk)


@require_safe
def voice_file(request: Request, token: str) -> HttpResponseBase:
    """A sample that was made for whoever has its address."""
    try:
        name = Path(_signer.unsign(token)).name
    except BadSignature as error:
        raise Http404 from error
    path = cache_dir("speech") / f"{name}.wav"
    if not path.is_file():
        raise Http404
    return file_response(request, path, name="voice.wav", etag=name)
