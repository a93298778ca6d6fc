"""Where the camera looks: an eased, sub-pixel view on a picture for every frame of its time on screen."""

import math
from dataclasses import dataclass

from videoflow.render.timeline import MotionKind

ZOOM_PER_SECOND = 0.013
ZOOM_LEAST = 0.045
ZOOM_MOST = 0.10
"""How much a zoom magnifies: 1.3 % a second, 4.5 to 10 % in all."""
PAN_ZOOM = 1.07
"""A pan shows 1/1.07 of the picture at a time, so at most 3.3 % of each side is out of view at its middle."""


@dataclass(frozen=True, slots=True)
class View:
    """The visible rectangle, in shares of the picture: left, top and the magnification (width = height = 1/zoom)."""

    left: float
    top: float
    zoom: float


WHOLE = View(0.0, 0.0, 1.0)


def eased(share: float) -> float:
    """Return the way done after ``share`` of the time: starts and ends at half speed, without a jerk."""
    return share - math.sin(2.0 * math.pi * share) / (4.0 * math.pi)


def zoom_amount(seconds: float) -> float:
    """Return how much a zoom of this length magnifies: slow on long scenes, visible on short ones."""
    return min(ZOOM_MOST, max(ZOOM_LEAST, ZOOM_PER_SECOND * seconds))


def view_at(motion: MotionKind, focus: tuple[float, float], share: float, seconds: float) -> View:
    """Return the view after ``share`` (0 to 1) of a scene of ``seconds``; a zoom leaves the focus point where it is."""
    way = eased(min(1.0, max(0.0, share)))
    if motion in ("push_in", "pull_out"):
        # Equal ratios, not equal steps, look like constant speed.
        zoom = (1.0 + zoom_amount(seconds)) ** (way if motion == "push_in" else 1.0 - way)
        return View(focus[0] * (1.0 - 1.0 / zoom), focus[1] * (1.0 - 1.0 / zoom), zoom)
    room = 1.0 - 1.0 / PAN_ZOOM
    if motion == "pan_left":
        return View(room * (1.0 - way), room * 0.5, PAN_ZOOM)
    if motion == "pan_right":
        return View(room * way, room * 0.5, PAN_ZOOM)
    if motion == "drift_up":
        return View(room * 0.5, room * (1.0 - way), PAN_ZOOM)
    return WHOLE
