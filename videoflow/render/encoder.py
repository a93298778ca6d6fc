"""The one way in which video is encoded: the same settings for every segment, so that segments join without re-encoding."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.reformatter import Colorspace

VIDEO_ENCODER: dict[str, str | int] = {"codec": "libx264", "preset": "veryfast", "crf": 20, "profile": "high", "gop_seconds": 4}
"""Everything that shapes the bitstream; part of every segment's key."""

_BT709 = 1
"""Primaries, transfer and matrix number 1 (ITU-T H.273)."""
_LIMITED = 1


class SegmentWriter:
    """Encode yuv420p frames to one MP4 with a constant frame rate, on one thread.

    A file whose ``with`` block fails is removed. Slice threading would make x264 cut frames into slices (larger and slower), so
    threads are of frame type and one per process.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int) -> None:
        self.path = path
        self.container = av.open(path, "w", format="mp4", options={"video_track_timescale": str(fps * 512)})
        options = {"preset": str(VIDEO_ENCODER["preset"]), "crf": str(VIDEO_ENCODER["crf"])}
        self.stream = self.container.add_stream("libx264", rate=fps, options=options)
        context = self.stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = Fraction(1, fps)
        context.framerate = Fraction(fps, 1)
        context.gop_size = int(VIDEO_ENCODER["gop_seconds"]) * fps
        context.profile = "High"
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
