from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from videoflow.pipeline.about import studio_parts
from videoflow.pipeline.models import Project
from videoflow.pipeline.panels.service_list import ServiceRow, service_columns
from videoflow.pipeline.panels.voice_list import voice_list
from videoflow.pipeline.selectors import projects_of
from videoflow.sessions.accounts import sessions_claim
from videoflow.sessions.middleware import Request
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import link_use, preferences_set
from videoflow.vault.services import Owner

THEMES = {"light": gettext_lazy("Light"), "dark": gettext_lazy("Dark"), "system": gettext_lazy("As the system")}
THEME_COOKIE = "videoflow_theme"
SWITCHES = ("auto_save", "notifications", "single_keys")
OFF_COOKIE = "videoflow_off"
"""Names of the switches that are off, joined by dots; absent: all are on."""
COOKIE_SECONDS = 400 * 24 * 3600


@require_safe
@never_cache
def settings_page(request: Request) -> HttpResponse:
    """How the pages look and act, what is built in, and which services may help."""
    return settings_shown(request)


def settings_shown(request: Request, *, row: ServiceRow | None = None, status: int = 200) -> HttpResponse:
    """Draw the page; ``row`` is the service that something was just done with."""
    session = request.creator.session_or_none if request.creator.cookie or request.user.is_authenticated else None
    user_id = request.user.pk if request.user.is_authenticated else None
    owner = Owner(session_id=session.pk, user_id=user_id) if session else None
    stored = session.preferences if session else {}
    context = {
        "parts": studio_parts(),
        "themes": THEMES.items(),
        "languages": settings.LANGUAGES,
        "language_chosen": request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
        "switches": {name: stored.get(name, True) for name in SWITCHES},
        "service_columns": service_columns(owner, row=row),
        "voice_list": voice_list(Project(session=session or CreatorSession()), owner),
        "keys_are_in_data": not settings.VIDEOFLOW_VAULT_KEYS,
    }
    return render(request, "pipeline/settings.html", context, status=status)


@require_POST
def theme(request: Request) -> HttpResponse:
    """Remember light, dark or as the system has it."""
    response = HttpResponseRedirect(_next(request))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        _cookie(response, THEME_COOKIE, chosen)
        if session := request.creator.session_or_none:
            preferences_set(session=session, changes={"theme": chosen})
    return response


@require_POST
def preferences(request: Request) -> HttpResponse:
    """Save the language and the switches, for every device that opens this session."""
    language = request.POST.get("language", "")
    changes: dict[str, Any] = {name: request.POST.get(name) == "on" for name in SWITCHES}
    changes["language"] = language if language in dict(settings.LANGUAGES) else None
    preferences_set(session=request.creator.session, changes=changes)
    response = HttpResponseRedirect(_next(request))
    _kept_here(response, changes)
    with override(changes["language"] or request.LANGUAGE_CODE):
        messages.success(request, _("Your settings are saved."))
    return response


def _kept_here(response: HttpResponse, stored: Mapping[str, Any]) -> None:
    """Leave with the browser what each page needs to know before it is drawn."""
    if stored.get("language"):
        _cookie(response, settings.LANGUAGE_COOKIE_NAME, stored["language"])
    elif "language" in stored:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
    if stored.get("theme") in THEMES:
        _cookie(response, THEME_COOKIE, stored["theme"])
    _cookie(response, OFF_COOKIE, ".".join(name for name in SWITCHES if stored.get(name) is False))


def _cookie(response: HttpResponse, name: str, value: str) -> None:
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, value, max_age=COOKIE_SECONDS, samesite="Lax", httponly=False, secure=secure)


def _next(request: Request) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else reverse("pipeline:settings")


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
    newest = projects_of(CreatorSession.objects.filter(pk=session.pk)).first()
    response = redirect("pipeline:project_detail", newest.pk) if newest else redirect("pipeline:project_list")
    _kept_here(response, session.preferences)
    return response
