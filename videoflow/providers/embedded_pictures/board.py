"""The design surface of one shot: its safe box, colours, typefaces, and the pieces laid on it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from videoflow.fonts import Face, is_rtl
from videoflow.providers.embedded_pictures.animation import Enter, Layer, Sway
from videoflow.providers.embedded_pictures.lettering import Block, block_fit, line_of, line_of_parts, width_of, words_coloured
from videoflow.providers.embedded_pictures.look import Scheme, scheme_for
from videoflow.providers.embedded_pictures.shapes import card, rounded_mask, shadow
from videoflow.providers.embedded_pictures.sprite import Pad, Pixels, Sprite, sprite_of_mask


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in px."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def inset(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Area":
        return Area(self.left + left, self.top + top, self.right - right, self.bottom - bottom)

    def split(self, share: float, gap: float) -> tuple["Area", "Area"]:
        """Return the left part with ``share`` of the width, and the rest, with a gap between them."""
        border = self.left + self.width * share
        return Area(self.left, self.top, border - gap / 2, self.bottom), Area(border + gap / 2, self.top, self.right, self.bottom)

    def stacked(self, share: float, gap: float) -> tuple["Area", "Area"]:
        border = self.top + self.height * share
        return Area(self.left, self.top, self.right, border - gap / 2), Area(self.left, border + gap / 2, self.right, self.bottom)


@dataclass(slots=True)
class Board:
    """Everything a layout draws with.

    ``unit`` is one hundredth of the shorter side; sizes are given in it, so that all formats agree.
    """

    width: int
    height: int
    look: Mapping[str, Any]
    spec: Mapping[str, Any]
    seconds: float
    moving: bool
    """False for a picture: drawn larger than the frame, in its finished state."""
    scheme: Scheme = field(init=False)
    chance: random.Random = field(init=False)
    unit: float = field(init=False)
    safe: Area = field(init=False)
    layers: list[Layer] = field(init=False, default_factory=list)
    base: Pixels = field(init=False)

    def __post_init__(self) -> None:
        self.scheme = scheme_for(self.look, str(self.spec.get("ground", "main")))
        self.chance = random.Random(int(self.spec.get("seed", 0)))
        self.unit = min(self.width, self.height) / 100
        ratio = self.width / self.height
        extra = 0.0 if self.moving else 0.04  # the camera may come this much closer
        left, top, bottom = (0.062, 0.08, 0.765) if ratio > 1.2 else (0.07, 0.09, 0.595) if ratio < 0.8 else (0.065, 0.07, 0.735)
        middle = 0.5 - (0.5 - bottom) / (1 + extra * 2) if bottom > 0.5 else bottom
        self.safe = Area(
            self.width * (left + extra * 0.9),
            self.height * (top + extra * 0.85),
            self.width * (1 - left - extra * 0.9),
            self.height * middle,
        )
        self.base = np.zeros((self.height, self.width, 3), np.uint8)

    @property
    def wide(self) -> bool:
        return self.safe.width / self.safe.height > 1.55

    @property
    def tall(self) -> bool:
        return self.height > self.width * 1.2

    def seeded(self, salt: str) -> random.Random:
        """Return a chance of its own, so that one part's draws do not move another's."""
        return random.Random(f"{self.spec.get('seed', 0)}/{salt}")

    # Type --------------------------------------------------------------------------------------------------------------

    def display(self) -> Face:
        return Face(str(self.look["display"]), int(self.look["display_weight"]))

    def numeral(self) -> Face:
        """Return the face for large figures; a display face with old-style figures gives way to the text face."""
        return self.text_face(850) if self.look["display"] == "playfair-display" else self.display()

    def text_face(self, weight: int = 600) -> Face:
        return Face(str(self.look["text"]), weight)

    def fit(
        self,
        text: str,
        area: Area | tuple[float, float],
        *,
        largest: float,
        smallest: float,
        lines: int,
        face: Face | None = None,
        leading: float = 1.1,
    ) -> Block:
        """Fit a text into an area; ``largest`` and ``smallest`` in units."""
        width, height = (area.width, area.height) if isinstance(area, Area) else area
        return block_fit(
            text,
            face or self.display(),
            width=width,
            height=height,
            largest_px=largest * self.unit,
            smallest_px=smallest * self.unit,
            max_lines=lines,
            leading=leading,
        )

    def say(
        self,
        block: Block,
        x: float,
        y: float,
        colour: str,
        *,
        align: float = 0.0,
        at: float = 0.0,
        enter: Enter = "rise",
        stagger: float = 0.09,
        seconds: float = 0.6,
        marks: Mapping[str, str] | None = None,
        leave: float | None = None,
    ) -> float:
        """Lay a block with its left edge (``align`` 0), middle (0.5) or right edge (1) at ``x``; return its lower edge."""
        for number, text in enumerate(block.lines):
            line = line_of_parts(words_coloured(text, marks or {}, colour), block.face, block.size_px)
            indent = max(0.0, block.width - line.width) if align == 0.0 and is_rtl(text) else 0.0  # flush right within the block
            left = x + indent - line.width * align - line.left
            self.add(
                line.sprite,
                left,
                y + block.baseline(number) - line.above,
                at=at + number * stagger,
                enter=enter,
                seconds=seconds,
                leave=leave,
            )
        return y + block.height

    def label(
        self,
        text: str,
        x: float,
        y: float,
        colour: str,
        *,
        size: float,
        weight: int = 650,
        align: float = 0.0,
        at: float = 0.0,
        enter: Enter = "fade",
        width: float | None = None,
        face: Face | None = None,
    ) -> float:
        """Lay one line whose capitals begin at ``y``; return its advance in px. Shortened when wider than ``width``."""
        block = self.fit(
            text,
            (width or self.safe.width, size * self.unit * 2),
            largest=size,
            smallest=size * 0.72,
            lines=1,
            face=face or self.text_face(weight),
        )
        self.say(block, x, y, colour, align=align, at=at, enter=enter)
        return block.width

    # Pieces ------------------------------------------------------------------------------------------------------------

    def add(
        self,
        sprite: Sprite,
        x: float,
        y: float,
        *,
        at: float = 0.0,
        enter: Enter = "none",
        seconds: float = 0.55,
        leave: float | None = None,
        live: Callable[[float], Sprite] | None = None,
        live_until: float = float("inf"),
        sway: Sway | None = None,
        clip: tuple[int, int, int, int] | None = None,
    ) -> Layer:
        layer = Layer(sprite, x, y, at, enter, seconds, leave, live, live_until, sway, clip)
        self.layers.append(layer)
        return layer

    def corner(self, share: float = 1.0) -> float:
        """Return the corner radius of the look in px (the look says it for a frame of 1080 lines)."""
        return float(self.look["corner"]) * self.unit / 10.8 * share

    def card(
        self, width: float, height: float, colour: str | None = None, *, radius: float | None = None, depth: float = 1.0
    ) -> tuple[Sprite, int]:
        """Return a card with a soft shadow, and the margin that the shadow takes on every side."""
        w, h = max(2, round(width)), max(2, round(height))
        mask = rounded_mask(w, h, self.corner() if radius is None else radius)
        soft, margin = shadow(mask, 1.9 * self.unit * depth, 0.30)
        pad = Pad(w + 2 * margin, h + 2 * margin)
        pad.put(soft, 0, 0.75 * self.unit * depth)
        pad.put(sprite_of_mask(mask, colour or self.scheme.surface), margin, margin)
        return pad.sprite(), margin

    def bar(self, width: float, height: float, colour: str, radius: float | None = None) -> Sprite:
        return card(max(1, round(width)), max(1, round(height)), self.corner(0.6) if radius is None else radius, colour)

    def chip(
        self, text: str, colour: str, ink: str, *, size: float = 2.6, width: float | None = None, dot: str | None = None
    ) -> Sprite:
        """Return a small plate with one line on it."""
        px = size * self.unit
        block = self.fit(
            text, (width or self.safe.width, px * 2), largest=size, smallest=size * 0.75, lines=1, face=self.text_face(700)
        )
        line = line_of(block.lines[0], block.face, block.size_px, ink)
        inset, lead = px * 0.8, px * 0.9 if dot else 0.0
        w, h = round(line.width + inset * 2 + lead), round(px * 2.1)
        pad = Pad(w, h).put(card(w, h, h / 2 if self.look["corner"] > 8 else self.corner(), colour), 0, 0)
        if dot:
            pad.put(card(round(px * 0.55), round(px * 0.55), px, dot), inset, h / 2 - px * 0.275)
        return pad.put(line.sprite, inset + lead - line.left, h / 2 + block.cap_px / 2 - line.above).sprite()

    def header(self, *, at: float = 0.0, plate: bool = False) -> Area:
        """Lay the running head (speaker's colour and chapter) and return the safe area below it.

        ``plate``: on a plate of the ground, where shapes lie behind it.
        """
        section = str(self.spec.get("section", ""))
        if not section:
            return self.safe
        size = 2.9 * self.unit
        mark = self.bar(
            size * 1.5,
            size * 0.42,
            self.scheme.speaker(str(self.spec.get("speaker", "A"))),
            radius=size * 0.21 if self.look["corner"] > 8 else 0,
        )
        block = self.fit(
            section, (self.safe.width * 0.62, size * 2), largest=2.9, smallest=2.4, lines=1, face=self.text_face(650)
        )
        if plate:
            ground = self.bar(block.width + size * 4.0, size * 2.1, self.scheme.ground, radius=self.corner(0.5))
            self.add(ground, self.safe.left - size * 0.9, self.safe.top - size * 0.68)
        self.add(mark, self.safe.left, self.safe.top + size * 0.18, at=at, enter="grow_right", seconds=0.4)
        self.say(block, self.safe.left + size * 2.2, self.safe.top, self.scheme.muted, at=at + 0.05, enter="fade")
        if self.tall:
            self.add_foot(at)
        return self.safe.inset(top=size * 2.9)

    def add_foot(self, at: float) -> None:
        """Close a tall frame at its foot, below the captions, with a rule in the speaker's colour."""
        y = self.height * 0.905
        rule = self.bar(self.safe.width, 0.5 * self.unit, self.scheme.shade_2, radius=0.25 * self.unit)
        self.add(rule, self.safe.left, y, at=at, enter="grow_right", seconds=0.6)
        mark = self.bar(
            self.safe.width * 0.22,
            0.9 * self.unit,
            self.scheme.speaker(str(self.spec.get("speaker", "A"))),
            radius=0.45 * self.unit,
        )
        self.add(mark, self.safe.left, y - 0.2 * self.unit, at=at + 0.1, enter="grow_right", seconds=0.8)

    def text_px(self, text: str, face: Face, units: float) -> float:
        return width_of(text, face, units * self.unit)
