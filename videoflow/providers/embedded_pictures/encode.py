"""Writes a clip: H.264 through PyAV, aside and renamed when it is whole."""

import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from videoflow.providers.embedded_pictures.animation import HEAD_START_SECONDS
from videoflow.providers.embedded_pictures.animator import Animator
from videoflow.providers.embedded_pictures.sprite import Pixels

_CRF = "15"
_PRESET = "ultrafast"


def _fill(plane: av.video.plane.VideoPlane, pixels: Pixels) -> None:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    rows[:, : plane.width] = pixels


def clip_write(animator: Animator, out: Path, *, frames: int, fps: int, progress: Callable[[float], None]) -> None:
    """Encode ``frames`` frames: yuv420p, BT.709, limited range, a keyframe every ten seconds at least."""
    height, width = animator.y.shape
    aside = out.with_suffix(".part.mp4")
    with av.open(str(aside), "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"crf": _CRF, "preset": _PRESET, "threads": "1", "g": str(fps * 10)}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.color_primaries = 1
        stream.codec_context.color_trc = 1
        stream.codec_context.colorspace = 1
        stream.codec_context.color_range = 1
        for number in range(frames):
            animator.advance(number / fps + HEAD_START_SECONDS)
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, pixels in zip(frame.planes, (animator.y, animator.u, animator.v), strict=True):
                _fill(plane, pixels)
            frame.pts = number
            container.mux(stream.encode(frame))
            if number % 15 == 0:
                progress(number / frames)
        container.mux(stream.encode(None))
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    aside.replace(out)
