"""This host's copies of files from a remote storage: shared by its tasks, bounded, and never taken from under a running task.

A copy lies where a local studio would keep the file. A task writes the names that it needs into the list ``held`` in its scratch
folder, which goes when the task ends. Naming and looking happen under a shared lock, removing under the same lock alone, so a
file that was found here stays here. Whoever holds no list (a page) has an hour: the copy was used just now.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from django.conf import settings

from videoflow.storage.base import local_path

HELD = "held"
GRACE_SECONDS = 3600.0
UNUSED_SECONDS = 7 * 86_400.0
"""A copy that nobody asked for so long goes, whatever room there is: its project may be deleted."""
_LOOK_AGAIN_SECONDS = 600.0
_LOST_SECONDS = 86_400.0


@dataclass(slots=True)
class _Copy:
    path: Path
    size_bytes: int
    used_at: float


class Shelf:
    """The media folder as a cache. ``is_stored`` says whether the storage has a name in a size: only then may a copy go."""

    def __init__(self, *, is_stored: Callable[[str, int], bool]) -> None:
        self._is_stored = is_stored
        self._added_bytes = 0
        self._looked_at = time.monotonic()

    def missing(self, names: Iterable[str], *, holder: Path | None) -> list[str]:
        """Return which files are not here yet; those that are here stay, and are noted as used."""
        wanted = list(dict.fromkeys(names))
        with self._locked(fcntl.LOCK_SH):
            if holder is not None:
                with (holder / HELD).open("a", encoding="utf-8") as held:
                    held.writelines(f"{name}\n" for name in wanted)
            return [name for name in wanted if not self._touched(local_path(name))]

    def put(self, draft: Path, name: str) -> None:
        """Give a fetched file its name."""
        target = local_path(name)
        self._added_bytes += draft.stat().st_size
        with self._locked(fcntl.LOCK_SH):
            draft.replace(target)

    def _touched(self, path: Path) -> bool:
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def tidy_when_due(self) -> None:
        """Tidy once a twentieth of the bound was added, or ten minutes after the last time."""
        is_due = time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS
        if is_due or self._added_bytes > settings.VIDEOFLOW_STORAGE_CACHE_BYTES // 20:
            self.tidy(limit_bytes=settings.VIDEOFLOW_STORAGE_CACHE_BYTES)

    def tidy(self, *, limit_bytes: int) -> int:
        """Remove the copies used longest ago beyond a bound, and those unused for a week; return how many went."""
        self._added_bytes, self._looked_at = 0, time.monotonic()
        copies = sorted(self._copies(), key=lambda copy: copy.used_at)
        excess = sum(copy.size_bytes for copy in copies) - limit_bytes
        now = time.time()
        root = Path(settings.MEDIA_ROOT)
        removed = 0
        for copy in copies:
            is_forgotten = copy.used_at < now - UNUSED_SECONDS
            if copy.used_at > now - GRACE_SECONDS or (excess <= 0 and not is_forgotten):
                break
            name = str(copy.path.relative_to(root))
            if self._is_stored(name, copy.size_bytes) and self._removed(copy, name):
                excess -= copy.size_bytes
                removed += 1
        return removed

    def _removed(self, copy: _Copy, name: str) -> bool:
        with self._locked(fcntl.LOCK_EX):
            if name in _held() or not copy.path.exists() or copy.path.stat().st_mtime > copy.used_at:
                return False
            copy.path.unlink()
            return True

    def _copies(self) -> Iterator[_Copy]:
        for path in Path(settings.MEDIA_ROOT).rglob("*"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            if S_ISREG(facts.st_mode) and not path.name.startswith("."):
                yield _Copy(path, facts.st_size, facts.st_mtime)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        root = Path(settings.MEDIA_ROOT)
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".shelf").open("a") as file:
            fcntl.flock(file, how)
            yield


def held_bytes(holder: Path) -> int:
    """Return how much a task has on this host: the files that it holds, and what else is in its scratch folder."""
    held = holder / HELD
    names = set(held.read_text(encoding="utf-8").splitlines()) if held.is_file() else set()
    paths = [local_path(name) for name in names] + [path for path in holder.rglob("*") if path != held]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _held() -> set[str]:
    """Return the names that this host's tasks hold; a list from more than a day ago is a lost task's."""
    names: set[str] = set()
    for held in (settings.VIDEOFLOW_DATA / "work").glob(f"*/{HELD}"):
        try:
            if held.stat().st_mtime < time.time() - _LOST_SECONDS:
                continue
            names.update(held.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:  # the task has just ended
            continue
    return names
