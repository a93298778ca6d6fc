"""Is the studio well? Five quick looks; none takes longer than a second, none says where anything lies."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from videoflow import redis
from videoflow.health.installation import COMFORTABLE_FREE_BYTES, ffmpeg_version, free_bytes
from videoflow.storage.base import StorageFault, media_storage
from videoflow.tasks.models import Worker

State = Literal["ok", "degraded", "down"]
_ORDER: tuple[State, ...] = ("ok", "degraded", "down")
WORKER_SILENT_AFTER = timedelta(seconds=45)
"""Workers write a heartbeat every 10 s; three may be late on a machine that renders."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Probe:
    state: State
    message: str = ""
    """What is wrong, for the owner of the studio; empty when all is well."""


def database_probe() -> Probe:
    """One query and, on SQLite, the lock that a write needs is not taken."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        logger.exception("the database does not answer")
        return Probe("down", "The database does not answer.")
    return Probe("ok")


def redis_probe() -> Probe:
    if redis.ping():
        return Probe("ok")
    return Probe("degraded", "Redis does not answer: work goes on from the database, live progress is slower.")


def worker_probe() -> Probe:
    try:
        beats = Worker.objects.filter(heartbeat_at__gte=timezone.now() - WORKER_SILENT_AFTER)
        kinds = set(beats.values_list("kind", flat=True))
    except DatabaseError:
        return Probe("down", "The database does not answer.")
    if "celery" in kinds:
        return Probe("ok")
    if kinds:
        return Probe("degraded", "No worker is running; the dispatcher runs tasks by itself, one at a time.")
    return Probe("degraded", "No worker is running: tasks wait until one starts.")


def ffmpeg_probe() -> Probe:
    try:
        ffmpeg_version()
    except (ImportError, OSError):
        return Probe("degraded", "ffmpeg does not run: videos cannot be composed. `manage.py doctor` says what to do.")
    return Probe("ok")


def storage_probe() -> Probe:
    try:
        media_storage().probe()
        free = free_bytes(settings.MEDIA_ROOT)
    except StorageFault:
        return Probe(
            "degraded", "The storage of finished files does not answer as it should. `manage.py doctor` says what to do."
        )
    except OSError:
        logger.exception("the storage cannot be written to")
        return Probe("down", "Files cannot be written.")
    if free < COMFORTABLE_FREE_BYTES:
        return Probe("degraded", f"Only {free / 1024**3:.1f} GB of disk are free.")
    return Probe("ok")


PROBES: Mapping[str, Callable[[], Probe]] = {
    "database": database_probe,
    "redis": redis_probe,
    "worker": worker_probe,
    "ffmpeg": ffmpeg_probe,
    "storage": storage_probe,
}


def probe_all() -> dict[str, Probe]:
    """All five by name, in the order of the contract."""
    return {name: probe() for name, probe in PROBES.items()}


def worst(probes: Mapping[str, Probe]) -> State:
    return max((probe.state for probe in probes.values()), key=_ORDER.index, default="ok")
