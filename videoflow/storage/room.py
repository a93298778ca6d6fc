"""Room on this host's disk, asked before it is taken."""

import shutil

from django.conf import settings

from videoflow.errors import DiskFull
from videoflow.sentences import Sentence

RESERVE_BYTES = 500_000_000  # left free for the database and the logs, so that a full disk stops a stage and not the studio


def room_check(needed_bytes: int) -> None:
    """Raise DiskFull when the data folder cannot hold ``needed_bytes`` and the reserve."""
    settings.VIDEOFLOW_DATA.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.VIDEOFLOW_DATA).free
    if free < needed_bytes + RESERVE_BYTES:
        raise DiskFull(
            Sentence(
                "The disk is nearly full: this step needs about %(needed)s MB, %(free)s MB are free. Make "
                "room, then retry; everything made so far is kept.",
                needed=(needed_bytes + RESERVE_BYTES) // 1_000_000,
                free=free // 1_000_000,
            ),
            details={"needed_bytes": needed_bytes + RESERVE_BYTES, "free_bytes": free},
        )
