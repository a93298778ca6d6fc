"""Where a project's files live: named by their content, whole or not at all, in the storage that ``VIDEOFLOW_STORAGE_URL`` names.

This is the only way to a stored file. ``asset_path`` says where a file lies here and reads nothing; whoever opens it asks for it
first, with ``files_fetch`` or, for a single one, ``asset_file``. In a local studio that costs nothing: everything is here.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from videoflow.errors import BadInput, DiskFull
from videoflow.pipeline.models import Asset
from videoflow.sentences import Sentence
from videoflow.storage.base import local_path, media_storage
from videoflow.storage.room import room_check

__all__ = [
    "StoredFile",
    "asset_file",
    "asset_path",
    "cache_dir",
    "file_store",
    "files_fetch",
    "files_keep",
    "files_remove",
    "media_path",
    "path_named",
    "room_check",
    "upload_store",
    "work_dir",
    "work_dirs_remove",
]

KEPT_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class StoredFile:
    path: str
    """Relative to the media folder."""
    sha256: str
    size_bytes: int


def media_path(relative: str) -> Path:
    """Return the absolute path of a stored file on this host."""
    return local_path(relative)


def asset_path(asset: Asset) -> Path:
    return media_path(asset.path)


def path_named(path: Path) -> str:
    """Return what a stored file's path says on any host: its name in a remote storage, else the whole path."""
    return f"{path.parent.name}/{path.name}" if media_storage().is_remote else str(path)


def files_fetch(
    paths: Iterable[Path], *, holder: Callable[[], Path] | None = None, cancelled: Callable[[], bool] = lambda: False
) -> None:
    """Have stored files here, whole; those of a task stay while its scratch folder, which ``holder`` returns, is there.

    Raises:
        FileLost: one is gone; DiskFull, StorageFault: it cannot be brought here now; Cancelled.
    """
    storage = media_storage()
    if not storage.is_remote:
        return
    root = Path(settings.MEDIA_ROOT)
    names = [str(path.relative_to(root)) for path in paths if path.is_relative_to(root)]
    storage.fetch(names, holder=holder() if holder else None, cancelled=cancelled)


def asset_file(asset: Asset) -> Path:
    """Return the path of an asset's file that can be opened for the next hour; raises what ``files_fetch`` does."""
    path = asset_path(asset)
    files_fetch([path])
    return path


def cache_dir(kind: str) -> Path:
    """Return the folder of parts that any project may use again, addressed by content; losing it costs time only."""
    folder: Path = settings.VIDEOFLOW_DATA / "cache" / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def work_dir(name: str) -> Path:
    """Return a fresh scratch folder; the caller removes it."""
    folder: Path = settings.VIDEOFLOW_DATA / "work" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def work_dirs_remove(prefix: str) -> None:
    """Remove the scratch folders whose names begin with ``prefix``."""
    for folder in (settings.VIDEOFLOW_DATA / "work").glob(f"{prefix}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def _named(source: Path) -> StoredFile:
    sha256 = _sha256(source)
    return StoredFile(f"{sha256[:2]}/{sha256}{source.suffix.lower()}", sha256, source.stat().st_size)


def file_store(source: Path) -> StoredFile:
    """Keep a finished file under its content's name; a hard link where the disk allows it, else a copy that appears whole.

    Inside a transaction, ``files_keep`` comes before it: a transaction must not wait for a network.

    Raises:
        DiskFull, StorageFault: it was not kept.
    """
    stored = _named(source)
    media_storage().keep(source, stored.path)
    return stored


def files_keep(sources: Iterable[Path]) -> None:
    """Bring finished files to a remote storage before a transaction, in which ``file_store`` then finds them there.

    Raises:
        DiskFull, StorageFault: one was not kept.
    """
    if not media_storage().is_remote:
        return
    with ThreadPoolExecutor(KEPT_AT_ONCE, thread_name_prefix="keep") as pool:
        for _ in pool.map(file_store, list(sources)):
            pass


def files_remove(names: Iterable[str]) -> None:
    """Delete stored files, or folders below ``exports/``, that no row names any more."""
    media_storage().remove(names)


def upload_store(*, name: str, chunks: Iterable[bytes], limit_bytes: int) -> StoredFile:
    """Keep what a user sent, block by block.

    Raises:
        BadInput: it is empty or longer than ``limit_bytes``.
        DiskFull: there is no room; nothing is left behind.
        StorageFault: the storage did not take it.
    """
    room_check(0)
    folder = media_path("uploads")
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{uuid4().hex}.part"
    size_bytes = 0
    try:
        with draft.open("wb") as writer:
            for chunk in chunks:
                size_bytes += len(chunk)
                if size_bytes > limit_bytes:
                    raise BadInput(
                        Sentence(
                            "“%(name)s” is larger than %(limit)s MB, the most that is taken here.",
                            name=name,
                            limit=limit_bytes // 1_000_000,
                        ),
                        code="FILE_TOO_LARGE",
                    )
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        if size_bytes == 0:
            raise BadInput(Sentence("“%(name)s” is empty. Choose a file with content.", name=name), code="FILE_EMPTY")
        sha256 = _sha256(draft)
        relative = f"uploads/{sha256}"
        media_storage().keep(draft, relative)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("The disk is full, so the file could not be kept. Make room and send it again.") from error
        raise
    finally:
        draft.unlink(missing_ok=True)
    return StoredFile(relative, sha256, size_bytes)
