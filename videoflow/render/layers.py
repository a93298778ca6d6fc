"""What a scene shows at a given frame: a picture under a moving view, or a clip whose frames are picked by time."""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from videoflow.render.clips import Clip
from videoflow.render.motion import WHOLE, View, view_at
from videoflow.render.planes import Footage, Planes, footage_of, picture_planes, warp_into

PICTURES_KEPT = 3
"""Decoded pictures a worker keeps: a transition needs two and the body after it one of them (5 MB each at 1080p)."""


class PictureShelf:
    """The pictures decoded last, so that one needed by several segments is decoded once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Footage] = OrderedDict()

    def picture(self, spec: Mapping[str, Any], width: int, height: int, focus: tuple[float, float], *, moving: bool) -> Footage:
        fit, background = spec["fit"], spec["background"]
        key = (spec["sha256"], width, height, focus, moving, fit, background)
        if key not in self._kept:
            planes = picture_planes(Path(spec["media"]), width, height, focus, moving=moving, fit=fit, background=background)
            self._kept[key] = footage_of(planes)
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
        self._footage = shelf.picture(spec, width, height, self._focus, moving=not self.still)

    def draw(self, frame: int, target: Planes, zoomed: View | None = None, shift_x: float = 0.0) -> None:
        share = (self._first + frame) / max(1, self._shown - 1)
        view = view_at(self._motion, self._focus, share, self._shown / self._fps)
        warp_into(self._footage, view_within(view, zoomed) if zoomed else view, target, shift_x=shift_x)

    def close(self) -> None:
        pass


class ClipLayer:
    """A clip and the camera that moves over it."""

    def __init__(self, spec: Mapping[str, Any], width: int, height: int, fps: int) -> None:
        self.still = False
        self._fps = fps
        self._motion, self._focus = spec["motion"], (float(spec["focus"][0]), float(spec["focus"][1]))
        self._first, self._shown, self._lead = int(spec["first"]), int(spec["shown"]), int(spec["lead"])
        self._clip = Clip(spec, width, height, fps, (self._shown - self._lead) / fps)

    def draw(self, frame: int, target: Planes, zoomed: View | None = None, shift_x: float = 0.0) -> None:
        at = self._first + frame
        # The clip begins when its scene has come in; during the transition before, its first frame stands.
        planes = self._clip.planes_at(max(0, at - self._lead) / self._fps)
        view = view_at(self._motion, self._focus, at / max(1, self._shown - 1), self._shown / self._fps)
        view = view_within(view, zoomed) if zoomed else view
        if view == WHOLE and not shift_x:
            planes.copy_to(target)  # chroma of a clip is sited as in the video, so it is not moved
        else:
            warp_into(footage_of(planes), view, target, shift_x=shift_x)

    def close(self) -> None:
        self._clip.close()


def layer_open(spec: Mapping[str, Any], width: int, height: int, fps: int, shelf: PictureShelf) -> Layer:
    """Open the layer that a segment's description names."""
    if spec["kind"] == "clip":
        return ClipLayer(spec, width, height, fps)
    return PictureLayer(spec, width, height, fps, shelf)
