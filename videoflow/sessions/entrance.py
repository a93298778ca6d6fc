"""A studio that is for its team alone: who is not signed in sees the way in, and nothing else."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from videoflow.sessions.services import bearer_read, sessions_owned

OPEN_TO_ALL = {
    "health:live",
    "health:ready",
    "health:health",
    "health:metrics",
    "sessions:sign_in",
    "sessions:sign_up",
    "sessions:sign_out",
    "admin_sign_in",
    "pipeline:open_link",
    "pipeline:podcast_feed",  # players cannot sign in; the address itself is the secret
    "pipeline:podcast_file",
}
"""Views that need no account. Static files are served before any view; whatever is not named here is shut."""
FOR_USERS = {"api:create"}
"""Views for which a program's token is not enough: a new session needs its user."""
PAGES_OF_THE_API = {"api:openapi-view"}


class EntranceMiddleware:
    """With ``VIDEOFLOW_REQUIRE_LOGIN``: send pages to the sign-in, answer programs that there is nothing.

    A program's token counts for the user who owns its session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not settings.VIDEOFLOW_REQUIRE_LOGIN:
            return None
        match = request.resolver_match
        name = match.view_name if match else ""
        if name in OPEN_TO_ALL or request.user.is_authenticated or (name not in FOR_USERS and _is_users_program(request)):
            return None
        is_page = name in PAGES_OF_THE_API or ("api" not in (match.namespaces if match else ()) and request.accepts("text/html"))
        response = _to_sign_in(request) if is_page else _nothing_here()
        response.headers["Cache-Control"] = "no-store"
        patch_vary_headers(response, ("Cookie", "HX-Request"))
        return response


def _is_users_program(request: HttpRequest) -> bool:
    """Say whether a bearer token opens a session that belongs to a user."""
    bearer = bearer_read(request.headers.get("Authorization", ""))
    return bool(bearer) and sessions_owned(user=None, cookie="", bearer=bearer).filter(user__is_active=True).exists()


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page, and from there back to the page that was wanted or on which a form was sent."""
    htmx = request.htmx  # type: ignore[attr-defined]
    if htmx:
        wanted = htmx.current_url_abs_path or ""
    elif request.method in {"GET", "HEAD"}:
        wanted = request.get_full_path()
    else:
        page = request.headers.get("Referer", "")
        is_ours = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()})
        wanted = urlsplit(page).path if is_ours else ""
    address = reverse("sessions:sign_in")
    if wanted and wanted != "/":
        address += "?" + urlencode({"next": wanted}, safe="/")
    return HttpResponseClientRedirect(address) if htmx else HttpResponseRedirect(address)


def _nothing_here() -> HttpResponse:
    """The contract's refusal, the same as for what does not exist."""
    body = {
        "error_code": "NOT_FOUND",
        "message": "There is nothing here, or it is not yours.",
        "details": {},
        "timestamp": timezone.now().isoformat().replace("+00:00", "Z"),
        "retryable": False,
    }
    return HttpResponse(json.dumps(body), status=404, content_type="application/json")


def entrance(request: HttpRequest) -> dict[str, bool]:
    """Tell the templates what the studio asks of a visitor."""
    return {"sign_in_required": settings.VIDEOFLOW_REQUIRE_LOGIN, "sign_up_open": settings.VIDEOFLOW_SIGN_UP}
