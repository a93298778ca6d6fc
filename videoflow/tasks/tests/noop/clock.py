"""A wall clock that is wrong by as many seconds as a file says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path


def moved_clock(now: Callable[[], datetime], offset_seconds: Path) -> Callable[[], datetime]:
    """Return a clock that goes on from ``now`` moved by the number in the file, read anew each time."""

    def moved() -> datetime:
        return now() + timedelta(seconds=float(offset_seconds.read_text()))

    return moved
