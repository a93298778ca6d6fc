"""Text that fits: sizes, balanced line breaks, shortening, and lines as sprites. Every script, through ``videoflow.fonts``."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from videoflow.fonts import Face, break_opportunities, is_rtl, line_metrics, text_draw, text_width
from videoflow.providers.embedded_pictures.colour import rgb
from videoflow.providers.embedded_pictures.sprite import Sprite, sprite_of_rgba

_CAP = 0.72
"""Height of capitals as a share of the size, near enough for all our faces: blocks are aligned by it, as an eye aligns them."""
_TAIL = 0.20
_MEASURE_PX = 100
_SCALES = frozenset(("hundred", "thousand", "million", "billion", "trillion", "percent"))


@dataclass(frozen=True, slots=True)
class Line:
    """One drawn line: the sprite, how far left of the text it begins, how far above the baseline, and the advance; px."""

    sprite: Sprite
    left: int
    above: int
    width: float


@lru_cache(maxsize=4096)
def _width_at_100(text: str, face: Face) -> float:
    return text_width(text, face, _MEASURE_PX)


def width_of(text: str, face: Face, size_px: float) -> float:
    return _width_at_100(text, face) * size_px / _MEASURE_PX


@lru_cache(maxsize=24)
def line_of(text: str, face: Face, size_px: int, colour: str) -> Line:
    """Draw one line of one colour."""
    return line_of_parts(((text, colour),), face, size_px)


@lru_cache(maxsize=24)
def line_of_parts(parts: tuple[tuple[str, str], ...], face: Face, size_px: int) -> Line:
    """Draw one line whose parts (text, colour) follow each other from left to right."""
    ascent, descent = line_metrics(face, size_px)
    margin = max(3, math.ceil(size_px * 0.12))
    above, below = math.ceil(max(ascent, size_px * 0.95)) + 2, math.ceil(max(descent, size_px * 0.3)) + 2
    widths = [text_width(text, face, size_px) for text, _ in parts]
    total = sum(widths)
    image = Image.new("RGBA", (math.ceil(total) + 2 * margin, above + below), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    x = float(margin)
    for (text, colour), width in zip(parts, widths, strict=True):
        text_draw(draw, (x, above), text, face, size_px, (*rgb(colour), 255))
        x += width
    return Line(sprite_of_rgba(np.asarray(image)), margin, above, total)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that fit: ``height`` runs from the top of the capitals of the first line to below the last one."""

    lines: tuple[str, ...]
    face: Face
    size_px: int
    pitch_px: float
    width: float
    whole: bool
    """False when the text had to be shortened."""

    @property
    def cap_px(self) -> float:
        return self.size_px * _CAP

    @property
    def height(self) -> float:
        return self.cap_px + self.pitch_px * (len(self.lines) - 1) + self.size_px * _TAIL

    def baseline(self, number: int) -> float:
        """Return the baseline of a line below the top of the block, px."""
        return self.cap_px + self.pitch_px * number


def pieces_of(text: str) -> list[str]:
    """Split a text where a line may end; a piece keeps the space behind it."""
    edges = [0, *break_opportunities(text), len(text)]
    pieces: list[str] = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        if pieces and pieces[-1].endswith(" ") and pieces[-1].rstrip()[-1:].isdigit() and piece.strip(" .,!?").lower() in _SCALES:
            pieces[-1] += piece  # "148 million" stays in one line
        elif piece:
            pieces.append(piece)
    return pieces


def _broken(pieces: Sequence[str], face: Face, size_px: float, width: float) -> list[str] | None:
    """Fill lines one after the other, at least one; None when one piece alone is too wide."""
    lines, current = [], ""
    for piece in pieces:
        if width_of(piece.rstrip(), face, size_px) > width:
            return None
        longer = current + piece
        if current and width_of(longer.rstrip(), face, size_px) > width:
            lines.append(current.rstrip())
            current = piece
        else:
            current = longer
    return [*lines, current.rstrip()] if current.strip() or not lines else lines


def _balanced(pieces: Sequence[str], face: Face, size_px: float, width: float, lines: list[str]) -> list[str]:
    """Make the lines nearly equally long without taking more of them."""
    if len(lines) < 2:
        return lines
    low, high, best = width * 0.3, width, lines
    for _ in range(9):
        middle = (low + high) / 2
        attempt = _broken(pieces, face, size_px, middle)
        if attempt is not None and len(attempt) <= len(lines):
            best, high = attempt, middle
        else:
            low = middle
    return best


def block_fit(
    text: str,
    face: Face,
    *,
    width: float,
    height: float,
    largest_px: float,
    smallest_px: float,
    max_lines: int,
    leading: float = 1.12,
) -> Block:
    """Return the text as large as it fits, in balanced lines; below ``smallest_px`` it is shortened at a word border instead."""
    text = " ".join(text.split()) or " "
    pieces = pieces_of(text)
    size = float(largest_px)
    while size >= smallest_px - 0.01:
        lines = _broken(pieces, face, size, width)
        if (
            lines is not None
            and len(lines) <= max_lines
            and size * (_CAP + _TAIL) + size * leading * (len(lines) - 1) <= height + 0.5
        ):
            return _block(_balanced(pieces, face, size, width, lines), face, size, leading, whole=True)
        size *= 0.955
    rows = max(1, min(max_lines, 1 + int((height - smallest_px * (_CAP + _TAIL)) / (smallest_px * leading))))
    for count in range(len(pieces), 0, -1):
        cut = [*pieces[: count - 1], pieces[count - 1].rstrip(" ,;:–—-|&") + "…"]
        lines = _broken(cut, face, smallest_px, width)
        if lines is not None and len(lines) <= rows:
            return _block(_balanced(cut, face, smallest_px, width, lines), face, smallest_px, leading, whole=False)
    letters = text
    while len(letters) > 1 and width_of(letters + "…", face, smallest_px) > width:
        letters = letters[:-1]
    return _block([letters + "…"], face, smallest_px, leading, whole=False)


def _block(lines: Sequence[str], face: Face, size_px: float, leading: float, *, whole: bool) -> Block:
    size = max(6, int(size_px))
    return Block(tuple(lines), face, size, size * leading, max(text_width(line, face, size) for line in lines), whole)


def words_coloured(line: str, marks: Mapping[str, str], colour: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of a line with the words in ``marks`` (lower case, bare) in their own colour."""
    if not marks or is_rtl(line):
        return ((line, colour),)
    parts: list[tuple[str, str]] = []
    for word in re.findall(r"\S+\s*", line):
        bare = word.strip().strip("“”\"'‘’.,;:!?()[]…").lower()
        own = marks.get(bare, colour)
        if parts and parts[-1][1] == own:
            parts[-1] = (parts[-1][0] + word, own)
        else:
            parts.append((word, own))
    return tuple(parts)
