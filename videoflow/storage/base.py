"""What the studio asks of a storage for finished files, wherever that is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from django.conf import settings
from django.core.files.storage import storages

from videoflow.errors import VideoflowError


class StorageFault(VideoflowError):
    """The storage cannot be used as it is."""

    code = "STORAGE_UNAVAILABLE"


class FileLost(StorageFault):
    """A file that a row names is not in the storage."""

    code = "FILE_LOST"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored file as the storage lists it."""

    name: str
    size_bytes: int
    changed_at: datetime


class MediaStorage(Protocol):
    """Names are relative, ``ab/abcd….png``; the stem of all but ``exports/`` and ``pieces/`` is the SHA-256 of the content."""

    is_remote: bool

    def keep(self, source: Path, name: str) -> None:
        """Store a file under a name that says its content; when this returns, another host can read it.

        Raises:
            DiskFull: no room here.
            StorageFault: the storage did not take it; nothing may refer to it.
        """
        ...

    def fetch(self, names: Iterable[str], *, holder: Path | None, cancelled: Callable[[], bool]) -> None:
        """Have files at their ``local_path``, whole and as they were stored; files that ``holder`` holds stay until it is gone.

        Raises:
            FileLost: one is not in the storage; Cancelled, DiskFull, StorageFault.
        """
        ...

    def read(self, name: str) -> bytes:
        """Return what a small file holds; raises FileLost, StorageFault, OSError."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Delete files that no row names any more; what cannot be deleted now is left to the sweep."""
        ...

    def signed_address(self, name: str, *, method: str, file_name: str, kind: str, saved: bool) -> tuple[str, int]:
        """Return an address at which a browser reads the file, and for how many seconds it may be given on.

        Empty where the studio answers itself.
        """
        ...

    def stored_bytes(self, name: str) -> int | None:
        """Return a stored file's size; None when it is not there."""
        ...

    def sha256(self, name: str) -> str:
        """Return the hash of what the storage gives for a name, read through."""
        ...

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List the stored files whose names begin so."""
        ...

    def remove_old(self, name: str, *, changed_before: datetime) -> bool:
        """Delete a file unless it was written since then; say whether it is gone."""
        ...

    def parts_abort(self, *, begun_before: datetime, dry_run: bool) -> int:
        """End uploads in parts that nobody finished; return how many there were."""
        ...

    def probe(self, *, write: bool = False) -> None:
        """Look within about a second whether the storage answers; a folder is always written to, a bucket with ``write``.

        Raises:
            StorageFault, OSError: they cannot.
        """
        ...


def local_path(name: str) -> Path:
    """Return where a stored file lies on this host; one of a remote storage once it was fetched."""
    return Path(settings.MEDIA_ROOT) / name


def media_storage() -> MediaStorage:
    """Return the storage that ``VIDEOFLOW_STORAGE_URL`` names."""
    return cast(MediaStorage, storages["default"])
