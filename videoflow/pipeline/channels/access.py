"""A channel's way to YouTube: its permission from the vault, its quota from the books."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from videoflow.errors import BadInput
from videoflow.pipeline.models import Channel, Project, QuotaUse
from videoflow.providers.base import CancelCheck
from videoflow.providers.youtube.api import Token, YouTube
from videoflow.providers.youtube.errors import QuotaSpent, ReconnectNeeded
from videoflow.providers.youtube.oauth import ANALYTICS_SCOPE, Granted, SignIn, token_refresh
from videoflow.providers.youtube.quota import Bucket, quota_day, quota_reset
from videoflow.sentences import Sentence, sentences_joined
from videoflow.vault.services import Owner, credential_read, credential_set

TESTING_LIFE = (timedelta(days=6, hours=12), timedelta(days=8))
"""Permissions of Google projects in "Testing" end after seven days."""

logger = logging.getLogger(__name__)


class _Tokens:
    """Access tokens of this process, by channel; they live an hour and are kept nowhere else."""

    granted: dict[UUID, Granted] = {}


def sign_in() -> SignIn:
    """Return the operator's registration with Google.

    Raises:
        BadInput: there is none; the sentence says exactly what to set.
    """
    if not (settings.VIDEOFLOW_GOOGLE_CLIENT_ID and settings.VIDEOFLOW_GOOGLE_CLIENT_SECRET):
        raise BadInput(
            _("This studio is not registered with Google. Set VIDEOFLOW_GOOGLE_CLIENT_ID and VIDEOFLOW_GOOGLE_CLIENT_SECRET."),
            code="GOOGLE_CLIENT_MISSING",
        )
    return SignIn(
        settings.VIDEOFLOW_GOOGLE_CLIENT_ID,
        settings.VIDEOFLOW_GOOGLE_CLIENT_SECRET,
        settings.VIDEOFLOW_GOOGLE_AUTH_URL,
        settings.VIDEOFLOW_GOOGLE_TOKEN_URL,
        settings.VIDEOFLOW_GOOGLE_REVOKE_URL,
    )


def is_registered() -> bool:
    return bool(settings.VIDEOFLOW_GOOGLE_CLIENT_ID and settings.VIDEOFLOW_GOOGLE_CLIENT_SECRET)


def channels_of(project: Project) -> QuerySet[Channel]:
    """Return the channels that a project's creator connected."""
    session = project.session
    owned = Q(session=session)
    if session.user_id is not None:
        owned |= Q(session__user_id=session.user_id)
    return Channel.objects.filter(owned)


def owner_of(channel: Channel) -> Owner:
    return Owner(session_id=channel.session_id, user_id=channel.session.user_id)


def reads_statistics(channel: Channel) -> bool:
    """Say whether a channel's permission covers how long viewers stay."""
    return ANALYTICS_SCOPE in channel.scopes


def token_keep(channel: Channel, granted: Granted) -> None:
    """Keep what Google handed out: the lasting part in the vault, the hour's part in memory."""
    credential_set(owner=owner_of(channel), provider=channel.credential_name, secret=granted.refresh_token)
    _Tokens.granted[channel.pk] = granted


def token_forget(channel: Channel) -> None:
    _Tokens.granted.pop(channel.pk, None)


def channel_lose(channel: Channel) -> ReconnectNeeded:
    """Note that a channel's permission is gone, and return what its owner is told."""
    age = timezone.now() - channel.connected_at
    reason: str = Sentence(
        "Google does not accept the permission for “%(title)s” any more. Connect the channel again.", title=channel.title
    )
    if TESTING_LIFE[0] <= age <= TESTING_LIFE[1]:
        reason = sentences_joined(
            reason,
            Sentence(
                "It was a week old: Google ends permissions after seven days as long as the Google project's publishing status "
                "is “Testing”. Its operator can set it to “In production”."
            ),
        )
    Channel.objects.filter(pk=channel.pk).update(state=Channel.State.LOST, problem=reason)
    token_forget(channel)
    return ReconnectNeeded(reason, details={"channel": str(channel.pk)})


def token_of(channel: Channel) -> Token:
    """Return what gives a channel's access token, refreshed when it has run out or when asked to."""

    def token(*, renew: bool) -> str:
        granted = _Tokens.granted.get(channel.pk)
        if granted is not None and granted.is_fresh and not renew:
            return granted.access_token
        stored = credential_read(owner=owner_of(channel), provider=channel.credential_name)
        if stored is None:
            raise channel_lose(channel)
        try:
            granted = token_refresh(sign_in(), stored)
        except ReconnectNeeded as error:
            raise channel_lose(channel) from error
        if granted.refresh_token != stored:
            credential_set(owner=owner_of(channel), provider=channel.credential_name, secret=granted.refresh_token)
        _Tokens.granted[channel.pk] = granted
        return granted.access_token

    return token


def youtube_with(token: Token, cancelled: CancelCheck = lambda: False) -> YouTube:
    base = settings.VIDEOFLOW_SERVICE_URLS["youtube"]
    return YouTube(base, token=token, spend=quota_spend, now=timezone.now, cancelled=cancelled)


def youtube_for(channel: Channel, cancelled: CancelCheck = lambda: False) -> YouTube:
    """Return a channel's way to the API."""
    return youtube_with(token_of(channel), cancelled)


# Quota


def quota_limits() -> dict[Bucket, int]:
    return {
        "units": settings.VIDEOFLOW_YOUTUBE_QUOTA_UNITS,
        "uploads": settings.VIDEOFLOW_YOUTUBE_QUOTA_UPLOADS,
        "searches": settings.VIDEOFLOW_YOUTUBE_QUOTA_SEARCHES,
    }


def _quota_row(bucket: Bucket, now: datetime, client: str = "") -> QuotaUse:
    client = client or hashlib.sha256(settings.VIDEOFLOW_GOOGLE_CLIENT_ID.encode()).hexdigest()[:16]
    row, _made = QuotaUse.objects.get_or_create(client=client, bucket=bucket, day=quota_day(now))
    return row


def quota_spend(bucket: Bucket, cost: int, *, client: str = "") -> None:
    """Book a cost before its call is made; ``client`` is the API project's hash, without it the operator's registration.

    Raises:
        QuotaSpent: the day's allowance does not hold it; nothing is sent.
    """
    now = timezone.now()
    row = _quota_row(bucket, now, client)
    room = QuotaUse.objects.filter(pk=row.pk, is_spent=False, used__lte=quota_limits()[bucket] - cost)
    if not room.update(used=F("used") + cost):
        raise QuotaSpent(bucket, now=now, is_told=False)


def quota_left(*, client: str = "") -> dict[Bucket, int]:
    """Return what today's allowances still hold."""
    now, left = timezone.now(), {}
    for bucket, limit in quota_limits().items():
        row = _quota_row(bucket, now, client)
        left[bucket] = 0 if row.is_spent else max(0, limit - row.used)
    return left


def quota_full_at() -> datetime:
    return quota_reset(timezone.now())


@contextmanager
def quota_told(*, client: str = "") -> Iterator[None]:
    """Write down when YouTube says that an allowance is used up, so that nobody asks in vain until it is full again."""
    try:
        yield
    except QuotaSpent as error:
        if error.is_told:
            row = _quota_row(error.bucket, timezone.now(), client)
            QuotaUse.objects.filter(pk=row.pk).update(is_spent=True)
            logger.warning("the day's allowance of %s is used up, says YouTube", error.bucket)
        raise
