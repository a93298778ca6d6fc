"""BT.709 limited-range yuv420p planes: made once per picture, resampled with sub-pixel precision straight into a video frame."""

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from videoflow.render.motion import View
from videoflow.render.resampling import LEAST_COLUMNS, Plane, plane_filter, taps_at
from videoflow.render.stills import colour_rgb, contained, picture_rgb, resized

OVERSAMPLING = 1.25
"""Moving pictures are enlarged once, by Lanczos, to 1.25 times the frame: what the four taps of a frame then keep of fine detail
(90 %) is the same at every part of a pixel, so letters do not pulse while they move. At 1.0 it swings from 82 to 100 %."""
ENOUGH = 1.08
"""A picture this much larger than the frame is taken as it is: enlarging it would only blur it once more."""
EDGE = 4
"""How many samples the edges of a resampled picture are continued, for taps that reach over them."""

_LUMA = (0.2126, 0.7152, 0.0722)
"""Source: ITU-R BT.709-6, item 3.2."""


def _rgb_to_yuv_matrix() -> NDArray[np.float64]:
    red, green, blue = _LUMA
    luma = np.array([red, green, blue])
    cb = (np.array([0.0, 0.0, 1.0]) - luma) / (2.0 * (1.0 - blue))
    cr = (np.array([1.0, 0.0, 0.0]) - luma) / (2.0 * (1.0 - red))
    rows = np.stack([luma * 219.0 / 255.0, cb * 224.0 / 255.0, cr * 224.0 / 255.0])
    return np.hstack([rows, np.array([[16.0], [128.0], [128.0]])])


RGB_TO_YUV = _rgb_to_yuv_matrix()


@dataclass(frozen=True, slots=True)
class Planes:
    """Y in full and U, V in half size (height x width, uint8)."""

    y: Plane
    u: Plane
    v: Plane

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter((self.y, self.u, self.v))

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    def copy_to(self, other: "Planes") -> None:
        """Overwrite the other's samples; both have the same size."""
        for ours, theirs in zip(self, other, strict=True):
            np.copyto(theirs, ours)


def planes_empty(width: int, height: int) -> Planes:
    """Return black planes of an even size."""
    half = (height // 2, width // 2)
    return Planes(np.full((height, width), 16, np.uint8), np.full(half, 128, np.uint8), np.full(half, 128, np.uint8))


def planes_filled(width: int, height: int, colour: str) -> Planes:
    """Return planes of an even size in one colour, ``#rrggbb``."""
    y, u, v = planes_of_rgb(np.full((2, 2, 3), colour_rgb(colour), np.uint8))
    half = (height // 2, width // 2)
    return Planes(np.full((height, width), y[0, 0]), np.full(half, u[0, 0]), np.full(half, v[0, 0]))


def planes_of_frame(frame: av.VideoFrame) -> Planes:
    """Return views on the memory of a yuv420p (or yuva420p) frame: writing to them writes to the frame."""
    views = []
    for number, plane in enumerate(frame.planes[:3]):
        width, height = (frame.width, frame.height) if number == 0 else (frame.width // 2, frame.height // 2)
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        views.append(rows[:height, :width])
    return Planes(*views)


def planes_of_rgb(rgb: NDArray[np.uint8], size: tuple[int, int] | None = None) -> Planes:
    """Convert height x width x 3 RGB, brought to an even ``size``; chroma is a mean, so sited in the middle.

    Resized after the conversion: one plane in full and two in half size are half the work of three in full.
    """
    luma, blue, red = cv2.split(cv2.transform(rgb, RGB_TO_YUV))
    width, height = size or (rgb.shape[1], rgb.shape[0])
    half = (width // 2, height // 2)
    if size is not None:  # sharpening goes over white and under black, which no picture does
        luma = np.clip(resized(luma, size), 16, 235)  # type: ignore[arg-type]
    return Planes(luma, resized(blue, half), resized(red, half))  # type: ignore[arg-type]


def _even(size: float) -> int:
    return max(2, round(size / 2.0) * 2)


def cover_box(width: int, height: int, to_width: int, to_height: int, focus: tuple[float, float]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the largest part with the target's shape, as near to the focus as it can be."""
    scale = min(width / to_width, height / to_height)
    box_width, box_height = min(width, round(to_width * scale)), min(height, round(to_height * scale))
    left = round(min(max(focus[0] * width - box_width / 2, 0), width - box_width))
    top = round(min(max(focus[1] * height - box_height / 2, 0), height - box_height))
    return left, top, left + box_width, top + box_height


def picture_planes(
    path: Path,
    width: int,
    height: int,
    focus: tuple[float, float],
    *,
    moving: bool,
    fit: str = "cover",
    background: str = "#000000",
) -> Planes:
    """Decode a picture and fit it to the frame's shape; ``moving`` asks for a working size with some detail to spare."""
    rgb = picture_rgb(path, background)
    own = min(rgb.shape[1] / width, rgb.shape[0] / height)
    scale = own if moving and fit != "contain" and ENOUGH <= own <= OVERSAMPLING else OVERSAMPLING if moving else 1.0
    size = (_even(width * scale), _even(height * scale))
    if fit == "contain":
        return planes_of_rgb(contained(rgb, size, background))
    left, top, right, bottom = cover_box(rgb.shape[1], rgb.shape[0], width, height, focus)
    return planes_of_rgb(rgb[top:bottom, left:right], size)


@dataclass(frozen=True, slots=True)
class Footage:
    """A picture made ready to be resampled: its planes transposed, with their edges continued by ``EDGE`` samples."""

    width: int
    height: int
    y: Plane
    u: Plane
    v: Plane


def footage_of(planes: Planes) -> Footage:
    """Make planes ready to be resampled (about 1 ms at 1080p)."""
    edges = (EDGE, EDGE, EDGE, EDGE, cv2.BORDER_REPLICATE)
    y, u, v = (cv2.copyMakeBorder(cv2.transpose(plane), *edges) for plane in planes)
    return Footage(planes.width, planes.height, y, u, v)


def warp_into(source: Footage, view: View, target: Planes, *, shift_x: float = 0.0) -> None:
    """Draw the view on the source into the target, moved to the right by ``shift_x`` pixels of the target.

    Columns that the moved picture does not reach are left as they are.
    Luma pixel centres are mapped exactly. Source chroma is sited between its 2 x 2 luma samples, the target's on the left ones,
    as H.264 players assume (type 0 of its chroma locations).
    """
    scale_x = source.width / (target.width * view.zoom)
    scale_y = source.height / (target.height * view.zoom)
    offset_x = view.left * source.width + 0.5 * scale_x - 0.5 - shift_x * scale_x
    offset_y = view.top * source.height + 0.5 * scale_y - 0.5
    half_x = (offset_x - 0.5) / 2.0
    half_y = (scale_y / 2.0 + offset_y - 0.5) / 2.0
    first = max(0, int(shift_x) // 2)
    last = target.width // 2 - max(0, int(-shift_x) // 2)
    if last - first < LEAST_COLUMNS:  # a strip this narrow at the edge of the frame is drawn wider than it has to be
        first, last = (max(0, last - LEAST_COLUMNS), last) if first else (0, LEAST_COLUMNS)
    for step, offset, pairs in (
        (2, (offset_x, offset_y), ((source.y, target.y),)),
        (1, (half_x, half_y), ((source.u, target.u), (source.v, target.v))),
    ):
        limit_x, limit_y = pairs[0][0].shape
        across = taps_at(offset[0] + first * step * scale_x + EDGE, scale_x, (last - first) * step, limit_x)
        down = taps_at(offset[1] + EDGE, scale_y, pairs[0][1].shape[0], limit_y)
        for plane, whole in pairs:
            plane_filter(plane, across, down, whole[:, first * step : last * step])
