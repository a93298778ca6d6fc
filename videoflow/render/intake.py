"""Take in a creator's own file: look at it, then write it anew as a type that every browser plays, with nothing but its samples.

Run as ``python -m videoflow.render.intake`` it is a worker process (see ``videoflow.children``), so that a file which brings a
decoder down, or keeps it busy for ever, does not take the studio with it.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
from PIL import Image

from videoflow.children import Job, Result, child_serve
from videoflow.errors import BadInput
from videoflow.render.clips import Clip, clip_seconds
from videoflow.render.encoder import SegmentWriter
from videoflow.render.loudness import RATE, Signal
from videoflow.render.peaks import peaks_of
from videoflow.render.planes import planes_of_frame
from videoflow.render.presets import encoder_settings
from videoflow.render.probe import MediaFacts, UnknownType, media_check, media_open, probe
from videoflow.render.sound_reader import Reader
from videoflow.render.stills import picture_rgb, resized
from videoflow.render.timeline import Format
from videoflow.sentences import Sentence

TakenKind = Literal["image", "clip", "music"]
Purpose = Literal["picture", "music"]
"""What a file is brought for; a picture may move."""

PICTURE_SIDE_PX = 3840
CLIP_SIDE_PX = 1920
CLIP_SECONDS = 30.0
"""A scene shows a few seconds; what comes after is not kept."""
CLIP_FPS = 30
MUSIC_SECONDS = 1800.0
"""As long as the longest video; the compositor repeats what is shorter."""
SHORTEST_SECONDS = 0.5
_PICTURE_MARKS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_PHONE_PICTURES = (b"heic", b"heix", b"mif1", b"msf1", b"avif")
"""Brands of pictures in a container that is a video's otherwise."""
_SERVING = {
    "picture": Sentence("is neither a picture (JPEG, PNG or WebP) nor a video (MP4, MOV, WebM or MKV)"),
    "music": Sentence("is not a sound file (MP3, WAV, FLAC, Ogg or M4A)"),
}
"""What is said of a file of another type."""
_PAPER = "#ffffff"
"""Behind a picture with transparency: most of those are made for a white page."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The new file; ``cut_seconds`` is the length of the original where only its beginning was kept."""

    path: str
    kind: TakenKind
    width_px: int | None = None
    height_px: int | None = None
    seconds: float | None = None
    peaks: tuple[int, ...] | None = None
    cut_seconds: float | None = None


def looks_like_picture(head: bytes) -> bool:
    """Say by a file's first sixteen bytes whether it is a picture that stands still; its name says nothing."""
    return head.startswith(_PICTURE_MARKS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def file_take(
    source: Path, folder: Path, purpose: Purpose, progress: Callable[[float], None], *, clip_seconds_most: float = CLIP_SECONDS
) -> Taken:
    """Write a file anew in ``folder``, whatever it turns out to be.

    Raises:
        BadInput: it does not serve that purpose, or is damaged; the sentence calls it by the file's name.
    """
    try:
        return _take(source, folder, purpose, progress, clip_seconds_most)
    except UnknownType as error:
        raise BadInput(
            Sentence("%(name)s %(serving)s, whatever its name says.", name=source.name, serving=_SERVING[purpose])
        ) from error


def _take(source: Path, folder: Path, purpose: Purpose, progress: Callable[[float], None], clip_seconds_most: float) -> Taken:
    with source.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp" and head[8:12] in _PHONE_PICTURES:
        raise BadInput(
            Sentence("%(name)s is a HEIC or AVIF picture, which is not read here. Save it as JPEG or PNG.", name=source.name)
        )
    is_still = looks_like_picture(head)
    if purpose == "music":
        if is_still:
            raise BadInput(Sentence("%(name)s is a picture. Music comes as MP3, WAV, FLAC, Ogg or M4A.", name=source.name))
        return music_take(source, folder, progress)
    if is_still:
        return picture_take(source, folder)
    if head.lstrip().startswith((b"<svg", b"<?xml")):
        raise BadInput(Sentence("%(name)s is a drawing that can hold programs (SVG). Save it as PNG.", name=source.name))
    facts = probe(source)
    if facts.video_codec is None:
        raise BadInput(Sentence("%(name)s has no picture in it. Sound can be brought under “Music”.", name=source.name))
    return clip_take(source, folder, progress, clip_seconds_most)


def picture_take(source: Path, folder: Path) -> Taken:
    """Write a picture as a JPEG, upright, in sRGB, with sides of 3,840 pixels at most.

    Raises:
        BadInput: it is no picture, or a damaged one.
    """
    media_check(source, "image")
    rgb = picture_rgb(source, _PAPER)
    height, width = rgb.shape[:2]
    scale = min(1.0, PICTURE_SIDE_PX / max(width, height))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    out = folder / "picture.jpg"
    Image.fromarray(resized(rgb, size)).save(out, "JPEG", quality=92, subsampling=0, optimize=True)
    return Taken(str(out), "image", *size)


def clip_take(source: Path, folder: Path, progress: Callable[[float], None], seconds_most: float = CLIP_SECONDS) -> Taken:
    """Write a clip's beginning as H.264, upright, 30 frames a second, sides of 1,920 pixels at most, without sound.

    Raises:
        BadInput: it is no clip, or a damaged one.
    """
    facts = media_check(source, "clip", whole=False)
    whole = clip_seconds(source)
    if whole < SHORTEST_SECONDS:
        raise BadInput(
            Sentence("%(name)s lasts %(whole)s s; half a second is the least.", name=source.name, whole=f"{whole:.1f}")
        )
    seconds = min(whole, seconds_most)
    width, height = _clip_size(facts, source)
    out = folder / "clip.mp4"
    spec = {"media": source, "fit": "cover", "background": "#000000", "focus": (0.5, 0.5), "clip_start": 0.0, "clip_end": "hold"}
    frames = max(1, round(seconds * CLIP_FPS))
    settings = encoder_settings(Format(width, height, CLIP_FPS))
    with (
        closing(Clip(spec, width, height, CLIP_FPS, seconds)) as clip,
        SegmentWriter(out, width, height, CLIP_FPS, settings) as writer,
    ):
        for number in range(frames):
            clip.planes_at(number / CLIP_FPS).copy_to(planes_of_frame(writer.frame))
            writer.write()
            if number % CLIP_FPS == 0:
                progress(number / frames)
        writer.finish()
    return Taken(str(out), "clip", width, height, frames / CLIP_FPS, cut_seconds=whole if whole > seconds_most + 1 else None)


def _clip_size(facts: MediaFacts, source: Path) -> tuple[int, int]:
    with media_open(source) as container:
        shape = float(container.streams.video[0].sample_aspect_ratio or 1)
    width = facts.width_px * (shape if 0.1 <= shape <= 10 else 1.0)
    height = float(facts.height_px)
    if facts.rotation in (90, 270):
        width, height = height, width
    scale = min(1.0, CLIP_SIDE_PX / max(width, height))
    return max(16, round(width * scale / 2) * 2), max(16, round(height * scale / 2) * 2)


def music_take(source: Path, folder: Path, progress: Callable[[float], None]) -> Taken:
    """Write sound as FLAC, stereo, 48 kHz, 16 bit, half an hour at most.

    Raises:
        BadInput: it has no sound, or is silent or damaged.
    """
    facts = media_check(source, "audio")
    out = folder / "music.flac"
    written = 0

    def pieces(reader: Reader) -> Iterator[Signal]:
        nonlocal written
        most = round(MUSIC_SECONDS * RATE)
        for chunk in reader.chunks():
            kept = chunk[:, : most - written]
            if not kept.shape[1]:
                return
            _flac_write(container, stream, kept, written)
            written += kept.shape[1]
            progress(min(1.0, written / RATE / min(MUSIC_SECONDS, max(facts.audio_seconds, 0.1))))
            yield kept

    with closing(Reader(source, 2)) as reader, av.open(str(out), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="stereo", format="s16")
        try:
            peaks = peaks_of(pieces(reader))
        except av.error.FFmpegError as error:
            raise BadInput(Sentence("%(name)s is damaged and cannot be decoded.", name=source.name)) from error
        container.mux(stream.encode(None))
    seconds = written / RATE
    if seconds < SHORTEST_SECONDS:
        raise BadInput(
            Sentence("%(name)s lasts %(seconds)s s; half a second is the least.", name=source.name, seconds=f"{seconds:.1f}")
        )
    if not peaks:
        raise BadInput(Sentence("%(name)s is silent from beginning to end.", name=source.name))
    cut = facts.audio_seconds if facts.audio_seconds > MUSIC_SECONDS + 1 else None
    return Taken(str(out), "music", seconds=seconds, peaks=tuple(peaks), cut_seconds=cut)


def _flac_write(container: Any, stream: Any, signal: Signal, at: int) -> None:
    samples = np.round(np.clip(signal, -1, 1) * 32767).astype("<i2")
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T.reshape(1, -1)), format="s16", layout="stereo")
    frame.sample_rate, frame.pts = RATE, at
    container.mux(stream.encode(frame))


def handle(job: Job, progress: Callable[[float], None]) -> Result:
    """Take ``job["source"]`` for ``job["purpose"]`` into ``job["folder"]``."""
    return asdict(file_take(Path(job["source"]), Path(job["folder"]), job["purpose"], progress))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    child_serve(handle, idle_priority=False)
