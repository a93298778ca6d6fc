"""The one way in which video is encoded: the same settings for every segment, so that segments join without re-encoding."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.reformatter import Colorspace

from videoflow.render.holding import HeldFrames

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 would write thirty lines for every segment; 1 = errors

_BT709 = 1
"""Primaries, transfer and matrix number 1 (ITU-T H.273)."""
_LIMITED = 1
SHARED_ENCODER = "libx264"
"""Begins a closed group of pictures where a frame is marked as a key frame; others need not."""


def _mp4_open(path: Path, fps: int) -> OutputContainer:
    return av.open(path, "w", format="mp4", options={"video_track_timescale": str(fps * 512)})


@dataclass(slots=True)
class _Part:
    """One of the files that an encoder's packets go to: the frames from ``first`` up to the next one's."""

    path: Path
    container: OutputContainer
    stream: av.VideoStream
    first: int
    ended: Callable[[], None] | None


class SegmentWriter:
    """Encode yuv420p frames to MP4s with a constant frame rate, on one thread, as ``presets.encoder_settings`` says.

    Files whose ``with`` block fails before their last frame is in them are removed. Slice threading would make x264 cut frames
    into slices (larger and slower), so threads are of frame type and one per process.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int, settings: Mapping[str, Any]) -> None:
        self._fps = fps
        container = _mp4_open(path, fps)
        stream = container.add_stream(settings["encoder"], rate=fps, options=dict(settings["options"]))
        self.context = context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, settings["pixel_format"]
        context.time_base = Fraction(1, fps)
        context.framerate = Fraction(fps, 1)
        context.gop_size = int(settings["gop_seconds"]) * fps
        context.codec_tag = settings["tag"]
        if settings["profile"]:
            context.profile = settings["profile"]
        if settings["bit_rate"]:
            context.bit_rate = int(settings["bit_rate"])
        context.thread_count = 1
        context.thread_type = "FRAME"
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.frame.time_base = Fraction(1, fps)
        self.frame.colorspace = Colorspace.ITU709
        self.frame.color_range = _LIMITED
        self.frames = 0
        self._parts = [_Part(path, container, stream, 0, None)]
        self._template = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for part in self._parts:
            part.container.close()
            if error is not None:
                part.path.unlink(missing_ok=True)

    def write(self) -> None:
        """Encode ``self.frame`` as it stands; x264 copies it, so it may be drawn over at once."""
        first = self.frames == self._parts[-1].first
        self.frame.pict_type = PictureType.I if first else PictureType.NONE
        self.frames += 1
        self._encode(self.frames - 1)

    def _encode(self, number: int) -> None:
        self.frame.pts = number
        for packet in self.context.encode(self.frame):
            self._mux(packet)

    def hold(self) -> None:
        """Show the frame written last once more."""
        self.write()

    def go_on(self, path: Path, ended: Callable[[], None]) -> None:
        """Write the frames from now on to another file, which begins with a key frame and can be decoded without the others.

        ``ended`` is called when the file written so far is complete: the encoder keeps some frames to look ahead.
        """
        self._parts[0].container.start_encoding()  # only then the stream knows what its copies have to say
        self._parts[-1].ended = ended
        container = _mp4_open(path, self._fps)
        stream = container.add_stream_from_template(self._template, opaque=True)
        self._parts.append(_Part(path, container, stream, self.frames, None))

    def finish(self) -> bytes:
        """Flush the encoder and return the extradata (SPS and PPS) that all segments must share."""
        for packet in self.context.encode(None):
            self._mux(packet)
        return bytes(self.context.extradata or b"")

    def _mux(self, packet: "av.Packet[Any]") -> None:
        assert packet.pts is not None
        if len(self._parts) > 1 and packet.pts >= self._parts[1].first:
            done = self._parts.pop(0)
            done.container.close()
            assert done.ended is not None
            done.ended()
        part = self._parts[0]
        packet.pts -= part.first
        packet.dts = None if packet.dts is None else packet.dts - part.first
        packet.stream = part.stream
        part.container.mux(packet)


class HoldingWriter(SegmentWriter):
    """Encode with x264 only the frames that differ from the one before; those between are written without it.

    All frames are shown in the order they are coded, with a key frame at the usual times.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int, settings: Mapping[str, Any]) -> None:
        super().__init__(path, width, height, fps, settings)
        self._key_frames = int(settings["gop_seconds"]) * fps
        self._held: HeldFrames | None = None
        self._places: list[int] = []
        self._muxed = self._key_place = self._number = self._last_key = 0

    def write(self) -> None:
        key = self.frames == 0 or self.frames - self._last_key >= self._key_frames
        if key:
            self._last_key = self.frames
        self.frame.pict_type = PictureType.I if key else PictureType.P
        self._places.append(self.frames)
        self.frames += 1
        self._encode(len(self._places) - 1)

    def hold(self) -> None:
        if self.frames - self._last_key >= self._key_frames:
            self.write()
        else:
            self.frames += 1

    def finish(self) -> bytes:
        extradata = super().finish()
        self._fill(self.frames)
        return extradata

    def _mux(self, packet: "av.Packet[Any]") -> None:
        if self._held is None:
            self._held = HeldFrames.of(bytes(self.context.extradata or b""))
        assert packet.pts is not None
        place = self._places[packet.pts]
        self._fill(place)
        if packet.is_keyframe:
            self._key_place = place
        data, self._number = self._held.packet(bytes(packet), place - self._key_place)
        self._put(data, key=packet.is_keyframe)

    def _fill(self, until: int) -> None:
        """Write held frames up to the one before ``until``."""
        assert self._held is not None or until == 0
        while self._held is not None and self._muxed < until:
            self._put(self._held.held(self._number, self._muxed - self._key_place), key=False)

    def _put(self, data: bytes, *, key: bool) -> None:
        packet = av.Packet(data)
        packet.pts = packet.dts = self._muxed
        packet.duration = 1
        packet.time_base = Fraction(1, self.context.framerate or 1)
        packet.is_keyframe = key
        packet.stream = self._parts[0].stream
        self._parts[0].container.mux(packet)
        self._muxed += 1


def writer_open(job: Mapping[str, Any], path: Path, *, still: bool) -> SegmentWriter:
    """Open the writer for a segment; ``still`` says that most of its frames are held."""
    settings = job["encoder"]
    kind = HoldingWriter if still and settings["encoder"] == SHARED_ENCODER else SegmentWriter
    return kind(path, job["width"], job["height"], job["fps"], settings)
