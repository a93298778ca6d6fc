from typing import Any

from django.core.management.base import BaseCommand, CommandError

from videoflow.errors import VideoflowError
from videoflow.vault.services import credentials_rotate


class Command(BaseCommand):
    help = "Seal all stored API keys under the first key of VIDEOFLOW_VAULT_KEYS; the keys after it can be taken out then."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = credentials_rotate()
        except VideoflowError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{count} stored keys were sealed anew." if count else "All stored keys were under the first key already."
        )
