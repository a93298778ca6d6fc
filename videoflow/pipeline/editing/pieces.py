"""Where a file lies while it comes in: one growing file here, or a piece after the other in a bucket that any host may add to."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from videoflow.errors import BadInput, VideoflowError
from videoflow.pipeline.store import media_path
from videoflow.storage.base import StorageFault, media_storage


class StillLooking(VideoflowError):
    """Another request is looking at the whole file just now."""

    code = "STILL_LOOKING"
    retryable = True


def begin(upload_id: UUID) -> str:
    """Make room, and return the name that the upload's row has."""
    name = f"uploads/{upload_id}"
    if not media_storage().is_remote:
        media_path("uploads").mkdir(parents=True, exist_ok=True)
        media_path(name).touch(mode=0o600)
    return name


def send(upload_id: UUID, offset: int, content: bytes) -> None:
    """Bring a piece to the bucket, before the row says that it is there.

    Raises:
        StorageFault: the bucket did not take it.
    """
    if media_storage().is_remote:
        storages["default"].save(f"{_folder(upload_id)}{offset:012}", ContentFile(content))


def write(upload_id: UUID, offset: int, content: bytes) -> None:
    """Write a piece into this host's file; raises OSError."""
    if not media_storage().is_remote:
        with media_path(f"uploads/{upload_id}").open("r+b") as file:
            file.seek(offset)
            file.write(content)


@contextlib.contextmanager
def joined(upload_id: UUID, size_bytes: int) -> Iterator[Path]:
    """Return the whole file, and hold its lock, which goes with the process that holds it.

    Raises:
        BadInput: the file is gone.
        StillLooking: another request holds it.
        StorageFault: the bucket does not give its pieces.
    """
    path = media_path(f"uploads/{upload_id}")
    is_remote = media_storage().is_remote
    if is_remote:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        raise BadInput("This file is not there any more. Choose it again.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StillLooking("The file is being looked at. This takes a moment.") from None
        if is_remote:
            _join(upload_id, file, size_bytes)
        yield path


def _join(upload_id: UUID, file: BinaryIO, size_bytes: int) -> None:
    storage = media_storage()
    file.truncate(0)
    for entry in sorted(storage.entries(_folder(upload_id)), key=lambda entry: entry.name):
        if int(entry.name.rsplit("/", 1)[1]) != file.tell():
            break
        file.write(storage.read(entry.name))
    file.flush()
    if file.tell() != size_bytes:
        raise BadInput("This file is not there any more. Choose it again.")


def drop(upload_id: UUID) -> None:
    """Throw away what came in; pieces that the bucket keeps meanwhile are left to the sweep."""
    storage = media_storage()
    media_path(f"uploads/{upload_id}").unlink(missing_ok=True)
    if storage.is_remote:
        with contextlib.suppress(StorageFault):
            for entry in list(storage.entries(_folder(upload_id))):
                storages["default"].delete(entry.name)


def _folder(upload_id: UUID) -> str:
    return f"pieces/{upload_id}/"
