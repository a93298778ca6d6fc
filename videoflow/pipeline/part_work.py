"""The parts that one worker has in hand, on whatever host: fetched for, made, sent to the bucket, said to be done."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction

from videoflow.children import Job
from videoflow.pipeline.segment_cache import Segment, segment_send, segments_note
from videoflow.pipeline.store import files_fetch, media_path, room_check
from videoflow.render.artefacts import part_is_intact
from videoflow.render.making import segment_path, segments_job, sound_path
from videoflow.tasks.parts import PartClaim, part_beat, part_done, part_release

BEAT_SECONDS = 2.0
"""Leases last 30 s; a cancelled composition is noticed this soon."""
SENT_AT_ONCE = 2
BYTES_PER_FRAME = 40_000
"""Of coded picture, upper end, for the question whether there is room."""

logger = logging.getLogger(__name__)


def job_named(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a segment's description for any host: stored files by their names instead of this host's paths."""
    root = Path(settings.MEDIA_ROOT)
    return {name: _with_media(part, lambda media: str(Path(media).relative_to(root))) for name, part in job.items()}


def _with_media(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {name: change(part) if name == "media" else _with_media(part, change) for name, part in value.items()}
    return [_with_media(part, change) for part in value] if isinstance(value, list | tuple) else value


class PartHands:
    """What one worker is at. Its methods are called from one thread; only sending happens in others, which ask no database.

    Use it as a context: what is still in hand when that ends is given back, with ``problem`` where there is one.
    """

    def __init__(self, work_dir: Path, *, holder: Callable[[], Path], cancelled: Callable[[], bool]) -> None:
        self.problem = ""
        self.made = 0
        self._work_dir, self._holder, self._cancelled = work_dir, holder, cancelled
        self.owner = uuid4().hex[:12]
        self._pool = ThreadPoolExecutor(SENT_AT_ONCE, thread_name_prefix="segments")
        self._shares: dict[PartClaim, float] = {}
        self._sending: dict[PartClaim, list[Future[Segment]]] = {}
        self._sound: Future[Segment] | None = None
        self._beat_at = time.monotonic() + BEAT_SECONDS

    def __enter__(self) -> "PartHands":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(DatabaseError):  # their leases run out
            for claim in self._shares:
                part_release(claim=claim, problem=self.problem)

    @property
    def is_empty(self) -> bool:
        return not self._shares and self._sound is None

    @property
    def frames_done(self) -> float:
        """How many frames of the parts in hand are made."""
        return sum(claim.size * share for claim, share in self._shares.items())

    def ids(self) -> set[int]:
        return {claim.part_id for claim in self._shares}

    def begin(self, claim: PartClaim) -> Job | None:
        """Take a part in hand and return what a worker process has to do; None when this host has made all of it before.

        Raises:
            FileLost, StorageFault, DiskFull, Cancelled: what it is made of cannot be brought here.
        """
        self._shares[claim] = 0.0
        missing = [part for part in claim.job["segments"] if not part_is_intact(segment_path(self._work_dir, part["key"]))]
        if not missing:
            self.finish(claim)
            return None
        room_check(claim.size * BYTES_PER_FRAME)
        names: set[Path] = set()

        def here(name: str) -> str:
            names.add(media_path(name))
            return str(media_path(name))

        jobs = [(part["key"], _with_media(part["job"], here)) for part in missing]
        files_fetch(sorted(names), holder=self._holder, cancelled=self._cancelled)
        return segments_job(jobs, self._work_dir, self.owner)

    def progressed(self, claim: PartClaim, share: float) -> None:
        if claim in self._shares:
            self._shares[claim] = share

    def finish(self, claim: PartClaim) -> None:
        """Send a part whose segments stand here complete; one that somebody took over meanwhile is theirs to send."""
        if claim not in self._shares:
            return
        self.made += 1
        keys = [part["key"] for part in claim.job["segments"]]
        self._sending[claim] = [self._pool.submit(segment_send, key, self._work_dir) for key in keys]

    def sound_made(self, key: str) -> None:
        """Send the sound that stands here complete: it is no part, for whoever composes makes it."""
        self._sound = self._pool.submit(segment_send, key, self._work_dir, sound_path)

    def look(self) -> Iterator[PartClaim]:
        """Say what was sent meanwhile, and keep the rest; yields the parts that turned out not to be ours any more.

        Raises:
            StorageFault, DiskFull: the bucket did not take a segment.
        """
        if self._sound is not None and self._sound.done():
            segments_note([self._sound.result()])
            self._sound = None
        for claim, sent in list(self._sending.items()):
            if all(one.done() for one in sent):
                del self._sending[claim]
                segments = [one.result() for one in sent]
                with transaction.atomic():
                    segments_note(segments)
                    is_ours = part_done(claim=claim)
                del self._shares[claim]
                if not is_ours:
                    part_release(claim=claim)  # of a film that nobody wants any more; somebody else's is not touched
                    yield claim
        if time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + BEAT_SECONDS
        for claim, share in list(self._shares.items()):
            try:
                is_ours = part_beat(claim=claim, size_done=int(claim.size * share))
            except DatabaseError:  # the fence decides, when it answers again
                logger.exception("a part's lease could not be renewed")
                close_old_connections()
                return
            if not is_ours:
                yield claim

    def drop(self, claim: PartClaim) -> None:
        """Forget a part that is somebody else's now."""
        self._shares.pop(claim, None)
        self._sending.pop(claim, None)
