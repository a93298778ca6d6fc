"""From pieces to frames: only what changed since the frame before is put together and converted again."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from videoflow.providers.embedded_pictures.animation import Layer, Pose
from videoflow.providers.embedded_pictures.sprite import Box, Pixels, Sprite, lay, moved, overlap

# BT.709, limited range, from full-range RGB. Source: Rec. ITU-R BT.709-6, items 3.2 to 3.5.
_TO_YUV: NDArray[np.float64] = np.array(
    [[0.18259, 0.61423, 0.06201, 16.0], [-0.10064, -0.33857, 0.43922, 128.0], [0.43922, -0.39894, -0.04027, 128.0]]
)


class _Placed:
    """A piece as it lies on the canvas in one frame."""

    def __init__(self, pose: Pose, canvas: Box) -> None:
        sprite, x, y = pose.sprite, pose.x, pose.y
        whole_x, whole_y = math.floor(x + 0.5), math.floor(y + 0.5)
        if abs(pose.scale - 1.0) > 1e-3 or abs(pose.degrees) > 1e-3:
            sprite, dx, dy = moved(sprite, scale=pose.scale, degrees=pose.degrees, dx=x - whole_x, dy=y - whole_y)
            whole_x, whole_y = whole_x + dx, whole_y + dy
        self.sprite: Sprite = sprite.faded(pose.opacity)
        self.left, self.top = whole_x, whole_y
        self.box = overlap(sprite.width, sprite.height, whole_x, whole_y, canvas)
        if self.box is not None and pose.clip is not None:
            clip = pose.clip
            box = (max(self.box[0], clip[0]), max(self.box[1], clip[1]), min(self.box[2], clip[2]), min(self.box[3], clip[3]))
            self.box = box if box[2] > box[0] and box[3] > box[1] else None

    def lay(self, canvas: Pixels, within: Box) -> None:
        if self.box is None:
            return
        box = (max(self.box[0], within[0]), max(self.box[1], within[1]), min(self.box[2], within[2]), min(self.box[3], within[3]))
        if box[2] > box[0] and box[3] > box[1]:
            lay(canvas, self.sprite, self.left, self.top, box)


def _joined(boxes: list[Box]) -> list[Box]:
    """Join boxes that touch, so that no area is put together twice."""
    todo, done = list(boxes), []
    while todo:
        box = todo.pop()
        for other in todo:
            if box[0] <= other[2] and other[0] <= box[2] and box[1] <= other[3] and other[1] <= box[3]:
                todo.remove(other)
                todo.append((min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3])))
                break
        else:
            done.append(box)
    return done


class Animator:
    """Holds the picture at a time; ``advance`` moves it on. Width and height must be even."""

    def __init__(self, base: Pixels, layers: list[Layer]) -> None:
        self._base = base.copy()
        self._layers = list(layers)
        self._poses: list[Pose | None] = [None] * len(layers)
        self._placed: list[_Placed | None] = [None] * len(layers)
        self.canvas: Pixels = base.copy()
        height, width = base.shape[:2]
        self._all: Box = (0, 0, width, height)
        self.y: Pixels = np.empty((height, width), np.uint8)
        self.u: Pixels = np.empty((height // 2, width // 2), np.uint8)
        self.v: Pixels = np.empty((height // 2, width // 2), np.uint8)
        self._convert(self._all)

    def advance(self, t: float) -> bool:
        """Bring canvas and planes to time ``t`` (never backwards); say whether anything changed."""
        dirty: list[Box] = []
        for number, layer in enumerate(self._layers):
            pose = layer.pose(t)
            if pose == self._poses[number]:
                continue
            before = self._placed[number]
            after = _Placed(pose, self._all) if pose is not None else None
            dirty += [placed.box for placed in (before, after) if placed is not None and placed.box is not None]
            self._poses[number], self._placed[number] = pose, after
        for box in _joined(dirty):
            even = (box[0] & ~1, box[1] & ~1, min(self._all[2], (box[2] + 1) & ~1), min(self._all[3], (box[3] + 1) & ~1))
            self._compose(even)
            self._convert(even)
        while self._layers and self._layers[0].settled_at() < t:  # what will not change any more becomes part of the base
            placed = self._placed[0]
            if placed is not None:
                placed.lay(self._base, self._all)
            del self._layers[0], self._poses[0], self._placed[0]
        return bool(dirty)

    def _compose(self, box: Box) -> None:
        rows, columns = slice(box[1], box[3]), slice(box[0], box[2])
        self.canvas[rows, columns] = self._base[rows, columns]
        for placed in self._placed:
            if placed is not None:
                placed.lay(self.canvas, box)

    def _convert(self, box: Box) -> None:
        left, top, right, bottom = box
        yuv = cv2.transform(self.canvas[top:bottom, left:right], _TO_YUV)
        self.y[top:bottom, left:right] = yuv[:, :, 0]
        size = ((right - left) // 2, (bottom - top) // 2)
        half = cv2.resize(yuv, size, interpolation=cv2.INTER_AREA)
        self.u[top // 2 : bottom // 2, left // 2 : right // 2] = half[:, :, 1]
        self.v[top // 2 : bottom // 2, left // 2 : right // 2] = half[:, :, 2]


def still(base: Pixels, layers: list[Layer], t: float) -> Pixels:
    """Return the picture at one moment, RGB."""
    canvas = base.copy()
    whole = (0, 0, canvas.shape[1], canvas.shape[0])
    for layer in layers:
        pose = layer.pose(t)
        if pose is not None:
            _Placed(pose, whole).lay(canvas, whole)
    return canvas
