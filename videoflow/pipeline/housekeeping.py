"""Keep the data folder from growing without end: scratch of dead tasks, files without a row, the oldest parts of the cache."""

import logging
import shutil
import time
from pathlib import Path

from django.conf import settings

from videoflow.pipeline.models import Asset, SourceFile
from videoflow.pipeline.services import sessions_sweep
from videoflow.sessions.idempotency import keys_forget
from videoflow.tasks.models import Task

CACHE_LIMIT_BYTES = 8_000_000_000
UNTOUCHED_SECONDS = 3600.0  # younger files may be about to get their row

logger = logging.getLogger(__name__)


def housekeeping() -> None:
    """Delete what nobody can need any more; safe beside running tasks."""
    swept = sessions_sweep()
    keys_forget()
    if swept:
        logger.info("housekeeping deleted %s sessions whose time was over", swept)
    freed = _work_sweep() + _orphans_sweep() + _cache_trim(CACHE_LIMIT_BYTES)
    if freed:
        logger.info("housekeeping freed %s MB", freed // 1_000_000)


def _is_old(path: Path) -> bool:
    return path.stat().st_mtime < time.time() - UNTOUCHED_SECONDS


def _size(path: Path) -> int:
    return sum(part.stat().st_size for part in path.rglob("*") if part.is_file()) if path.is_dir() else path.stat().st_size


def _work_sweep() -> int:
    """Delete the scratch folders of tasks that are not running."""
    root: Path = settings.VIDEOFLOW_DATA / "work"
    if not root.is_dir():
        return 0
    running = {f"{pk}-{fence}" for pk, fence in Task.objects.filter(status=Task.Status.IN_PROGRESS).values_list("pk", "fence")}
    freed = 0
    for folder in root.iterdir():
        if folder.name not in running and _is_old(folder):
            freed += _size(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return freed


def _orphans_sweep() -> int:
    """Delete stored files that no row names."""
    root = Path(settings.MEDIA_ROOT)
    if not root.is_dir():
        return 0
    known = set(Asset.objects.values_list("path", flat=True)) | set(SourceFile.objects.values_list("path", flat=True))
    freed = 0
    for path in root.glob("*/*"):
        if path.is_file() and str(path.relative_to(root)) not in known and _is_old(path):
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
    return freed


def _cache_trim(limit_bytes: int) -> int:
    """Delete the cache's least recently used files until it fits; what is hard-linked into a project costs nothing and stays."""
    root: Path = settings.VIDEOFLOW_DATA / "cache"
    files = sorted(((path.stat(), path) for path in root.rglob("*") if path.is_file()), key=lambda item: item[0].st_mtime)
    total = sum(stat.st_size for stat, _ in files)
    freed = 0
    for stat, path in files:
        if total - freed <= limit_bytes or not _is_old(path):
            break
        path.unlink(missing_ok=True)
        freed += stat.st_size
    return freed
