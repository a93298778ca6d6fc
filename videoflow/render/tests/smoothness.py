"""How far a moving picture stands from where it should: the compositor's frames beside the same views computed exactly."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videoflow.render.layers import PictureShelf, layer_open
from videoflow.render.motion import View, view_at
from videoflow.render.plan import plan_make
from videoflow.render.planes import planes_empty
from videoflow.render.timeline import Format, MotionKind, Scene, Timeline

Field = NDArray[np.float64]

TILES = 5
TILE_PX = 64
WAVES = ((1 / 24, 1 / 60), (-1 / 70, 1 / 22))
"""Periods across and down, in the picture's pixels: two gratings, so that a shift in any direction shows."""
SWING = 50.0


@dataclass(frozen=True, slots=True)
class Displacement:
    rms_px: float
    max_px: float
    steps_back: int
    """How often a place moved against its direction from one frame to the next."""


def _pattern(x: Field, y: Field) -> tuple[Field, Field, Field]:
    """Return luma at places of the picture, and how it changes to the right and downwards."""
    luma, right, down = np.full(x.shape, 127.5), np.zeros(x.shape), np.zeros(x.shape)
    for across, below in WAVES:
        phase = 2 * np.pi * (across * x + below * y)
        luma += SWING * np.sin(phase)
        right += SWING * 2 * np.pi * across * np.cos(phase)
        down += SWING * 2 * np.pi * below * np.cos(phase)
    return 16 + luma * 219 / 255, right * 219 / 255, down * 219 / 255


def _place(view: View, x: Field, y: Field, form: Format) -> tuple[Field, Field]:
    """Return where in the picture (as large as the frame) places of the frame show."""
    return view.left * form.width_px + x / view.zoom, view.top * form.height_px + y / view.zoom


def _shift(seen: Field, view: View, x: Field, y: Field, form: Format) -> tuple[float, float]:
    """Return by how many pixels of the frame a tile is displaced, by least squares."""
    meant, right, down = _pattern(*_place(view, x, y, form))
    slopes = np.stack([-right.ravel(), -down.ravel()], axis=1) / view.zoom
    found, *_ = np.linalg.lstsq(slopes, (seen - meant).ravel(), rcond=None)
    return float(found[0]), float(found[1])


def displacements(
    motion: MotionKind, form: Format, seconds: float = 10.0, focus: tuple[float, float] = (0.35, 0.6)
) -> Displacement:
    """Paint every frame of a motion and measure 25 places of it."""
    count = round(seconds * form.fps)
    x, y = np.meshgrid(np.arange(form.width_px) + 0.5, np.arange(form.height_px) + 0.5)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pattern.png"
        grey = (_pattern(x, y)[0] - 16) * 255 / 219
        Image.fromarray(np.round(grey).astype(np.uint8)).save(path)
        line = Timeline(form, seconds, (Scene("pattern", path, "image", 0.0, seconds, motion, focus),), (), (), ())
        spec = plan_make(line, (), {path: ""}).segments[0].job["base"]
        layer = layer_open(spec, form.width_px, form.height_px, form.fps, PictureShelf())
    target = planes_empty(form.width_px, form.height_px)
    corners = [
        (
            round((form.height_px - TILE_PX) * (0.05 + 0.9 * row / (TILES - 1))),
            round((form.width_px - TILE_PX) * (0.05 + 0.9 * n / (TILES - 1))),
        )
        for row in range(TILES)
        for n in range(TILES)
    ]
    tiles = [(slice(top, top + TILE_PX), slice(left, left + TILE_PX)) for top, left in corners]
    errors = np.zeros((count, len(tiles), 2))
    places = np.zeros((count, len(tiles), 2))
    for frame in range(count):
        layer.draw(frame, target)
        view = view_at(motion, focus, frame / (count - 1), seconds)
        for number, tile in enumerate(tiles):
            errors[frame, number] = _shift(target.y[tile].astype(float), view, x[tile], y[tile], form)
            middle = _place(view, x[tile].mean(), y[tile].mean(), form)
            places[frame, number] = -np.array(middle) * view.zoom
    meant = np.diff(places, axis=0)
    made = np.diff(places + errors, axis=0)
    lengths = np.hypot(errors[..., 0], errors[..., 1])
    back = int(((made * meant).sum(axis=2) < 0).sum())
    return Displacement(float(np.sqrt((lengths**2).mean())), float(lengths.max()), back)
