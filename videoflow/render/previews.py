"""Quick looks at a timeline: one scene or the whole, small, and stills; planned, cached and joined as the video itself."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from videoflow.errors import BadInput, Cancelled, VideoflowError
from videoflow.render.artefacts import canonical_key, file_sha256, part_is_intact
from videoflow.render.audio import sound_job
from videoflow.render.composition import parts_join, remake_of, scene_check, timeline_captions
from videoflow.render.layers import PictureShelf, layer_open
from videoflow.render.loudness import RATE
from videoflow.render.making import Remake, Report, parts_make, segment_path, sound_path
from videoflow.render.plan import Plan, Segment, plan_make
from videoflow.render.planes import planes_of_frame
from videoflow.render.probe import media_check
from videoflow.render.timeline import CaptionLine, Format, Scene, Timeline
from videoflow.sentences import Sentence

PREVIEW_SIDE_PX = 360
"""The shorter side of a preview."""
SCENE_LIMIT_SECONDS = 30.0
WHOLE_LIMIT_SECONDS = 600.0
_POSTER_QUALITY = 88
_FADE_SECONDS = 1.0
"""More than the captions' fades last."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A finished preview; ``made`` and ``reused`` count its parts."""

    path: Path
    seconds: float
    width_px: int
    height_px: int
    made: int
    reused: int


def preview_format(form: Format) -> Format:
    """Return a format of the same shape and frame rate, small and coded quickly; the sound stays the same, byte for byte."""
    share = min(1.0, PREVIEW_SIDE_PX / min(form.width_px, form.height_px))
    width, height = (round(side * share / 2.0) * 2 for side in (form.width_px, form.height_px))
    return Format(width, height, form.fps, quality="draft")


def preview_whole(
    timeline: Timeline,
    out: Path,
    work_dir: Path,
    *,
    report: Report,
    cancelled: Callable[[], bool],
    workers: int = 2,
    limit_seconds: float = WHOLE_LIMIT_SECONDS,
) -> Preview:
    """Make the whole video small to ``out``, with captions and its final sound; parts are kept in ``work_dir`` as for the video.

    Raises:
        BadInput: the timeline or one of its files cannot be used; the sentence names the file.
        Cancelled: ``cancelled()`` became true; no process and no partial file is left.
        VideoflowError: it took longer than ``limit_seconds``.
    """
    small = replace(timeline, format=preview_format(timeline.format))
    with _bounded(cancelled, limit_seconds) as stopped:
        return _made(remake_of(small, _ready(work_dir, out)), small, out, work_dir, report, stopped, workers)


def preview_scene(
    timeline: Timeline,
    index: int,
    out: Path,
    work_dir: Path,
    *,
    cancelled: Callable[[], bool],
    workers: int = 2,
    limit_seconds: float = SCENE_LIMIT_SECONDS,
) -> Preview:
    """Make one scene small to ``out``, with the transitions on both sides, its captions and what is said and played meanwhile.

    Its pictures are the very parts of ``preview_whole``. Its sound is mixed for these seconds alone, so it is mastered by itself.

    Raises:
        BadInput: there is no such scene, or a file of it cannot be used; the sentence names the file.
        Cancelled: ``cancelled()`` became true; no process and no partial file is left.
        VideoflowError: it took longer than ``limit_seconds``.
    """
    _scene_at(timeline, index)
    small = replace(timeline, format=preview_format(timeline.format))
    _ready(work_dir, out)
    with _bounded(cancelled, limit_seconds) as stopped:
        remake = _scene_remake(small, index, work_dir)
        return _made(remake, small, out, work_dir, lambda share, line: None, stopped, workers)


def poster(timeline: Timeline, index: int, out: Path, *, width_px: int = 640) -> Path:
    """Write a still of a scene's middle as JPEG, without captions.

    Raises:
        BadInput: there is no such scene, or its file cannot be used; the sentence names the file.
    """
    scene = _scene_at(timeline, index)
    scene_check(scene, whole=False)
    form = timeline.format
    width = max(64, min(width_px, form.width_px) // 2 * 2)
    small = replace(timeline, format=Format(width, round(width * form.height_px / form.width_px / 2) * 2, form.fps))
    hashes = {item.media: "" for item in timeline.scenes} | {clip.path: "" for clip in timeline.speech}
    if timeline.music:
        hashes[timeline.music.path] = ""
    begin, end = _frames_of(small, index)
    segment = next(
        part
        for part in _scene_segments(plan_make(small, (), hashes), begin, end)
        if part.first_frame + part.frames > (begin + end) // 2
    )
    frame = av.VideoFrame(small.format.width_px, small.format.height_px, "yuv420p")
    frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
    layer = layer_open(segment.job["base"], frame.width, frame.height, small.format.fps, PictureShelf())
    try:
        layer.draw((begin + end) // 2 - segment.first_frame, planes_of_frame(frame))
    finally:
        layer.close()
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        Image.fromarray(frame.to_ndarray(format="rgb24")).save(aside, "JPEG", quality=_POSTER_QUALITY, optimize=True)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return out


def _scene_at(timeline: Timeline, index: int) -> Scene:
    if not 0 <= index < len(timeline.scenes):
        raise BadInput(
            Sentence("There is no scene %(index)s; the video has %(scenes)s.", index=index + 1, scenes=len(timeline.scenes))
        )
    return timeline.scenes[index]


def _ready(work_dir: Path, out: Path) -> Path:
    for folder in (work_dir / "segments", work_dir / "sound", out.parent):
        folder.mkdir(parents=True, exist_ok=True)
    return work_dir


@contextmanager
def _bounded(cancelled: Callable[[], bool], limit_seconds: float) -> Iterator[Callable[[], bool]]:
    """Give a check that is true on a cancel and after the limit; after the limit the work ends with a sentence of its own."""
    deadline = time.monotonic() + limit_seconds
    try:
        yield lambda: cancelled() or time.monotonic() > deadline
    except Cancelled:
        if cancelled():
            raise
        raise VideoflowError(
            Sentence(
                "The preview took longer than %(limit_seconds)s s. Try again when the machine is less busy.",
                limit_seconds=f"{limit_seconds:.0f}",
            ),
            code="PREVIEW_TOO_SLOW",
            retryable=True,
        ) from None


def _frames_of(timeline: Timeline, index: int) -> tuple[int, int]:
    """Return the first frame of a scene and that of the scene after it, as the plan counts them."""
    fps = timeline.format.fps
    total = max(1, round(timeline.seconds * fps))
    edges = [0, *(min(total, round(scene.start * fps)) for scene in timeline.scenes[1:]), total]
    return edges[index], edges[index + 1]


def _scene_segments(plan: Plan, begin: int, end: int) -> list[Segment]:
    """Return the segments that show a scene: its way in, its body, and the way out into the next."""
    return [
        part
        for part in plan.segments
        if begin <= part.first_frame < end or (part.job["transition"] and part.first_frame + part.frames == begin)
    ]


def _scene_remake(small: Timeline, index: int, work_dir: Path) -> Remake:
    """Plan one scene of a whole timeline; only the files that it and its neighbours show or play are read."""
    hashes = {item.media: "" for item in small.scenes} | {clip.path: "" for clip in small.speech}
    if small.music:
        hashes[small.music.path] = ""
    for scene in small.scenes[max(0, index - 1) : index + 2]:
        scene_check(scene, whole=False)
        hashes[scene.media] = file_sha256(scene.media)
    begin, end = _frames_of(small, index)
    spoken = replace(small, captions=_lines_near(small, index))
    captions = timeline_captions(spoken) if small.caption_style.name != "none" else ()
    segments = _scene_segments(plan_make(small, captions, hashes), begin, end)
    first = segments[0].first_frame
    frames = sum(part.frames for part in segments)
    heard = _window(small, first / small.format.fps, frames / small.format.fps)
    for path in [clip.path for clip in heard.speech] + ([heard.music.path] if heard.music else []):
        media_check(path, "audio")
        hashes[path] = file_sha256(path)
    job = {**sound_job(heard, hashes, round(frames * RATE / small.format.fps)), "excerpt": True}
    key = canonical_key(job)
    missing = {part.key: part for part in segments if not part_is_intact(segment_path(work_dir, part.key))}
    plan = Plan(frames, tuple(segments), key, job)
    return Remake(plan, tuple(missing.values()), not part_is_intact(sound_path(work_dir, key)))


def _lines_near(timeline: Timeline, index: int) -> tuple[CaptionLine, ...]:
    """Return the spoken lines around a scene, with those beside them, whose captions decide how these come and go."""
    scene = timeline.scenes[index]
    first, last = scene.start - scene.transition_seconds - _FADE_SECONDS, scene.start + scene.seconds + _FADE_SECONDS
    lines = [line for line in timeline.captions if line.words]
    near = [n for n, line in enumerate(lines) if line.words[0].start < last and line.words[-1].end > first]
    return tuple(lines[max(0, near[0] - 1) : near[-1] + 2]) if near else ()


def _window(timeline: Timeline, first: float, seconds: float) -> Timeline:
    """Return what is heard between two times, moved to begin at 0; a line that began before starts below 0."""
    last = first + seconds
    return replace(
        timeline,
        seconds=seconds,
        speech=tuple(
            replace(clip, start=clip.start - first)
            for clip in timeline.speech
            if clip.start < last and clip.start + clip.seconds > first
        ),
        scenes=tuple(
            replace(scene, start=scene.start - first)
            for scene in timeline.scenes
            if scene.start < last and scene.start + scene.seconds > first
        ),
    )


def _made(
    remake: Remake, timeline: Timeline, out: Path, work_dir: Path, report: Report, cancelled: Callable[[], bool], workers: int
) -> Preview:
    if remake.missing or remake.sound_missing:
        parts_make(remake, work_dir, timeline.format.fps, report=report, cancelled=cancelled, workers=workers)
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        parts_join(remake.plan, timeline, work_dir, aside, cancelled)
        if cancelled():
            raise Cancelled("The preview was cancelled.")
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    report(1.0, "The preview is finished")
    form, made = timeline.format, len(remake.missing)
    return Preview(out, remake.plan.frames / form.fps, form.width_px, form.height_px, made, len(remake.plan.segments) - made)
