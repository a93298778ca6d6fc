"""What signing in changes: whose the browser's sessions are, who may try a password, and whether a sign-in still holds."""

import hashlib
import math
import unicodedata
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from videoflow.sessions.models import AttemptCount, CreatorSession
from videoflow.sessions.services import token_hash

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

ATTEMPT_WINDOW = timedelta(minutes=15)
SIGN_INS_PER_NAME = 10  # failures of one name from one address in a window
SIGN_UPS_PER_ADDRESS = 20


def sessions_claim(*, user: "AbstractBaseUser", cookie: str) -> int:
    """Give the user what was made in this browser before; it lives until deleted. Return how many sessions that were."""
    if not cookie:
        return 0
    anonymous = CreatorSession.objects.filter(cookie_hash=token_hash(cookie), user__isnull=True)
    return anonymous.update(user_id=user.pk, cookie_hash="", expires_at=None, last_activity=timezone.now())


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from; behind the proxy that serves HTTPS, what the proxy itself has added last."""
    if settings.VIDEOFLOW_HTTPS:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))


def _attempt_key(what: str, address: str, name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return hashlib.sha256(f"{what}\n{address}\n{plain}".encode(errors="replace")).hexdigest()


def attempt_begin(*, what: str, address: str, name: str = "", limit: int) -> int:
    """Count an attempt before it is made, so that many at once are no way round; return 0, or the seconds to wait.

    A window begins with its first attempt. The counts are rows: they hold for every process, and while Redis is away.
    """
    now = timezone.now()
    key = _attempt_key(what, address, name)
    AttemptCount.objects.filter(since__lt=now - ATTEMPT_WINDOW).delete()
    row, _ = AttemptCount.objects.get_or_create(key=key, defaults={"since": now})
    if AttemptCount.objects.filter(key=key, count__lt=limit).update(count=F("count") + 1):
        return 0
    return max(1, math.ceil((row.since + ATTEMPT_WINDOW - now).total_seconds()))


def attempts_forget(*, what: str, address: str, name: str = "") -> None:
    """Begin to count anew, after a success."""
    AttemptCount.objects.filter(key=_attempt_key(what, address, name)).delete()


def user_of_sign_in(key: str) -> "AbstractBaseUser | AnonymousUser | None":
    """Return the user whose sign-in has this key (the value of Django's session cookie), None for no key.

    As for a page: it has not expired, the password is still the same, and the user is active.
    """
    if not key:
        return None
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)


def sign_ins_alive(keys: Collection[str]) -> set[str]:
    """Return those of the keys whose sign-in has neither ended nor expired; one query."""
    alive = Session.objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    return set(alive.values_list("session_key", flat=True))
