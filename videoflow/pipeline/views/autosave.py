"""Answers to a form that saves by itself, as ``static/js/autosave.js`` reads them; without that module the page is drawn anew."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _


def wants_json(request: HttpRequest) -> bool:
    """Say whether the module asks, and not the browser itself after a press of the form's button."""
    return "application/json" in request.headers.get("Accept", "")


def saved(revision: int | str, *, changed: tuple[str, ...] = (), **facts: Any) -> JsonResponse:
    """The form was saved; ``changed`` names the panels that look different now."""
    return JsonResponse({"revision": revision, "changed": list(changed), **facts})


def conflict(revision: int | str, theirs: Mapping[str, Any]) -> JsonResponse:
    """Somebody else saved first; ``theirs`` is what stands there now, by field."""
    message = _("This was changed elsewhere meanwhile. Compare, then keep one.")
    return JsonResponse({"revision": revision, "theirs": dict(theirs), "message": message}, status=409)


def refused(errors: Mapping[str, str]) -> JsonResponse:
    """What was typed cannot be kept; one sentence for each field."""
    return JsonResponse({"errors": dict(errors)}, status=422)
