"""Pieces of a picture: colour already multiplied by coverage, and how much of what lies below is kept."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from videoflow.providers.embedded_pictures.colour import rgb

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px; right and bottom are not included."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """``light``: height x width x 3, premultiplied RGB. ``keep``: the same shape, 255 minus alpha, for cv2 to multiply."""

    light: Pixels
    keep: Pixels

    @property
    def width(self) -> int:
        return int(self.light.shape[1])

    @property
    def height(self) -> int:
        return int(self.light.shape[0])

    def faded(self, opacity: float) -> "Sprite":
        """Return the sprite with its coverage multiplied by ``opacity`` (0 to 1)."""
        if opacity >= 0.999:
            return self
        light = cv2.convertScaleAbs(self.light, alpha=opacity)
        keep = cv2.convertScaleAbs(self.keep, alpha=opacity, beta=255.0 * (1.0 - opacity))
        return Sprite(pixels_of(light), pixels_of(keep))

    def cropped(self, box: Box) -> "Sprite":
        left, top, right, bottom = box
        return Sprite(self.light[top:bottom, left:right], self.keep[top:bottom, left:right])


def pixels_of(array: Any) -> Pixels:
    """Name what cv2 returned for what it is: bytes."""
    pixels: Pixels = array
    return pixels


def sprite_of_mask(mask: Pixels, colour: str, opacity: float = 1.0) -> Sprite:
    """Return a sprite of one colour; ``mask`` is its coverage, height x width."""
    cover = mask if opacity >= 0.999 else pixels_of(cv2.convertScaleAbs(mask, alpha=opacity))
    channels = [pixels_of(cv2.convertScaleAbs(cover, alpha=value / 255.0)) for value in rgb(colour)]
    keep = pixels_of(cv2.bitwise_not(cover))
    return Sprite(pixels_of(cv2.merge(channels)), pixels_of(cv2.merge([keep, keep, keep])))


def sprite_of_rgba(straight: Pixels) -> Sprite:
    """Return a sprite of RGBA with straight alpha, as Pillow draws it; height x width x 4."""
    alpha = straight[:, :, 3:4]
    light = cv2.multiply(np.ascontiguousarray(straight[:, :, :3]), pixels_of(np.repeat(alpha, 3, axis=2)), scale=1 / 255)
    keep = pixels_of(cv2.bitwise_not(np.ascontiguousarray(straight[:, :, 3])))
    return Sprite(pixels_of(light), pixels_of(cv2.merge([keep, keep, keep])))


def overlap(width: int, height: int, left: int, top: int, clip: Box) -> Box | None:
    """Return the part of ``clip`` that a piece of that size at that place covers; None when it covers nothing."""
    x0, y0 = max(left, clip[0]), max(top, clip[1])
    x1, y1 = min(left + width, clip[2]), min(top + height, clip[3])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def lay(canvas: Pixels, sprite: Sprite, left: int, top: int, clip: Box | None = None) -> None:
    """Put a sprite on an opaque RGB canvas, in place, only within ``clip``."""
    limits = clip or (0, 0, canvas.shape[1], canvas.shape[0])
    box = overlap(sprite.width, sprite.height, left, top, limits)
    if box is None:
        return
    part = sprite.cropped((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
    below = canvas[box[1] : box[3], box[0] : box[2]]
    canvas[box[1] : box[3], box[0] : box[2]] = cv2.add(cv2.multiply(below, part.keep, scale=1 / 255), part.light)


class Pad:
    """A transparent field on which a group (a card with all it holds) is put together once."""

    def __init__(self, width: int, height: int) -> None:
        self.light: Pixels = np.zeros((max(1, height), max(1, width), 3), np.uint8)
        self.keep: Pixels = np.full((max(1, height), max(1, width), 3), 255, np.uint8)

    def put(self, sprite: Sprite, left: float, top: float) -> "Pad":
        x, y = round(left), round(top)
        box = overlap(sprite.width, sprite.height, x, y, (0, 0, self.light.shape[1], self.light.shape[0]))
        if box is not None:
            part = sprite.cropped((box[0] - x, box[1] - y, box[2] - x, box[3] - y))
            rows, columns = slice(box[1], box[3]), slice(box[0], box[2])
            self.light[rows, columns] = cv2.add(cv2.multiply(self.light[rows, columns], part.keep, scale=1 / 255), part.light)
            self.keep[rows, columns] = cv2.multiply(self.keep[rows, columns], part.keep, scale=1 / 255)
        return self

    def sprite(self) -> Sprite:
        return Sprite(self.light, self.keep)

    def cut(self, mask: Pixels) -> Sprite:
        """Return what was put together, cut out by a mask of the same size."""
        cover = pixels_of(cv2.merge([mask, mask, mask]))
        alpha = cv2.multiply(cv2.bitwise_not(self.keep), cover, scale=1 / 255)
        return Sprite(pixels_of(cv2.multiply(self.light, cover, scale=1 / 255)), pixels_of(cv2.bitwise_not(alpha)))


def moved(
    sprite: Sprite, *, scale: float = 1.0, degrees: float = 0.0, dx: float = 0.0, dy: float = 0.0
) -> tuple[Sprite, int, int]:
    """Scale and turn a sprite about its middle and shift it by parts of a pixel.

    Returns the new sprite and how far its left and top edges lie from the old ones, in px.
    """
    radians = np.deg2rad(degrees)
    c, s = scale * float(np.cos(radians)), scale * float(np.sin(radians))
    w, h = sprite.width, sprite.height
    new_w = int(np.ceil(abs(c) * w + abs(s) * h)) + 3
    new_h = int(np.ceil(abs(s) * w + abs(c) * h)) + 3
    left, top = (w - new_w) // 2, (h - new_h) // 2
    cx, cy = (w - 1) / 2, (h - 1) / 2
    matrix = np.array([[c, s, cx + dx - left - c * cx - s * cy], [-s, c, cy + dy - top + s * cx - c * cy]], np.float64)
    how: dict[str, Any] = {"flags": cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR, "borderMode": cv2.BORDER_CONSTANT}
    light = cv2.warpAffine(sprite.light, matrix, (new_w, new_h), borderValue=(0, 0, 0), **how)
    keep = cv2.warpAffine(sprite.keep, matrix, (new_w, new_h), borderValue=(255, 255, 255), **how)
    return Sprite(pixels_of(light), pixels_of(keep)), left, top


def resized(sprite: Sprite, width: int, height: int) -> Sprite:
    how = cv2.INTER_AREA if width < sprite.width else cv2.INTER_LINEAR
    return Sprite(
        pixels_of(cv2.resize(sprite.light, (width, height), interpolation=how)),
        pixels_of(cv2.resize(sprite.keep, (width, height), interpolation=how)),
    )
