"""Pictograms: found by the words of a text, drawn from their SVG paths in two colours."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from videoflow.providers.embedded_pictures.shapes import Point
from videoflow.providers.embedded_pictures.sprite import Pad, Pixels, Sprite, pixels_of, sprite_of_mask

_FILE = Path(__file__).parent / "data" / "icons.json"
_WORDS_FILE = Path(__file__).parent / "data" / "icon_words.json"
_FIELD = 256.0
_COMMAND = re.compile(r"([MmLlHhVvCcSsQqAaZz])([^MmLlHhVvCcSsQqAaZz]*)")
_NUMBER = re.compile(r"\s*,?\s*([-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?)")
_FLAG = re.compile(r"\s*,?\s*([01])")
_ARGUMENTS = {"m": 2, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "a": 7, "z": 0}

_FILLERS = (
    "monitor-play",
    "chats-circle",
    "lightbulb",
    "eye",
    "star",
    "lightning",
    "megaphone",
    "magnifying-glass",
    "shooting-star",
    "waveform",
)
_WEAK = frozenset(
    (
        *(
            "new",
            "and",
            "the",
            "off",
            "circle",
            "simple",
            "text",
            "left",
            "right",
            "person",
            "three",
            "five",
            "app",
            "media",
            "data",
        ),
        *("down", "home", "note", "list", "play", "big", "good", "day", "check", "social", "arrow", "time"),
    )
)
"""Words of the pictograms' authors that say nothing about what a text is about."""


@cache
def _listed() -> dict[str, dict[str, str]]:
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: {"tint": entry["tint"], "line": entry["line"], "words": " ".join(entry["words"])} for name, entry in raw.items()
    }


@cache
def _more_words() -> dict[str, str]:
    """Return further words for pictograms, as people use them in titles and talk."""
    words: dict[str, str] = json.loads(_WORDS_FILE.read_text(encoding="utf-8"))
    return words


@cache
def _index() -> dict[str, tuple[tuple[str, float], ...]]:
    found: dict[str, dict[str, float]] = {}
    for name, entry in _listed().items():
        own = set(name.split("-"))
        for word in {*entry["words"].split(), *own}:
            if word not in _WEAK and len(word) > 2:
                found.setdefault(word, {})[name] = 1.2 if word in own else 0.45
        for word in _more_words().get(name, "").split():
            found.setdefault(word, {})[name] = 1.6
    return {word: tuple(names.items()) for word, names in found.items()}


def icons_for(text: str, count: int, *, rotate: int = 0, topic: str = "") -> tuple[str, ...]:
    """Return ``count`` different pictograms, the best fitting first; those of the topic fill up, then neutral ones."""
    own = _clear(topic)
    own = own[rotate % len(own) :] + own[: rotate % len(own)] if own else own
    fillers = _FILLERS[rotate % len(_FILLERS) :] + _FILLERS[: rotate % len(_FILLERS)]
    return tuple(dict.fromkeys([*_fitting(text)[: max(1, count)], *own, *fillers]))[:count]


def _clear(text: str) -> list[str]:
    """Return the pictograms that clearly belong to a text, at most six."""
    return _fitting(text, least=1.2)[:6] if text else []


def _fitting(text: str, *, least: float = 0.0) -> list[str]:
    """Return the pictograms that words of the text name, the best first; weak ones only where there is nothing better."""
    scores: dict[str, float] = {}
    for place, word in enumerate(re.findall(r"[^\W\d_]+", text.lower())):
        forms = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ing"))
        for form in dict.fromkeys(forms):
            for name, score in _index().get(form, ()):
                scores[name] = scores.get(name, 0.0) + score / (1 + place * 0.01)
    best = sorted(scores, key=lambda name: (-scores[name], name))
    return [name for name in best if scores[name] >= max(least, 0.9)] or [name for name in best if scores[name] >= least]


def icon_fits(text: str) -> bool:
    """Say whether some pictogram clearly belongs to the text."""
    return any(score >= 1.2 for word in re.findall(r"[^\W\d_]+", text.lower()) for _, score in _index().get(word, ()))


def _arc(start: Point, rx: float, ry: float, turn: float, large: bool, sweep: bool, end: Point) -> list[Point]:  # noqa: FBT001
    """Return points of an elliptical arc. Source: SVG 1.1, appendix F.6.5."""
    if rx == 0 or ry == 0 or start == end:
        return [end]
    phi = math.radians(turn)
    cos, sin = math.cos(phi), math.sin(phi)
    dx, dy = (start[0] - end[0]) / 2, (start[1] - end[1]) / 2
    x1, y1 = cos * dx + sin * dy, -sin * dx + cos * dy
    size = (x1 / rx) ** 2 + (y1 / ry) ** 2
    if size > 1:
        rx, ry = rx * math.sqrt(size), ry * math.sqrt(size)
    share = max(0.0, (rx * ry) ** 2 - (rx * y1) ** 2 - (ry * x1) ** 2) / ((rx * y1) ** 2 + (ry * x1) ** 2)
    factor = math.sqrt(share) * (-1 if large == sweep else 1)
    cx1, cy1 = factor * rx * y1 / ry, -factor * ry * x1 / rx
    cx, cy = cos * cx1 - sin * cy1 + (start[0] + end[0]) / 2, sin * cx1 + cos * cy1 + (start[1] + end[1]) / 2
    first = math.atan2((y1 - cy1) / ry, (x1 - cx1) / rx)
    sweep_by = math.atan2((-y1 - cy1) / ry, (-x1 - cx1) / rx) - first
    if sweep and sweep_by < 0:
        sweep_by += math.tau
    elif not sweep and sweep_by > 0:
        sweep_by -= math.tau
    steps = max(3, int(abs(sweep_by) * 7))
    points = []
    for i in range(1, steps + 1):
        angle = first + sweep_by * i / steps
        x, y = rx * math.cos(angle), ry * math.sin(angle)
        points.append((cos * x - sin * y + cx, sin * x + cos * y + cy))
    return points


def _commands(path: str) -> Iterator[tuple[str, bool, list[float]]]:
    """Give the steps of SVG path data: the command in lower case, whether it is relative, and one set of its numbers.

    Source: https://www.w3.org/TR/SVG2/paths.html#PathData

    Raises:
        ValueError: it is no path data.
    """
    for letter, body in _COMMAND.findall(path):
        command, at = letter.lower(), 0
        if command == "z":
            yield command, False, []
        while body[at:].strip(" ,"):
            values: list[float] = []
            for number in range(_ARGUMENTS[command]):
                match = (_FLAG if command == "a" and number in (3, 4) else _NUMBER).match(body, at)
                if match is None:
                    raise ValueError(f"path data cannot be read: {body[at : at + 20]!r}")
                values.append(float(match.group(1)))
                at = match.end()
            yield command, letter.islower(), values
            if command == "m":  # more pairs behind a move are lines
                command = "l"


def path_outlines(path: str) -> list[list[Point]]:
    """Return the closed outlines of SVG path data, in its own units.

    Raises:
        ValueError: it is no path data.
    """
    outlines: list[list[Point]] = []
    current: list[Point] = []
    position: Point = (0.0, 0.0)
    control: Point | None = None
    for command, is_relative, values in _commands(path):
        if command in "mz" and current:
            outlines.append(current)
            position, current = current[0] if command == "z" else position, []
        if command == "z":
            continue
        ox, oy = position if is_relative else (0.0, 0.0)
        if not current and command != "m":
            current = [position]
        if command in "ml":
            position = (values[0] + ox, values[1] + oy)
            current.append(position)
        elif command == "h":
            position = (values[0] + ox, position[1])
            current.append(position)
        elif command == "v":
            position = (position[0], values[0] + oy)
            current.append(position)
        elif command == "a":
            end = (values[5] + ox, values[6] + oy)
            current += _arc(position, values[0], values[1], values[2], values[3] > 0, values[4] > 0, end)
            position = end
        else:
            pairs = [(values[i] + ox, values[i + 1] + oy) for i in range(0, len(values), 2)]
            if command == "s":
                mirrored = position if control is None else (2 * position[0] - control[0], 2 * position[1] - control[1])
                pairs = [mirrored, *pairs]
            elif command == "q":
                pairs = _cubic(position, *pairs)
            current += _bezier(position, pairs)
            control, position = pairs[1], pairs[2]
        if command not in "cs":
            control = None
    if current:
        outlines.append(current)
    return outlines


def _cubic(start: Point, control: Point, end: Point) -> list[Point]:
    """Return a quadratic curve as the two control points and the end of a cubic one."""
    return [
        (start[0] + (control[0] - start[0]) * 2 / 3, start[1] + (control[1] - start[1]) * 2 / 3),
        (end[0] + (control[0] - end[0]) * 2 / 3, end[1] + (control[1] - end[1]) * 2 / 3),
        end,
    ]


def _bezier(start: Point, pairs: Sequence[Point]) -> list[Point]:
    (x1, y1), (x2, y2), (x3, y3) = pairs
    points = []
    for i in range(1, 11):
        t = i / 10
        u = 1 - t
        a, b, c, d = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        points.append((a * start[0] + b * x1 + c * x2 + d * x3, a * start[1] + b * y1 + c * y2 + d * y3))
    return points


@cache
def _outlines(name: str, part: str) -> tuple[tuple[Point, ...], ...]:
    return tuple(tuple(outline) for outline in path_outlines(_listed()[name][part]))


def _mask(name: str, part: str, size_px: int) -> Pixels:
    factor = 4 if size_px <= 500 else 2
    side = size_px * factor
    mask: Pixels = np.zeros((side, side), np.uint8)
    outlines = [
        np.round(np.asarray(outline) * (side / _FIELD)).astype(np.int32) for outline in _outlines(name, part) if len(outline) > 2
    ]
    if outlines:
        cv2.fillPoly(mask, outlines, 255)
    return pixels_of(cv2.resize(mask, (size_px, size_px), interpolation=cv2.INTER_AREA))


def icon_sprite(name: str, size_px: int, line: str, tint: str | None = None) -> Sprite:
    """Draw a pictogram: outline in ``line``, the inside in ``tint`` (left out when None)."""
    pad = Pad(size_px, size_px)
    if tint is not None:
        pad.put(sprite_of_mask(_mask(name, "tint", size_px), tint), 0, 0)
    return pad.put(sprite_of_mask(_mask(name, "line", size_px), line), 0, 0).sprite()
