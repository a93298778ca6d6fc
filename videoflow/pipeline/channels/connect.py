"""Connect a channel: the browser goes to Google and comes back, or its owner pastes the address that did not open."""

import hashlib
import logging
import zoneinfo
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.channels.access import owner_of, sign_in, token_forget, token_keep, youtube_with
from videoflow.pipeline.models import Channel, ConnectAttempt
from videoflow.providers.youtube.oauth import code_exchange, consent_address, state_make, token_revoke, verifier_make
from videoflow.sessions.models import CreatorSession
from videoflow.vault.crypto import seal, unseal
from videoflow.vault.services import credential_delete, credential_read

ATTEMPT_LIFE = timedelta(hours=1)
_CONTEXT = "youtube connect"
Released = Literal["given_back", "kept", "untold"]
"""What became of a permission: Google has it back, another connection lives on it, or Google could not be told."""

logger = logging.getLogger(__name__)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def zone_known(name: str) -> str:
    """Return the name of a time zone that is one; UTC for any other text."""
    return name if name in zoneinfo.available_timezones() else "UTC"


def connect_begin(*, session: CreatorSession, browser: str, redirect_uri: str, zone: str = "UTC") -> str:
    """Return Google's address for this attempt; only the browser with this cookie can finish it, once, within an hour.

    Raises:
        BadInput: the studio is not registered with Google.
    """
    known, state, verifier = sign_in(), state_make(), verifier_make()
    ConnectAttempt.objects.filter(created_at__lt=timezone.now() - ATTEMPT_LIFE).delete()
    ConnectAttempt.objects.create(
        state_hash=_hash(state),
        browser_hash=_hash(browser),
        session=session,
        verifier_sealed=seal(verifier, context=_CONTEXT),
        redirect_uri=redirect_uri,
        time_zone=zone_known(zone),
    )
    return consent_address(known, redirect_uri=redirect_uri, state=state, verifier=verifier)


def answer_read(text: str) -> dict[str, str]:
    """Return ``state``, ``code`` and ``error`` of an address that a browser came back to, or could not open."""
    return {name: values[0] for name, values in parse_qs(urlsplit(text.strip()).query).items()}


def connect_finish(*, browser: str, answer: dict[str, str]) -> Channel:
    """Exchange the code and keep the channel.

    Raises:
        BadInput: refused at Google, an unknown, used or foreign state, an unticked box, or an account without a channel.
        ProviderError: Google does not answer.
    """
    state = answer.get("state", "")
    now = timezone.now()
    attempts = ConnectAttempt.objects.filter(
        state_hash=_hash(state), browser_hash=_hash(browser), used_at__isnull=True, created_at__gt=now - ATTEMPT_LIFE
    )
    if not state or not attempts.update(used_at=now):
        raise BadInput(
            _("This answer from Google belongs to another browser, was used already, or is older than an hour. Connect again."),
            code="STATE_UNKNOWN",
        )
    if answer.get("error") or not answer.get("code"):
        raise BadInput(_("The permission was not given at Google, so nothing was connected."), code="CONNECT_REFUSED")
    attempt = ConnectAttempt.objects.select_related("session").get(state_hash=_hash(state))
    verifier = unseal(bytes(attempt.verifier_sealed), context=_CONTEXT)
    known = sign_in()
    granted = code_exchange(known, code=answer["code"], verifier=verifier, redirect_uri=attempt.redirect_uri)
    facts = youtube_with(lambda *, renew: granted.access_token).channel_mine()
    channel, _made = Channel.objects.update_or_create(
        session=attempt.session,
        channel_id=facts.channel_id,
        defaults={
            "title": facts.title,
            "uploads_playlist": facts.uploads_playlist,
            "scopes": list(granted.scopes),
            "state": Channel.State.CONNECTED,
            "problem": "",
            "connected_at": now,
        },
        create_defaults={
            "title": facts.title,
            "uploads_playlist": facts.uploads_playlist,
            "scopes": list(granted.scopes),
            "time_zone": attempt.time_zone,
        },
    )
    token_keep(channel, granted)
    return channel


def channel_release(channel: Channel) -> Released:
    """Forget a channel's permission here, and give it back to Google unless the channel is connected elsewhere in the studio.

    Google ends every permission of the same account at once, so giving back one would take the other's too.
    """
    owner = owner_of(channel)
    others = Channel.objects.filter(channel_id=channel.channel_id, state=Channel.State.CONNECTED).exclude(pk=channel.pk)
    token_forget(channel)
    if owner.user_id is not None and others.filter(session__user_id=owner.user_id).exists():
        return "kept"  # they share the stored permission too
    try:
        stored = credential_read(owner=owner, provider=channel.credential_name)
        if others.exists():
            return "kept"
        return "given_back" if stored and token_revoke(sign_in(), stored) else "untold"
    except VideoflowError as error:
        logger.warning("the permission of channel %s could not be given back: %s", channel.channel_id, error.code)
        return "untold"
    finally:
        credential_delete(owner=owner, provider=channel.credential_name)


def channel_disconnect(channel: Channel) -> Released:
    """Let a channel go; what was published stays as it is."""
    released = channel_release(channel)
    Channel.objects.filter(pk=channel.pk).update(state=Channel.State.LOST, problem=_("Disconnected."))
    return released
