"""Keep the data folder from growing without end: sessions whose time is over, scratch of dead tasks, files without a row,
the oldest parts of the cache. The dispatcher does it once an hour, ``manage.py prune`` at once.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from os import stat_result
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet
from django.utils import timezone

from videoflow.errors import VideoflowError
from videoflow.pipeline.editing.uploads import uploads_abandoned, uploads_sweep
from videoflow.pipeline.segment_cache import segments_excess, segments_prune
from videoflow.pipeline.service_health import calls_forgettable
from videoflow.pipeline.services import projects_discarded, projects_sweep, session_is_kept, sessions_sweep
from videoflow.pipeline.storage_upkeep import UNTOUCHED, names_known, orphans_remove, storage_orphans
from videoflow.sessions.idempotency import KEY_LIFE, keys_forget
from videoflow.sessions.models import IdempotencyKey, OneUseLink
from videoflow.sessions.services import sessions_expired
from videoflow.storage.base import Entry, media_storage
from videoflow.tasks.models import ProgressEvent, Task
from videoflow.tasks.parts import parts_forget

CACHE_LIMIT_BYTES = 8_000_000_000
STORAGE_SWEEP_SECONDS = 20 * 3600.0
UNTOUCHED_SECONDS = 3600.0  # younger files may be about to get their row
_ROWS_AT_ONCE = 500  # a long delete would hold SQLite's only write lock
_TASKS_AT_ONCE = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep deleted, or would delete."""

    what: str
    count: int
    size_bytes: int = 0
    """Of files; rows are not measured."""


def housekeeping() -> None:
    """Delete what nobody can need any more; safe beside running tasks."""
    for swept in _sweeps():
        if swept.count:
            logger.info("housekeeping deleted %s: %s, %.1f MB", swept.what, swept.count, swept.size_bytes / 1_000_000)


def _sweeps() -> Iterator[Swept]:
    yield from sweep()
    if settings.VIDEOFLOW_REPORT_DAYS:
        yield reports_sweep(older_than=timedelta(days=settings.VIDEOFLOW_REPORT_DAYS))


def sweep(*, dry_run: bool = False) -> Iterator[Swept]:
    """Do one sweep after the other, or with ``dry_run`` only count what each would delete."""
    now = timezone.now()
    yield Swept("sessions whose 24 hours are over", _sessions_over() if dry_run else sessions_sweep())
    yield Swept("projects deleted more than a day ago", projects_discarded().count() if dry_run else projects_sweep())
    yield Swept("uploads begun more than a day ago", len(uploads_abandoned()) if dry_run else uploads_sweep())
    yield Swept("idempotency keys older than a day", IdempotencyKey.objects.filter(created_at__lt=now - KEY_LIFE).count())
    if not dry_run:
        keys_forget()
    rows: tuple[tuple[str, QuerySet[Model]], ...] = (
        ("one-use links that have expired", OneUseLink.objects.filter(expires_at__lt=now)),
        ("reports of services older than a week", calls_forgettable()),
        ("parts of tasks that ended more than a day ago", parts_forget(older_than=timedelta(days=1))),
        ("sign-ins that have expired", Session.objects.filter(expire_date__lt=now)),
    )
    for what, expired in rows:
        yield Swept(what, _rows_delete(expired, dry_run=dry_run))
    sweeps: tuple[tuple[str, Callable[[], Iterator[Path]]], ...] = (
        ("scratch of tasks that do not run", _scratch),
        ("files without a row", _orphans),
        ("half-written parts", _halves),
        (f"cached parts beyond {CACHE_LIMIT_BYTES / 1e9:.0f} GB", _cache_excess),
    )
    for what, find in sweeps:
        yield _paths_delete(what, find(), dry_run=dry_run)
    if media_storage().is_remote:
        excess = segments_excess()
        yield Swept("coded segments that no video used for longest", len(excess), sum(row.size_bytes for row in excess))
        if not dry_run:
            segments_prune(excess)
    if media_storage().is_remote and (dry_run or _storage_due()):
        yield _storage_sweep(dry_run=dry_run)


def reports_sweep(*, older_than: timedelta, dry_run: bool = False) -> Swept:
    """Delete the progress reports of tasks that ended so long ago; their changes of status, errors and completions stay.

    Replay serves one hour, so no client misses them. Unless ``VIDEOFLOW_REPORT_DAYS`` says so, nothing does this by itself: the
    rows live as long as their project.
    """
    ended = Task.objects.filter(status__in=Task.ENDED, completed_at__lt=timezone.now() - older_than).order_by("pk")
    reports = ProgressEvent.objects.filter(event_type=ProgressEvent.Type.PROGRESS_UPDATE)
    what = f"progress reports of tasks that ended more than {older_than.days} days ago"
    if dry_run:
        return Swept(what, reports.filter(task__in=ended).count())
    deleted, last = 0, UUID(int=0)
    # Some tasks at a time, each of them looked at once: asked for all at once, the tasks already done are gone through again.
    while tasks := list(ended.filter(pk__gt=last).values_list("pk", flat=True)[:_TASKS_AT_ONCE]):
        deleted += _rows_delete(reports.filter(task__in=tasks), dry_run=False)
        last = tasks[-1]
    return Swept(what, deleted)


def _sessions_over() -> int:
    return sum(not session_is_kept(session=session) for session in sessions_expired())


def _rows_delete(rows: "QuerySet[Model]", *, dry_run: bool) -> int:
    """Delete in small transactions, and return how many."""
    rows = rows.order_by()
    if dry_run:
        return rows.count()
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:_ROWS_AT_ONCE]):
        deleted += rows.model._default_manager.filter(pk__in=keys).delete()[0]
    return deleted


def _stat(path: Path) -> stat_result | None:
    """Return the facts of a file; None when a task has just taken it away."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _is_old(path: Path) -> bool:
    facts = _stat(path)
    return facts is not None and facts.st_mtime < time.time() - UNTOUCHED_SECONDS


def _paths_delete(what: str, paths: Iterator[Path], *, dry_run: bool) -> Swept:
    count = size_bytes = 0
    for path in paths:
        parts = path.rglob("*") if path.is_dir() else (path,)
        size_bytes += sum(facts.st_size for part in parts if part.is_file() and (facts := _stat(part)))
        count += 1
        if dry_run:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Swept(what, count, size_bytes)


def _scratch() -> Iterator[Path]:
    """Return the scratch folders of tasks that are not running."""
    root: Path = settings.VIDEOFLOW_DATA / "work"
    folders = [folder for folder in root.iterdir() if _is_old(folder)] if root.is_dir() else []
    running = {f"{pk}-{fence}" for pk, fence in Task.objects.filter(status=Task.Status.IN_PROGRESS).values_list("pk", "fence")}
    yield from (folder for folder in folders if folder.name not in running)


def _orphans() -> Iterator[Path]:
    """Return stored files that no row names, folder by folder: files are named by their content, so 256 share them all.

    Some hundred files are listed before their rows are asked for: one that gets its row meanwhile is not an orphan.
    """
    root = Path(settings.MEDIA_ROOT)
    files = (path for folder in _folders(root) for path in _files(folder) if _is_old(path))
    while batch := {str(path.relative_to(root)): path for path in islice(files, _ROWS_AT_ONCE)}:
        known = names_known(batch)
        yield from (path for name, path in batch.items() if name not in known)


def _folders(root: Path) -> list[Path]:
    return sorted(folder for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []


def _files(folder: Path) -> Iterator[Path]:
    """Return a folder's files as the disk lists them, without holding them all."""
    with os.scandir(folder) as entries:
        yield from (Path(entry.path) for entry in entries if entry.is_file())


def _storage_due() -> bool:
    """Say whether the bucket was not swept today, and note that it is now; listing it takes its time and costs money."""
    mark: Path = settings.VIDEOFLOW_DATA / "run" / "storage-swept"
    facts = _stat(mark)
    if facts is not None and facts.st_mtime > time.time() - STORAGE_SWEEP_SECONDS:
        return False
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True


def _storage_sweep(*, dry_run: bool) -> Swept:
    """Delete the bucket's files without a row; while it is away, nothing."""
    gone: list[Entry] = []
    before = timezone.now() - UNTOUCHED
    try:
        orphans = storage_orphans()
        gone = orphans if dry_run else list(orphans_remove(orphans))
        media_storage().parts_abort(begun_before=before, dry_run=dry_run)
    except VideoflowError as error:
        logger.warning("the storage was not swept: %s", error)
    return Swept("files of the bucket without a row", len(gone), sum(entry.size_bytes for entry in gone))


def _halves() -> Iterator[Path]:
    """Return what killed processes left in the cache and among the exports: all is named ``.part`` until it is whole."""
    data: Path = settings.VIDEOFLOW_DATA
    yield from [path for path in (data / "cache").rglob("*.part*") if path.is_file() and _is_old(path)]
    yield from [path for path in (data / "exports").glob(".*.part") if _is_old(path)]


def _cache_excess() -> Iterator[Path]:
    """Return the cache's least recently used files beyond its limit; what is hard-linked into a project stays there."""
    root: Path = settings.VIDEOFLOW_DATA / "cache"
    found = ((facts, path) for path in root.rglob("*") if path.is_file() and (facts := _stat(path)))
    files = sorted(found, key=lambda item: item[0].st_mtime)
    excess = sum(facts.st_size for facts, _ in files) - CACHE_LIMIT_BYTES
    for facts, path in files:
        if excess <= 0 or not _is_old(path):
            return
        excess -= facts.st_size
        yield path
