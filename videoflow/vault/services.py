"""Keys of outside services: written once, shown as their last four characters, opened only where the service is called."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.vault.crypto import VaultKeyWrong, is_current, seal, unseal
from videoflow.vault.models import Credential

SHORTEST, LONGEST = 8, 500  # characters of a key
MASK = "…"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose keys: the user's, or the session's as long as nobody signed in owns it."""

    session_id: UUID
    user_id: int | None = None

    def rows(self) -> QuerySet[Credential]:
        if self.user_id is not None:
            return Credential.objects.filter(user_id=self.user_id)
        return Credential.objects.filter(session_id=self.session_id)

    def context(self, provider: str) -> str:
        """Return what a sealed key is bound to."""
        owner = f"session:{self.session_id}" if self.user_id is None else f"user:{self.user_id}"
        return f"{owner}|{provider}"


def credential_set(*, owner: Owner, provider: str, secret: str) -> None:
    """Seal and keep a key, in place of the one before; the mask of the stored key leaves it as it is.

    Raises:
        BadInput: it cannot be a key.
    """
    secret = secret.strip()
    if secret.startswith(MASK):
        if secret == credential_masks(owner=owner, providers=[provider])[provider]:
            return
        raise BadInput("Enter the whole key: this is only its masked form.", code="KEY_MASKED")
    if not SHORTEST <= len(secret) <= LONGEST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise BadInput(
            f"A key has {SHORTEST} to {LONGEST} letters, digits and signs without blanks. Copy it again from the service's page.",
            code="KEY_INVALID",
        )
    facts = {
        "ciphertext": seal(secret, context=owner.context(provider)),
        "last4": secret[-4:],
        "rotated_at": timezone.now(),
    }
    owned = {"session_id": owner.session_id} if owner.user_id is None else {"user_id": owner.user_id}
    Credential.objects.update_or_create(provider=provider, **owned, defaults=facts)


def credential_delete(*, owner: Owner, provider: str) -> None:
    """Forget a key; nothing happens when there is none."""
    owner.rows().filter(provider=provider).delete()


def credential_masks(*, owner: Owner, providers: Iterable[str]) -> dict[str, str | None]:
    """Return "…last4" or None for each provider; one query, nothing is opened."""
    stored = dict(owner.rows().values_list("provider", "last4"))
    return {provider: f"{MASK}{stored[provider]}" if provider in stored else None for provider in providers}


def credential_read(*, owner: Owner, provider: str) -> str | None:
    """Return the key itself, or None when there is none. Only for the moment of a call to the service.

    Raises:
        VaultKeyWrong: the master key that sealed it is gone.
    """
    row = owner.rows().filter(provider=provider).first()
    return unseal(bytes(row.ciphertext), context=owner.context(provider)) if row else None


def credentials_claim(*, user_id: int) -> None:
    """Make the keys of sessions that have become the user's the user's own; one that the user has already stays as it is."""
    with transaction.atomic():
        for row in Credential.objects.select_for_update().filter(session__user_id=user_id).order_by("-rotated_at"):
            assert row.session_id is not None
            provider, owner = row.provider, Owner(session_id=row.session_id, user_id=user_id)
            if owner.rows().filter(provider=provider).exists():
                row.delete()
                continue
            try:
                secret = unseal(bytes(row.ciphertext), context=Owner(session_id=row.session_id).context(provider))
            except VaultKeyWrong:
                logger.warning("a key for %s could not be opened and stays with its session", provider)
                continue
            row.ciphertext = seal(secret, context=owner.context(provider))
            row.session_id, row.user_id = None, user_id
            row.save(update_fields=["ciphertext", "session", "user"])


def credentials_rotate() -> int:
    """Seal every key anew under the first master key and return how many were; older master keys can go afterwards.

    Raises:
        VaultKeyWrong: a key cannot be opened; everything stays as it was.
    """
    rotated = 0
    with transaction.atomic():
        for row in Credential.objects.select_for_update():
            if is_current(bytes(row.ciphertext)):
                continue
            owner = Owner(session_id=row.session_id or UUID(int=0), user_id=row.user_id)
            context = owner.context(row.provider)
            row.ciphertext = seal(unseal(bytes(row.ciphertext), context=context), context=context)
            row.rotated_at = timezone.now()
            row.save(update_fields=["ciphertext", "rotated_at"])
            rotated += 1
    return rotated
