"""Follow a sign-in: sessions and the vault stand beside each other, so a signal of Django's own joins the two."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from videoflow.vault.services import credentials_claim


@receiver(user_logged_in, dispatch_uid="vault.keys_claim")
def keys_claim(*, user: AbstractBaseUser, **_: Any) -> None:
    """Let the keys that were entered before the sign-in go on working after it."""
    credentials_claim(user_id=user.pk)
