"""How a piece enters, stays and leaves: its place, size and coverage at any time. Times in seconds from the start of the shot."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from videoflow.providers.embedded_pictures.sprite import Box, Sprite

Enter = Literal[
    "none",
    "fade",
    "rise",
    "drop",
    "lift",
    "pop",
    "grow_right",
    "grow_left",
    "draw_right",
    "from_left",
    "from_right",
    "from_below",
    "stamp",
]
HEAD_START_SECONDS = 0.42
"""A clip begins this far into its movement: its first frame, which a transition holds, is designed already."""
_LEAVE_SECONDS = 0.18


def ease_out(p: float) -> float:
    """Fast, then gently to a stop (quintic)."""
    return 1.0 - (1.0 - p) ** 4


def ease_in_out(p: float) -> float:
    return p * p * (3.0 - 2.0 * p)


def ease_back(p: float) -> float:
    """A little beyond the end and back."""
    q = p - 1.0
    return 1.0 + 2.2 * q * q * q + 1.2 * q * q


@dataclass(frozen=True, slots=True)
class Sway:
    """An endless small motion: px along both axes, degrees, and the seconds of one round."""

    dx: float = 0.0
    dy: float = 0.0
    degrees: float = 0.0
    period: float = 6.0
    phase: float = 0.0
    spin: float = 0.0
    """Degrees per second, for round things."""


class Pose(NamedTuple):
    sprite: Sprite
    x: float
    y: float
    opacity: float = 1.0
    scale: float = 1.0
    degrees: float = 0.0
    clip: Box | None = None


@dataclass(slots=True, eq=False)
class Layer:
    """One piece: where it rests, and when and how it comes and goes."""

    sprite: Sprite
    x: float
    y: float
    at: float = 0.0
    enter: Enter = "none"
    seconds: float = 0.55
    leave: float | None = None
    live: Callable[[float], Sprite] | None = None
    """The piece at a time; returns the same object as long as nothing changes."""
    live_until: float = math.inf
    sway: Sway | None = None
    clip: Box | None = None

    def settled_at(self) -> float:
        """Return the time after which nothing changes any more."""
        if self.sway is not None:
            return math.inf
        moving = self.at + (self.seconds if self.enter != "none" else 0.0)
        if self.live is not None:
            moving = max(moving, self.live_until)
        return max(moving, self.leave + _LEAVE_SECONDS) if self.leave is not None else moving

    def pose(self, t: float) -> Pose | None:
        """Return where and how the piece stands at ``t``; None while it cannot be seen."""
        if t < self.at - 1e-6 and (self.at > 0 or self.enter != "none"):
            return None
        sprite = self.live(min(t, self.live_until)) if self.live is not None else self.sprite
        p = 1.0 if self.enter == "none" else min(1.0, max(0.0, (t - self.at) / self.seconds))
        pose = self._entering(sprite, p) if p < 1.0 else Pose(sprite, self.x, self.y, clip=self.clip)
        if self.leave is not None and t > self.leave:
            gone = min(1.0, (t - self.leave) / _LEAVE_SECONDS)
            if gone >= 1.0:
                return None
            pose = pose._replace(opacity=pose.opacity * (1.0 - gone))
        if self.sway is not None:
            turn = math.tau * (t / self.sway.period + self.sway.phase)
            pose = pose._replace(
                x=pose.x + self.sway.dx * math.sin(turn),
                y=pose.y + self.sway.dy * math.cos(turn),
                degrees=pose.degrees + self.sway.degrees * math.sin(turn + 0.7) + self.sway.spin * t,
            )
        return pose

    def _entering(self, sprite: Sprite, p: float) -> Pose:
        x, y, w, h = self.x, self.y, sprite.width, sprite.height
        own = (round(x), round(y), round(x) + w, round(y) + h)
        e = ease_out(p)
        soft = min(1.0, p * 2.2)
        match self.enter:
            case "fade":
                return Pose(sprite, x, y, ease_in_out(p), clip=self.clip)
            case "rise":
                return Pose(sprite, x, y + (1 - e) * h, clip=self.clip or own)
            case "drop":
                return Pose(sprite, x, y - (1 - e) * h, clip=self.clip or own)
            case "lift":
                return Pose(sprite, x, y + (1 - e) * min(70.0, h * 0.5 + 16), soft, clip=self.clip)
            case "pop":
                return Pose(sprite, x, y, soft, max(0.05, 0.55 + 0.45 * ease_back(p)), clip=self.clip)
            case "stamp":
                return Pose(sprite, x, y, soft, 1.0 + 0.35 * (1 - e), clip=self.clip)
            case "grow_right":
                return Pose(sprite, x - (1 - e) * w, y, clip=self.clip or own)
            case "grow_left":
                return Pose(sprite, x + (1 - e) * w, y, clip=self.clip or own)
            case "draw_right":
                return Pose(sprite, x, y, clip=(own[0], own[1], own[0] + round(w * ease_in_out(p)), own[3]))
            case "from_left":
                return Pose(sprite, x - (1 - e) * (w * 0.35 + 60), y, soft, clip=self.clip)
            case "from_right":
                return Pose(sprite, x + (1 - e) * (w * 0.35 + 60), y, soft, clip=self.clip)
            case "from_below":
                return Pose(sprite, x, y + (1 - e) * (h * 0.4 + 90), soft, clip=self.clip)
            case _:
                return Pose(sprite, x, y, clip=self.clip)
