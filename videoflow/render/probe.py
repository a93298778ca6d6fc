"""Facts about media files, and the refusal of files that are not what they claim to be."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import av
from av.container import InputContainer
from av.stream import Disposition

from videoflow.errors import BadInput
from videoflow.render.stills import still_check
from videoflow.sentences import Sentence

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
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
)
"""First bytes -> the demuxer that is forced. Playlists and concatenations (which open other files) have no entry, so they are
never opened by what they contain."""

_VIDEO_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "png"})
_AUDIO_CODECS = frozenset({"aac", "mp3", "opus", "vorbis", "flac", "alac"})
_DOLBY_VISION_TAGS = frozenset({"dvh1", "dvhe", "dva1", "dvav", "dav1"})
"""Streams that only a Dolby Vision decoder shows as they are meant; what phones record goes by hvc1 and has an HLG picture in it.
Source: Dolby Vision Streams within the ISO Base Media File Format 2.4, table 2."""
_DECODERS = (
    *sorted(_VIDEO_CODECS | _AUDIO_CODECS),
    *("libdav1d", "libvpx", "libvpx-vp9", "mp3float", "libopus", "libvorbis"),
    *(f"pcm_{form}" for form in ("u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le")),
)
"""Decoders that may run at all, also while a file's streams are merely looked at."""

_OPEN_OPTIONS = {"protocol_whitelist": "file", "codec_whitelist": ",".join(_DECODERS)}
_WHITELISTED = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"} | {
    name: name for name in ("wav", "mp3", "flac", "ogg", "aac")
}

_LOOKED_AT_BYTES = {"wav": 8192}
"""A WAV file's header says all; ffmpeg would decode five megabytes of it to see whether they hide another format (4 ms)."""

MAX_CLIP_SIDE_PX = 8192
MAX_CLIP_PIXELS = 36_000_000
"""8K. A decoder holds up to sixteen frames."""
MAX_AUDIO_SECONDS = 4 * 3600.0
DECODED_SECONDS = 60.0
"""How much of a clip is decoded before it is accepted (3 ms a frame at 1080p)."""
_SETTLED_SECONDS = 0.5
"""Cut recordings may begin with frames whose reference is gone; players pass over them."""
_MANY_STREAMS = 32


class UnknownType(BadInput):
    """A file's first bytes are those of no media file that is read here."""


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a file holds; fields of a stream that it does not have are None or 0."""

    container: str
    seconds: float
    size_bytes: int
    video_codec: str | None = None
    video_tag: str = ""
    """The name under which a file's container has its codec."""
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
        UnknownType: its first bytes are those of no type that is read here.
        BadInput: it is empty, or too damaged to open.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadInput(Sentence("%(name)s cannot be opened.", name=path.name)) from error
    if not head:
        raise BadInput(Sentence("%(name)s is empty.", name=path.name))
    demuxer = next((name for offset, mark, name in _HEADS if head[offset : offset + len(mark)] == mark), None)
    if demuxer is None or (demuxer == "wav" and head[8:12] != b"WAVE"):
        raise UnknownType(
            Sentence(
                "%(name)s is not a video or sound file of a known type (MP4, MOV, WebM, MKV, WAV, MP3, FLAC, Ogg).",
                name=path.name,
            )
        )
    if demuxer == "wav" and _wav_promises_more(head, path):
        raise BadInput(Sentence("%(name)s is cut off: its end is missing.", name=path.name))
    try:
        options = {**_OPEN_OPTIONS, "format_whitelist": _WHITELISTED[demuxer]}
        if demuxer in _LOOKED_AT_BYTES:
            options["probesize"] = str(_LOOKED_AT_BYTES[demuxer])
        container = av.open(path, "r", format=demuxer, options=options)
    except (av.error.FFmpegError, OSError) as error:
        raise BadInput(Sentence("%(name)s is damaged or incomplete and cannot be read.", name=path.name)) from error
    for stream in container.streams.video:
        stream.codec_context.options = {"max_pixels": str(MAX_CLIP_PIXELS)}
    return container


def _wav_promises_more(head: bytes, path: Path) -> bool:
    """Return whether a WAV file is shorter than its header says; 0 and the highest size mean that the writer did not know."""
    promised = int.from_bytes(head[4:8], "little")
    return promised not in (0, 0xFFFFFFFF) and promised + 8 > path.stat().st_size + 1


def _picture_stream(container: InputContainer) -> av.VideoStream | None:
    """Return the stream of moving pictures; the cover of a song is none."""
    return next((stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic), None)


def _codec(stream: av.VideoStream | av.AudioStream) -> str:
    """Return the codec's own name, whichever decoder would be used."""
    return stream.codec_context.codec.canonical_name


def _rotation(container: InputContainer, stream: av.VideoStream) -> int:
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
        facts: dict[str, Any] = {}
        if len(container.streams) > _MANY_STREAMS:
            raise BadInput(
                Sentence(
                    "%(name)s has %(streams)s streams in it; %(limit)s are possible.",
                    name=path.name,
                    streams=len(container.streams),
                    limit=_MANY_STREAMS,
                )
            )
        video = _picture_stream(container)
        if video is not None:
            context = video.codec_context
            facts.update(
                video_codec=_codec(video),
                video_tag=context.codec_tag,
                width_px=context.width,
                height_px=context.height,
                fps=float(video.average_rate or 0),
                frames=video.frames,
                pixel_format=context.pix_fmt,
                colour=(context.color_primaries, context.color_trc, context.colorspace, context.color_range),
                video_seconds=float(video.duration * video.time_base) if video.duration and video.time_base else seconds,
                rotation=_rotation(container, video) if _codec(video) in _VIDEO_CODECS else 0,
            )
        if container.streams.audio:
            audio = container.streams.audio[0]
            facts.update(
                audio_codec=_codec(audio),
                sample_rate=audio.codec_context.sample_rate,
                channels=audio.codec_context.channels,
                audio_seconds=float(audio.duration * audio.time_base) if audio.duration and audio.time_base else seconds,
            )
        return MediaFacts(container.format.name, seconds, path.stat().st_size, **facts)


def media_check(path: Path, kind: MediaKind, *, heard: bool = False, whole: bool = True) -> MediaFacts:
    """Return the facts of a file that really is what it is said to be, and that can be read from its start to its end.

    ``heard`` asks that the sound of a clip can be used as well; without ``whole`` a clip's frames are trusted if its packets are
    in order. A file that has not changed since is not read again.

    Raises:
        BadInput: with the file's name and what is wrong with it.
    """
    if not path.is_file():
        raise BadInput(Sentence("%(name)s does not exist.", name=path.name))
    state = path.stat()
    facts = _checked(path, kind, state.st_size, state.st_mtime_ns, whole=whole)
    if heard and facts.audio_codec is not None:
        _sound_check(path, facts)
    return facts


@lru_cache(maxsize=1024)
def _checked(path: Path, kind: MediaKind, size_bytes: int, changed_ns: int, *, whole: bool) -> MediaFacts:
    if kind == "image":
        name, width, height = still_check(path)
        return MediaFacts(name, 0.0, size_bytes, width_px=width, height_px=height, video_codec=name)
    facts = probe(path)
    if kind == "clip":
        _picture_check(path, facts)
    elif facts.audio_codec is None:
        raise BadInput(Sentence("%(name)s has no sound in it.", name=path.name))
    else:
        _sound_check(path, facts)
    shown_seconds = facts.video_seconds if kind == "clip" else facts.audio_seconds
    if shown_seconds <= 0 and not (kind == "clip" and facts.container.startswith("matroska")):
        raise BadInput(Sentence("%(name)s has no length: there is nothing in it.", name=path.name))
    _course_check(path, kind, shown_seconds, whole=whole)
    return facts


def _picture_check(path: Path, facts: MediaFacts) -> None:
    if facts.video_codec is None:
        raise BadInput(Sentence("%(name)s has no picture in it.", name=path.name))
    if facts.video_codec not in _VIDEO_CODECS:
        raise BadInput(
            Sentence(
                "%(name)s is coded as %(video_codec)s, which is not accepted; convert it to H.264.",
                name=path.name,
                video_codec=facts.video_codec,
            )
        )
    if facts.video_tag in _DOLBY_VISION_TAGS:
        raise BadInput(
            Sentence(
                "%(name)s is Dolby Vision without a picture for other players, so its colours would be wrong; "
                "export it as HDR10, HLG or SDR.",
                name=path.name,
            )
        )
    width, height = facts.width_px, facts.height_px
    if max(width, height) > MAX_CLIP_SIDE_PX or min(width, height) < 16 or width * height > MAX_CLIP_PIXELS:
        raise BadInput(
            Sentence(
                "%(name)s has %(width)s x %(height)s pixels; sides of 16 to %(limit)s, up to 8K, are possible.",
                name=path.name,
                width=width,
                height=height,
                limit=MAX_CLIP_SIDE_PX,
            )
        )


def _sound_check(path: Path, facts: MediaFacts) -> None:
    codec = facts.audio_codec or ""
    if codec not in _AUDIO_CODECS and codec not in _DECODERS:
        raise BadInput(
            Sentence(
                "The sound of %(name)s is coded as %(codec)s, which is not accepted; convert it to WAV or AAC.",
                name=path.name,
                codec=codec,
            )
        )
    if facts.audio_seconds > MAX_AUDIO_SECONDS:
        raise BadInput(
            Sentence(
                "%(name)s lasts %(hours)s hours; %(limit)s are possible.",
                name=path.name,
                hours=f"{facts.audio_seconds / 3600:.1f}",
                limit=f"{MAX_AUDIO_SECONDS / 3600:.0f}",
            )
        )


def _frame_step(stream: av.VideoStream) -> Fraction | int:
    """Return how long a frame stands, in the stream's time base; 0 when nobody knows."""
    return 1 / stream.average_rate / stream.time_base if stream.average_rate and stream.time_base else 0


def stream_end_seconds(container: InputContainer, stream: av.VideoStream | av.AudioStream) -> float:
    """Return where the last packet that is really there ends, from the stream's own beginning."""
    said = float(container.duration or 0) / av.time_base
    if said > 60.0:
        container.seek(int((said - 10.0) * av.time_base))
    last = 0.0
    step = _frame_step(stream) if isinstance(stream, av.VideoStream) else 0
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            last = max(last, float((packet.pts + (packet.duration or step)) * packet.time_base))
    return max(0.0, last - float((stream.start_time or 0) * (stream.time_base or 0)))


def _course_check(path: Path, kind: MediaKind, seconds: float, *, whole: bool) -> None:
    """Read the file to its end, because the header of a truncated file still promises the whole length.

    Of sound the beginning is decoded and the end is read.
    """
    try:
        with media_open(path) as container:
            first = next(_first_frames(container, kind), None)
        with media_open(path) as container:
            stream = _picture_stream(container) if kind == "clip" else container.streams.audio[0]
            assert stream is not None
            if isinstance(stream, av.VideoStream):
                last = _clip_walk(container, stream, path, whole=whole)
            else:
                last = stream_end_seconds(container, stream)
    except (av.error.FFmpegError, OSError) as error:
        raise BadInput(Sentence("%(name)s is damaged: it cannot be read to its end.", name=path.name)) from error
    if first is None:
        raise BadInput(Sentence("%(name)s has no length: there is nothing in it.", name=path.name))
    if seconds - last > max(0.5, 0.05 * seconds) and seconds > 0.5:
        raise BadInput(
            Sentence(
                "%(name)s is cut off: it says %(seconds)s s and ends after %(last)s s.",
                name=path.name,
                seconds=f"{seconds:.1f}",
                last=f"{last:.1f}",
            )
        )


def _first_frames(container: InputContainer, kind: MediaKind) -> Iterator[object]:
    if kind == "clip":
        stream = _picture_stream(container)
        assert stream is not None
        stream.thread_count = 1  # several would decode as many frames ahead
        yield from container.decode(stream)
    else:
        yield from container.decode(container.streams.audio[0])


def _clip_walk(container: InputContainer, stream: av.VideoStream, path: Path, *, whole: bool) -> float:
    """Look at every packet of a clip and return where the last one ends, in seconds.

    ``whole`` asks to decode the first minute; after it, and without it, only pictures that need no other are decoded.
    """
    context = stream.codec_context
    context.thread_count = 1
    prefix = _length_prefix(context)
    packets, last, step = 0, 0.0, _frame_step(stream)
    for packet in container.demux(stream):
        if not packet.size:
            continue
        packets += 1
        at = float((packet.pts or packet.dts or 0) * packet.time_base)
        last = max(last, at + float((packet.duration or step) * packet.time_base))
        is_whole = not packet.is_corrupt and (not prefix or _units_fit(bytes(packet), prefix))
        if is_whole and not packet.is_keyframe and not (whole and at < DECODED_SECONDS):
            context.skip_frame = "NONKEY"
            continue
        frames: list[av.VideoFrame] = []
        try:
            if is_whole:
                frames = context.decode(packet)
        except av.error.FFmpegError:
            is_whole = False
        if not is_whole or any(frame.is_corrupt and at > _SETTLED_SECONDS for frame in frames):
            raise BadInput(Sentence("%(name)s is damaged: its picture is missing at %(at)s s.", name=path.name, at=f"{at:.1f}"))
    if packets < stream.frames * 0.98:
        raise BadInput(
            Sentence(
                "%(name)s is damaged: %(missing)s of its %(total)s frames are missing.",
                name=path.name,
                missing=stream.frames - packets,
                total=stream.frames,
            )
        )
    return last - float((stream.start_time or 0) * (stream.time_base or 0))


def _length_prefix(context: "av.VideoCodecContext") -> int:
    """Return how many bytes say the length of each unit in an H.264 or HEVC packet; 0 when start codes part them."""
    extra = bytes(context.extradata or b"")
    at = {"h264": 4, "hevc": 21}.get(context.codec.canonical_name)
    if at is None or len(extra) <= at or extra[0] != 1:
        return 0
    return (extra[at] & 3) + 1


def _units_fit(packet: bytes, prefix: int) -> bool:
    """Return whether the units of a packet are as long as they say; a hole filled with zeros says nothing."""
    at = 0
    while at < len(packet):
        length = int.from_bytes(packet[at : at + prefix], "big")
        if not length:
            return False
        at += prefix + length
    return at == len(packet)
