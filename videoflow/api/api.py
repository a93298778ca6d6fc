"""The JSON API: routes, who may call, and what a refusal looks like."""

import functools
import logging

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from videoflow.api.auth import caller_get
from videoflow.api.body import StrictParser
from videoflow.api.document import Document
from videoflow.api.errors import NotFound, error_response, refusal_of, refused, refused_fields
from videoflow.api.reference import ReferencePage
from videoflow.api.routers import sessions, states, tasks
from videoflow.errors import VideoflowError

logger = logging.getLogger(__name__)


class StudioApi(NinjaAPI):
    """The studio's API with the document that belongs to it."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, object] | None = None) -> Document:
        return self._document(path_prefix or self.get_root_path(path_params or {}))

    @functools.cache  # noqa: B019 - there is one API for the life of the process
    def _document(self, path_prefix: str) -> Document:
        return Document(self, path_prefix)


api = StudioApi(
    title="videoflow",
    version="1",
    description="Sessions, saved states and tasks of videos made from trends. Live progress: /ws/progress/{session_id}.",
    parser=StrictParser(),
    auth=[caller_get],
    docs=ReferencePage(),
    urls_namespace="api",
)
api.add_router("/sessions", sessions.router)
api.add_router("/sessions", states.router)
api.add_router("/tasks", tasks.router)


@api.exception_handler(VideoflowError)
def _refused(request: HttpRequest, error: VideoflowError) -> HttpResponse:
    return refused(error)


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return refused(NotFound())


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name each wrong field; a wrong part of the path is an address where nothing is."""
    if any(fault["loc"][0] == "path" for fault in error.errors):
        return refused(NotFound())
    plain = []
    for fault in error.errors:
        place, *loc = fault["loc"]
        plain.append({**fault, "loc": loc[1:] if place in {"body", "query"} and loc[:1] in (["body"], ["filters"]) else loc})
    return refused_fields(plain)


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What the parser refused comes wrapped; the sentence is inside."""
    if isinstance(error.__cause__, VideoflowError):
        return refused(error.__cause__)
    if isinstance(error.__cause__, RequestDataTooBig):
        return refusal_of(HttpResponse(status=413))
    return refusal_of(HttpResponse(status=error.status_code))


@api.exception_handler(IntegrityError)
def _conflict(request: HttpRequest, error: IntegrityError) -> HttpResponse:
    """Somebody deleted or made the same meanwhile."""
    return error_response(409, "CONFLICT", "This was changed or deleted meanwhile. Look again, then retry.", retryable=True)


@api.exception_handler(DatabaseError)
def _database_away(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    logger.error("database refused: %s", type(error).__name__, exc_info=error)
    return refusal_of(HttpResponse(status=503))


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("request failed unexpectedly: %s %s", request.method, request.path_info, exc_info=error)
    return refusal_of(HttpResponse(status=500))
