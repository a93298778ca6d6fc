"""What becomes of a text while it is still being typed: read as it will be read, with nothing begun and nothing kept."""

from collections import Counter
from typing import Any

from django.http import HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from videoflow.errors import BadInput
from videoflow.http import whole_number
from videoflow.pipeline.forms import MINUTES_MOST, TEXT_LIMIT
from videoflow.pipeline.stages.drafting import DEFAULT_HOSTS, embedded_draft
from videoflow.providers.base import TopicBrief
from videoflow.providers.embedded_writer import script_read
from videoflow.sessions.middleware import Request
from videoflow.translation import translated

_USUAL_MINUTES = 3


@require_POST
@never_cache
def reading(request: Request) -> HttpResponse:
    """Say who speaks in a script and what of it stays unspoken, or whether notes carry the length; empty for no text."""
    way = request.POST.get("way", "")
    if way not in _READERS:
        return HttpResponseBadRequest()
    field, read = _READERS[way]
    text = request.POST.get(field, "")[:TEXT_LIMIT]
    context: dict[str, Any] = {}
    if text.strip():
        try:
            context = read(text, request.POST)
        except BadInput as error:
            context = {"refusal": translated(str(error))}
    return render(request, "pipeline/_reading.html", context)


def _script(text: str, _form: QueryDict) -> dict[str, Any]:
    found = script_read(text, hosts=DEFAULT_HOSTS)
    lines = Counter(turn.speaker for exchange in found.conversation.exchanges for turn in exchange.turns)
    speakers = [(host.name, lines[host.speaker]) for host in found.hosts]
    return {"speakers": speakers, "warnings": found.warnings}


def _notes(text: str, form: QueryDict) -> dict[str, Any]:
    if form.get("writer"):
        return {}  # a writing service needs no notes
    minutes = whole_number(form.get("minutes", ""), most=MINUTES_MOST) or _USUAL_MINUTES
    topic = form.get("topic", "").strip()[:300] or text.strip()[:80]
    embedded_draft(TopicBrief(hosts=DEFAULT_HOSTS, topic=topic, notes=text, minimum_seconds=minutes * 60.0))
    return {"minutes": minutes}


_READERS = {"script": ("script_text", _script), "topic": ("notes", _notes)}
"""Way in -> the field that is read, and its reader."""
