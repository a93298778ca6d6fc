"""Whether a picture shows anything, and whether two are the same to the eye."""

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videoflow.providers.picturing.found import PictureUnusable
from videoflow.sentences import Sentence

LEAST_SIDE_PX = 400
SAME_BITS = 6
"""Fingerprints that differ in no more of their 64 bits are the same picture, resized or compressed anew."""
_BLANK_SPREAD = 5.0
_DARK_LEVEL = 26.0
_LOOKS = (0.15, 0.5, 0.85)
"""Where a clip is looked at, as shares of its length."""
_LOOK_PX = 256

Grey = NDArray[np.uint8]


def picture_check(path: Path, kind: str, width_px: int, height_px: int) -> str:
    """Return the fingerprint, 16 hexadecimal digits, of a picture or of a clip's middle.

    Raises:
        PictureUnusable: too small to fill a frame, of one colour, or black from beginning to end.
    """
    if min(width_px, height_px) < LEAST_SIDE_PX:
        raise PictureUnusable(Sentence("it has only %(width_px)s × %(height_px)s pixels", width_px=width_px, height_px=height_px))
    greys = [_grey(path)] if kind == "image" else _clip_greys(path)
    spreads = [float(grey.std()) for grey in greys]
    if all(float(np.percentile(grey, 99)) < _DARK_LEVEL for grey in greys):
        raise PictureUnusable(Sentence("it is black"))
    if max(spreads) < _BLANK_SPREAD:
        raise PictureUnusable(Sentence("it is of one colour"))
    return fingerprint(greys[len(greys) // 2])


def fingerprint(grey: Grey) -> str:
    """Return 64 bits: whether each of eight by eight fields is brighter than the one on its right."""
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (small[:, :-1] > small[:, 1:]).flatten()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def is_same(first: str, second: str) -> bool:
    """Say whether two fingerprints are those of one picture."""
    return bool(first and second) and (int(first, 16) ^ int(second, 16)).bit_count() <= SAME_BITS


def _grey(path: Path) -> Grey:
    with Image.open(path) as picture:
        picture.draft("L", (_LOOK_PX, _LOOK_PX))
        picture.thumbnail((_LOOK_PX, _LOOK_PX))
        return np.asarray(picture.convert("L"))


def _clip_greys(path: Path) -> list[Grey]:
    greys: list[Grey] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        length = float(container.duration or 0) / av.time_base
        for share in _LOOKS:
            container.seek(int(length * share * av.time_base))
            frame = next(iter(container.decode(stream)), None)
            if frame is not None:
                grey = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
                greys.append(np.asarray(cv2.resize(grey, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA), np.uint8))
    if not greys:
        raise PictureUnusable(Sentence("it holds no picture"))
    return greys
