"""What holds for everything under /api/: the form of a refusal, the limits of a body, and no copies in caches."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from videoflow.api.errors import error_response, refusal_of

API_PATH = "/api/"
BODY_LIMIT_BYTES = 4 * 1024 * 1024
EMPTY_FORM_BYTES = 200
WITH_BODY = {"POST", "PUT", "PATCH"}


class ApiMiddleware:
    """Stands outside all that may refuse, so that Django's own refusals (unknown route, foreign host) get the contract's body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not f"{request.path_info}/".startswith(API_PATH):
            return self.get_response(request)
        response = _body_refused(request) or self.get_response(request)
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith("application/json"):
            response = refusal_of(response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _body_refused(request: HttpRequest) -> HttpResponse | None:
    """Refuse a body that is too large or not JSON before anything reads it."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > BODY_LIMIT_BYTES:
        return error_response(
            413,
            "TOO_LARGE",
            f"A request can have {BODY_LIMIT_BYTES // 1024**2} MB at most. Send less at once.",
            details={"limit_bytes": BODY_LIMIT_BYTES},
        )
    if length < EMPTY_FORM_BYTES and request.content_type == "multipart/form-data" and _is_empty_form(request):
        request._body = b""
        return None
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    is_json = request.content_type == "application/json" and charset in {"utf-8", "utf8", "us-ascii"}
    if length and request.method in WITH_BODY and not is_json:
        return error_response(415, "NOT_JSON", "Send the body as JSON in UTF-8, with Content-Type: application/json.")
    return None


def _is_empty_form(request: HttpRequest) -> bool:
    """Say whether the body is a form without fields, which is how some clients send nothing."""
    boundary = (request.content_params or {}).get("boundary", "")
    return request.body.strip() == f"--{boundary}--".encode()
