from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from videoflow.pipeline.housekeeping import Swept, reports_sweep, sweep


class Command(BaseCommand):
    help = "Delete what nobody can need any more, as the dispatcher does once an hour; safe beside running tasks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be deleted.")
        parser.add_argument(
            "--days", type=int, metavar="N", help="Also delete the progress reports of tasks that ended more than N days ago."
        )

    def handle(self, *args: Any, dry_run: bool, days: int | None, **options: Any) -> None:
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("--days must be at least 1: progress of the last hour is still replayed to clients.")
        count = size_bytes = 0
        for swept in sweep(dry_run=dry_run):
            self._say(swept)
            count, size_bytes = count + swept.count, size_bytes + swept.size_bytes
        if days is not None:
            swept = reports_sweep(older_than=timedelta(days=days), dry_run=dry_run)
            self._say(swept)
            count += swept.count
        verb = "would be deleted" if dry_run else "deleted"
        self.stdout.write(f"{count} {verb}, {_size(size_bytes)} of files." if count else "Nothing to delete.")

    def _say(self, swept: Swept) -> None:
        size = f", {_size(swept.size_bytes)}" if swept.size_bytes else ""
        self.stdout.write(f"{swept.what}: {swept.count}{size}")


def _size(size_bytes: int) -> str:
    return filesizeformat(size_bytes).replace("\xa0", " ")
