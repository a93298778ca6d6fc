"""Watch the frames while they are painted, so that the quality report needs no second decoding of the whole video."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

DARK_LUMA = 34
"""8 % of the range over black; a frame is black when this share of it is no lighter."""
DARK_SHARE = 0.985
MOVED_LUMA = 3
MOVED_SHARE = 0.002
"""So much of the picture must differ by more than 3 of 219 levels from where it last moved, or it stands still."""
_ACROSS = 120
_MARK_SIZE = (16, 9)


def picture_mark(luma: Plane) -> NDArray[np.uint8]:
    """Return a frame's luma as 16 x 9 means, by which it is known again after coding."""
    return cv2.resize(luma, _MARK_SIZE, interpolation=cv2.INTER_AREA).astype(np.uint8)


class PictureWatch:
    """Note where the frames of one segment are black or stand still; about 0.05 ms a frame at any size.

    Captions move on a frozen picture too, so the rows in which they stand (``band``) do not count as movement.
    """

    def __init__(self, width: int, height: int, band: tuple[int, int]) -> None:
        self._step = max(1, width // _ACROSS)
        rows = np.arange(0, height, self._step)
        self._free = np.flatnonzero((rows < band[0]) | (rows >= band[1]))
        self._frame = 0
        self._rest: NDArray[np.int16] | None = None
        self._rests: list[list[int]] = []
        self._dark: list[list[int]] = []
        self._mark: NDArray[np.uint8] | None = None
        self._begins: NDArray[np.uint8] | None = None
        self._ends: NDArray[np.uint8] | None = None

    def look(self, luma: Plane) -> None:
        """Take the next frame, as it goes to the encoder."""
        if self._mark is None:
            self._mark = picture_mark(luma)
        small = np.ascontiguousarray(luma[:: self._step, :: self._step])
        if np.count_nonzero(small <= DARK_LUMA) >= DARK_SHARE * small.size:
            _extend(self._dark, self._frame)
        free = small[self._free]
        self._begins, self._ends = free if self._begins is None else self._begins, free
        seen = free.astype(np.int16)
        if self._rest is not None and np.count_nonzero(np.abs(seen - self._rest) > MOVED_LUMA) < MOVED_SHARE * seen.size:
            _extend(self._rests, self._frame)
        else:
            self._rest = seen
            self._rests.append([self._frame, self._frame + 1])
        self._frame += 1

    def same(self) -> None:
        """Take a frame that is shown once more as it was."""
        for stretches in (self._dark, self._rests):
            if stretches and stretches[-1][1] == self._frame:
                stretches[-1][1] += 1
        self._frame += 1

    def about(self) -> dict[str, Any]:
        """Return what was seen: stretches [from, until) in frames, and marks of the frames at both ends."""
        assert self._mark is not None and self._begins is not None and self._ends is not None
        return {
            "dark": self._dark,
            "still": [rest for rest in self._rests if rest[1] - rest[0] > 1 or rest[1] == self._frame or rest[0] == 0],
            "mark": _written(self._mark),
            "begins": _written(picture_mark(self._begins)),
            "ends": _written(picture_mark(self._ends)),
        }


def _extend(stretches: list[list[int]], frame: int) -> None:
    if stretches and stretches[-1][1] == frame:
        stretches[-1][1] = frame + 1
    else:
        stretches.append([frame, frame + 1])


def _written(mark: NDArray[np.uint8]) -> str:
    return mark.tobytes().hex()


def mark_distance(one: str, other: str) -> float:
    """Return by how many levels two marks differ in the mean."""
    first, second = (np.frombuffer(bytes.fromhex(mark), np.uint8).astype(np.int16) for mark in (one, other))
    return float(np.abs(first - second).mean())


def mark_written(luma: Plane) -> str:
    """Return a decoded frame's mark in the form in which marks are noted."""
    return _written(picture_mark(luma))
