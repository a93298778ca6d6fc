from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from videoflow.errors import VideoflowError
from videoflow.health.backup import backup_restore


class Command(BaseCommand):
    help = "Make a studio of a backup, in an empty data folder and an empty database; every file is compared with its hash first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="The file that `manage.py backup` wrote.")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        try:
            report = backup_restore(path)
        except DatabaseError:
            raise CommandError("The database does not answer. Look at DATABASE_URL, and whether its server is running.") from None
        except VideoflowError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored {report.rows} rows and {report.files} files to {settings.VIDEOFLOW_DATA}; all are what was saved."
        )
        if report.keys_shut:
            self.stdout.write(
                self.style.ERROR(
                    f"! {report.keys_shut} of {report.keys_stored} stored API keys cannot be opened: put the master keys of the "
                    "old studio into the file vault_keys or VIDEOFLOW_VAULT_KEYS."
                )
            )
        elif report.keys_stored:
            self.stdout.write(f"All {report.keys_stored} stored API keys can be opened.")
