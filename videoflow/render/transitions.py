"""How one picture gives way to the next: crossfade, slide, wipe and zoom, computed on yuv420p planes."""

from collections.abc import Callable

import cv2
import numpy as np

from videoflow.render.motion import View
from videoflow.render.planes import Planes

Draw = Callable[[Planes, View | None, float], None]
"""``draw(target, zoomed, shift_x)`` draws a picture as it stands at this frame: magnified further by ``zoomed``, moved right."""

SHADOW_SHARE = 0.05
WIPE_SOFT_SHARE = 0.16
WIPE_SLANT = 0.35
ZOOM_THROUGH = 0.22


def smooth(share: float) -> float:
    """Return a share that starts and ends at rest (smoothstep of fifth degree)."""
    return share * share * share * (share * (share * 6.0 - 15.0) + 10.0)


def _centred(zoom: float) -> View:
    return View(0.5 * (1.0 - 1.0 / zoom), 0.5 * (1.0 - 1.0 / zoom), zoom)


def _mix(out: Planes, incoming: Planes, share: float) -> None:
    for below, above in zip(out, incoming, strict=True):
        cv2.addWeighted(below, 1.0 - share, above, share, 0.0, dst=below)


def crossfade(share: float, outgoing: Draw, incoming: Draw, out: Planes, spare: Planes) -> None:
    """Blend from one to the other, slower at both ends."""
    outgoing(out, None, 0.0)
    incoming(spare, None, 0.0)
    _mix(out, spare, 0.5 * share + 0.5 * smooth(share))


def zoom(share: float, outgoing: Draw, incoming: Draw, out: Planes, spare: Planes) -> None:
    """Fly through the outgoing picture while the incoming one settles from slightly too near."""
    way = smooth(share)
    outgoing(out, _centred((1.0 + ZOOM_THROUGH) ** way), 0.0)
    incoming(spare, _centred((1.0 + ZOOM_THROUGH) ** (1.0 - way)), 0.0)
    _mix(out, spare, smooth(min(1.0, max(0.0, (share - 0.15) / 0.7))))


def slide(share: float, outgoing: Draw, incoming: Draw, out: Planes, spare: Planes) -> None:
    """Push the incoming picture in from the right over the outgoing one, which moves a third as far under a soft shadow."""
    way = smooth(share)
    width = out.width
    edge = (1.0 - way) * width
    outgoing(out, None, -way * width / 3.0)
    incoming(spare, None, edge)
    column = min(width, max(0, round(edge / 2.0) * 2))
    reach = min(column, round(width * SHADOW_SHARE / 2.0) * 2)
    if reach:
        fall = np.linspace(0.0, 1.0, reach, dtype=np.float32) ** 2 * (0.45 * min(1.0, 4.0 * share * (1.0 - share)))
        lit = out.y[:, column - reach : column].astype(np.float32)
        out.y[:, column - reach : column] = (16.0 + (lit - 16.0) * (1.0 - fall)).astype(np.uint8)
    out.y[:, column:] = spare.y[:, column:]
    out.u[:, column // 2 :] = spare.u[:, column // 2 :]
    out.v[:, column // 2 :] = spare.v[:, column // 2 :]


def wipe(share: float, outgoing: Draw, incoming: Draw, out: Planes, spare: Planes) -> None:
    """Uncover the incoming picture along a slanted soft edge that runs from left to right."""
    outgoing(out, None, 0.0)
    incoming(spare, None, 0.0)
    way = 0.5 * share + 0.5 * smooth(share)
    lean = WIPE_SLANT * out.height / out.width
    front = way * (1.0 + lean + WIPE_SOFT_SHARE)
    for below, above in zip(out, spare, strict=True):
        height, width = below.shape
        first = min(width, max(0, int((front - lean - WIPE_SOFT_SHARE) * width)))
        last = min(width, max(0, int(front * width) + 1))
        below[:, :first] = above[:, :first]
        if first == last:
            continue
        across = np.arange(first, last, dtype=np.float32)[None, :] / width
        down = np.linspace(0.0, lean, height, dtype=np.float32)[:, None]
        ramp = np.clip((front - across - down) / WIPE_SOFT_SHARE, 0.0, 1.0)
        mask = ramp * ramp * (3.0 - 2.0 * ramp)
        strip = np.ascontiguousarray(below[:, first:last]), np.ascontiguousarray(above[:, first:last])
        below[:, first:last] = cv2.blendLinear(*strip, 1.0 - mask, mask)


TRANSITIONS: dict[str, Callable[[float, Draw, Draw, Planes, Planes], None]] = {
    "crossfade": crossfade,
    "slide": slide,
    "wipe": wipe,
    "zoom": zoom,
}
