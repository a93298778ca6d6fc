"""The archive of a backup: an uncompressed tar that ends with ``manifest.json``, which has the SHA-256 of every file before it.

Media are compressed already, and an uncompressed tar can be read and mended with any tool.
"""

import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.utils import timezone

from videoflow.errors import VideoflowError

FORMAT = 1
MANIFEST = "manifest.json"
_MANIFEST_LIMIT_BYTES = 512 * 1024**2
_BLOCK_BYTES = 1024 * 1024


class BackupFailed(VideoflowError):
    """The backup cannot be made or used; the sentence says what to do."""

    code = "BACKUP_FAILED"


@dataclass(frozen=True, slots=True)
class StoredPart:
    """What the manifest says of one file of the archive."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds."""

    database: str
    """``sqlite`` or ``postgresql``: which file of rows it has."""
    migrations: list[str]
    """``app.name`` of each that was applied."""
    rows: Mapping[str, int]
    """Rows by table, counted in the very snapshot that was dumped."""
    has_keys: bool
    made_at: str = ""
    format: int = FORMAT
    files: dict[str, StoredPart] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.files.values())


class _Hashing:
    """A reader that takes the SHA-256 of what passes."""

    def __init__(self, reader: IO[bytes]) -> None:
        self._reader = reader
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._reader.read(size)
        self.digest.update(block)
        return block


class ArchiveWriter:
    """Adds files one after the other; ``close`` writes the manifest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by close()
        self.files: dict[str, StoredPart] = {}

    def add(self, name: str, path: Path) -> StoredPart:
        """Add a file; its owner and mode are not kept."""
        with path.open("rb") as reader:
            facts = os.fstat(reader.fileno())
            return self._add(name, reader, size_bytes=facts.st_size, changed_at=facts.st_mtime)

    def add_text(self, name: str, text: str) -> None:
        content = text.encode()
        self._add(name, io.BytesIO(content), size_bytes=len(content), changed_at=timezone.now().timestamp())

    def _add(self, name: str, reader: IO[bytes], *, size_bytes: int, changed_at: float) -> StoredPart:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size_bytes, int(changed_at), 0o600
        hashing = _Hashing(reader)
        self._tar.addfile(info, hashing)
        self.files[name] = StoredPart(hashing.digest.hexdigest(), size_bytes)
        return self.files[name]

    def close(self, manifest: Manifest) -> None:
        body = {**asdict(manifest), "files": {name: asdict(part) for name, part in self.files.items()}}
        self.add_text(MANIFEST, json.dumps(body, indent=1, sort_keys=True))
        self._tar.close()


@contextmanager
def archive_open(path: Path) -> Iterator["ArchiveReader"]:
    """Open an archive and read its manifest.

    Raises:
        BackupFailed: it is no archive of ours, or it was cut short.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            yield ArchiveReader(tar, path)
    except (tarfile.TarError, EOFError) as error:
        raise BackupFailed(f"{path} is not a whole backup: it was cut short or is no backup at all.") from error
    except FileNotFoundError as error:
        raise BackupFailed(f"There is no file {path}.") from error
    except (PermissionError, IsADirectoryError) as error:
        raise BackupFailed(f"{path} cannot be read ({(error.strerror or 'refused').lower()}).") from error


class ArchiveReader:
    """Gives back what the manifest names, and nothing else of what the tar may hold."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._path = path
        self._members = {member.name: member for member in tar.getmembers()}
        self.manifest = self._manifest_read()

    def _manifest_read(self) -> Manifest:
        member = self._members.get(MANIFEST)
        reader = self._tar.extractfile(member) if member and member.size < _MANIFEST_LIMIT_BYTES else None
        if reader is None:
            raise BackupFailed(f"{self._path} is not a whole backup: it was cut short or is no backup at all.")
        try:
            body: dict[str, Any] = json.loads(reader.read())
            files = {name: StoredPart(**part) for name, part in body.pop("files").items()}
            manifest = Manifest(**body, files=files)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupFailed(f"The manifest of {self._path} cannot be read; it may be of a newer videoflow.") from error
        if manifest.format != FORMAT:
            raise BackupFailed(f"{self._path} has format {manifest.format}; this videoflow reads {FORMAT}. Use a newer one.")
        return manifest

    def unpack(self, name: str, target: Path | None) -> None:
        """Write a file, for its owner only, and compare its hash; without ``target`` only compare.

        Raises:
            BackupFailed: it is missing, its name leads outside, or its content is not what the manifest says.
        """
        pure = PurePosixPath(name)
        member = self._members.get(name)
        if pure.is_absolute() or ".." in pure.parts or member is None or not member.isreg():
            raise BackupFailed(f"{self._path} does not hold {name} as a plain file. Use another backup.")
        reader = self._tar.extractfile(member)
        digest = hashlib.sha256()
        if reader is not None:
            with _writing(target) as writer:
                while block := reader.read(_BLOCK_BYTES):
                    digest.update(block)
                    if writer is not None:
                        writer.write(block)
        if digest.hexdigest() != self.manifest.files[name].sha256:
            raise BackupFailed(f"{name} in {self._path} is damaged: its content is not what was put in. Use another backup.")
        if target is not None:
            os.utime(target, (member.mtime, member.mtime))


@contextmanager
def _writing(target: Path | None) -> Iterator[IO[bytes] | None]:
    if target is None:
        yield None
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as writer:
        yield writer
        writer.flush()
        os.fsync(writer.fileno())
