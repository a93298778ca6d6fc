"""Keys of outside services: written once, shown as their last four characters, opened only where the service is called."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.sentences import Sentence
from videoflow.vault.crypto import VaultKeyWrong, is_current, seal, unseal
from videoflow.vault.models import Credential

SHORTEST, LONGEST = 8, 600  # characters of a key; a permission of Google has up to 512
LONGEST_LABEL = 80  # characters
MASK = "…"
USE_NOTED_EVERY = timedelta(minutes=1)
"""A stage that calls a service a hundred times writes down once a minute that its key was used."""

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


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What may be shown of a key; ``problem`` says why it cannot be opened, empty when it can."""

    provider: str
    mask: str
    label: str
    created_at: datetime
    last_used_at: datetime | None
    problem: str = ""


def credential_set(*, owner: Owner, provider: str, secret: str, label: str = "") -> None:
    """Seal and keep a key, in place of the one before; the mask of the stored key leaves it as it is.

    Raises:
        BadInput: it cannot be a key.
    """
    secret, label = secret.strip(), " ".join(label.split())[:LONGEST_LABEL]
    if secret.startswith(MASK):
        if secret == credential_masks(owner=owner, providers=[provider])[provider]:
            return
        raise BadInput("Enter the whole key: this is only its masked form.", code="KEY_MASKED")
    if not SHORTEST <= len(secret) <= LONGEST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise BadInput(
            Sentence(
                "A key has %(shortest)s to %(longest)s letters, digits and signs without blanks. Copy it again "
                "from the service's page.",
                shortest=SHORTEST,
                longest=LONGEST,
            ),
            code="KEY_INVALID",
        )
    now = timezone.now()
    facts = {
        "ciphertext": seal(secret, context=owner.context(provider)),
        "last4": secret[-4:],
        "label": label,
        "created_at": now,
        "rotated_at": now,
        "last_used_at": None,
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


def credentials_stored(*, owner: Owner) -> dict[str, StoredKey]:
    """Return what may be shown of the owner's keys, by provider; one query. Each is opened to see whether it can be."""
    return {
        row.provider: StoredKey(
            row.provider, f"{MASK}{row.last4}", row.label, row.created_at, row.last_used_at, _problem(row, owner.context)
        )
        for row in owner.rows()
    }


def credential_read(*, owner: Owner, provider: str) -> str | None:
    """Return the key itself, or None when there is none, and note its use. Only for the moment of a call to the service.

    Raises:
        VaultKeyWrong: the master key that sealed it is gone.
    """
    row = owner.rows().filter(provider=provider).first()
    if row is None:
        return None
    secret = unseal(bytes(row.ciphertext), context=owner.context(provider))
    now = timezone.now()
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    Credential.objects.filter(unnoted, pk=row.pk).update(last_used_at=now)
    return secret


def _problem(row: Credential, context: Callable[[str], str]) -> str:
    try:
        unseal(bytes(row.ciphertext), context=context(row.provider))
    except VaultKeyWrong as error:
        return str(error)
    return ""


def _owner_of(row: Credential) -> Owner:
    return Owner(session_id=row.session_id or UUID(int=0), user_id=row.user_id)


def credentials_count() -> tuple[int, int]:
    """Return how many keys are stored, and how many of them no master key opens."""
    rows = list(Credential.objects.all())
    return len(rows), sum(bool(_problem(row, _owner_of(row).context)) for row in rows)


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
            context = _owner_of(row).context(row.provider)
            row.ciphertext = seal(unseal(bytes(row.ciphertext), context=context), context=context)
            row.rotated_at = timezone.now()
            row.save(update_fields=["ciphertext", "rotated_at"])
            rotated += 1
    return rotated
