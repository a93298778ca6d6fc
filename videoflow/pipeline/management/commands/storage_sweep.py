from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from videoflow.errors import VideoflowError
from videoflow.pipeline.segment_cache import segment_name, segments_excess, segments_prune
from videoflow.pipeline.storage_upkeep import orphans_remove, storage_orphans


class Command(BaseCommand):
    help = (
        "Delete stored files that no row names any more and that nobody wrote for a day, and the coded segments that were used "
        "longest ago beyond VIDEOFLOW_SHARED_PARTS_BYTES. The dispatcher does it once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        count = size_bytes = 0
        try:
            orphans = storage_orphans()
            for entry in orphans if dry_run else orphans_remove(orphans):
                self.stdout.write(f"{entry.changed_at:%Y-%m-%d %H:%M}  {entry.size_bytes:>12}  {entry.name}")
                count += 1
                size_bytes += entry.size_bytes
            excess = segments_excess()
            for row in excess:
                self.stdout.write(f"{row.used_at:%Y-%m-%d %H:%M}  {row.size_bytes:>12}  {segment_name(row.sha256)}")
                count += 1
                size_bytes += row.size_bytes
            if not dry_run:
                segments_prune(excess)
        except VideoflowError as error:
            raise CommandError(str(error)) from None
        verb = "would be deleted" if dry_run else "deleted"
        self.stdout.write(f"{count} {'file' if count == 1 else 'files'} {verb}, {size_bytes / 1_000_000:.1f} MB.")
