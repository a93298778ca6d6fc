"""A call that costs money: what is asked, what comes back, and what may be done when the answer is lost. Plain Python."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from videoflow.providers.base import Capability, ProviderError


class CallRefused(ProviderError):
    """The provider said no, or was never reached: nothing was done and nothing is charged.

    Raise it only where that is certain. Every other error of a call means that it may have been carried out and charged.
    """


class CallLost(ProviderError):
    """The provider does not know the job any more, whatever became of it."""


def request_hash(**facts: Any) -> str:
    """Return the hash of everything that decides an answer; never give it a credential."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished call, as the provider said it and before anybody has made sense of it."""

    body: bytes
    content_type: str = "application/json"
    charged_micros: int | None = None
    """Millionths of the call's currency; None when the provider does not say."""
    remote_id: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider has taken the work on and is asked for the result under this id."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class PaidCall:
    """One request that costs money.

    ``send(key)`` makes it, with ``key`` as the provider's idempotency key or as a mark on the job. It ends by its own deadline
    and is not given up when the task is cancelled: what was paid for is kept for the next attempt.
    """

    provider: str
    model: str
    capability: Capability
    purpose: str
    """What it is for in words a creator knows, the same each time: "speech of line 12"."""
    request_hash: str
    """Of everything that decides the answer, without the credential."""
    send: Callable[[str], Reply | Submitted]
    poll: Callable[[str], Reply | None] | None = None
    """``poll(remote_id)``: None while the provider works. CallRefused: the job failed and is not charged."""
    find: Callable[[str], Reply | Submitted | None] | None = None
    """``find(key)``: the job that carries this mark, None when there is none to be seen."""
    key_life: timedelta | None = None
    """How long the provider answers the same key with the same work; None when it knows no keys."""
    reserved_micros: int | None = None
    """What the call is expected to cost at most; None: ``units`` at the price that is known, if one is."""
    units: float | None = None
    """How many of the catalogue's price units it takes at most, e.g. 0.4 of 1,000 characters."""
    currency: str = "USD"
    run: int = 1
    """Raised when the creator wants another result for the same request."""
    poll_every_seconds: float = 2.0
    poll_for_seconds: float = 900.0
