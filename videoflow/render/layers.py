"""What a scene shows at a given frame: a picture under a moving view, or a clip whose frames are picked by time."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from videoflow.errors import BadInput
from videoflow.render.motion import WHOLE, View, view_at
from videoflow.render.planes import Footage, Planes, cover_box, footage_of, picture_planes, planes_of_frame, warp_into
from videoflow.render.probe import media_open

PICTURES_KEPT = 3
"""Decoded pictures a worker keeps: a transition needs two and the body after it one of them (5 MB each at 1080p)."""

_BT709 = 1
_UNSAID = 2
_QUARTER_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


class PictureShelf:
    """The pictures decoded last, so that one needed by several segments is decoded once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Footage] = OrderedDict()

    def picture(self, path: Path, sha256: str, width: int, height: int, focus: tuple[float, float], *, moving: bool) -> Footage:
        key = (sha256, width, height, focus, moving)
        if key not in self._kept:
            self._kept[key] = footage_of(picture_planes(path, width, height, focus, moving=moving))
            while len(self._kept) > PICTURES_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def view_within(view: View, inner: View) -> View:
    """Return the view that shows ``inner`` of what ``view`` shows."""
    return View(view.left + inner.left / view.zoom, view.top + inner.top / view.zoom, view.zoom * inner.zoom)


class Layer(Protocol):
    still: bool
    """True when every frame of it looks the same."""

    def draw(self, frame: int, target: Planes, zoomed: View | None = None, shift_x: float = 0.0) -> None: ...

    def close(self) -> None: ...


class PictureLayer:
    """One picture and the camera that moves over it during the scene's whole time on screen."""

    def __init__(self, spec: Mapping[str, Any], width: int, height: int, fps: int, shelf: PictureShelf) -> None:
        self.still = spec["motion"] == "still"
        self._motion, self._focus = spec["motion"], (float(spec["focus"][0]), float(spec["focus"][1]))
        self._first, self._shown, self._fps = int(spec["first"]), int(spec["shown"]), fps
        self._footage = shelf.picture(Path(spec["media"]), spec["sha256"], width, height, self._focus, moving=not self.still)

    def draw(self, frame: int, target: Planes, zoomed: View | None = None, shift_x: float = 0.0) -> None:
        share = (self._first + frame) / max(1, self._shown - 1)
        view = view_at(self._motion, self._focus, share, self._shown / self._fps)
        warp_into(self._footage, view_within(view, zoomed) if zoomed else view, target, shift_x=shift_x)

    def close(self) -> None:
        pass


class ClipLayer:
    """A clip: the frame that stands at the time asked for; its last frame is held when it is too short."""

    def __init__(self, spec: Mapping[str, Any], width: int, height: int, fps: int) -> None:
        self.still = False
        self._path, self._size, self._fps = Path(spec["media"]), (width, height), fps
        self._motion, self._focus = spec["motion"], (float(spec["focus"][0]), float(spec["focus"][1]))
        self._first, self._shown, self._lead = int(spec["first"]), int(spec["shown"]), int(spec["lead"])
        self._container = media_open(self._path)
        self._stream = self._container.streams.video[0]
        self._stream.thread_count = 1
        self._begin = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        start = self._seconds_at(0)
        if start > 1.0:
            self._container.seek(int((start + self._begin - 0.5) * av.time_base))
        self._frames: Iterator[av.VideoFrame] = self._container.decode(self._stream)
        self._now: av.VideoFrame | None = None
        self._next: av.VideoFrame | None = None
        self._planes: Planes | None = None
        self._step()

    def _seconds_at(self, frame: int) -> float:
        """The clip begins when its scene has come in; during the transition before, its first frame stands."""
        return max(0.0, (self._first + frame - self._lead) / self._fps)

    def _step(self) -> None:
        try:
            self._next = next(self._frames, None)
        except av.error.FFmpegError as error:
            raise BadInput(f"{self._path.name} is damaged and cannot be decoded.") from error

    def _time(self, frame: av.VideoFrame) -> float:
        return float(frame.time or 0.0) - self._begin

    def _planes_at(self, seconds: float) -> Planes:
        while self._next is not None and (self._now is None or self._time(self._next) <= seconds + 0.25 / self._fps):
            self._now, self._planes = self._next, None
            self._step()
        if self._now is None:
            raise BadInput(f"{self._path.name} has no picture in it.")
        if self._planes is None:
            self._planes = _fitted(self._now, *self._size, self._focus)
        return self._planes

    def draw(self, frame: int, target: Planes, zoomed: View | None = None, shift_x: float = 0.0) -> None:
        planes = self._planes_at(self._seconds_at(frame))
        share = (self._first + frame) / max(1, self._shown - 1)
        view = view_at(self._motion, self._focus, share, self._shown / self._fps)
        view = view_within(view, zoomed) if zoomed else view
        if view == WHOLE and not shift_x:
            planes.copy_to(target)  # chroma of a clip is sited as in the video, so it is not moved
        else:
            warp_into(footage_of(planes), view, target, shift_x=shift_x)

    def close(self) -> None:
        self._container.close()


def _fitted(frame: av.VideoFrame, width: int, height: int, focus: tuple[float, float]) -> Planes:
    """Return a decoded frame as BT.709 planes of exactly the video's size, upright, covering it."""
    turn = _QUARTER_TURNS.get(int(frame.rotation) % 360)
    sideways = turn is not None and turn != cv2.ROTATE_180
    shown = (frame.height, frame.width) if sideways else (frame.width, frame.height)
    scale = max(width / shown[0], height / shown[1])
    size = (max(width, round(shown[0] * scale / 2) * 2), max(height, round(shown[1] * scale / 2) * 2))
    coded = (size[1], size[0]) if sideways else size
    plain = frame.format.name == "yuv420p" and frame.colorspace in (_BT709, _UNSAID) and frame.color_range != ColorRange.JPEG
    if not plain or (frame.width, frame.height) != coded:
        source = Colorspace.ITU709 if frame.colorspace in (_BT709, _UNSAID) else None
        frame = frame.reformat(
            *coded, format="yuv420p", src_colorspace=source, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
    planes = planes_of_frame(frame)
    if turn is not None:
        planes = Planes(*(np.ascontiguousarray(cv2.rotate(plane, turn)) for plane in planes))
    left, top, _, _ = cover_box(size[0], size[1], width, height, focus)
    x, y = left // 2, top // 2
    return Planes(
        planes.y[2 * y : 2 * y + height, 2 * x : 2 * x + width],
        planes.u[y : y + height // 2, x : x + width // 2],
        planes.v[y : y + height // 2, x : x + width // 2],
    )


def layer_open(spec: Mapping[str, Any], width: int, height: int, fps: int, shelf: PictureShelf) -> Layer:
    """Open the layer that a segment's description names."""
    if spec["kind"] == "clip":
        return ClipLayer(spec, width, height, fps)
    return PictureLayer(spec, width, height, fps, shelf)
