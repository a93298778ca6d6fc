"""The one way to draw a page or its partial, to part a long list into pages, what travels compressed, and what is too large."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import BadRequest, DisallowedHost
from django.core.paginator import Page, Paginator
from django.db import InterfaceError, OperationalError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.template import loader
from django.utils import timezone

from videoflow.errors import DiskFull, disk_full_read

RowT = TypeVar("RowT", bound=Model)

LARGEST_NUMBER = 2**63 - 1
"""That a database takes for a key or a position."""

BODY_EXTENSION = "videoflow.body"
"""Key in the ASGI scope's ``extensions`` where the server leaves a body it has in a file already: ``{"file": IO[bytes]}``."""
ROOM_EXTENSION = "videoflow.room"
"""Key where the server says whether a socket's client reads what it is sent: ``{"room": asyncio.Event}``, set while it does."""


COMPRESSED = ("text/html", "text/css", "text/javascript", "image/svg+xml")
"""Pages and what they are drawn with. API replies stay plain, for they may hold a secret beside what a caller sent."""


class CompressionMiddleware(GZipMiddleware):
    """Compress pages and their parts, never media or a part of a file.

    A page holds a secret (the CSRF token, masked anew each time) and what the visitor sent, so its length could tell of it;
    Django adds up to 100 random bytes against that (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if response.status_code == 206 or kind not in COMPRESSED:
            return response
        return super().process_response(request, response)


class StorableTextMiddleware:
    """Refuse forms and queries that hold the character NUL: nobody types it, and PostgreSQL stores none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Look where the check for forgery, which comes before this, has read the form; the API reads its own bodies."""
        forms = [request.GET] if getattr(view, "csrf_exempt", False) else [request.GET, request.POST]
        if any("\0" in value for form in forms for _, values in form.lists() for value in values):
            raise BadRequest("a text with NUL")


def server_error(_request: HttpRequest) -> HttpResponse:
    """Answer an unexpected error: 507 on a full disk, 503 while the database is away, else 500. No row is read for either."""
    error = sys.exc_info()[1]
    if error is not None and disk_full_read(error) is not None:
        status = 507
    else:
        status = 503 if isinstance(error, OperationalError | InterfaceError) else 500
    text = loader.get_template(f"{status}.html").render()  # without the request: its context reads rows
    return HttpResponse(text, status=status, headers={"Retry-After": "30"} if status == 503 else None)


_NAME_OF_HOST = re.compile(r"(?:https?://)?[A-Za-z0-9.:_\[\]-]{1,100}")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400; to a name that the studio was not told of with what its operator does about it."""
    host = request.META.get("HTTP_HOST", "") if isinstance(exception, DisallowedHost) else ""
    return _refusal("400.html", 400, unknown=host)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form that is not ours; where it came from an address that the studio does not know, with what to do."""
    is_elsewhere = reason.startswith(("Origin checking failed", "Referer checking failed"))
    return _refusal("403_csrf.html", 403, unknown=request.META.get("HTTP_ORIGIN", "") if is_elsewhere else "")


def _refusal(template: str, status: int, *, unknown: str) -> HttpResponse:
    """Draw a page about a name that the visitor's browser sent, unless that is no name at all."""
    name = unknown if _NAME_OF_HOST.fullmatch(unknown) else ""
    return HttpResponse(loader.get_template(template).render({"unknown": name}), status=status)


def render_partial(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    partial: str,
    target: str | None = None,
    status: int | None = None,
) -> HttpResponse:
    """Draw ``template#partial`` when htmx asked for the element ``target`` (default: the partial's name), else the whole page.

    The page and its fragment come from one template, so they cannot drift apart. The response varies by both headers, or a
    cache would hand a fragment to a reloaded page.
    """
    htmx = request.htmx  # type: ignore[attr-defined]
    is_fragment = bool(htmx) and not htmx.boosted and htmx.target in {target or partial, None}
    response = render(request, f"{template}#{partial}" if is_fragment else template, context, status=status)
    response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "HX-Request", "HX-Target"]))
    return response


def page_of(rows: "QuerySet[RowT]", number: str | None, *, size: int, count: int, related: tuple[str, ...] = ()) -> "Page[RowT]":
    """Return a page of rows that are in order, ``count`` of them in all, each with its ``related`` rows.

    The keys are sorted alone and the rows read for this page only: a list of 50,000 wide rows takes half the time so.
    """
    keys = Paginator(rows.values_list("pk", flat=True), size)
    keys.count = count  # is known already, and counting is what takes longest
    page = keys.get_page(number)
    wanted = list(page.object_list)
    found = rows.model._default_manager.select_related(*related).in_bulk(wanted)
    page.object_list = [found[key] for key in wanted if key in found]
    return page


def whole_number(text: str, *, most: int = LARGEST_NUMBER) -> int | None:
    """Return a number that somebody sent in plain digits, ``most`` for any larger one; None for all else.

    ``int`` alone takes signs, blanks and other scripts' digits, and refuses more than 4,300 of them.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return most if len(digits) > len(str(most)) else min(most, int(digits or "0"))


def too_large_body(limit_bytes: int) -> bytes:
    """The contract's error body for a request over the limit."""
    limit = f"{limit_bytes // 1024**2} MB" if limit_bytes >= 1024**2 else f"{limit_bytes // 1024} KB"
    message = f"The upload is larger than {limit}, the most this studio takes."
    return _error_body("TOO_LARGE", message, {"limit_bytes": limit_bytes}, retryable=False)


def disk_full_answer(*, for_people: bool) -> tuple[str, bytes]:
    """Return content type and body of what a request without room gets: a page, or the contract's error body."""
    if for_people:
        return "text/html; charset=utf-8", loader.get_template("507.html").render().encode()
    message = "The disk of the studio is full, so nothing of this was kept. Make room, then send it again."
    return "application/json", _error_body(DiskFull.code, message, {}, retryable=True)


def _error_body(code: str, message: str, details: dict[str, object], *, retryable: bool) -> bytes:
    body = {"error_code": code, "message": message, "details": details, "timestamp": timezone.now().isoformat()}
    return json.dumps({**body, "retryable": retryable}).encode()
