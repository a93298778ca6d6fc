"""Back a whole studio up into one file while it runs, and make a studio of that file again.

Files are named by their content and never change; a row is written after its file and deleted before it. So the files are pinned
by hard links, then the rows are dumped, then what came in between is pinned too: every row of the dump has its file.
"""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from videoflow.health.backup_archive import ArchiveReader, ArchiveWriter, BackupFailed, Manifest, archive_open
from videoflow.health.backup_rows import (
    Rows,
    database_is_empty,
    migrations_unknown,
    rows_counted,
    rows_dump,
    rows_restore,
)
from videoflow.health.installation import free_bytes
from videoflow.health.supervisor import StudioLock
from videoflow.storage.base import media_storage
from videoflow.vault.services import credentials_count

LEFT_OUT = frozenset({"cache", "work", "tmp", "redis", "run", "logs", "studio.lock", "secret_key", "vault_keys"})
"""At the top of the data folder: what is made anew, and the keys, which are put in by themselves."""
IN_BUCKET = frozenset({"media", "exports"})
"""Left out too where finished files are kept in a bucket: here is only this host's cache of them."""
ROWS = "rows"
FILES = "files"
KEYS = "keys"
_STAGING = ".backup-"
_ROOM_BYTES = 50 * 1024**2


@dataclass(frozen=True, slots=True)
class Report:
    """What a backup holds or what a restore has made."""

    path: Path
    rows: int
    files: int
    size_bytes: int
    has_keys: bool
    damaged: Sequence[str] = ()
    """Media files whose content is not what their name says, as they were found."""
    has_files: bool = True
    """Not when finished files lie in a bucket."""
    keys_stored: int = 0
    keys_shut: int = 0
    """Of the stored API keys, how many no master key opens."""


def backup_make(target: Path, *, with_keys: bool = True) -> Report:
    """Write a backup of this studio; ``target`` is a folder or the file's own name.

    Raises:
        BackupFailed: there is a file of that name, there is no room, or the database cannot be dumped; no half is left.
    """
    data = Path(settings.VIDEOFLOW_DATA)
    if target.is_dir():
        target = target / f"videoflow-{timezone.now():%Y%m%d-%H%M%S}.tar"
    if target.exists():
        raise BackupFailed(f"There is a file {target} already. Choose another name.")
    if data in target.absolute().parents:
        raise BackupFailed(f"{target} is inside the data folder. Choose a place outside of it, best on another disk.")
    with _staging(data) as staging, _room_told(target.parent):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pins = staging / FILES
        is_pinned = _pin(data, pins)
        rows = rows_dump(staging)
        is_pinned = _pin(data, pins) and is_pinned
        files = _files(pins if is_pinned else data)
        needed = sum(path.stat().st_size for path in files.values()) + rows.file.stat().st_size
        if free_bytes(target.parent) < needed + _ROOM_BYTES:
            raise BackupFailed(f"The backup needs {needed / 1e9:.1f} GB; {target.parent} has no room for it.")
        return _write(target, files, rows, _keys(data) if with_keys else {})


def _write(target: Path, files: Mapping[str, Path], rows: Rows, keys: Mapping[str, str]) -> Report:
    draft = target.with_name(f".{target.name}.part")
    damaged = []
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            archive = ArchiveWriter(file)
            archive.add(f"{ROWS}/{rows.file.name}", rows.file)
            for name, path in files.items():
                stored = archive.add(f"{FILES}/{name}", path)
                if not _is_sound(Path(name), stored.sha256):
                    damaged.append(name)
            for name, secret in keys.items():
                archive.add_text(f"{KEYS}/{name}", secret)
            made_at = timezone.now().isoformat(timespec="seconds")
            manifest = Manifest(rows.kind, rows.migrations, rows.counts, has_keys=bool(keys), made_at=made_at)
            archive.close(manifest)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return Report(
        target, sum(rows.counts.values()), len(files), target.stat().st_size, bool(keys), damaged, not media_storage().is_remote
    )


def _keys(data: Path) -> dict[str, str]:
    """The secrets that the rows cannot be used without, wherever this studio has them from."""
    vault = settings.VIDEOFLOW_VAULT_KEYS
    if not vault and (data / "vault_keys").exists():
        vault = (data / "vault_keys").read_text(encoding="ascii").strip()
    return {"secret_key": settings.SECRET_KEY, **({"vault_keys": vault} if vault else {})}


def _is_sound(name: Path, sha256: str) -> bool:
    """Say whether a media file holds what its name says; others have no such name."""
    return name.parts[0] != "media" or len(name.stem) != len(sha256) or name.stem == sha256


def _found(data: Path) -> Iterator[Path]:
    """The files that a studio cannot make again, relative to the data folder."""
    left_out = LEFT_OUT | IN_BUCKET if media_storage().is_remote else LEFT_OUT
    for top in data.iterdir():
        is_left_out = top.name in left_out or top.name.startswith((_STAGING, "videoflow.sqlite3"))
        if is_left_out:
            continue
        for path in top.rglob("*") if top.is_dir() else [top]:
            if path.is_file() and not path.is_symlink() and not path.name.endswith(".part"):
                yield path.relative_to(data)


def _pin(data: Path, pins: Path) -> bool:
    """Hold every file by a hard link, so that deleting it meanwhile takes nothing away; False where the disk has none."""
    for name in _found(data):
        pin = pins / name
        if pin.exists():
            continue
        pin.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(data / name, pin)
        except FileNotFoundError:
            continue  # deleted since it was listed
        except OSError:
            return False
    return True


def _files(base: Path) -> dict[str, Path]:
    return {name.as_posix(): base / name for name in sorted(_found(base))} if base.is_dir() else {}


def backup_check(path: Path) -> Report:
    """Read a whole backup and compare every hash.

    Raises:
        BackupFailed: something is missing or damaged.
    """
    with archive_open(path) as archive:
        for name in archive.manifest.files:
            archive.unpack(name, None)
        return _report(path, archive)


def _report(path: Path, archive: ArchiveReader, *, keys_stored: int = 0, keys_shut: int = 0) -> Report:
    manifest = archive.manifest
    count = sum(name.startswith(f"{FILES}/") for name in manifest.files)
    return Report(
        path,
        sum(manifest.rows.values()),
        count,
        manifest.size_bytes,
        manifest.has_keys,
        keys_stored=keys_stored,
        keys_shut=keys_shut,
    )


def backup_restore(path: Path) -> Report:
    """Make a studio of a backup in the empty data folder and the empty database of these settings.

    Everything is unpacked and compared before anything is put in place.

    Raises:
        BackupFailed: something is in the way, or the backup is damaged or of a newer videoflow; nothing was changed.
    """
    data = Path(settings.VIDEOFLOW_DATA)
    with archive_open(path) as archive:
        _ground_check(data, archive.manifest)
        with _staging(data) as staging, _room_told(data):
            if free_bytes(data) < archive.manifest.size_bytes + _ROOM_BYTES:
                raise BackupFailed(f"The backup needs {archive.manifest.size_bytes / 1e9:.1f} GB; {data} has no room for it.")
            for name in archive.manifest.files:
                archive.unpack(name, staging / name)
            rows_restore(staging / ROWS, archive.manifest.database)
            _put_in_place(staging, data)
        counted = rows_counted(list(archive.manifest.rows))
        wrong = [name for name, count in archive.manifest.rows.items() if counted[name] != count]
        if wrong:
            raise BackupFailed(f"The restored tables {', '.join(wrong)} do not hold as many rows as were backed up.")
        try:
            stored, shut = credentials_count()
        except ImproperlyConfigured as error:
            raise BackupFailed(f"Rows and files are restored, but stored API keys cannot be opened: {error}") from error
        return _report(path, archive, keys_stored=stored, keys_shut=shut)


def _ground_check(data: Path, manifest: Manifest) -> None:
    unknown = migrations_unknown(manifest.migrations)
    if unknown:
        raise BackupFailed(f"This backup was made by a newer videoflow (it has {unknown[-1]}). Restore it with that version.")
    if StudioLock(data).is_held():
        raise BackupFailed("A studio is running on this data folder. Restore into another one: set VIDEOFLOW_DATA.")
    if next(_found(data), None) is not None or (data / "vault_keys").exists():
        raise BackupFailed(f"{data} holds files already. Restore into an empty folder: set VIDEOFLOW_DATA.")
    if not database_is_empty():
        raise BackupFailed("The database has tables already. Restore into an empty one: set VIDEOFLOW_DATA or DATABASE_URL.")


def _put_in_place(staging: Path, data: Path) -> None:
    """Move what was unpacked to where the studio looks for it; the secret that signs cookies takes the place of a new one."""
    for folder in (staging / FILES, staging / KEYS):
        for part in sorted(folder.iterdir()) if folder.is_dir() else ():
            part.rename(data / part.name)


@contextmanager
def _staging(data: Path) -> Iterator[Path]:
    """A folder on the data folder's own disk, gone afterwards; what a killed run left goes too."""
    for left in data.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(mkdtemp(prefix=_STAGING, dir=data))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _room_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise BackupFailed(f"The disk of {folder} is full. Make room and try again; nothing was left half done.") from error
        raise BackupFailed(f"{folder} cannot be written to ({(error.strerror or 'refused').lower()}).") from error
