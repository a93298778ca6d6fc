from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from videoflow.errors import VideoflowError
from videoflow.health.backup import backup_check, backup_make


class Command(BaseCommand):
    help = "Write rows, files and keys into one file, also while the studio runs; or compare such a file with its hashes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="The file to write, or a folder for videoflow-<date>-<time>.tar.")
        parser.add_argument("--without-keys", action="store_true", help="Leave the secret key and the vault's master keys out.")
        parser.add_argument("--check", action="store_true", help="Write nothing: read the backup there and compare all hashes.")

    def handle(self, *args: Any, path: Path, without_keys: bool, check: bool, **options: Any) -> None:
        try:
            report = backup_check(path) if check else backup_make(path, with_keys=not without_keys)
        except DatabaseError:
            raise CommandError("The database does not answer. Look at DATABASE_URL, and whether its server is running.") from None
        except VideoflowError as error:
            raise CommandError(str(error)) from error
        size = f"{report.size_bytes / 1e6:.1f} MB"
        self.stdout.write(f"{report.path}: {report.rows} rows, {report.files} files, {size}{', whole' if check else ''}.")
        for name in report.damaged:
            self.stdout.write(self.style.ERROR(f"! {name} is damaged here: its content is not what its name says."))
        if not report.has_files:
            self.stdout.write("Finished files lie in the bucket of VIDEOFLOW_STORAGE_URL: copy that too, after this backup.")
        if report.has_keys:
            self.stdout.write("It holds the studio's keys: whoever reads it can sign in as anybody and use the stored API keys.")
        else:
            self.stdout.write("It holds no keys: keep secret_key and vault_keys apart, stored API keys cannot be read without.")
