"""The ground of a frame: colour, the look's shapes in quiet tones with one or two bold ones, soft depth and fine grain."""

import math
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from videoflow.providers.embedded_pictures.animation import Sway
from videoflow.providers.embedded_pictures.board import Board
from videoflow.providers.embedded_pictures.colour import mix, rgb
from videoflow.providers.embedded_pictures.shapes import (
    Point,
    blob_points,
    curve_through,
    disc_mask,
    disc_points,
    polygon_mask,
    ring_mask,
    rounded_points,
    shadow,
    stroke_mask,
)
from videoflow.providers.embedded_pictures.sprite import Pixels, lay, sprite_of_mask

Side = Literal["right", "left", "top", "bottom", "corners"]
Weight = Literal["quiet", "bold", "plain"]
_TILE = 512


@lru_cache(maxsize=4)
def _grain(seed: int, strength: float) -> NDArray[np.int16]:
    """Return a tile of soft noise; the same for the whole project, so that nothing flickers between shots."""
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (_TILE, _TILE)).astype(np.float32)
    wrapped = np.pad(noise, 8, mode="wrap")
    soft = noise * 0.72 + cv2.GaussianBlur(wrapped, (0, 0), 1.1)[8:-8, 8:-8] * 1.1
    return np.round(soft * strength).astype(np.int16)


def backdrop(board: Board, *, side: Side = "right", weight: Weight = "quiet", faint: bool = False) -> None:
    """Paint ``board.base``.

    ``side`` is where the shapes gather, away from the text; ``bold`` adds accents, ``plain`` leaves all shapes out;
    ``faint`` keeps them just visible, where figures stand all over the frame.
    """
    scheme, chance = board.scheme, board.seeded("backdrop")
    canvas: Pixels = np.empty((board.height, board.width, 3), np.uint8)
    canvas[:] = rgb(scheme.ground)
    painter = _Painter(board, canvas, chance, side, weight)
    if weight != "plain":
        _PAINTERS[str(board.look["shapes"])](painter)
    if weight != "plain":
        if not board.wide:
            _calm(canvas, board)
        elif faint:
            _veiled(canvas, board, np.full((1, board.width), 0.62, np.float32))
        elif weight == "bold" and side in ("left", "right") and board.look["shapes"] != "paper":
            _calm_column(canvas, board, side)
    _light(canvas, chance)
    grain = _grain(int(board.look["seed"]) & 0xFFFF, float(board.look["grain"]))
    rows, columns = -(-board.height // _TILE), -(-board.width // _TILE)
    tiled = np.tile(grain, (rows, columns))[: board.height, : board.width]
    if board.moving and weight != "plain" and (board.wide or board.tall):
        _floaters(board, painter)
    board.base = np.clip(canvas.astype(np.int16) + tiled[:, :, None], 0, 255).astype(np.uint8)


def _veiled(canvas: Pixels, board: Board, veil: NDArray[np.float32]) -> None:
    """Mix the ground into the canvas: ``veil`` is its share, 0 to 1, for every row and column."""
    ground = np.array(rgb(board.scheme.ground), np.float32)
    np.copyto(canvas, (canvas + (ground - canvas) * veil[:, :, None]).astype(np.uint8))


def _calm_column(canvas: Pixels, board: Board, side: Side) -> None:
    """Let bold shapes fade where they reach from their side into the text."""
    across = np.arange(board.width, dtype=np.float32) / board.width
    depth = across if side == "left" else 1.0 - across
    _veiled(canvas, board, (np.clip((depth - 0.16) / 0.09, 0.0, 1.0) * 0.88)[None, :].astype(np.float32))


def _calm(canvas: Pixels, board: Board) -> None:
    """Let the shapes fade where the text of a square or tall frame stands; there is no room beside it."""
    ramp = 7 * board.unit
    rows = np.arange(board.height, dtype=np.float32)
    veil = np.clip((board.safe.bottom + ramp * 0.4 - rows) / ramp, 0.0, 1.0) * 0.84
    _veiled(canvas, board, veil[:, None])


def _light(canvas: Pixels, chance: random.Random) -> None:
    """Lay a very soft light over one corner and take a little of it from the other."""
    x = np.linspace(-1, 1, canvas.shape[1], dtype=np.float32)
    y = np.linspace(-1, 1, canvas.shape[0], dtype=np.float32)
    lean = chance.choice((-1.0, 1.0))
    field = 1.0 + 0.035 * (x[None, :] * lean - y[:, None]) - 0.03 * (x[None, :] ** 2 + y[:, None] ** 2) * 0.5
    shaded = cv2.multiply(canvas, cv2.merge([field, field, field]), dtype=cv2.CV_8U)
    np.copyto(canvas, shaded)


def _floaters(board: Board, painter: "_Painter") -> None:
    """Lay two small shapes among the large ones, in the margin away from the text, that drift while a clip runs."""
    chance, u = board.seeded("floaters"), board.unit
    edge = board.safe.left * 0.5
    x_edge = edge if painter.side == "left" else board.width - edge
    spots = [(x_edge, chance.uniform(0.16, 0.26)), (x_edge, chance.uniform(0.54, 0.64))]
    if board.tall:
        spots = [(board.width * 0.90, 0.045), (board.width * 0.93, 0.86)]
    colours = painter.accents
    for number, (x, share) in enumerate(spots):
        size = u * chance.uniform(1.2, 1.7)
        d = round(size * 2)
        kind = (number + int(board.spec.get("seed", 0))) % 3
        if kind == 0:
            mask = ring_mask(d, size * 0.5)
        elif kind == 1:
            mask = disc_mask(round(size * 1.1))
        else:
            bars = [rounded_points(0.5, d * 0.36, d - 0.5, d * 0.64, 1), rounded_points(d * 0.36, 0.5, d * 0.64, d - 0.5, 1)]
            mask = polygon_mask(d, d, [bars[0]]) | polygon_mask(d, d, [bars[1]])
        sway = Sway(
            dx=0.5 * u, dy=1.4 * u, degrees=20 if kind == 2 else 0, period=chance.uniform(4.5, 7.5), phase=chance.random()
        )
        y = share * board.height
        board.add(sprite_of_mask(mask, colours[number % 3]), x - mask.shape[1] / 2, y - mask.shape[0] / 2, sway=sway)


class _Painter:
    """What the painters of all vocabularies share."""

    def __init__(self, board: Board, canvas: Pixels, chance: random.Random, side: Side, weight: Weight) -> None:
        self.board, self.canvas, self.chance, self.side = board, canvas, chance, side
        self.bold = weight == "bold"
        self.w, self.h, self.u = board.width, board.height, board.unit
        scheme = board.scheme
        self.tones = (scheme.shade, scheme.shade_2, mix(scheme.shade, scheme.ground, 0.5))
        self.accents = [scheme.a, scheme.b, scheme.spark]
        chance.shuffle(self.accents)

    def anchor(self) -> Point:
        """Return the point about which the shapes gather; often outside the frame, so that they are cut by its edge."""
        chance = self.chance
        x, y = {
            "right": (chance.uniform(0.92, 1.02), chance.uniform(0.1, 0.95)),
            "left": (chance.uniform(-0.02, 0.08), chance.uniform(0.1, 0.95)),
            "top": (chance.uniform(0.2, 0.85), chance.uniform(-0.05, 0.03)),
            "bottom": (chance.uniform(0.15, 0.85), chance.uniform(0.97, 1.06)),
            "corners": (chance.choice((0.0, 1.0)), chance.choice((0.0, 1.0))),
        }[self.side]
        if self.board.tall and self.side in ("left", "right"):
            y = chance.choice((0.02, 0.9))
        return x * self.w, y * self.h

    def fill(self, outlines: list[list[Point]], colour: str, *, lifted: bool = False, opacity: float = 1.0) -> None:
        xs = [x for outline in outlines for x, _ in outline]
        ys = [y for outline in outlines for _, y in outline]
        left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
        right, bottom = min(self.w, math.ceil(max(xs)) + 1), min(self.h, math.ceil(max(ys)) + 1)
        if right <= left or bottom <= top:
            return
        moved = [[(x - left, y - top) for x, y in outline] for outline in outlines]
        mask = polygon_mask(right - left, bottom - top, moved)
        if lifted:
            soft, margin = shadow(mask, 2.2 * self.u, 0.22)
            lay(self.canvas, soft, left - margin, top - margin + round(0.6 * self.u))
        lay(self.canvas, sprite_of_mask(mask, colour, opacity), left, top)

    def disc(self, cx: float, cy: float, radius: float, colour: str, **how: bool) -> None:
        self.fill([disc_points(cx, cy, radius)], colour, lifted=how.get("lifted", False))

    def ring(self, cx: float, cy: float, radius: float, thickness: float, colour: str) -> None:
        self.fill([disc_points(cx, cy, radius), disc_points(cx, cy, radius - thickness)], colour)

    def line(self, points: list[Point], thickness: float, colour: str) -> None:
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        left, top = int(min(xs) - thickness), int(min(ys) - thickness)
        mask = stroke_mask(
            int(max(xs) + thickness) - left, int(max(ys) + thickness) - top, [[(x - left, y - top) for x, y in points]], thickness
        )
        lay(self.canvas, sprite_of_mask(mask, colour), left, top)


def _rings(p: _Painter) -> None:
    cx, cy = p.anchor()
    step = p.u * p.chance.uniform(9, 12)
    for number in range(7, 0, -1):
        p.disc(cx, cy, step * number, p.tones[0] if number % 2 else p.board.scheme.ground)
    if p.bold:
        p.ring(cx, cy, step * 3, step * 0.42, p.accents[0])
        p.disc(cx, cy, step * 1.05, p.accents[1])
    else:
        p.ring(cx, cy, step * 4.05, step * 0.10, p.tones[1])
    ox, oy = p.w - cx, p.h - cy
    p.ring(ox + p.u * 8, oy, p.u * 20, p.u * 1.2, p.tones[1])


def _bars(p: _Painter) -> None:
    wide = p.u * p.chance.uniform(6, 9)
    count = 9 if not p.board.tall else 6
    from_right = p.side != "left"
    bold = p.chance.sample(range(1, 5), 2)
    for number in range(count):
        height = p.h * (0.16 + (0.62 if p.bold else 0.36) * (1 - number / count) * p.chance.uniform(0.55, 1.0))
        x = p.w - wide * (number + 1) if from_right else wide * number
        colour = p.accents[bold.index(number)] if p.bold and number in bold else p.tones[number % 2]
        p.fill([rounded_points(x + wide * 0.08, p.h - height, x + wide * 0.92, p.h + p.u * 4, p.board.corner(0.7))], colour)


def _blobs(p: _Painter) -> None:
    cx, cy = p.anchor()
    p.fill([blob_points(cx, cy, p.u * 62, p.chance)], p.tones[0])
    p.fill([blob_points(cx, cy, p.u * 42, p.chance)], p.tones[1])
    p.fill([blob_points(p.w - cx, p.h - cy, p.u * 34, p.chance)], p.tones[0])
    if p.bold:
        angle = p.chance.uniform(0, math.tau)
        p.fill([blob_points(cx, cy, p.u * 25, p.chance)], p.accents[0], lifted=True)
        p.fill(
            [blob_points(cx + math.cos(angle) * p.u * 26, cy + math.sin(angle) * p.u * 24, p.u * 9, p.chance)],
            p.accents[1],
            lifted=True,
        )


def _halftone(p: _Painter) -> None:
    cx, cy = p.anchor()
    if p.bold:
        p.disc(cx, cy, p.u * 34, p.accents[0])
    pitch = p.u * 3.3
    reach = p.u * 78
    tint = p.tones[1] if not p.bold else mix(p.board.scheme.ground, p.accents[1], 0.75)
    outlines = []
    for row in range(int(p.h / pitch) + 2):
        for column in range(int(p.w / pitch) + 2):
            x, y = column * pitch + (row % 2) * pitch / 2, row * pitch
            radius = pitch * 0.50 * max(0.0, 1 - math.hypot(x - cx, y - cy) / reach) ** 0.8
            if radius > 0.9:
                outlines.append(
                    [(x + radius * math.cos(math.tau * i / 14), y + radius * math.sin(math.tau * i / 14)) for i in range(14)]
                )
    if outlines:
        p.fill(outlines, tint)
    p.disc(p.w - cx, p.h - cy, p.u * 22, p.tones[0])


def _stripes(p: _Painter) -> None:
    cx, _ = p.anchor()
    lean = p.h * p.chance.choice((0.45, 0.6)) * p.chance.choice((-1, 1))
    broad = p.u * p.chance.uniform(7, 10)
    inward = -1 if cx > p.w / 2 else 1
    start = cx + inward * p.u * 2
    for number in range(6 if p.bold else 4):
        x = start + inward * number * broad * 1.55
        colour = (
            p.accents[number - 1]
            if p.bold and number in (1, 2)
            else (p.tones[0 if number % 2 else 1] if p.bold else p.tones[0 if number % 2 else 2])
        )
        narrow = broad * (1.0 - 0.13 * number)
        p.fill(
            [[(x + lean / 2, -2), (x + lean / 2 + narrow, -2), (x - lean / 2 + narrow, p.h + 2), (x - lean / 2, p.h + 2)]], colour
        )


def _paper(p: _Painter) -> None:
    """Waves of cut paper along the foot, each with its shadow."""
    levels = 4 if p.bold else 3
    scheme = p.board.scheme
    for number in range(levels):
        height = p.h * ((0.30 if p.bold else 0.25) - (0.068 if p.bold else 0.08) * number)
        knots = [
            (p.w * (i / 6 - 0.08 + p.chance.uniform(-0.03, 0.03)), p.h - height + p.chance.uniform(-1, 1) * p.u * 4.5)
            for i in range(8)
        ]
        curve = curve_through(knots)
        colour = p.accents[number % 2] if p.bold and number in (1, 2) else mix(p.tones[0], scheme.ink, 0.03 * number)
        p.fill([[*curve, (p.w * 1.2, p.h + 9), (-p.w * 0.2, p.h + 9)]], colour, lifted=True)
    x = p.w * (0.82 if p.side != "left" else 0.18)
    p.disc(x, p.h * 0.2, p.u * (15 if p.bold else 11), p.accents[2] if p.bold else p.tones[1], lifted=p.bold)


def _memphis(p: _Painter) -> None:
    cx, cy = p.anchor()
    p.disc(cx, cy, p.u * 44, p.tones[0])
    if p.bold:
        p.disc(cx, cy, p.u * 27, p.accents[0], lifted=True)
    spots: list[Point] = []
    for _ in range(200):
        if len(spots) >= (15 if p.bold else 9):
            break
        x, y = p.chance.uniform(0.01, 0.99) * p.w, p.chance.uniform(0.02, 0.98) * p.h
        edge = min(x, p.w - x) < p.u * 5 or min(y, p.h - y) < p.u * 5.5 or math.hypot(x - cx, y - cy) < p.u * 38
        if edge and all(math.hypot(x - a, y - b) > p.u * 15 for a, b in spots):
            spots.append((x, y))
    for number, (x, y) in enumerate(spots):
        size = p.u * p.chance.uniform(1.8, 3.2)
        colour = p.accents[number % 3] if p.bold or number % 3 == 0 else p.tones[1]
        match number % 4:
            case 0:
                turn = p.chance.uniform(0, math.tau)
                p.fill(
                    [
                        [
                            (x + size * math.cos(turn + k * math.tau / 3), y + size * math.sin(turn + k * math.tau / 3))
                            for k in range(3)
                        ]
                    ],
                    colour,
                )
            case 1:
                p.ring(x, y, size, size * 0.38, colour)
            case 2:
                lean = p.chance.uniform(-0.5, 0.5)
                wave = [
                    (x + (i - 2.5) * size * 0.5, y + (size * 0.45 if i % 2 else -size * 0.45) + (i - 2.5) * lean * size * 0.5)
                    for i in range(6)
                ]
                p.line(curve_through(wave, steps=6), size * 0.34, colour)
            case _:
                for k in (0, 1):
                    half = (size, size * 0.28) if k == 0 else (size * 0.28, size)
                    p.fill([rounded_points(x - half[0], y - half[1], x + half[0], y + half[1], 1)], colour)


def _tiles(p: _Painter) -> None:
    """Quarter discs and squares on a grid, along the chosen side."""
    side = p.u * p.chance.choice((15, 18, 20))
    rows = math.ceil(p.h / side)
    columns = 2 if not p.board.tall else 1
    along_top = p.board.tall
    colours = [p.tones[0], p.tones[1], p.tones[0]] + ([p.accents[0], p.accents[1], p.accents[2]] if p.bold else [p.tones[1]])
    for line in range(rows if not along_top else math.ceil(p.w / side)):
        for rank in range(columns):
            if rank == columns - 1 and p.chance.random() < 0.45 and columns > 1:
                continue
            if along_top:
                x, y = line * side, 0 if p.side in ("top", "right") else p.h - side * 0.9
            else:
                x, y = (p.w - side * (rank + 1) if p.side != "left" else side * rank), line * side - side * 0.2
            first = p.chance.choice(colours)
            p.fill([[(x, y), (x + side, y), (x + side, y + side), (x, y + side)]], first)
            second = p.chance.choice([colour for colour in [*colours, p.board.scheme.ground] if colour != first])
            corner = p.chance.randrange(5)
            if corner == 4:
                p.disc(x + side / 2, y + side / 2, side * 0.32, second)
            else:
                ox, oy = x + side * (corner % 2), y + side * (corner // 2)
                begin = {0: 0, 1: 90, 2: 270, 3: 180}[corner]
                p.fill([[(ox, oy), *disc_points(ox, oy, side, begin, begin + 90)]], second)


_PAINTERS: dict[str, Callable[[_Painter], None]] = {
    "rings": _rings,
    "bars": _bars,
    "blobs": _blobs,
    "halftone": _halftone,
    "stripes": _stripes,
    "paper": _paper,
    "memphis": _memphis,
    "tiles": _tiles,
}
