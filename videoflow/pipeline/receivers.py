"""Follow a sign-in: what was decided about money before it holds after it."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from videoflow.pipeline.budget import budgets_claim


@receiver(user_logged_in, dispatch_uid="pipeline.budgets_claim")
def budgets_follow(*, user: AbstractBaseUser, **_: Any) -> None:
    """Let the limits that were set before the sign-in go on holding after it."""
    budgets_claim(user_id=user.pk)
