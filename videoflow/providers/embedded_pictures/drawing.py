"""Draw one shot: a picture larger than the frame, or a clip of exactly its size."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2

from videoflow.providers.base import ProviderError
from videoflow.providers.embedded_pictures.animator import Animator, still
from videoflow.providers.embedded_pictures.board import Board
from videoflow.providers.embedded_pictures.encode import clip_write
from videoflow.providers.embedded_pictures.layouts import LAYOUTS
from videoflow.sentences import Sentence

PICTURE_SCALE = 1.1
"""Pictures are this much larger than the frame: room for the camera."""
TAIL_SECONDS = 0.7
"""Clips go on this long after their shot, for the transition to the next one."""
_SETTLED_SECONDS = 60.0
"""By this time of a shot every piece of it has come to rest."""


def picture_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the width and height of the picture for a frame, in pixels; both even."""
    return round(width_px * PICTURE_SCALE / 2) * 2, round(height_px * PICTURE_SCALE / 2) * 2


def board_laid(
    layout: str, spec: Mapping[str, Any], look: Mapping[str, Any], *, width_px: int, height_px: int, seconds: float, moving: bool
) -> Board:
    """Return the board of a shot with all its pieces on it.

    Raises:
        ProviderError: there is no such layout.
    """
    if layout not in LAYOUTS:
        raise ProviderError(Sentence("The embedded pictures know no layout called %(layout)s.", layout=repr(layout)))
    board = Board(width_px, height_px, look, spec, seconds, moving)
    LAYOUTS[layout](board)
    return board


def picture_draw(
    layout: str, spec: Mapping[str, Any], look: Mapping[str, Any], out: Path, *, width_px: int, height_px: int, seconds: float
) -> None:
    """Write a PNG of the finished state; the file appears whole.

    Raises:
        ProviderError: as ``board_laid``; or it could not be encoded, which may succeed another time.
    """
    width, height = picture_size(width_px, height_px)
    board = board_laid(layout, spec, look, width_px=width, height_px=height, seconds=seconds, moving=False)
    pixels = still(board.base, board.layers, _SETTLED_SECONDS)
    written, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not written:
        raise ProviderError("A picture could not be encoded.", retryable=True)
    aside = out.with_suffix(".part.png")
    with aside.open("wb") as file:
        file.write(data.tobytes())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(out)


def clip_draw(
    layout: str,
    spec: Mapping[str, Any],
    look: Mapping[str, Any],
    out: Path,
    *,
    width_px: int,
    height_px: int,
    fps: int,
    seconds: float,
    progress: Callable[[float], None],
) -> None:
    """Write an H.264 clip of the shot's length and a short tail; ``progress`` takes a share from 0 to 1.

    Raises:
        ProviderError: as ``board_laid``.
    """
    board = board_laid(layout, spec, look, width_px=width_px, height_px=height_px, seconds=seconds, moving=True)
    frames = round((seconds + TAIL_SECONDS) * fps)
    clip_write(Animator(board.base, board.layers), out, frames=frames, fps=fps, progress=progress)
