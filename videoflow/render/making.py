"""Make the parts of a video that are not there yet, in worker processes of this host."""

import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from videoflow.children import children_map
from videoflow.crash_points import crash_point
from videoflow.errors import DiskFull, VideoflowError
from videoflow.render.artefacts import asides_remove, part_aside
from videoflow.render.loudness import RATE
from videoflow.render.plan import Plan, Segment
from videoflow.sentences import Sentence

Report = Callable[[float, str], None]

WORKER_MODULE = "videoflow.render.segment_worker"
SOUND_WORK = 0.07
"""What mixing and coding the sound of a frame takes beside painting and encoding it."""
BATCH_SECONDS = 40
"""What one process takes at once where all of them are of this host."""
SHARE_CHECKED, SHARE_MADE = 0.02, 0.92
_REPORT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Remake:
    """What a composition would make anew, asked before it is done."""

    plan: Plan
    missing: tuple[Segment, ...]
    sound_missing: bool

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.missing)


def segment_path(work_dir: Path, key: str) -> Path:
    return work_dir / "segments" / f"{key}.mp4"


def sound_path(work_dir: Path, key: str) -> Path:
    return work_dir / "sound" / f"{key}.m4a"


class PartSharing(Protocol):
    """Makes a video's parts together with other hosts, and has those that any of them made before."""

    def bring(self, plan: Plan, work_dir: Path) -> None:
        """Have segments here that other hosts made; what cannot be brought counts as missing."""
        ...

    def make(
        self, remake: Remake, work_dir: Path, fps: int, *, report: Report, cancelled: Callable[[], bool], workers: int
    ) -> None:
        """Have all parts of the plan in ``work_dir`` when this returns; raises what ``parts_make`` does."""
        ...


def segment_groups(missing: Sequence[Segment], fps: int, *, longest_seconds: int, workers: int) -> list[list[Segment]]:
    """Group neighbouring segments, so that a worker finds the pictures of a transition still decoded for the body after it.

    The groups become smaller towards the end, so that all workers end at about the same time.
    """
    left = sum(segment.frames for segment in missing)
    groups: list[list[Segment]] = []
    room = 0
    for segment in missing:
        if room <= 0:
            groups.append([])
            room = min(longest_seconds * fps, max(fps, left // (workers * 2)))
        groups[-1].append(segment)
        room -= segment.frames
        left -= segment.frames
    return groups


def segments_job(segments: Iterable[tuple[str, Mapping[str, Any]]], work_dir: Path, owner: str) -> dict[str, Any]:
    """Describe the making of segments, given by key and description, for a worker process of this host."""
    outs = [(segment_path(work_dir, key), job) for key, job in segments]
    return {
        "kind": "segments",
        "segments": [{"job": job, "out": str(out), "aside": str(part_aside(out, owner))} for out, job in outs],
    }


def sound_job_here(plan: Plan, work_dir: Path, owner: str) -> dict[str, Any]:
    """Describe the making of the sound for a worker process of this host."""
    out = sound_path(work_dir, plan.sound_key)
    return {"kind": "sound", **plan.sound_job, "out": str(out), "aside": str(part_aside(out, owner))}


def sound_frames(plan: Plan, fps: int) -> float:
    """Return how much work the sound is, in frames."""
    return float(plan.sound_job["samples"]) / RATE * fps * SOUND_WORK


class FrameReport:
    """Tells how many frames are done, five times a second at the most."""

    def __init__(self, remake: Remake, report: Report) -> None:
        self._remake, self._report = remake, report
        self._said_at = 0.0

    def __call__(self, share: float, hosts: int = 1) -> None:
        """``share`` of the missing parts is done, by so many hosts."""
        if time.monotonic() - self._said_at < _REPORT_SECONDS and share < 1.0:
            return
        self._said_at = time.monotonic()
        remake = self._remake
        frame = remake.plan.frames - remake.frames + round(share * remake.frames)
        line = frame_line(frame, remake, hosts) if remake.frames else Sentence("Mixing the sound")
        self._report(SHARE_CHECKED + share * (SHARE_MADE - SHARE_CHECKED), line)


def frame_line(done: int, remake: Remake, hosts: int = 1) -> str:
    """Return how far the frames are; where several hosts make them, it says so."""
    counts = {"done": f"{done:,}", "frames": f"{remake.plan.frames:,}"}
    if hosts > 1:
        return Sentence("Frame %(done)s of %(frames)s, %(hosts)s hosts", hosts=hosts, **counts)
    return Sentence("Frame %(done)s of %(frames)s", **counts)


def parts_make(remake: Remake, work_dir: Path, fps: int, *, report: Report, cancelled: Callable[[], bool], workers: int) -> None:
    """Make the missing segments and the sound in worker processes of this host alone."""
    owner = uuid.uuid4().hex[:12]
    jobs: list[dict[str, Any]] = []
    weights: list[float] = []
    if remake.sound_missing:
        jobs.append(sound_job_here(remake.plan, work_dir, owner))
        weights.append(sound_frames(remake.plan, fps))
    for group in segment_groups(remake.missing, fps, longest_seconds=BATCH_SECONDS, workers=workers):
        jobs.append(segments_job([(segment.key, segment.job) for segment in group], work_dir, owner))
        weights.append(float(sum(segment.frames for segment in group)))
    with parts_aside(work_dir, owner):
        children_map(
            WORKER_MODULE,
            jobs,
            workers=workers,
            cancelled=cancelled,
            on_result=lambda index, made: crash_point("video_composition", "segments_made"),
            on_progress=FrameReport(remake, report),
            weights=weights,
        )


@contextmanager
def parts_aside(work_dir: Path, owner: str) -> Iterator[None]:
    """Leave nothing half-made behind, and say how much room there is when the disk became full.

    Raises:
        DiskFull: a worker process said so.
    """
    try:
        yield
    except VideoflowError as error:
        if error.code == DiskFull.code:
            raise disk_full(work_dir) from error
        raise
    finally:
        for folder in ("segments", "sound"):
            asides_remove(work_dir / folder, owner)


def disk_full(folder: Path) -> DiskFull:
    free = shutil.disk_usage(folder).free
    return DiskFull(
        Sentence(
            "The disk became full (%(free)s MB left). Free some space and start again; finished parts are kept.",
            free=f"{free / 1e6:.0f}",
        ),
        details={"needed_bytes": None, "free_bytes": free},
    )
