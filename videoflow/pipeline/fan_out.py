"""One video, many workers: the composing worker writes down what is missing, and makes it together with whoever helps.

Only where finished files are in a bucket: hosts then share it and the database. What every host made is found again by key, so a
composition that another host takes up, or an edit, makes only what nobody has. The join is a question to the database.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings

from videoflow.children import Job, Result, children_feed
from videoflow.crash_points import crash_point
from videoflow.pipeline.part_work import PartHands, job_named
from videoflow.pipeline.segment_cache import Place, segments_forget, segments_known, segments_place, segments_used
from videoflow.render import part_needs
from videoflow.render.making import (
    BATCH_SECONDS,
    WORKER_MODULE,
    FrameReport,
    Remake,
    Report,
    parts_aside,
    parts_make,
    segment_groups,
    segment_path,
    sound_frames,
    sound_job_here,
    sound_path,
)
from videoflow.render.plan import Plan, Segment
from videoflow.tasks.parts import (
    NewPart,
    PartClaim,
    PartState,
    helpers_ring,
    hosts_elsewhere,
    part_claim,
    parts_open,
    parts_states,
    parts_write,
)
from videoflow.tasks.services import Claim

PART_SECONDS = 8
"""Of film in a part, where other hosts may take it: so much is made anew when one is lost."""
LOOK_SECONDS = 1.0
IDLE_LOOK_SECONDS = 0.3
RING_SECONDS = 2.0
"""Until workers are rung for the second time; then twice as long, and so on."""
RING_SECONDS_MOST = 60.0
BROUGHT_AT_ONCE = 2

logger = logging.getLogger(__name__)


class SharedComposition:
    """The parts of one composition, made by all hosts that have a slot for it; this worker holds the task's ``claim``."""

    def __init__(self, claim: Claim, *, queue: str, holder: Callable[[], Path], cancelled: Callable[[], bool]) -> None:
        self._claim, self._queue, self._holder, self._cancelled = claim, queue, holder, cancelled

    @property
    def _host(self) -> str:
        return self._claim.worker_id.partition(":")[0]

    def bring(self, plan: Plan, work_dir: Path) -> None:
        """Have segments and the sound here that any host made before.

        Raises:
            StorageFault, DiskFull, Cancelled: the bucket does not answer now, or there is no room.
        """
        keys = {segment.key for segment in plan.segments}
        segments_used(keys | {plan.sound_key})
        wanted: tuple[tuple[Place, set[str]], ...] = ((segment_path, keys), (sound_path, {plan.sound_key}))
        for place, these in wanted:
            known = segments_known({key for key in these if not place(work_dir, key).is_file()})
            if known:
                segments_forget(segments_place(known, work_dir, holder=self._holder, cancelled=self._cancelled, place=place))

    def make(
        self, remake: Remake, work_dir: Path, fps: int, *, report: Report, cancelled: Callable[[], bool], workers: int
    ) -> None:
        """Have all parts of the plan in ``work_dir``: made here, or by whoever took them up.

        Raises:
            LeaseLost: the task is no longer ours.
            Cancelled, DiskFull, StorageFault, VideoflowError: as making them alone does.
        """
        others = hosts_elsewhere(host=self._host)
        parts = self._write(remake, fps, hosts=1 + others, workers=workers)
        waking = _Waking(self._claim, self._queue, others=others)
        with (
            PartHands(work_dir, holder=self._holder, cancelled=cancelled) as hands,
            _Bringing(work_dir, self._holder) as bringing,
        ):
            together = _Together(self._claim, remake, work_dir, fps, report, parts, hands, bringing, waking)
            with parts_aside(work_dir, hands.owner):
                children_feed(
                    WORKER_MODULE,
                    together.take,
                    workers=workers,
                    cancelled=lambda: together.look() or cancelled(),
                    is_over=together.is_over,
                    on_result=together.on_result,
                    on_progress=together.on_progress,
                )
        left = tuple(segment for segment in remake.missing if not segment_path(work_dir, segment.key).is_file())
        if left:  # made, and gone from the bucket since
            alone = replace(remake, missing=left, sound_missing=not sound_path(work_dir, remake.plan.sound_key).is_file())
            parts_make(alone, work_dir, fps, report=report, cancelled=cancelled, workers=workers)

    def _write(self, remake: Remake, fps: int, *, hosts: int, workers: int) -> dict[int, list[str]]:
        """Write the parts down and return their segments' keys by id; those of an earlier attempt that still serve are kept."""
        needs = part_needs(str(remake.plan.segments[0].job["encoder"]["encoder"]))
        missing = {segment.key: segment for segment in remake.missing}
        kept: dict[int, list[str]] = {}
        for part_id, (needed, job) in parts_open(task_id=self._claim.task_id).items():
            keys = [part["key"] for part in job["segments"]]
            if needed == needs and missing.keys() >= set(keys):
                kept[part_id] = keys
                for key in keys:
                    del missing[key]
        longest_seconds = PART_SECONDS if hosts > 1 else BATCH_SECONDS
        groups = segment_groups(list(missing.values()), fps, longest_seconds=longest_seconds, workers=workers * hosts)
        parts_write(claim=self._claim, keep=kept, parts=[_new_part(group, needs) for group in groups])
        written = {part_id: _keys(job) for part_id, (_, job) in parts_open(task_id=self._claim.task_id).items()}
        return kept | written


def _new_part(group: Collection[Segment], needs: str) -> NewPart:
    job = {"segments": [{"key": segment.key, "job": job_named(segment.job)} for segment in group]}
    return NewPart(needs, sum(segment.frames for segment in group), job)


def _keys(job: Mapping[str, Any]) -> list[str]:
    return [part["key"] for part in job["segments"]]


class _Waking:
    """Rings workers that may have a free slot, at growing intervals, while parts wait."""

    def __init__(self, claim: Claim, queue: str, *, others: int) -> None:
        self._claim, self._queue = claim, queue
        slots = settings.VIDEOFLOW_QUEUE_SLOTS[queue]
        self._most = others * slots + slots - 1
        self._due_at, self._pause = 0.0, RING_SECONDS

    def ring_when_due(self, waiting: int) -> None:
        if not waiting or not self._most or time.monotonic() < self._due_at:
            return
        helpers_ring(task_id=self._claim.task_id, queue=self._queue, number=min(waiting, self._most))
        self._due_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, RING_SECONDS_MOST)


class _Bringing:
    """Brings what other hosts finish, while this one is at its own parts. A context: nothing is brought after it."""

    def __init__(self, work_dir: Path, holder: Callable[[], Path]) -> None:
        self._work_dir, self._holder = work_dir, holder
        self._pool = ThreadPoolExecutor(BROUGHT_AT_ONCE, thread_name_prefix="bring")
        self._coming: list[Future[list[str]]] = []
        self._ended = False

    def __enter__(self) -> "_Bringing":
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def bring(self, keys: Collection[str]) -> None:
        known = segments_known(key for key in keys if not segment_path(self._work_dir, key).is_file())
        if known:
            coming = self._pool.submit(segments_place, known, self._work_dir, holder=self._holder, cancelled=lambda: self._ended)
            self._coming.append(coming)

    def is_empty(self) -> bool:
        """Say whether all has come; forgets what turned out to be gone.

        Raises:
            StorageFault, DiskFull: something did not come.
        """
        for one in [one for one in self._coming if one.done()]:
            self._coming.remove(one)
            segments_forget(one.result())
        return not self._coming


class _Together:
    """What ``children_feed`` asks: the next part for a process of this host, and whether all parts of all hosts are done."""

    def __init__(
        self,
        claim: Claim,
        remake: Remake,
        work_dir: Path,
        fps: int,
        report: Report,
        parts: Mapping[int, list[str]],
        hands: PartHands,
        bringing: _Bringing,
        waking: _Waking,
    ) -> None:
        self._claim, self._remake, self._work_dir, self._parts = claim, remake, work_dir, parts
        self._hands, self._bringing, self._waking = hands, bringing, waking
        self._tell = FrameReport(remake, report)
        self._sound_missing = remake.sound_missing
        self._sound_work = sound_frames(remake.plan, fps) if remake.sound_missing else 0.0
        self._sound_share = 0.0
        self._jobs: list[PartClaim | None] = []
        """Which part each job is, by its number; None for the sound."""
        self._states: list[PartState] = []
        self._there: set[int] = set()
        self._share = 0.0
        self._looked_at = self._asked_at = 0.0
        self._find_out()

    def take(self) -> Job | None:
        """Return the next thing for a process here: the sound, then a part that nobody is at."""
        if self._sound_missing:
            self._sound_missing = False
            self._jobs.append(None)
            return sound_job_here(self._remake.plan, self._work_dir, self._hands.owner)
        if time.monotonic() - self._asked_at < IDLE_LOOK_SECONDS:
            return None
        claim = part_claim(claim=self._claim)
        if claim is None:
            self._asked_at = time.monotonic()
            return None
        job = self._hands.begin(claim)
        if job is not None:
            self._jobs.append(claim)
        return job

    def on_result(self, number: int, result: Result) -> None:
        crash_point("video_composition", "segments_made")
        claim = self._jobs[number]
        if claim is None:
            self._hands.sound_made(self._remake.plan.sound_key)
        else:
            self._hands.finish(claim)

    def on_progress(self, number: int, share: float) -> None:
        claim = self._jobs[number]
        if claim is None:
            self._sound_share = share
        else:
            self._hands.progressed(claim, share)
        self._report()

    def look(self) -> bool:
        """Keep what is in hand and find out about the rest when it is time; False, so that it can be asked beside others."""
        for lost in self._hands.look():
            self._hands.drop(lost)  # somebody took it over; what was made here serves all the same
        self._bringing.is_empty()
        if time.monotonic() - self._looked_at >= (IDLE_LOOK_SECONDS if self._hands.is_empty else LOOK_SECONDS):
            self._find_out()
            self._report()
        return False

    def is_over(self) -> bool:
        return self._hands.is_empty and self._bringing.is_empty() and self._there >= self._parts.keys()

    def _find_out(self) -> None:
        self._looked_at = time.monotonic()
        self._states = [state for state in parts_states(task_id=self._claim.task_id) if state.part_id in self._parts]
        for state in self._states:
            if state.is_done and state.part_id not in self._there:
                self._there.add(state.part_id)
                self._bringing.bring(self._parts[state.part_id])
        waiting = sum(not state.is_done and not state.is_live for state in self._states)
        self._waking.ring_when_due(waiting)

    def _report(self) -> None:
        ours = self._hands.ids()
        elsewhere = [state for state in self._states if state.is_live and state.part_id not in ours]
        done = sum(state.size for state in self._states if state.is_done and state.part_id not in ours)
        done += sum(state.size_done for state in elsewhere)
        work = self._remake.frames + self._sound_work
        share = (done + self._hands.frames_done + self._sound_share * self._sound_work) / work if work else 1.0
        self._share = max(self._share, min(1.0, share))
        here = self._claim.worker_id.partition(":")[0]
        self._tell(self._share, len({state.host for state in elsewhere} | {here}))
