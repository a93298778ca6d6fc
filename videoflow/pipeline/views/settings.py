from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from videoflow.http import Request
from videoflow.pipeline.about import studio_parts
from videoflow.pipeline.models import Project
from videoflow.sessions.accounts import sessions_claim
from videoflow.sessions.services import link_use

THEMES = ("light", "dark", "system")
THEME_COOKIE = "videoflow_theme"
THEME_COOKIE_SECONDS = 400 * 24 * 3600


@require_safe
@never_cache
def settings_page(request: Request) -> HttpResponse:
    """What is built in, and how the pages look."""
    return render(request, "pipeline/settings.html", {"parts": studio_parts(), "themes": THEMES})


@require_POST
def theme(request: Request) -> HttpResponse:
    """Remember light, dark or as the system has it, in this browser."""
    chosen = request.POST.get("theme", "")
    wanted = request.POST.get("next", "")
    response = HttpResponseRedirect(
        wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else reverse("pipeline:settings")
    )
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            chosen,
            max_age=THEME_COOKIE_SECONDS,
            samesite="Lax",
            httponly=False,
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


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
    newest = Project.objects.filter(session=session).order_by("-updated_at").first()
    return redirect("pipeline:project_detail", newest.pk) if newest else redirect("pipeline:project_list")
