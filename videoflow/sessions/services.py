"""Who owns which session: the browser's cookie, a program's bearer token, or a signed-in user."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils import timezone

from videoflow.sessions.models import CreatorSession, OneUseLink

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

COOKIE_NAME = "videoflow_creator"
COOKIE_AGE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie
SESSION_LIFE = timedelta(hours=24)  # contract: 24 hours after the last activity
ACTIVITY_STEP = timedelta(minutes=5)  # last_activity is written at most this often
LINK_LIFE = timedelta(hours=24)


def token_make() -> str:
    """Return a new 256-bit token, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the only form in which a token is kept. The token has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def sessions_owned(*, user: "AbstractBaseUser | AnonymousUser | None", cookie: str, bearer: str = "") -> QuerySet[CreatorSession]:
    """Return the sessions that the caller may use, newest first; none for a stranger."""
    owner = Q(pk__in=[])
    if cookie:
        owner |= Q(cookie_hash=token_hash(cookie), user__isnull=True)
    if bearer:
        owner |= Q(bearer_hash=token_hash(bearer))
    if user is not None and user.is_authenticated:
        owner |= Q(user_id=user.pk)
    return CreatorSession.objects.filter(owner).order_by("-created_at")


def session_create(
    *, user: "AbstractBaseUser | AnonymousUser | None" = None, cookie: str = "", bearer: str = ""
) -> CreatorSession:
    """Create a session bound to the given tokens; it expires 24 hours after its last activity unless a user owns it."""
    owner_id = user.pk if user is not None and user.is_authenticated else None
    return CreatorSession.objects.create(
        user_id=owner_id,
        cookie_hash=token_hash(cookie) if cookie else "",
        bearer_hash=token_hash(bearer) if bearer else "",
        expires_at=None if owner_id else timezone.now() + SESSION_LIFE,
    )


def session_touch(*, session: CreatorSession) -> None:
    """Note activity and slide the expiry, at most one write in five minutes."""
    now = timezone.now()
    if now - session.last_activity < ACTIVITY_STEP:
        return
    session.last_activity = now
    session.expires_at = None if session.user_id else now + SESSION_LIFE
    session.save(update_fields=["last_activity", "expires_at"])


def link_create(*, session: CreatorSession) -> str:
    """Return the token of a link that opens the session in one browser, once, within a day."""
    token = token_make()
    OneUseLink.objects.create(token_hash=token_hash(token), session=session, expires_at=timezone.now() + LINK_LIFE)
    return token


def link_use(*, token: str, cookie: str) -> CreatorSession | None:
    """Bind the link's session to the browser that holds ``cookie``; None when the link is unknown, used or too old."""
    now = timezone.now()
    links = OneUseLink.objects.filter(token_hash=token_hash(token))
    if not links.filter(used_at__isnull=True, expires_at__gt=now).update(used_at=now):
        return None
    session = links.select_related("session").get().session
    session.cookie_hash = token_hash(cookie)
    session.save(update_fields=["cookie_hash"])
    return session
