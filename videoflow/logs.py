"""One line per log record: time in UTC, level, logger, the task or request it belongs to, message; secrets masked.

For people as ``LineFormatter`` writes it, for programs that collect logs as ``JsonFormatter`` does.
"""

import contextvars
import json
import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

NOTHING = "-"
REQUEST_HEADER = "X-Request-ID"
_META = "HTTP_X_REQUEST_ID"

current_task_id: contextvars.ContextVar[str] = contextvars.ContextVar("current_task_id", default=NOTHING)
"""Set by whoever runs a task, so that each line written meanwhile names it."""
current_stage: contextvars.ContextVar[str] = contextvars.ContextVar("current_stage", default=NOTHING)
"""Set with it: the stage that the task runs."""
current_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("current_request_id", default=NOTHING)
"""Set while a request is answered."""

_SECRET = re.compile(
    r"(?i)((?<![a-z0-9])(?:authorization|proxy-authorization|cookie|set-cookie|api[_-]?key|access[_-]?key|secret[_-]?key"
    r"|access[_-]?token|refresh[_-]?token|session[_-]?token|security-token|client[_-]?secret|signature|password|secret|token)\b"
    r"[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?)([^\s\"',;&]+)"
)
_ADDRESS_PASSWORD = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(@)")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def request_named() -> str:
    """Return the name of the request that is being answered, or that asked for the task being run; empty when there is none."""
    name = current_request_id.get()
    return "" if name == NOTHING else name


def masked(text: str) -> str:
    """Return the text without what looks like the value of a secret: after its name, or before the @ of an address."""
    return _ADDRESS_PASSWORD.sub(r"\1***\2", _SECRET.sub(r"\1***", text))


class OriginFilter(logging.Filter):
    """Give every record the ``task_id``, ``stage`` and ``request_id`` of the work it was written in."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, current in (("task_id", current_task_id), ("stage", current_stage), ("request_id", current_request_id)):
            if not hasattr(record, name):
                setattr(record, name, current.get())
        if record.request_id == NOTHING:  # type: ignore[attr-defined]  # Django's line about an answer comes after the middleware
            record.request_id = getattr(getattr(record, "request", None), "META", {}).get(_META, NOTHING)
        return True


class LineFormatter(logging.Formatter):
    """Format as ``2026-01-31T12:00:00Z INFO videoflow.tasks [task request=name] message``; what there is not is left out."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(origin)s] %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        task, request = (getattr(record, name, NOTHING) for name in ("task_id", "request_id"))
        origin = [task] * (task != NOTHING) + [f"request={request}"] * (request != NOTHING)
        record.origin = " ".join(origin) or NOTHING
        return masked(super().format(record))


class JsonFormatter(logging.Formatter):
    """Format as one JSON object; ``task``, ``stage``, ``request`` and ``exception`` are there only when there are any."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, object] = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": masked(record.getMessage()),
        }
        for key, name in (("task", "task_id"), ("stage", "stage"), ("request", "request_id")):
            value = getattr(record, name, NOTHING)
            if value != NOTHING:
                body[key] = value
        if record.exc_info:
            body["exception"] = masked(self.formatException(record.exc_info))
        return json.dumps(body, ensure_ascii=False, default=str)


class RequestIdMiddleware:
    """Give each request a name: the one a proxy sent in X-Request-ID if it is plain, else a new one. The answer says it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get(_META, "")
        name = request.META[_META] = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        token = current_request_id.set(name)
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
        response.headers[REQUEST_HEADER] = name
        return response
