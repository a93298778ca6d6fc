"""A test card, and how like it is what an encoder makes of it: a driver that answers may still make another picture.

Its sides are no multiples of 16, as those of 1080p films are not: what is cut off or shifted there is seen.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from videoflow.render.encoder import SegmentWriter
from videoflow.render.joining import video_packets
from videoflow.render.planes import planes_of_frame

SIDE, FPS = 1080, 30
FRAMES = (11, 6)
"""Of two segments, which are joined as a film's are."""
_COLOUR = (1, 1, 1)

Samples = NDArray[np.uint8]


class NotTheCard(ValueError):
    """What was encoded is no film of the card; the text says what is wrong."""


@cache
def _ground() -> tuple[Samples, Samples, Samples]:
    """Return luma and both colours of what does not move: a ramp, and eight colours."""
    half = SIDE // 2
    steps = np.repeat(np.rint(np.linspace(64, 192, 8)), -(-half // 8))[:half].astype(np.uint8)
    ramp = np.rint(np.linspace(40, 200, SIDE)).astype(np.uint8)
    return np.tile(ramp, (SIDE, 1)), np.tile(steps, (half, 1)), np.tile(steps[::-1], (half, 1))


def _painted(frame: int) -> tuple[Samples, Samples, Samples]:
    """Return luma and both colours of a frame: edges as fine as letters move over the ramp."""
    luma, blue, red = _ground()
    luma = luma.copy()
    top = round(SIDE * 0.7)
    rows, columns = np.arange(top, SIDE)[:, None], np.arange(SIDE)[None, :]
    luma[top:][((columns + 3 * frame) // 6 + rows // 12) % 2 == 0] = 225
    return luma, blue, red


def card_write(path: Path, settings: Mapping[str, Any], first: int, frames: int) -> None:
    """Encode some frames of the card; raises what the encoder does."""
    with SegmentWriter(path, SIDE, SIDE, FPS, settings) as writer:
        planes = planes_of_frame(writer.frame)
        for frame in range(first, first + frames):
            for plane, samples in zip(planes, _painted(frame), strict=True):
                plane[:] = samples
            writer.write()
        writer.finish()


def card_joined(folder: Path, settings: Mapping[str, Any]) -> Path:
    """Encode the card in two segments and join them by copying, as a film is; return the file.

    Raises:
        VideoflowError: the segments do not belong together.
    """
    parts = [folder / f"{settings['encoder']}-{number}.mp4" for number in range(len(FRAMES))]
    first = 0
    for part, frames in zip(parts, FRAMES, strict=True):
        card_write(part, settings, first, frames)
        first += frames
    out = folder / f"{settings['encoder']}.mp4"
    options = {"video_track_timescale": str(FPS * 512)}
    with av.open(parts[0]) as template, av.open(out, "w", format="mp4", options=options) as film:
        stream = film.add_stream_from_template(template.streams.video[0], opaque=True)
        stream.codec_context.codec_tag = template.streams.video[0].codec_context.codec_tag
        for packet in video_packets(parts, FRAMES, stream, FPS):
            film.mux(packet)
    return out


def card_likeness(film: Path) -> float:
    """Return how near the worst of the film's three planes comes to what was painted: a peak signal-to-noise ratio in dB.

    Raises:
        NotTheCard: it is another picture by its size, its number of frames or its colours' tags.
    """
    with av.open(film) as container:
        context = container.streams.video[0].codec_context
        frames = list(container.decode(video=0))
        tags = (context.color_primaries, context.color_trc, context.colorspace)
    if len(frames) != sum(FRAMES):
        raise NotTheCard(f"It made {len(frames)} of {sum(FRAMES)} frames.")
    if any((frame.width, frame.height, frame.format.name) != (SIDE, SIDE, "yuv420p") for frame in frames):
        raise NotTheCard("It made frames of another size or kind.")
    if tags != _COLOUR:
        raise NotTheCard("It does not say which colours its picture has.")
    squares = np.zeros(3)
    for number, frame in enumerate(frames):
        for place, (plane, samples) in enumerate(zip(planes_of_frame(frame), _painted(number), strict=True)):
            squares[place] += float(np.square(plane.astype(np.int32) - samples).mean())
    return float(10 * np.log10(255**2 / max(float(squares.max()) / len(frames), 1e-6)))
