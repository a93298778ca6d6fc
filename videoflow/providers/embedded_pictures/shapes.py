"""Coverage masks of the shapes that everything is built from; all with smooth edges."""

import math
import random
from collections.abc import Sequence

import cv2
import numpy as np

from videoflow.providers.embedded_pictures.sprite import Pixels, Sprite, pixels_of, sprite_of_mask

Point = tuple[float, float]
_SHIFT = 4
_ONE = 1 << _SHIFT


def polygon_mask(width: int, height: int, outlines: Sequence[Sequence[Point]]) -> Pixels:
    """Fill outlines by the even-odd rule; points in px, parts of a pixel count."""
    w, h = max(1, width), max(1, height)
    factor = 4 if w * h < 160_000 else 2  # cv2's own smoothing leaves waves along round edges
    mask: Pixels = np.zeros((h * factor, w * factor), np.uint8)
    arrays = [
        np.round((np.asarray(outline, np.float64) * factor - 0.5) * _ONE).astype(np.int32)
        for outline in outlines
        if len(outline) > 2
    ]
    if arrays:
        cv2.fillPoly(mask, arrays, 255, lineType=cv2.LINE_8, shift=_SHIFT)
    return pixels_of(cv2.resize(mask, (w, h), interpolation=cv2.INTER_AREA))


def stroke_mask(
    width: int, height: int, lines: Sequence[Sequence[Point]], thickness_px: float, *, closed: bool = False
) -> Pixels:
    """Draw lines with round ends and joints."""
    factor = 2 if thickness_px < 12 else 1
    mask: Pixels = np.zeros((max(1, height) * factor, max(1, width) * factor), np.uint8)
    for line in lines:
        points = np.round((np.asarray(line, np.float64) * factor - 0.5) * _ONE).astype(np.int32)
        cv2.polylines(mask, [points], closed, 255, max(1, round(thickness_px * factor)), cv2.LINE_AA, _SHIFT)
    if factor > 1:
        return pixels_of(cv2.resize(mask, (max(1, width), max(1, height)), interpolation=cv2.INTER_AREA))
    return mask


def disc_points(cx: float, cy: float, radius: float, start: float = 0.0, end: float = 360.0) -> list[Point]:
    """Return points of an arc, degrees clockwise from three o'clock."""
    steps = max(12, int(abs(end - start) / 360 * max(48, radius)))
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(cx + radius * math.cos(angle), cy + radius * math.sin(angle)) for angle in angles]


def disc_mask(diameter: int) -> Pixels:
    radius = diameter / 2
    return polygon_mask(diameter, diameter, [disc_points(radius, radius, radius - 0.5)])


def ring_mask(diameter: int, thickness_px: float, start: float = 0.0, end: float = 360.0) -> Pixels:
    radius = diameter / 2
    if end - start >= 360:
        outlines = [disc_points(radius, radius, radius - 0.5), disc_points(radius, radius, max(0.5, radius - 0.5 - thickness_px))]
        return polygon_mask(diameter, diameter, outlines)
    outer = disc_points(radius, radius, radius - 0.5, start, end)
    inner = disc_points(radius, radius, max(0.5, radius - 0.5 - thickness_px), end, start)
    return polygon_mask(diameter, diameter, [[*outer, *inner]])


def rounded_points(left: float, top: float, right: float, bottom: float, radius: float) -> list[Point]:
    r = max(0.0, min(radius, (right - left) / 2, (bottom - top) / 2))
    if r < 0.5:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    points: list[Point] = []
    for cx, cy, start in (
        (right - r, top + r, -90),
        (right - r, bottom - r, 0),
        (left + r, bottom - r, 90),
        (left + r, top + r, 180),
    ):
        points += [
            (cx + r * math.cos(math.radians(start + step * 7.5)), cy + r * math.sin(math.radians(start + step * 7.5)))
            for step in range(13)
        ]
    return points


def rounded_mask(width: int, height: int, radius: float) -> Pixels:
    return polygon_mask(width, height, [rounded_points(0.5, 0.5, width + 0.5, height + 0.5, radius)])


def card(width: int, height: int, radius: float, colour: str) -> Sprite:
    return sprite_of_mask(rounded_mask(width, height, radius), colour)


def shadow(mask: Pixels, blur_px: float, strength: float) -> tuple[Sprite, int]:
    """Return the soft shadow of a mask, and by how many px it is larger on every side."""
    margin = int(blur_px * 2)
    shrink = 4 if blur_px > 10 else 1
    padded = cv2.copyMakeBorder(mask, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    size = (padded.shape[1], padded.shape[0])
    small = cv2.resize(padded, (max(1, size[0] // shrink), max(1, size[1] // shrink)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(0.6, blur_px / shrink * 0.7))
    soft = pixels_of(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR))
    return sprite_of_mask(soft, "#05040a", strength), margin


def blob_points(
    cx: float, cy: float, radius: float, chance: random.Random, *, wobble: float = 0.22, lobes: int = 7
) -> list[Point]:
    """Return a smooth closed curve around a middle."""
    radii = [radius * (1 + chance.uniform(-wobble, wobble)) for _ in range(lobes)]
    corners = [(cx + r * math.cos(math.tau * i / lobes), cy + r * math.sin(math.tau * i / lobes)) for i, r in enumerate(radii)]
    return curve_through(corners, closed=True)


def curve_through(points: Sequence[Point], *, closed: bool = False, steps: int = 16) -> list[Point]:
    """Return a smooth (Catmull-Rom) curve through the points."""
    n = len(points)
    if n < 3 and not closed:
        return list(points)
    curve: list[Point] = []
    for i in range(n if closed else n - 1):
        p0 = points[(i - 1) % n] if closed else points[max(0, i - 1)]
        p1, p2 = points[i % n], points[(i + 1) % n]
        p3 = points[(i + 2) % n] if closed else points[min(n - 1, i + 2)]
        for step in range(steps):
            t = step / steps
            curve.append((_spline(p0[0], p1[0], p2[0], p3[0], t), _spline(p0[1], p1[1], p2[1], p3[1], t)))
    if not closed:
        curve.append(points[-1])
    return curve


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
