"""Compose a video from a timeline: plan, segments, sound, join, check, and only then the final name."""

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from videoflow.crash_points import crash_point
from videoflow.errors import BadInput, Cancelled, DiskFull, VideoflowError
from videoflow.render.artefacts import file_sha256, part_about, part_is_intact, parts_prune
from videoflow.render.captions import Caption, captions_break
from videoflow.render.joining import join
from videoflow.render.listening import Heard
from videoflow.render.making import (
    SHARE_CHECKED,
    SHARE_MADE,
    PartSharing,
    Remake,
    Report,
    disk_full,
    frame_line,
    parts_make,
    segment_path,
    sound_path,
)
from videoflow.render.plan import Plan, Segment, plan_make
from videoflow.render.probe import media_check, probe
from videoflow.render.quality import QualityReport, Seen, quality_check
from videoflow.render.timeline import Scene, Timeline
from videoflow.sentences import Sentence, sentences_joined

LONGEST_VIDEO_SECONDS = 4 * 3600.0
LONGEST_LINE_SECONDS = 1800.0
BITS_PER_PIXEL = 0.12
"""What designed pictures take at the encoder's settings, upper end; for the estimate of disk space only."""
KEPT_BYTES = 4_000_000_000
"""How much of segments that this video no longer uses stays for an undo, oldest leave first."""

_SHARE_JOINED = 0.94


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
    encoder_reason: str = ""
    """Why this encoder, where it was chosen on this host."""


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


def remake_of(timeline: Timeline, work_dir: Path, sharing: PartSharing | None = None) -> Remake:
    """Return what composing this timeline would make anew; parts of earlier compositions in ``work_dir``, and those that
    ``sharing`` brings there, count as made.

    Raises:
        BadInput: the timeline or one of its files cannot be used.
    """
    hashes = inputs_check(timeline)
    captions = timeline_captions(timeline) if timeline.caption_style.name != "none" else ()
    plan = plan_make(timeline, captions, hashes)
    if sharing:
        sharing.bring(plan, work_dir)
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
    sharing: PartSharing | None = None,
) -> Composition:
    """Compose the video to ``out``; it stands there complete and checked, or not at all.

    Segments and sound are kept in ``work_dir`` under keys of their content and used again by the next call. What is missing is
    made here, or by ``sharing`` together with other hosts.
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
    remake = remake_of(timeline, work_dir, sharing)
    if cancelled():
        raise Cancelled("The composition was cancelled.")
    _room_check(remake, timeline, work_dir, out)
    report(SHARE_CHECKED, frame_line(remake.plan.frames - remake.frames, remake))
    if sharing or remake.missing or remake.sound_missing:
        make = sharing.make if sharing else parts_make
        make(remake, work_dir, timeline.format.fps, report=report, cancelled=cancelled, workers=workers)
    aside = out.with_name(f".{out.name}.part")
    try:
        report(SHARE_MADE, "Joining picture and sound")
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
            raise disk_full(out.parent) from error
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
