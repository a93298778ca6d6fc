"""Facts about media files, and the refusal of files that are not what they claim to be."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from PIL import Image

from videoflow.errors import BadInput
from videoflow.render.planes import MAX_PICTURE_PIXELS

MediaKind = Literal["image", "clip", "audio"]

_HEADS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "mov"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"RIFF", "wav"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
)
"""First bytes -> the demuxer that is forced. Playlists and concatenations (which open other files) have no entry, so they are
never opened by what they contain."""

_VIDEO_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "png"})
_AUDIO_CODECS = frozenset({"aac", "mp3", "mp3float", "opus", "vorbis", "flac", "alac"})
_OPEN_OPTIONS = {"protocol_whitelist": "file"}
MAX_CLIP_SIDE_PX = 8192
MAX_AUDIO_SECONDS = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a file holds; fields of a stream that it does not have are None or 0."""

    container: str
    seconds: float
    size_bytes: int
    video_codec: str | None = None
    width_px: int = 0
    height_px: int = 0
    fps: float = 0.0
    frames: int = 0
    pixel_format: str | None = None
    colour: tuple[int, int, int, int] = (2, 2, 2, 0)
    """Primaries, transfer, matrix (numbers of ITU-T H.273; 2 = not said) and range (1 = limited, 2 = full)."""
    rotation: int = 0
    """Degrees counter-clockwise that the picture is turned by before it is shown: 0, 90, 180 or 270."""
    audio_codec: str | None = None
    sample_rate: int = 0
    channels: int = 0
    video_seconds: float = 0.0
    audio_seconds: float = 0.0


def media_open(path: Path) -> InputContainer:
    """Open a media file with the demuxer that its first bytes ask for; no other file or address is ever opened for it.

    Raises:
        BadInput: it is empty, of an unknown or refused type, or too damaged to open.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadInput(f"{path.name} cannot be opened.") from error
    if not head:
        raise BadInput(f"{path.name} is empty.")
    demuxer = next((name for offset, mark, name in _HEADS if head[offset : offset + len(mark)] == mark), None)
    if demuxer is None or (demuxer == "wav" and head[8:12] != b"WAVE"):
        raise BadInput(f"{path.name} is not a video or sound file of a known type (MP4, MOV, WebM, MKV, WAV, MP3, FLAC, Ogg).")
    if demuxer == "wav" and _wav_promises_more(head, path):
        raise BadInput(f"{path.name} is cut off: its end is missing.")
    try:
        return av.open(path, "r", format=demuxer, options=_OPEN_OPTIONS)
    except (av.error.FFmpegError, OSError) as error:
        raise BadInput(f"{path.name} is damaged or incomplete and cannot be read.") from error


def _wav_promises_more(head: bytes, path: Path) -> bool:
    """Return whether a WAV file is shorter than its header says; 0 and the highest size mean that the writer did not know."""
    promised = int.from_bytes(head[4:8], "little")
    return promised not in (0, 0xFFFFFFFF) and promised + 8 > path.stat().st_size + 1


def _rotation(container: InputContainer) -> int:
    stream = container.streams.video[0]
    stream.thread_count = 1
    try:
        frame = next(container.decode(stream))
    except (av.error.FFmpegError, StopIteration):
        return 0
    return int(frame.rotation) % 360


def probe(path: Path) -> MediaFacts:
    """Read a media file's facts from its headers (and its first frame, for the rotation).

    Raises:
        BadInput: it is not a media file of a known type.
    """
    with media_open(path) as container:
        seconds = float(container.duration or 0) / av.time_base
        facts: dict[str, object] = {}
        if container.streams.video:
            video = container.streams.video[0]
            context = video.codec_context
            facts.update(
                video_codec=context.name,
                width_px=context.width,
                height_px=context.height,
                fps=float(video.average_rate or 0),
                frames=video.frames,
                pixel_format=context.pix_fmt,
                colour=(context.color_primaries, context.color_trc, context.colorspace, context.color_range),
                video_seconds=float(video.duration * video.time_base) if video.duration and video.time_base else seconds,
                rotation=_rotation(container) if context.name in _VIDEO_CODECS else 0,
            )
        if container.streams.audio:
            audio = container.streams.audio[0]
            facts.update(
                audio_codec=audio.codec_context.name,
                sample_rate=audio.codec_context.sample_rate,
                channels=audio.codec_context.channels,
                audio_seconds=float(audio.duration * audio.time_base) if audio.duration and audio.time_base else seconds,
            )
        return MediaFacts(container.format.name, seconds, path.stat().st_size, **facts)  # type: ignore[arg-type]


def media_check(path: Path, kind: MediaKind) -> MediaFacts:
    """Return the facts of a file that really is what it is said to be, and that can be decoded at its start and end.

    Raises:
        BadInput: with the file's name and what is wrong with it.
    """
    if not path.is_file():
        raise BadInput(f"{path.name} does not exist.")
    if kind == "image":
        return _image_check(path)
    facts = probe(path)
    if kind == "clip":
        if facts.video_codec is None:
            raise BadInput(f"{path.name} has no picture in it.")
        if facts.video_codec not in _VIDEO_CODECS:
            raise BadInput(f"{path.name} is coded as {facts.video_codec}, which is not accepted; convert it to H.264.")
        if max(facts.width_px, facts.height_px) > MAX_CLIP_SIDE_PX or min(facts.width_px, facts.height_px) < 16:
            raise BadInput(f"{path.name} has {facts.width_px} x {facts.height_px} pixels; 16 to {MAX_CLIP_SIDE_PX} are possible.")
    else:
        codec = facts.audio_codec
        if codec is None:
            raise BadInput(f"{path.name} has no sound in it.")
        if codec not in _AUDIO_CODECS and not codec.startswith("pcm_"):
            raise BadInput(f"{path.name} is coded as {codec}, which is not accepted; convert it to WAV or AAC.")
        if facts.audio_seconds > MAX_AUDIO_SECONDS:
            raise BadInput(
                f"{path.name} lasts {facts.audio_seconds / 3600:.1f} hours; {MAX_AUDIO_SECONDS / 3600:.0f} are possible."
            )
    shown_seconds = facts.video_seconds if kind == "clip" else facts.audio_seconds
    if shown_seconds <= 0 and not (kind == "clip" and facts.container.startswith("matroska")):
        raise BadInput(f"{path.name} has no length: there is nothing in it.")
    _ends_check(path, kind, shown_seconds)
    return facts


def _image_check(path: Path) -> MediaFacts:
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")) as image:
            if image.width * image.height > MAX_PICTURE_PIXELS:
                raise BadInput(f"{path.name} has {image.width} x {image.height} pixels; the limit is 50 megapixels.")
            container, size = str(image.format).lower(), image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise BadInput(f"{path.name} has far too many pixels; the limit is 50 megapixels.") from error
        raise BadInput(f"{path.name} is not a picture (PNG, JPEG or WebP), whatever its name says.") from error
    if not _file_ends_well(path, container):
        raise BadInput(f"{path.name} is cut off: its end is missing.")
    return MediaFacts(container, 0.0, path.stat().st_size, width_px=size[0], height_px=size[1], video_codec=container)


def _file_ends_well(path: Path, container: str) -> bool:
    with path.open("rb") as file:
        size = path.stat().st_size
        head = file.read(12)
        file.seek(max(0, size - 4096))
        tail = file.read()
    if container == "png":
        return b"IEND\xaeB`\x82" in tail
    if container == "jpeg":
        return b"\xff\xd9" in tail
    if container == "webp":
        return size >= int.from_bytes(head[4:8], "little") + 8
    return True


def _first_seconds(container: InputContainer, kind: MediaKind) -> float | None:
    """Decode the first frame and return its time."""
    if kind == "clip":
        container.streams.video[0].thread_count = 1  # several would decode as many frames ahead
        picture = next(container.decode(container.streams.video[0]), None)
        return None if picture is None else float(picture.time or 0.0)
    sound = next(container.decode(container.streams.audio[0]), None)
    return None if sound is None else float(sound.time or 0.0)


def _last_seconds(container: InputContainer, kind: MediaKind) -> float:
    """Return where the last packet that is really there ends."""
    stream: av.VideoStream | av.AudioStream = container.streams.video[0] if kind == "clip" else container.streams.audio[0]
    last = 0.0
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return last


def _ends_check(path: Path, kind: MediaKind, seconds: float) -> None:
    """Decode the beginning and read the end, because the header of a truncated file still promises the whole length."""
    try:
        with media_open(path) as container:
            first = _first_seconds(container, kind)
        with media_open(path) as container:
            if seconds > 60.0:
                container.seek(int((seconds - 10.0) * av.time_base))
            last = _last_seconds(container, kind)
    except (av.error.FFmpegError, OSError) as error:
        raise BadInput(f"{path.name} is damaged: it cannot be read to its end.") from error
    if first is None:
        raise BadInput(f"{path.name} has no length: there is nothing in it.")
    if seconds - last > max(0.5, 0.05 * seconds) and seconds > 0.5:
        raise BadInput(f"{path.name} is cut off: it says {seconds:.1f} s and ends after {last:.1f} s.")
