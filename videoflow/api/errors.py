"""Refusals as the contract writes them, and which status each error of the studio has."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse

from videoflow.errors import VideoflowError
from videoflow.pipeline.stages.base import StageNotReady
from videoflow.sessions.idempotency import KeyReused
from videoflow.sessions.states import StaleRevision
from videoflow.tasks.services import TaskConflict, TooManyWaiting, error_body

CONFLICTS = (TaskConflict, StageNotReady, KeyReused, StaleRevision)
RETRY_AFTER_SECONDS = 30

_OF_STATUS: dict[int, tuple[str, str]] = {
    400: ("BAD_REQUEST", "The request cannot be understood. See /api/docs for how it should look."),
    403: ("CSRF_FAILED", "The page is out of date. Reload it and try again."),
    404: ("NOT_FOUND", "There is nothing here, or it is not yours."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take that method. The Allow header lists those it takes."),
    413: ("TOO_LARGE", "The request is too large. Send less at once."),
    415: ("NOT_JSON", "Send the body as JSON in UTF-8, with Content-Type: application/json."),
    429: ("SLOW_DOWN", "Too many requests. Wait a moment, then go on."),
    500: ("UNEXPECTED", "Something unexpected went wrong. Try again; the studio's log has the details."),
    503: ("UNAVAILABLE", "This cannot be served right now. Try again in a moment."),
}


class NotFound(VideoflowError):
    """It does not exist or belongs to somebody else; the two look the same."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(_OF_STATUS[404][1])


class CsrfFailed(VideoflowError):
    """A request that came with the cookie does not prove that our own page sent it."""

    code = "CSRF_FAILED"

    def __init__(self) -> None:
        super().__init__(
            "The request came with the cookie but without a valid CSRF token. Send the csrftoken cookie's value as X-CSRFToken."
        )


class TooLarge(VideoflowError):
    code = "TOO_LARGE"


class SlowDown(VideoflowError):
    """A rate limit was reached; ``seconds`` until the next request is taken."""

    code = "SLOW_DOWN"
    retryable = True

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many requests. Wait {seconds} s, then go on.", details={"seconds": seconds})
        self.seconds = seconds


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    details: Mapping[str, object] | None = None,
    retryable: bool = False,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    body = error_body(code=code, message=message, details=details, retryable=retryable)
    response = JsonResponse(body, status=status)
    if status in {429, 503}:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def status_of(error: VideoflowError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, NotFound) or error.code in {"UNKNOWN_STAGE", "SOURCE_NOT_FOUND"}:
        return 404
    by_type: list[tuple[type[VideoflowError] | tuple[type[VideoflowError], ...], int]] = [
        (CsrfFailed, 403),
        (CONFLICTS, 409),
        (TooLarge, 413),
        ((SlowDown, TooManyWaiting), 429),
    ]
    for kind, status in by_type:
        if isinstance(error, kind):
            return status
    return 503 if error.retryable else 400


def refused(error: VideoflowError) -> HttpResponse:
    """Return an error of the studio as a response."""
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, SlowDown) else None
    return error_response(
        status_of(error), error.code, str(error), details=error.details, retryable=error.retryable, headers=headers
    )


def refused_fields(faults: Sequence[Mapping[str, Any]], *, prefix: str = "") -> HttpResponse:
    """Return 400 with each wrong field and what is wrong with it.

    ``faults``: pydantic's errors, their ``loc`` already without the part of the request they stand in.
    """
    details = {prefix + ".".join(str(part) for part in fault["loc"]) or "body": _sentence(fault) for fault in faults}
    field, message = next(iter(details.items()))
    return error_response(400, "INVALID_INPUT", f"{field}: {message}.", details=details)


def _sentence(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "There is no such field"
    if fault["type"] == "missing":
        return "This field is required"
    return str(fault["msg"])


def refusal_of(response: HttpResponse) -> HttpResponse:
    """Return the contract's refusal in place of one that Django or the router wrote; nothing of the latter's text is kept."""
    status = response.status_code if response.status_code in _OF_STATUS else (500 if response.status_code >= 500 else 400)
    code, message = _OF_STATUS[status]
    kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
    return error_response(status, code, message, retryable=status in {429, 500, 503}, headers=kept)
