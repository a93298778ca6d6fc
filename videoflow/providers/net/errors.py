"""What can go wrong with a service: five kinds, each with a sentence that is safe to show and a machine-readable reason."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote

from videoflow.providers.base import ProviderError
from videoflow.sentences import Sentence

_SAID_LENGTH = 200
_REASON = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{1,79}")
_QUERY = re.compile(r"(https?://[^\s?\"'<>]*)\?[^\s\"'<>]*")
_NO_CREDIT = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached", "quota_exceeded", "quotaExceeded"})


class ServiceError(ProviderError):
    """An outside service could not do what it was asked. ``details`` has ``service``, ``status`` and ``reason``."""

    code = "SERVICE_FAILED"
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        service: str,
        status: int | None = None,
        reason: str = "",
        retryable: bool | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(
            message,
            code=code,
            retryable=self.default_retryable if retryable is None else retryable,
            details={"service": service, "status": status, "reason": reason},
        )
        self.service, self.status, self.reason = service, status, reason


class ServiceUnreachable(ServiceError):
    """Nothing was sent: no such name, no connection, an address that is not allowed. Nothing is charged."""

    code = "SERVICE_UNREACHABLE"
    default_retryable = True


class ServiceTimeout(ServiceError):
    """No whole answer before the deadline, or one that came too slowly. It may have been carried out."""

    code = "SERVICE_TIMEOUT"
    default_retryable = True


class ServiceBusy(ServiceError):
    """Too many requests, or the service is overloaded; ``retry_after_seconds`` is None when it did not say."""

    code = "SERVICE_BUSY"
    default_retryable = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after_seconds = retry_after_seconds
        self.details["retry_after_seconds"] = retry_after_seconds


class ServiceRefused(ServiceError):
    """The service understood and said no; asking the same again is of no use."""

    code = "SERVICE_REFUSED"


class ServiceBroken(ServiceError):
    """An answer that is none: a fault of the service, cut off, not what it says it is. It may have been carried out."""

    code = "SERVICE_BROKEN"
    default_retryable = True


def retry_after_read(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait from ``retry-after-ms`` or either form of ``retry-after``; None when neither can be read."""
    for name, share in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
            return float(value) * share
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())


def reason_read(body: bytes) -> tuple[str, str]:
    """Return the machine-readable reason and the message of an error's body; both empty when it has none.

    Reads the shapes of OpenAI, Anthropic, Google, ElevenLabs, FastAPI and plain ``{"error": "…"}``, the narrowest reason first.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return "", ""
    error = answer.get("error") or answer.get("detail") or answer.get("errors") or answer
    if isinstance(error, list):
        error = error[0] if error else {}
    if isinstance(error, str):
        return (error if _REASON.fullmatch(error) else ""), str(answer.get("message") or answer.get("error_description") or error)
    if not isinstance(error, dict):
        return "", ""
    inner = [entry for name in ("details", "errors") for entry in _dicts(error.get(name))]
    found = [entry.get("reason") for entry in inner] + [error.get(name) for name in ("code", "status", "type", "reason")]
    reason = next((value for value in found if isinstance(value, str) and _REASON.fullmatch(value)), "")
    message = error.get("message") or error.get("msg") or ""
    return reason, message if isinstance(message, str) else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _retry_delay(body: bytes) -> float | None:
    """Return the seconds of Google's ``RetryInfo``, e.g. ``"retryDelay": "34s"``."""
    match = re.search(rb'"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d{1,9})?)s"', body)
    return float(match[1]) if match else None


def said(message: str, key: str) -> str:
    """Return what a service said as a sentence of ours: short, on one line, without the key and without queries of addresses."""
    text = "".join(letter if letter.isprintable() else " " for letter in message)
    for secret in {key, quote(key, safe=""), quote(key)} - {""}:
        text = text.replace(secret, "…")
    text = " ".join(_QUERY.sub(r"\1", text).split())
    return Sentence(" It said: “%(words)s”.", words=text[:_SAID_LENGTH]) if text else ""


def status_error(
    *, service: str, label: str, status: int, headers: Mapping[str, str], body: bytes, key: str = ""
) -> ServiceError:
    """Return the error that a status means."""
    reason, message = reason_read(body)
    words = said(message, key)
    facts: dict[str, Any] = {"service": service, "status": status, "reason": reason}
    if status == 402 or (status in {403, 429} and reason in _NO_CREDIT):
        return ServiceRefused(
            Sentence("%(label)s says that the account has no credit left.%(words)s", label=label, words=words), **facts
        )
    if status in {429, 503, 529}:
        wait = retry_after_read(headers)
        wait = _retry_delay(body) if wait is None else wait
        when = Sentence(" It asks to wait %(seconds)s s.", seconds=f"{wait:.0f}") if wait else ""
        return ServiceBusy(
            Sentence("%(label)s is busy (%(status)s).%(when)s%(words)s", label=label, status=status, when=when, words=words),
            retry_after_seconds=wait,
            **facts,
        )
    if status == 408:
        return ServiceTimeout(
            Sentence("%(label)s gave up waiting (%(status)s).%(words)s", label=label, status=status, words=words), **facts
        )
    if status >= 500:
        return ServiceBroken(
            Sentence("%(label)s has a fault of its own (%(status)s).%(words)s", label=label, status=status, words=words), **facts
        )
    if status in {401, 403} and not words:
        return ServiceRefused(
            Sentence(
                "%(label)s does not accept the key, or not for this (%(status)s). Check it in the settings.",
                label=label,
                status=status,
            ),
            **facts,
        )
    if 300 <= status < 400:
        return ServiceRefused(
            Sentence(
                "%(label)s sends us to another address (%(status)s). Check the address that the operator set for it.",
                label=label,
                status=status,
            ),
            **(facts | {"reason": "redirect"}),
        )
    if status < 300:
        return ServiceBroken(
            Sentence(
                "%(label)s answered with an unexpected status (%(status)s).%(words)s", label=label, status=status, words=words
            ),
            **facts,
        )
    return ServiceRefused(
        Sentence("%(label)s refused this (%(status)s).%(words)s", label=label, status=status, words=words), **facts
    )
