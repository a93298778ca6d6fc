from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from videoflow.errors import VideoflowError
from videoflow.pipeline.storage_upkeep import storage_copy

_EACH = 100
_FAULTS = {
    "missing": "is neither here nor in the bucket",
    "damaged": "is not what it was when it was stored",
}


class Command(BaseCommand):
    help = (
        "Copy this data folder's files into the bucket that VIDEOFLOW_STORAGE_URL names, and verify each by its hash. "
        "Nothing is deleted here; started again it goes on where it stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be copied")
        parser.add_argument("--verify", action="store_true", help="read what is in the bucket already too, and compare its hash")

    def handle(self, *args: Any, dry_run: bool, verify: bool, **options: Any) -> None:
        counts: Counter[str] = Counter()
        copied_bytes = 0
        try:
            for number, file in enumerate(storage_copy(dry_run=dry_run, verify=verify), start=1):
                counts[file.state] += 1
                copied_bytes += file.size_bytes if file.state == "copied" else 0
                if file.state in _FAULTS:
                    self.stderr.write(f"{file.name} {_FAULTS[file.state]}.")
                if number % _EACH == 0:
                    self.stdout.write(f"{number} files looked at, {copied_bytes / 1_000_000:.1f} MB copied")
        except VideoflowError as error:
            raise CommandError(f"{error} Start the command again to go on.") from None
        verb = "to copy" if dry_run else "copied and verified"
        self.stdout.write(
            f"{counts['copied']} {verb} ({copied_bytes / 1_000_000:.1f} MB), {counts['there']} in the bucket already."
        )
        if faults := counts["missing"] + counts["damaged"]:
            raise CommandError(f"{faults} could not be copied; they are named above. Make their steps anew, or find them.")
