"""Where a project's files live: named by their content below the media folder, written whole or not at all."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from videoflow.errors import BadInput, DiskFull
from videoflow.pipeline.models import Asset
from videoflow.sentences import Sentence

RESERVE_BYTES = 500_000_000  # left free for the database and the logs, so that a full disk stops a stage and not the studio


@dataclass(frozen=True, slots=True)
class StoredFile:
    path: str
    """Relative to the media folder."""
    sha256: str
    size_bytes: int


def media_path(relative: str) -> Path:
    """Return the absolute path of a stored file."""
    return Path(settings.MEDIA_ROOT) / relative


def asset_path(asset: Asset) -> Path:
    return media_path(asset.path)


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


def _sha256(path: Path) -> str:
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def file_store(source: Path) -> StoredFile:
    """Keep a finished file under its content's name; a hard link where the disk allows it, else a copy that appears whole."""
    sha256 = _sha256(source)
    relative = f"{sha256[:2]}/{sha256}{source.suffix.lower()}"
    target = media_path(relative)
    target.parent.mkdir(parents=True, exist_ok=True)
    size_bytes = source.stat().st_size
    if not target.exists() or target.stat().st_size != size_bytes:
        draft = target.with_name(f".{uuid4().hex}.part")
        try:
            try:
                os.link(source, draft)
            except OSError:
                shutil.copyfile(source, draft)
            with draft.open("rb") as reader:
                os.fsync(reader.fileno())
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno == errno.ENOSPC:
                room_check(size_bytes)
                raise DiskFull("The disk is full. Make room, then retry; everything made so far is kept.") from error
            raise
    return StoredFile(relative, sha256, size_bytes)


def upload_store(*, name: str, chunks: Iterable[bytes], limit_bytes: int) -> StoredFile:
    """Keep what a user sent, block by block.

    Raises:
        BadInput: it is empty or longer than ``limit_bytes``.
        DiskFull: there is no room; nothing is left behind.
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
        draft.replace(media_path(relative))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("The disk is full, so the file could not be kept. Make room and send it again.") from error
        raise
    finally:
        draft.unlink(missing_ok=True)
    return StoredFile(relative, sha256, size_bytes)
