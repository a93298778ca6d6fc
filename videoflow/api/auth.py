"""Who calls: a program by its bearer token, a browser by its cookie, or a signed-in user. Nobody else sees anything."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja.utils import check_csrf

from videoflow.api.errors import CsrfFailed, NotFound
from videoflow.api.limits import REQUESTS_PER_ADDRESS, limit_check
from videoflow.pipeline.services import session_is_kept
from videoflow.sessions.accounts import address_of
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import COOKIE_NAME, bearer_read, session_is_over, session_touch, sessions_owned
from videoflow.tasks.models import Task

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The sessions that one request may touch."""

    address: str
    owned: QuerySet[CreatorSession]

    def session(self, session_id: UUID | str) -> CreatorSession:
        """Return the caller's session and count this as activity in it.

        Raises:
            NotFound: there is none, it is not theirs, or its 24 hours are over.
        """
        session = self.owned.filter(pk=uuid_read(session_id)).first()
        return self._opened(session)

    def task(self, task_id: UUID) -> Task:
        """Return a task of the caller's sessions.

        Raises:
            NotFound: as ``session`` does.
        """
        task = (
            Task.objects.select_related("session")
            .filter(pk=task_id, session__in=self.owned.order_by(), project__deleted_at__isnull=True)
            .first()
        )
        self._opened(task.session if task else None)
        assert task is not None
        return task

    def _opened(self, session: CreatorSession | None) -> CreatorSession:
        if session is None or (session_is_over(session) and not session_is_kept(session=session)):
            raise NotFound
        session_touch(session=session)
        return session


def uuid_read(text: UUID | str) -> UUID:
    """Return an id.

    Raises:
        NotFound: it is malformed, so nothing can have it.
    """
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        raise NotFound from None


def bearer_of(request: HttpRequest) -> str:
    """Return the bearer token of a request, empty when it brings none."""
    return bearer_read(request.headers.get("Authorization", ""))


def caller_of(request: HttpRequest) -> Caller:
    """Return what ``caller_get`` found out before the operation."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller


def caller_get(request: HttpRequest) -> Caller:
    """Return who calls; ninja asks this before each operation.

    A bearer token proves that a program meant the request. What comes with a cookie, or from a page without one, must prove
    that it is one of our own pages.

    Raises:
        CsrfFailed: it does not.
        SlowDown: the address has sent too many requests.
    """
    address = address_of(request)
    limit_check(f"address:{address}", per_minute=REQUESTS_PER_ADDRESS)
    bearer = bearer_of(request)
    if bearer:
        return Caller(address, sessions_owned(user=None, cookie="", bearer=bearer))
    cookie = request.COOKIES.get(COOKIE_NAME, "")
    if request.method not in SAFE:
        if cookie or request.user.is_authenticated:
            if check_csrf(request):
                raise CsrfFailed
        elif not _is_own_page(request):
            raise CsrfFailed
    return Caller(address, sessions_owned(user=request.user, cookie=cookie))


def _is_own_page(request: HttpRequest) -> bool:
    """Say whether a request without a cookie comes from a program or our own page, so that no other site sets our cookie."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
    return origin in settings.CSRF_TRUSTED_ORIGINS or urlsplit(origin).netloc == request.get_host()


caller_get.csrf = True  # type: ignore[attr-defined]  # the document page sends the token with what it tries out
