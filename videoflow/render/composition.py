"""Compose a video from a timeline: plan, segments, sound, join, check, and only then the final name."""

import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videoflow.children import children_map
from videoflow.crash_points import crash_point
from videoflow.errors import BadInput, Cancelled, DiskFull, VideoflowError
from videoflow.render.artefacts import asides_remove, file_sha256, part_about, part_aside, part_is_intact, parts_prune
from videoflow.render.captions import Caption, captions_break
from videoflow.render.joining import join
from videoflow.render.listening import Heard
from videoflow.render.loudness import RATE
from videoflow.render.plan import Plan, Segment, plan_make
from videoflow.render.probe import media_check, probe
from videoflow.render.quality import QualityReport, Seen, quality_check
from videoflow.render.timeline import Scene, Timeline
from videoflow.sentences import Sentence, sentences_joined

Report = Callable[[float, str], None]

WORKER_MODULE = "videoflow.render.segment_worker"
LONGEST_VIDEO_SECONDS = 4 * 3600.0
LONGEST_LINE_SECONDS = 1800.0
BITS_PER_PIXEL = 0.12
"""What designed pictures take at the encoder's settings, upper end; for the estimate of disk space only."""
SOUND_WORK = 0.07
"""What mixing and coding the sound of a frame takes beside painting and encoding it."""
KEPT_BYTES = 4_000_000_000
"""How much of segments that this video no longer uses stays for an undo, oldest leave first."""

_SHARE_CHECKED, _SHARE_MADE, _SHARE_JOINED = 0.02, 0.92, 0.94


@dataclass(frozen=True, slots=True)
class Composition:
    path: Path
    seconds: float
    size_bytes: int
    sha256: str
    width_px: int
    height_px: int
    fps: int
    video_codec: str
    encoder: str
    """The encoder that made the picture: the software's own, or the hardware's that the format named."""
    audio_codec: str
    loudness_lufs: float
    true_peak_db: float
    frames: int
    segments_made: int
    segments_reused: int
    report: QualityReport


@dataclass(frozen=True, slots=True)
class Remake:
    """What a composition would make anew, asked before it is done."""

    plan: Plan
    missing: tuple[Segment, ...]
    sound_missing: bool

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.missing)


def timeline_captions(timeline: Timeline) -> tuple[Caption, ...]:
    """Return the captions of a timeline as they are burned in; the same ones go into SRT and VTT files."""
    return captions_break(timeline.captions, timeline.format, timeline.caption_style, timeline.seconds)


def scene_check(scene: Scene, *, whole: bool = True) -> None:
    """Refuse a scene whose picture or clip cannot be used as the scene asks; ``whole`` as ``media_check`` takes it.

    Raises:
        BadInput: with the file's name and why.
    """
    facts = media_check(scene.media, scene.kind, heard=scene.clip_level_db is not None, whole=whole)
    if scene.kind == "clip" and 0.0 < facts.video_seconds <= scene.clip_start:
        raise BadInput(
            Sentence(
                "%(name)s lasts %(video_seconds)s s and should begin at %(clip_start)s s.",
                name=scene.media.name,
                video_seconds=f"{facts.video_seconds:.1f}",
                clip_start=f"{scene.clip_start:.1f}",
            )
        )


def inputs_check(timeline: Timeline) -> dict[Path, str]:
    """Refuse inputs that are not what they should be, and return the hash of each file.

    Raises:
        BadInput: with the file's name and why.
    """
    if timeline.seconds > LONGEST_VIDEO_SECONDS:
        raise BadInput(
            Sentence(
                "A video of %(seconds)s hours cannot be made; %(limit)s are possible.",
                seconds=f"{timeline.seconds / 3600:.1f}",
                limit=f"{LONGEST_VIDEO_SECONDS / 3600:.0f}",
            )
        )
    hashes: dict[Path, str] = {}
    for scene in timeline.scenes:
        scene_check(scene)
        if scene.media not in hashes:
            hashes[scene.media] = file_sha256(scene.media)
    for clip in timeline.speech:
        if clip.path not in hashes:
            lasts = media_check(clip.path, "audio").audio_seconds
            if lasts > LONGEST_LINE_SECONDS:
                raise BadInput(
                    Sentence("%(name)s lasts longer than half an hour; cut it into shorter lines.", name=clip.path.name)
                )
            if lasts < clip.seconds - 0.25:
                raise BadInput(
                    Sentence(
                        "%(name)s is cut off: it should last %(seconds)s s and has %(lasts)s s.",
                        name=clip.path.name,
                        seconds=f"{clip.seconds:.1f}",
                        lasts=f"{lasts:.1f}",
                    )
                )
            hashes[clip.path] = file_sha256(clip.path)
    if timeline.music and timeline.music.path not in hashes:
        media_check(timeline.music.path, "audio")
        hashes[timeline.music.path] = file_sha256(timeline.music.path)
    return hashes


def segment_path(work_dir: Path, key: str) -> Path:
    return work_dir / "segments" / f"{key}.mp4"


def sound_path(work_dir: Path, key: str) -> Path:
    return work_dir / "sound" / f"{key}.m4a"


def remake_of(timeline: Timeline, work_dir: Path) -> Remake:
    """Return what composing this timeline would make anew; parts of earlier compositions in ``work_dir`` count as made.

    Raises:
        BadInput: the timeline or one of its files cannot be used.
    """
    hashes = inputs_check(timeline)
    captions = timeline_captions(timeline) if timeline.caption_style.name != "none" else ()
    plan = plan_make(timeline, captions, hashes)
    missing: dict[str, Segment] = {}
    for segment in plan.segments:
        if segment.key not in missing and not part_is_intact(segment_path(work_dir, segment.key)):
            missing[segment.key] = segment
    return Remake(plan, tuple(missing.values()), not part_is_intact(sound_path(work_dir, plan.sound_key)))


def _room_check(remake: Remake, timeline: Timeline, work_dir: Path, out: Path) -> None:
    """Refuse to begin what would not fit on the disk."""
    form = timeline.format
    frame_bytes = form.width_px * form.height_px * BITS_PER_PIXEL / 8
    sound_bytes = remake.plan.sound_job["samples"] * (16 if remake.sound_missing else 0) + timeline.seconds * 24_000 * 2
    here = int(remake.frames * frame_bytes + sound_bytes)
    there = int(remake.plan.frames * frame_bytes + timeline.seconds * 24_000)
    same_disk = work_dir.stat().st_dev == out.parent.stat().st_dev
    for folder, needed in ((work_dir, here + there if same_disk else here), (out.parent, there)):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise DiskFull(
                Sentence(
                    "Composing needs about %(needed)s MB of disk space and %(free)s MB are free. Free some space and try again.",
                    needed=f"{needed / 1e6:.0f}",
                    free=f"{free / 1e6:.0f}",
                ),
                details={"needed_bytes": needed, "free_bytes": free},
            )


def _batches(missing: Sequence[Segment], work_dir: Path, workers: int, fps: int, owner: str) -> list[dict[str, Any]]:
    """Group neighbouring segments, so that a worker finds the pictures of a transition still decoded for the body after it.

    The groups become smaller towards the end, so that all workers end at about the same time.
    """
    left = sum(segment.frames for segment in missing)
    batches: list[dict[str, Any]] = []
    room = 0
    for segment in missing:
        if room <= 0:
            batches.append({"kind": "segments", "segments": []})
            room = min(40 * fps, max(fps, left // (workers * 2)))
        out = segment_path(work_dir, segment.key)
        batches[-1]["segments"].append({"job": segment.job, "out": str(out), "aside": str(part_aside(out, owner))})
        room -= segment.frames
        left -= segment.frames
    return batches


def _work_frames(job: Mapping[str, Any], fps: int) -> float:
    """Return how much work a job is, in frames."""
    if job["kind"] == "sound":
        return float(job["samples"]) / RATE * fps * SOUND_WORK
    return float(sum(segment["job"]["frames"] for segment in job["segments"]))


def parts_make(remake: Remake, work_dir: Path, fps: int, *, report: Report, cancelled: Callable[[], bool], workers: int) -> None:
    """Make the missing segments and the sound in worker processes."""
    owner = uuid.uuid4().hex[:12]
    jobs: list[dict[str, Any]] = []
    if remake.sound_missing:
        out = sound_path(work_dir, remake.plan.sound_key)
        jobs.append({"kind": "sound", **remake.plan.sound_job, "out": str(out), "aside": str(part_aside(out, owner))})
    jobs += _batches(remake.missing, work_dir, workers, fps, owner)
    weights = [_work_frames(job, fps) for job in jobs]
    reused = remake.plan.frames - remake.frames
    said = 0.0

    def on_progress(share: float) -> None:
        nonlocal said
        if time.monotonic() - said < 0.2 and share < 1.0:
            return
        said = time.monotonic()
        frame = reused + round(share * remake.frames)
        line = _frame_line(frame, remake) if remake.frames else Sentence("Mixing the sound")
        report(_SHARE_CHECKED + share * (_SHARE_MADE - _SHARE_CHECKED), line)

    try:
        children_map(
            WORKER_MODULE,
            jobs,
            workers=workers,
            cancelled=cancelled,
            on_result=lambda index, made: crash_point("video_composition", "segments_made"),
            on_progress=on_progress,
            weights=weights,
        )
    except VideoflowError as error:
        if error.code == DiskFull.code:
            raise _disk_full(work_dir) from error
        raise
    finally:
        for folder in ("segments", "sound"):
            asides_remove(work_dir / folder, owner)


def _frame_line(done: int, remake: Remake) -> str:
    return Sentence("Frame %(done)s of %(frames)s", done=f"{done:,}", frames=f"{remake.plan.frames:,}")


def _disk_full(folder: Path) -> DiskFull:
    free = shutil.disk_usage(folder).free
    return DiskFull(
        Sentence(
            "The disk became full (%(free)s MB left). Free some space and start again; finished parts are kept.",
            free=f"{free / 1e6:.0f}",
        ),
        details={"needed_bytes": None, "free_bytes": free},
    )


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def compose(
    timeline: Timeline,
    out: Path,
    work_dir: Path,
    *,
    report: Report,
    cancelled: Callable[[], bool],
    workers: int = 2,
) -> Composition:
    """Compose the video to ``out``; it stands there complete and checked, or not at all.

    Segments and sound are kept in ``work_dir`` under keys of their content and used again by the next call.
    ``report(share, line)`` gets a share from 0 to 1. Call it from a thread that lives until it returns.

    Raises:
        BadInput: the timeline or one of its files cannot be used; the sentence names the file.
        DiskFull: there is not enough room, before or during the work.
        Cancelled: ``cancelled()`` became true; no process and no partial file is left.
        VideoflowError: the finished file failed its check.
    """
    report(0.0, "Checking the pictures, clips and voices")
    for folder in (work_dir / "segments", work_dir / "sound", out.parent):
        folder.mkdir(parents=True, exist_ok=True)
    remake = remake_of(timeline, work_dir)
    if cancelled():
        raise Cancelled("The composition was cancelled.")
    _room_check(remake, timeline, work_dir, out)
    report(_SHARE_CHECKED, _frame_line(remake.plan.frames - remake.frames, remake))
    if remake.missing or remake.sound_missing:
        parts_make(remake, work_dir, timeline.format.fps, report=report, cancelled=cancelled, workers=workers)
    aside = out.with_name(f".{out.name}.part")
    try:
        report(_SHARE_MADE, "Joining picture and sound")
        parts_join(remake.plan, timeline, work_dir, aside, cancelled)
        crash_point("video_composition", "muxed")
        report(_SHARE_JOINED, "Checking the finished video")
        quality = _checked(aside, timeline, remake.plan, work_dir, cancelled)
        composition = _composition(aside, out, remake, quality)
        _synced(aside)
        crash_point("video_composition", "checked")
        if cancelled():
            raise Cancelled("The composition was cancelled.")
        aside.replace(out)
        _synced(out.parent)
        crash_point("video_composition", "moved")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _disk_full(out.parent) from error
        raise
    finally:
        aside.unlink(missing_ok=True)
    used = {segment_path(work_dir, segment.key) for segment in remake.plan.segments}
    parts_prune(work_dir / "segments", used, KEPT_BYTES)
    parts_prune(work_dir / "sound", {sound_path(work_dir, remake.plan.sound_key)}, KEPT_BYTES // 20)
    report(1.0, "The video is finished")
    return composition


def _checked(film: Path, timeline: Timeline, plan: Plan, work_dir: Path, cancelled: Callable[[], bool]) -> QualityReport:
    """Return what was found in a finished film.

    Raises:
        VideoflowError: it is not as it has to be.
    """
    quality = quality_check(
        film,
        timeline,
        timeline_captions(timeline),
        [Seen(part.first_frame, part.frames, part_about(segment_path(work_dir, part.key))) for part in plan.segments],
        Heard(**part_about(sound_path(work_dir, plan.sound_key))),
        cancelled=cancelled,
    )
    if quality.broken:
        reason = sentences_joined(*quality.broken)
        raise VideoflowError(
            Sentence("The video was made but did not pass its check. %(reason)s", reason=reason), code="QUALITY_CHECK_FAILED"
        )
    return quality


def parts_join(plan: Plan, timeline: Timeline, work_dir: Path, aside: Path, cancelled: Callable[[], bool]) -> None:
    """Join the finished segments and the sound of a plan to one file."""
    paths = [segment_path(work_dir, segment.key) for segment in plan.segments]
    counts = [segment.frames for segment in plan.segments]
    metadata: Mapping[str, str] = {"title": timeline.title, "comment": timeline.comment}
    sound = sound_path(work_dir, plan.sound_key)
    join(paths, counts, sound, aside, fps=timeline.format.fps, metadata=metadata, cancelled=cancelled)


def _composition(aside: Path, out: Path, remake: Remake, quality: QualityReport) -> Composition:
    facts = probe(aside)
    loudness, peak = quality.figures["loudness_lufs"], quality.figures["true_peak_db"]
    return Composition(
        path=out,
        seconds=facts.seconds,
        size_bytes=facts.size_bytes,
        sha256=file_sha256(aside),
        width_px=facts.width_px,
        height_px=facts.height_px,
        fps=round(facts.fps),
        video_codec=facts.video_codec or "",
        encoder=str(remake.plan.segments[0].job["encoder"]["encoder"]),
        audio_codec=facts.audio_codec or "",
        loudness_lufs=float(-70.0 if loudness is None else loudness),
        true_peak_db=float(-70.0 if peak is None else peak),
        frames=remake.plan.frames,
        segments_made=len(remake.missing),
        segments_reused=len(remake.plan.segments) - len(remake.missing),
        report=quality,
    )
