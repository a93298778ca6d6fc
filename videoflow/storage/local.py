"""Finished files in the media folder of this host; no other host is asked."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from videoflow.errors import DiskFull
from videoflow.storage.base import Entry, local_path
from videoflow.storage.room import room_check


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file under another name, whole and on the disk or not at all; a hard link where the disk allows it.

    It counts as changed now, however old it is, so that the sweep for files without a row leaves its row the time to come.

    Raises:
        DiskFull: no room for a copy.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    size_bytes = source.stat().st_size
    if target.exists() and target.stat().st_size == size_bytes:
        os.utime(target)
        return
    draft = target.with_name(f".{uuid4().hex}.part")
    try:
        try:
            os.link(source, draft)
        except OSError:
            shutil.copyfile(source, draft)
        with draft.open("rb") as reader:
            os.fsync(reader.fileno())
        os.utime(draft)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            room_check(size_bytes)
            raise DiskFull("The disk is full. Make room, then retry; everything made so far is kept.") from error
        raise


class LocalStorage(FileSystemStorage):
    """The media folder. Django's own interface works on it too."""

    is_remote = False

    def keep(self, source: Path, name: str) -> None:
        link_or_copy(source, local_path(name))

    def fetch(self, names: Iterable[str], *, holder: Path | None, cancelled: Callable[[], bool]) -> None:
        """Everything is here."""

    def read(self, name: str) -> bytes:
        return local_path(name).read_bytes()

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            local_path(name).unlink(missing_ok=True)

    def signed_address(self, name: str, *, method: str, file_name: str, kind: str, saved: bool) -> tuple[str, int]:
        return "", 0

    def stored_bytes(self, name: str) -> int | None:
        path = local_path(name)
        return path.stat().st_size if path.is_file() else None

    def sha256(self, name: str) -> str:
        with local_path(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        root = Path(settings.MEDIA_ROOT)
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if path.is_file() and name.startswith(prefix) and not path.name.startswith("."):
                facts = path.stat()
                yield Entry(name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def remove_old(self, name: str, *, changed_before: datetime) -> bool:
        path = local_path(name)
        if not path.is_file() or path.stat().st_mtime >= changed_before.timestamp():
            return not path.exists()
        path.unlink(missing_ok=True)
        return True

    def parts_abort(self, *, begun_before: datetime, dry_run: bool) -> int:
        return 0

    def probe(self, *, write: bool = False) -> None:
        folder = Path(settings.MEDIA_ROOT)
        trial = folder / f".probe-{uuid4().hex}"
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"videoflow")
        trial.unlink()
