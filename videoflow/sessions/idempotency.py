"""Replies kept by the caller's own key, so that a repeated request has one effect."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from videoflow.errors import VideoflowError
from videoflow.sessions.models import CreatorSession, IdempotencyKey

KEY_LIFE = timedelta(hours=24)


class KeyReused(VideoflowError):
    """The key stands for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


def _reply_of(kept: IdempotencyKey, request_hash: str) -> dict[str, Any]:
    if kept.request_hash != request_hash:
        raise KeyReused("This Idempotency-Key stands for another request. Use a new key for a new request.")
    return dict(kept.reply)


def reply_kept(*, session: CreatorSession, key: str, request_hash: str) -> dict[str, Any] | None:
    """Return the reply that was kept for this request within a day; None when there is none.

    Raises:
        KeyReused: the key was used with another request within a day.
    """
    kept = IdempotencyKey.objects.filter(session=session, key=key, created_at__gte=timezone.now() - KEY_LIFE).first()
    return _reply_of(kept, request_hash) if kept else None


def reply_once(
    *, session: CreatorSession, key: str, request_hash: str, act: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """Return the reply of ``act`` and False, or the kept reply of the first such request and True.

    ``act`` runs in the transaction that keeps its reply: the row is inserted first, so a request at the same time waits for it
    and then finds the reply; when ``act`` fails nothing is kept and the key stays free.

    Raises:
        KeyReused: the key was used with another request within a day.
    """
    rows = IdempotencyKey.objects.filter(session=session, key=key)
    try:
        with transaction.atomic():
            rows.filter(created_at__lt=timezone.now() - KEY_LIFE).delete()
            kept = rows.first()
            if kept is None:
                with transaction.atomic():
                    row = IdempotencyKey.objects.create(session=session, key=key, request_hash=request_hash)
                row.reply = act()
                row.save(update_fields=["reply"])
                return row.reply, False
    except IntegrityError:
        kept = rows.first()  # the other one of two at the same time
        if kept is None:
            raise
    return _reply_of(kept, request_hash), True


def keys_forget() -> None:
    """Delete the keys that are older than a day."""
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEY_LIFE).delete()
