"""How loud a recording is over time, in few numbers, for drawing."""

from collections.abc import Iterable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np

from videoflow.render.loudness import RATE, Signal
from videoflow.render.sound_reader import Reader

PEAKS = 160
"""A value every few pixels of a row; under 700 bytes as JSON."""
_STEP = RATE // 100


def peaks_read(path: Path) -> list[int]:
    """Return the peaks of a sound file from its beginning to its end, 0 to 100, the loudest being 100; empty when it is silent.

    Raises:
        BadInput: it is no sound file.
    """
    with closing(Reader(path, 1)) as reader:
        return peaks_of(reader.chunks())


def peaks_of(chunks: Iterable[Signal]) -> list[int]:
    """Return the peaks of a signal that comes in pieces of whole hundredths of a second, but for the last."""
    heights: list[float] = []
    for chunk in chunks:
        loud = np.abs(chunk).max(axis=0)
        heights += [float(part.max()) for part in np.split(loud, range(_STEP, len(loud), _STEP)) if len(part)]
    top = max(heights, default=0.0)
    if top <= 0:
        return []
    bounds = np.linspace(0, len(heights), min(PEAKS, len(heights)) + 1).round().astype(int)
    return [round(100 * max(heights[first:last]) / top) for first, last in pairwise(bounds)]
