"""The one way in which video is encoded: the same settings for every segment, so that segments join without re-encoding."""

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.video.reformatter import Colorspace

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 would write thirty lines for every segment; 1 = errors

_BT709 = 1
"""Primaries, transfer and matrix number 1 (ITU-T H.273)."""
_LIMITED = 1


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
        self.frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.container.close()
        if error is not None:
            self.path.unlink(missing_ok=True)

    def write(self) -> None:
        """Encode ``self.frame`` as it stands; x264 copies it, so it may be drawn over at once."""
        self.frame.pts = self.frames
        self.frames += 1
        for packet in self.stream.encode(self.frame):
            self.container.mux(packet)

    def finish(self) -> bytes:
        """Flush the encoder and return the extradata (SPS and PPS) that all segments must share."""
        for packet in self.stream.encode(None):
            self.container.mux(packet)
        return bytes(self.stream.codec_context.extradata or b"")
