"""Draws maps: land, borders, the highlighted countries lifted by a shadow, and where the neighbours' names go."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videoflow.providers.embedded_pictures.colour import rgb
from videoflow.providers.embedded_pictures.geography.projection import MapView, graticule, outlines

_OVER = 2
"""Lines are drawn on a grid this much finer and averaged down."""
_SHIFT = 4
"""Bits after the point in what cv2 draws."""
_LEFT_OUT = frozenset(("AQ",))
Mask = NDArray[np.uint8]


class MapLabel(NamedTuple):
    """Where a country's name fits best: the middle of its widest part, and how far it is from there to a border; px."""

    iso2: str
    x: float
    y: float
    room_px: float


def _rings(view: MapView, iso2: str) -> list[NDArray[np.int32]]:
    """Return the visible rings of a country in fine, shifted units, as cv2 wants them."""
    found = []
    factor = _OVER * (1 << _SHIFT)
    for ring in outlines().get(iso2, ()):
        turns = (0.0, -360.0, 360.0) if view.kind == "world" and np.abs(ring[:, 0]).max() > 180.0 else (0.0,)
        for turn in turns:
            points = ring + np.array((turn, 0.0))
            if not view.sees(points):
                continue
            px = view.flat(points)
            if (
                px[:, 0].max() < -40
                or px[:, 1].max() < -40
                or px[:, 0].min() > view.width + 40
                or px[:, 1].min() > view.height + 40
            ):
                continue
            found.append(np.round(px * factor).astype(np.int32))
    return found


def _painted(view: MapView, rings: list[NDArray[np.int32]]) -> Mask:
    mask: Mask = np.zeros((view.height * _OVER, view.width * _OVER), np.uint8)
    if rings:
        cv2.fillPoly(mask, rings, 255, cv2.LINE_8, _SHIFT)
    return mask


def _stroked(view: MapView, rings: list[NDArray[np.int32]], width_px: float, *, closed: bool = True) -> Mask:
    mask: Mask = np.zeros((view.height * _OVER, view.width * _OVER), np.uint8)
    cv2.polylines(mask, rings, closed, 255, max(1, round(width_px * _OVER)), cv2.LINE_AA, _SHIFT)
    return mask


def _averaged(view: MapView, mask: Mask) -> NDArray[np.float32]:
    small: NDArray[np.float32] = (
        cv2.resize(mask, (view.width, view.height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    )
    return small


def draw_map(
    view: MapView,
    highlight: Sequence[str],
    *,
    land: str,
    highlight_colour: str | Sequence[str],
    border: str,
    line_px: float,
    grid: str | None = None,
) -> Image.Image:
    """Return the map as RGBA with straight alpha: transparent where there is sea.

    ``highlight_colour``: one for all, or one for each. ``grid``: colour of the lines of longitude and latitude, if wanted.
    """
    lit = [iso2.upper() for iso2 in highlight]
    colours = [highlight_colour] * len(lit) if isinstance(highlight_colour, str) else list(highlight_colour)
    light = np.zeros((view.height, view.width, 3), np.float32)
    cover = np.zeros((view.height, view.width), np.float32)

    def put(mask: NDArray[np.float32], colour: str) -> None:
        np.multiply(light, 1.0 - mask[:, :, None], out=light)
        light[:] += mask[:, :, None] * np.array(rgb(colour), np.float32)
        np.multiply(cover, 1.0 - mask, out=cover)
        cover[:] += mask

    if grid:
        factor = _OVER * (1 << _SHIFT)
        lines = [np.round(line * factor).astype(np.int32) for line in graticule(view, 30.0 if view.kind == "world" else 10.0)]
        put(_averaged(view, _stroked(view, lines, line_px * 0.7, closed=False)), grid)
    land_mask: Mask = np.zeros((view.height * _OVER, view.width * _OVER), np.uint8)
    everywhere: list[NDArray[np.int32]] = []
    for iso2 in outlines():
        if iso2 in _LEFT_OUT and iso2 not in lit:
            continue
        rings = _rings(view, iso2)
        if rings:
            cv2.fillPoly(land_mask, rings, 255, cv2.LINE_8, _SHIFT)
            everywhere += rings
    put(_averaged(view, land_mask), land)
    put(_averaged(view, np.minimum(_stroked(view, everywhere, line_px), land_mask)), border)
    shapes = [_rings(view, iso2) for iso2 in lit]
    if shapes:
        both = [ring for rings in shapes for ring in rings]
        soft = cv2.GaussianBlur(_averaged(view, _painted(view, both)), (0, 0), line_px * 5)
        drop = np.roll(soft, round(line_px * 3), axis=0) * 0.45
        put(drop * np.maximum(cover, 0.35), "#000000")
    for rings, colour in zip(shapes, colours, strict=True):
        put(_averaged(view, _painted(view, rings)), colour)
        put(_averaged(view, _stroked(view, rings, line_px * 1.3)), border)
    straight = np.where(cover[:, :, None] > 1e-3, light / np.maximum(cover[:, :, None], 1e-3), 0.0)
    return Image.fromarray(np.dstack([np.clip(straight, 0, 255), cover * 255]).round().astype(np.uint8), "RGBA")


def map_labels(view: MapView, *, least_px: float, without: Sequence[str] = ()) -> list[MapLabel]:
    """Return the best place for the name of every visible country with room for it, the roomiest first."""
    shrink = 4
    labels: list[MapLabel] = []
    for iso2 in outlines():
        rings = _rings(view, iso2) if iso2 not in without and iso2 not in _LEFT_OUT else []
        if not rings:
            continue
        mask: Mask = np.zeros((view.height // shrink + 2, view.width // shrink + 2), np.uint8)
        cv2.fillPoly(mask, [ring // (_OVER * shrink) for ring in rings], 255, cv2.LINE_8, _SHIFT)
        mask[0, :] = mask[-1, :] = 0
        mask[:, 0] = mask[:, -1] = 0
        if int(np.count_nonzero(mask)) * shrink * shrink < least_px * least_px:
            continue
        far = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
        _, room, _, (x, y) = cv2.minMaxLoc(far)
        if room * shrink >= least_px:
            labels.append(MapLabel(iso2, x * shrink, y * shrink, room * shrink))
    return sorted(labels, key=lambda label: -label.room_px)
