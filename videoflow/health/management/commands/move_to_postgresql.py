import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from videoflow.env import database_settings
from videoflow.errors import VideoflowError
from videoflow.health.supervisor import StudioLock
from videoflow.postgresql.moving import TARGET, database_move


class Command(BaseCommand):
    help = (
        "Copy every row of the data folder's database to an empty PostgreSQL one and compare them there. The studio must be "
        "stopped; the old database is only read. Files stay in the data folder."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--to", help="postgresql://user:password@host:5432/name")
        where.add_argument(
            "--to-file", type=Path, help="A file with that address, which other users cannot read off the command."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Do it all, compare, and take it back: only empty tables stay."
        )

    def handle(self, *args: Any, to: str | None, to_file: Path | None, dry_run: bool, **options: Any) -> None:
        try:
            address = to_file.read_text(encoding="utf-8").strip() if to_file else to or ""
            StudioLock(settings.VIDEOFLOW_DATA).take(
                address=""
            )  # until this process ends: what a studio writes now would be lost
            connections.settings[TARGET] = {
                **database_settings(address, sqlite_file=settings.VIDEOFLOW_DATA / "unused"),
                "DISABLE_SERVER_SIDE_CURSORS": False,  # all is one transaction, and a million rows are read a few at a time
            }
            connections.configure_settings(connections.settings)
            try:
                moved = database_move(tell=self.stdout.write, dry_run=dry_run)
            finally:
                connections[TARGET].close()
                del connections[TARGET]
        except (VideoflowError, ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error)) from error
        rows = sum(moved.values())
        if dry_run:
            self.stdout.write(f"Dry run: all {rows} rows would arrive as they are. Run it again without --dry-run.")
            return
        self.stdout.write(
            f"Moved {rows} rows. Set DATABASE_URL to the new database and start the studio. The old database is as it was.\n"
            f"Files are not in it: they stay in {settings.MEDIA_ROOT} (storage_copy brings them into a bucket), and the keys in "
            f"{settings.VIDEOFLOW_DATA}. Keep both."
        )
