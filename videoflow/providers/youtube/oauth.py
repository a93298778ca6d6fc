"""Sign-in with Google: PKCE, one-use state, scopes as they were granted, refresh and revoke."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from videoflow.errors import BadInput
from videoflow.providers.base import ProviderError
from videoflow.providers.net import Client, Connection, ServiceError
from videoflow.providers.youtube.errors import ReconnectNeeded, YouTubeBusy
from videoflow.sentences import Sentence

SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"
"""Covers uploads, captions, playlists and reading back; ``youtube.upload`` alone could do no more than upload."""
ANALYTICS_SCOPE = "https://www.googleapis.com/auth/yt-analytics.readonly"
"""Covers how long viewers stay; a channel whose owner unticks it works without those figures."""
_SPARE_SECONDS = 120.0
_ALL = range(200, 600)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The operator's registration with Google, and where Google is."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_url: str
    token_url: str
    revoke_url: str


@dataclass(frozen=True, slots=True)
class Granted:
    """What Google handed out; ``repr`` shows no token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scopes: tuple[str, ...]
    good_until: float
    """By this process's monotonic clock, so that a wrong wall clock changes nothing."""

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() < self.good_until


def state_make() -> str:
    return secrets.token_urlsafe(32)


def verifier_make() -> str:
    return secrets.token_urlsafe(64)


def consent_address(sign_in: SignIn, *, redirect_uri: str, state: str, verifier: str) -> str:
    """Return where the creator's browser goes to allow it."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": sign_in.client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": f"{SCOPE} {ANALYTICS_SCOPE}",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent select_account",
        "include_granted_scopes": "true",
    }
    return f"{sign_in.auth_url}?{urlencode(query)}"


def code_exchange(sign_in: SignIn, *, code: str, verifier: str, redirect_uri: str) -> Granted:
    """Return the tokens for a code.

    Raises:
        BadInput: the code is used up or not meant for this, a box was unticked, or no lasting permission came.
        ProviderError: Google does not answer, or does not know the studio.
    """
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
    answer = _ask(sign_in, form)
    if answer.get("error") == "invalid_grant":
        raise BadInput("Google does not know this answer any more. Press “Connect a channel” again.", code="CONNECT_REFUSED")
    scopes = tuple(str(answer.get("scope", "")).split())
    if SCOPE not in scopes:
        raise BadInput(
            "A box was left unticked at Google, so the studio could neither upload nor look after the video. "
            "Connect again and leave every box ticked.",
            code="SCOPE_MISSING",
        )
    if not answer.get("refresh_token"):
        raise BadInput(
            "Google gave a permission for an hour only. Remove the studio under myaccount.google.com/permissions, "
            "then connect again.",
            code="CONNECT_REFUSED",
        )
    return _granted(answer, str(answer["refresh_token"]))


def token_refresh(sign_in: SignIn, refresh_token: str) -> Granted:
    """Return a new access token.

    Raises:
        ReconnectNeeded: the permission was taken back or has run out.
        ProviderError: Google does not answer, or does not know the studio.
    """
    answer = _ask(sign_in, {"grant_type": "refresh_token", "refresh_token": refresh_token})
    if answer.get("error") == "invalid_grant":
        raise ReconnectNeeded("The channel's permission was taken back or has run out. Connect it again under Settings.")
    return _granted(answer, str(answer.get("refresh_token") or refresh_token))


def token_revoke(sign_in: SignIn, refresh_token: str) -> bool:
    """Give the permission back; False when Google does not know it any more."""
    client, path = _client(sign_in.revoke_url)
    answer = client.request("POST", path, data={"token": refresh_token}, accept=_ALL, deadline_seconds=20)
    return answer.status == 200


def _granted(answer: Mapping[str, Any], refresh_token: str) -> Granted:
    try:
        good_for = float(answer["expires_in"]) - _SPARE_SECONDS
        token, scopes = str(answer["access_token"]), tuple(str(answer.get("scope", "")).split())
    except (KeyError, ValueError, TypeError):
        raise ProviderError("Google answered the sign-in with something unexpected.", retryable=True) from None
    return Granted(token, refresh_token, scopes, time.monotonic() + good_for)


def _ask(sign_in: SignIn, form: Mapping[str, str]) -> dict[str, Any]:
    client, path = _client(sign_in.token_url)
    sent = {**form, "client_id": sign_in.client_id, "client_secret": sign_in.client_secret}
    try:
        answer = client.request("POST", path, data=sent, accept=_ALL, deadline_seconds=30, limit_bytes=100_000)
        body = answer.json() if answer.status < 500 and answer.status != 429 else None
    except ServiceError as error:
        raise YouTubeBusy("Google's sign-in does not answer at the moment.") from error
    if body is None:
        raise YouTubeBusy("Google's sign-in does not answer at the moment.")
    if not isinstance(body, dict):
        raise ProviderError("Google answered the sign-in with something unexpected.", retryable=True)
    if answer.status == 401 or body.get("error") in ("invalid_client", "unauthorized_client"):
        raise ProviderError(
            "Google does not know this studio: VIDEOFLOW_GOOGLE_CLIENT_ID and VIDEOFLOW_GOOGLE_CLIENT_SECRET do not "
            "belong together.",
            code="GOOGLE_CLIENT_WRONG",
        )
    if answer.status != 200 and body.get("error") != "invalid_grant":
        raise ProviderError(
            Sentence("Google refused the sign-in (%(reason)s).", reason=str(body.get("error", answer.status))[:60]),
            code="GOOGLE_REFUSED",
        )
    return body


def _client(url: str) -> tuple[Client, str]:
    parts = urlsplit(url)
    return Client(Connection("youtube", f"{parts.scheme}://{parts.netloc}")), parts.path
