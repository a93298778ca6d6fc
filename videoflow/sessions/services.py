"""Who owns which session: the browser's cookie, a program's bearer token, or a signed-in user."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from videoflow.sessions.models import CreatorSession, OneUseLink

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

COOKIE_NAME = "videoflow_creator"
COOKIE_AGE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie
SESSION_LIFE = timedelta(hours=24)  # contract: 24 hours after the last activity
ACTIVITY_STEP = timedelta(minutes=1)  # last_activity is written at most this often
LINK_LIFE = timedelta(hours=24)
CLOSED = datetime(1970, 1, 1, tzinfo=UTC)  # expires_at of a session whose deletion has begun


def token_make() -> str:
    """Return a new 256-bit token, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the only form in which a token is kept. The token has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def bearer_read(authorization: str) -> str:
    """Return the token of an Authorization header, empty when it has none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def sessions_owned(*, user: "AbstractBaseUser | AnonymousUser | None", cookie: str, bearer: str = "") -> QuerySet[CreatorSession]:
    """Return the sessions that the caller may use, newest first; none for a stranger.

    Where signing in is required, what nobody signed in has made belongs to nobody until its browser signs in.
    """
    owner = Q(pk__in=[])
    if cookie:
        owner |= Q(cookie_hash=token_hash(cookie), user__isnull=True)
    if bearer:
        owner |= Q(bearer_hash=token_hash(bearer))
    if user is not None and user.is_authenticated:
        owner |= Q(user_id=user.pk)
    if settings.VIDEOFLOW_REQUIRE_LOGIN:
        owner &= Q(user__isnull=False)
    return CreatorSession.objects.filter(owner).order_by("-created_at")


def session_create(
    *, user: "AbstractBaseUser | AnonymousUser | None" = None, cookie: str = "", bearer: str = ""
) -> CreatorSession:
    """Create a session bound to the given tokens; it expires 24 hours after its last activity unless a user owns it."""
    owner_id = user.pk if user is not None and user.is_authenticated else None
    now = timezone.now()
    return CreatorSession.objects.create(
        user_id=owner_id,
        cookie_hash=token_hash(cookie) if cookie else "",
        bearer_hash=token_hash(bearer) if bearer else "",
        created_at=now,
        last_activity=now,
        expires_at=None if owner_id else now + SESSION_LIFE,
    )


def session_touch(*, session: CreatorSession) -> None:
    """Note activity and slide the expiry, at most one write a minute; a session that was claimed or closed meanwhile stays so."""
    now = timezone.now()
    if now - session.last_activity < ACTIVITY_STEP:
        return
    expires_at = None if session.user_id else now + SESSION_LIFE
    same = CreatorSession.objects.filter(
        Q(user=session.user_id), pk=session.pk, last_activity=session.last_activity, expires_at=session.expires_at
    )
    if same.update(last_activity=now, expires_at=expires_at):
        session.last_activity, session.expires_at = now, expires_at


def sessions_touch(*, sessions: QuerySet[CreatorSession]) -> None:
    """Note activity in all of these sessions; one read, and a write at most once a minute."""
    now = timezone.now()
    stale = sessions.order_by().filter(last_activity__lt=now - ACTIVITY_STEP)
    if stale.exists():
        stale.filter(user__isnull=False).update(last_activity=now)
        stale.filter(user__isnull=True).update(last_activity=now, expires_at=now + SESSION_LIFE)


def sessions_expired() -> QuerySet[CreatorSession]:
    """Return the sessions whose 24 hours are over. ``last_activity`` may lag by a step, which is therefore granted."""
    return CreatorSession.objects.filter(expires_at__lt=timezone.now() - ACTIVITY_STEP)


def session_is_over(session: CreatorSession) -> bool:
    """Say whether the session's 24 hours have passed."""
    return session.expires_at is not None and session.expires_at < timezone.now()


def preferences_set(*, session: CreatorSession, changes: Mapping[str, Any]) -> CreatorSession:
    """Merge preferences into the stored ones; None deletes one."""
    with transaction.atomic():
        row = CreatorSession.objects.select_for_update(no_key=True).get(pk=session.pk)
        merged = {**row.preferences, **changes}
        row.preferences = {name: value for name, value in merged.items() if value is not None}
        row.save(update_fields=["preferences"])
    return row


def session_close(*, session: CreatorSession) -> None:
    """Let nobody in any more; what belongs to the session is deleted after this, by the sweeper if this process dies first."""
    CreatorSession.objects.filter(pk=session.pk).update(cookie_hash="", bearer_hash="", user=None, expires_at=CLOSED)


def session_is_closed(session: CreatorSession) -> bool:
    return session.expires_at == CLOSED


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
