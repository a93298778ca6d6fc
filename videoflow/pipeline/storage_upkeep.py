"""Keep a storage in order: delete what no row names any more, and bring an installation's files into a bucket."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.utils import timezone

from videoflow.errors import BadInput
from videoflow.pipeline.models import Asset, ProviderCall, Publication, SourceFile, Upload
from videoflow.pipeline.segment_cache import FOLDER, segments_named
from videoflow.pipeline.store import media_path
from videoflow.storage.base import Entry, media_storage

UNTOUCHED = timedelta(days=1)
"""What is younger may be about to get its row, on whatever host."""
_ROWS_AT_ONCE = 500
_COPIES_AT_ONCE = 4
_SUSPECT_COUNT, _SUSPECT_SHARE = 100, 0.5
_OURS = re.compile(
    r"[0-9a-f]{2}/[0-9a-f]{64}(\.[a-z0-9]+)?|parts/[0-9a-f]{64}\.mp4|uploads/[0-9a-f]{64}|pieces/[0-9a-f-]{36}/\d{12}|exports/[^/]+/[^/]+|probes/[0-9a-f]{32}"
)
"""The shapes of names that the studio gives; whatever else lies in a bucket is not ours to touch."""

State = Literal["there", "copied", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one file on its way into a bucket."""

    name: str
    state: State
    size_bytes: int = 0


def names_known(names: Collection[str]) -> set[str]:
    """Return those names that a row has; a few queries for each 500."""
    known: set[str] = set()
    waiting = iter(names)
    while batch := list(islice(waiting, _ROWS_AT_ONCE)):
        known.update(Asset.objects.filter(path__in=batch).values_list("path", flat=True))
        if left := [name for name in batch if name not in known]:  # few; of an installation's files nearly all are assets
            known.update(SourceFile.objects.filter(path__in=left).values_list("path", flat=True))
            known.update(Upload.objects.filter(path__in=left).values_list("path", flat=True))
            known.update(ProviderCall.objects.filter(reply_path__in=left).values_list("reply_path", flat=True))
        folders = {name.rpartition("/")[0] for name in batch if name.startswith("exports/")}
        published = set(Publication.objects.filter(location__in=folders).values_list("location", flat=True)) if folders else set()
        coming = {name.split("/")[1] for name in batch if name.startswith("pieces/")}
        receiving = Upload.objects.filter(pk__in=coming, state=Upload.State.RECEIVING) if coming else Upload.objects.none()
        open_uploads = {str(key) for key in receiving.values_list("pk", flat=True)}
        known.update(segments_named(name for name in batch if name.startswith(f"{FOLDER}/")))
        known.update(name for name in batch if name.rpartition("/")[0] in published)
        known.update(name for name in batch if name.startswith("pieces/") and name.split("/")[1] in open_uploads)
    return known


def storage_orphans() -> list[Entry]:
    """Return the storage's files of ours that no row names and that nobody wrote for a day.

    They are listed before the rows are asked for: one that gets its row meanwhile is seen.

    Raises:
        StorageFault: the storage cannot be listed.
        BadInput: so much has no row that the database is probably not the one these files belong to.
    """
    before = timezone.now() - UNTOUCHED
    listed = (entry for entry in media_storage().entries() if entry.changed_at < before and _OURS.fullmatch(entry.name))
    orphans: list[Entry] = []
    count = 0
    while batch := list(islice(listed, _ROWS_AT_ONCE)):
        count += len(batch)
        known = names_known([entry.name for entry in batch])
        orphans += [entry for entry in batch if entry.name not in known]
    if len(orphans) > _SUSPECT_COUNT and len(orphans) > _SUSPECT_SHARE * count:
        raise BadInput(
            f"{len(orphans)} of {count} files have no row, so this is probably not the database they belong to. "
            "Nothing was deleted. Look at DATABASE_URL and VIDEOFLOW_STORAGE_URL.",
            code="TOO_MANY_ORPHANS",
        )
    return orphans


def orphans_remove(orphans: Iterable[Entry]) -> Iterator[Entry]:
    """Delete files without a row, and return those that went; what was written again meanwhile stays."""
    storage, before = media_storage(), timezone.now() - UNTOUCHED
    waiting = iter(orphans)
    while batch := list(islice(waiting, _ROWS_AT_ONCE)):
        known = names_known([entry.name for entry in batch])
        for entry in batch:
            if entry.name not in known and storage.remove_old(entry.name, changed_before=before):
                yield entry


def storage_copy(*, dry_run: bool, verify: bool) -> Iterator[Copied]:
    """Bring every file that a row names from this host's data folder into the storage, each verified by its hash.

    What is there already in the same size is left; with ``verify`` it is read and compared too. May be stopped and started again.

    Raises:
        BadInput: ``VIDEOFLOW_STORAGE_URL`` names no bucket.
        StorageFault, DiskFull: the copying cannot go on.
    """
    storage = media_storage()
    if not storage.is_remote:
        raise BadInput(
            "VIDEOFLOW_STORAGE_URL names no bucket to copy to. Set it for this command, for example: s3://bucket?endpoint=…"
        )

    def one(name: str, source: Path) -> Copied:
        if not source.is_file():
            return Copied(name, "there" if storage.stored_bytes(name) is not None else "missing")
        size_bytes = source.stat().st_size
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if not name.startswith("exports/") and sha256 != Path(name).stem:
            return Copied(name, "damaged", size_bytes)
        if storage.stored_bytes(name) == size_bytes and not (verify and storage.sha256(name) != sha256):
            return Copied(name, "there", size_bytes)
        if not dry_run:
            storage.keep(source, name)
            if storage.sha256(name) != sha256:
                return Copied(name, "damaged", size_bytes)
        return Copied(name, "copied", size_bytes)

    wanted = _named_files()
    with ThreadPoolExecutor(_COPIES_AT_ONCE, thread_name_prefix="copy") as pool:
        while batch := list(islice(wanted, _ROWS_AT_ONCE)):
            yield from pool.map(lambda pair: one(*pair), batch)
    if not dry_run:
        _sizes_note()


def _named_files() -> Iterator[tuple[str, Path]]:
    """Return each name that a row has, once, and where the file lies in a local studio."""
    replies = ProviderCall.objects.exclude(reply_path="").order_by().values_list("reply_path", flat=True)
    sources = SourceFile.objects.order_by().values_list("path", flat=True)
    for name in Asset.objects.order_by().values_list("path", flat=True).union(sources, replies):
        yield name, media_path(name)
    for row in Publication.objects.filter(target__in=("folder", "podcast")).iterator():
        for file_name in row.files:
            yield f"{row.location}/{file_name}", Path(settings.VIDEOFLOW_DATA) / row.location / file_name


def _sizes_note() -> None:
    """Write down how large published files are, which a bucket is not asked for on each page."""
    for row in Publication.objects.filter(target__in=("folder", "podcast")).iterator():
        folder = Path(settings.VIDEOFLOW_DATA) / row.location
        sizes = {name: (folder / name).stat().st_size for name in row.files if (folder / name).is_file()}
        if sizes and "sizes" not in row.metadata:
            row.metadata = {**row.metadata, "sizes": sizes}
            row.save(update_fields=["metadata"])
