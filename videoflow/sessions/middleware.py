from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import (
    COOKIE_AGE_SECONDS,
    COOKIE_NAME,
    bearer_read,
    session_create,
    sessions_owned,
    sessions_touch,
    token_make,
)


class Creator:
    """Who is behind a request: their token and their sessions, looked up when first asked for.

    A program's bearer token stands alone: what the request's cookie would open besides stays shut.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.bearer = bearer_read(request.headers.get("Authorization", ""))
        self.cookie = request.COOKIES.get(COOKIE_NAME, "")
        self.cookie_is_new = False
        self._is_touched = False
        self._session: CreatorSession | None = None

    @property
    def sessions(self) -> QuerySet[CreatorSession]:
        """All sessions of this creator, newest first. Asking for them counts as activity in each."""
        if self.bearer:
            owned = sessions_owned(user=None, cookie="", bearer=self.bearer)
        else:
            owned = sessions_owned(user=self._request.user, cookie=self.cookie)
        if not self._is_touched and self._is_known:
            self._is_touched = True
            sessions_touch(sessions=owned)
        return owned

    @property
    def session_ids(self) -> list[UUID]:
        """The ids of all sessions of this creator, for lists that may be long: of a query the database mistakes their length."""
        return list(self.sessions.values_list("pk", flat=True))

    @property
    def _is_known(self) -> bool:
        return bool(self.bearer) or bool(self.cookie and not self.cookie_is_new) or self._request.user.is_authenticated

    def token(self) -> str:
        """Return the browser's token, made now if it has none yet."""
        if not self.cookie:
            self.cookie = token_make()
            self.cookie_is_new = True
        return self.cookie

    @property
    def session_or_none(self) -> CreatorSession | None:
        if self._session is None:
            self._session = self.sessions.first()
        return self._session

    @property
    def session(self) -> CreatorSession:
        """Return the creator's newest session, made now if there is none. Only for requests that may write."""
        if self.session_or_none is None:
            self._session = session_create(user=self._request.user, cookie=self.token())
        assert self._session is not None
        return self._session


class Request(HttpRequest):
    """What middleware adds to a request; views take this type."""

    htmx: HtmxDetails
    creator: Creator


class CreatorMiddleware:
    """Set ``request.creator`` and send the browser its token when one was made."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        creator = Creator(request)
        request.creator = creator  # type: ignore[attr-defined]
        response = self.get_response(request)
        if creator.cookie_is_new:
            response.set_cookie(
                COOKIE_NAME,
                creator.cookie,
                max_age=COOKIE_AGE_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response
