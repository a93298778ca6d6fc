"""The one way in which video is encoded: the same settings for every segment, so that segments join without re-encoding."""

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.frame import PictureType
from av.video.reformatter import Colorspace

from videoflow.render.holding import HeldFrames

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 would write thirty lines for every segment; 1 = errors

_BT709 = 1
"""Primaries, transfer and matrix number 1 (ITU-T H.273)."""
_LIMITED = 1
_X265_REORDERED = 2  # frames that libx265 holds back with its b-pyramid, as its whole streams show


class SegmentWriter:
    """Encode yuv420p frames to one MP4 with a constant frame rate, on one thread, as ``presets.encoder_settings`` says.

    A file whose ``with`` block fails is removed. Slice threading would make x264 cut frames into slices (larger and slower), so
    threads are of frame type and one per process.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int, settings: Mapping[str, Any]) -> None:
        self.path = path
        self.container = av.open(path, "w", format="mp4", options={"video_track_timescale": str(fps * 512)})
        self.stream = self.container.add_stream(settings["encoder"], rate=fps, options=dict(settings["options"]))
        context = self.stream.codec_context
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
        self.frames = self._muxed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.container.close()
        if error is not None:
            self.path.unlink(missing_ok=True)

    def write(self) -> None:
        """Encode ``self.frame`` as it stands; x264 copies it, so it may be drawn over at once."""
        self.frames += 1
        self._encode(self.frames - 1)

    def _encode(self, number: int) -> None:
        self.frame.pts = number
        for packet in self.stream.encode(self.frame):
            self._mux(packet)

    def hold(self) -> None:
        """Show the frame written last once more."""
        self.write()

    def finish(self) -> bytes:
        """Flush the encoder and return the extradata (SPS and PPS) that all segments must share."""
        for packet in self.stream.encode(None):
            self._mux(packet)
        return bytes(self.stream.codec_context.extradata or b"")

    def _mux(self, packet: "av.Packet[Any]") -> None:
        # x265 leaves the decoding times of a stream unset that is no longer than its reordering.
        if self.frames <= _X265_REORDERED and self.stream.codec_context.name == "libx265":
            packet.dts = self._muxed - _X265_REORDERED
        self._muxed += 1
        self.container.mux(packet)


class HoldingWriter(SegmentWriter):
    """Encode with x264 only the frames that differ from the one before; those between are written without it.

    All frames are shown in the order they are coded, with a key frame at the usual times.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int, settings: Mapping[str, Any]) -> None:
        super().__init__(path, width, height, fps, settings)
        self._key_frames = int(settings["gop_seconds"]) * fps
        self._held: HeldFrames | None = None
        self._places: list[int] = []
        self._key_place = self._number = self._last_key = 0

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
            self._held = HeldFrames.of(bytes(self.stream.codec_context.extradata or b""))
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
        packet.time_base = Fraction(1, self.stream.codec_context.framerate or 1)
        packet.is_keyframe = key
        packet.stream = self.stream
        self.container.mux(packet)
        self._muxed += 1


def writer_open(job: Mapping[str, Any], path: Path, *, still: bool) -> SegmentWriter:
    """Open the writer for a segment; ``still`` says that most of its frames are held."""
    settings = job["encoder"]
    kind = HoldingWriter if still and settings["encoder"] == "libx264" else SegmentWriter
    return kind(path, job["width"], job["height"], job["fps"], settings)
