"""Draw captions: rasterised once per change, blended onto yuv420p planes within their own box."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from videoflow import fonts
from videoflow.render.captions import FACE, SAFE_SHARE, letter_size_px, word_width_px
from videoflow.render.planes import RGB_TO_YUV, Planes
from videoflow.render.timeline import CaptionStyle, Format

Rgb = tuple[int, int, int]

INK: Rgb = (12, 14, 20)
PAPER: Rgb = (255, 255, 255)
PLATE_OPACITY = 0.74
LINE_PITCH = 1.30
"""Baseline to baseline, in letter sizes."""
PORTRAIT_BOTTOM_SHARE = 0.20
"""On tall formats the apps' own controls cover the lowest fifth."""
FADE_FRAMES = 4


@dataclass(frozen=True, slots=True)
class PlacedWord:
    text: str
    left: float
    """Pixels from the frame's left edge."""
    width: float


@dataclass(frozen=True, slots=True)
class CaptionLayout:
    """Where everything of one caption stands, in pixels of the frame."""

    lines: tuple[tuple[PlacedWord, ...], ...]
    """Words in reading order."""
    baselines: tuple[float, ...]
    plate: tuple[float, float, float, float]
    """Left, top, right, bottom around all lines."""
    size_px: int

    def overflows(self, form: Format) -> bool:
        """True when the plate leaves the safe area."""
        left, top, right, bottom = self.plate
        side, edge = form.width_px * SAFE_SHARE - 1.0, form.height_px * 0.03
        return left < side or right > form.width_px - side or top < edge or bottom > form.height_px - edge


@dataclass(frozen=True, slots=True)
class Overlay:
    """A rasterised caption on yuv420p: colours multiplied with their opacity, and how much of the picture stays (255 = all)."""

    left: int
    top: int
    colour: Planes
    below: Planes

    def blend(self, target: Planes, opacity: float = 1.0) -> None:
        """Lay the overlay over the target's planes, within its box only."""
        for number, (plane, colour, below) in enumerate(zip(target, self.colour, self.below, strict=True)):
            left, top = (self.left, self.top) if number == 0 else (self.left // 2, self.top // 2)
            part = plane[top : top + colour.shape[0], left : left + colour.shape[1]]
            if opacity < 1.0:
                kept = cv2.addWeighted(below, opacity, below, 0.0, 255.0 * (1.0 - opacity))
                added = cv2.convertScaleAbs(colour, alpha=opacity)
            else:
                kept, added = below, colour
            cv2.add(cv2.multiply(part, kept, scale=1.0 / 255.0), added, dst=part)


def rgb_of(colour: str) -> Rgb:
    """Return the channels of ``#rrggbb``; white for anything else."""
    text = colour.lstrip("#")
    try:
        return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)
    except ValueError:
        return PAPER


def _luminance(colour: Rgb) -> float:
    """Return the relative luminance. Source: WCAG 2.2."""
    linear = [(part / 255 / 12.92) if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast ratio, 1 to 21. Source: WCAG 2.2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def legible(colour: Rgb, ground: Rgb = INK, least: float = 6.5) -> Rgb:
    """Return the colour, mixed with white as far as it needs to stand out on the ground."""
    for step in range(21):
        mixed = (
            round(colour[0] + (255 - colour[0]) * step / 20),
            round(colour[1] + (255 - colour[1]) * step / 20),
            round(colour[2] + (255 - colour[2]) * step / 20),
        )
        if contrast(mixed, ground) >= least:
            return mixed
    return PAPER


def _ordered(words: Sequence[tuple[str, bool]], *, from_right: bool) -> list[int]:
    """Return the words' indexes as they stand from left to right: runs against the line's direction keep their own order."""
    directions = []
    for text, _ in words:
        strong = next((unicodedata.bidirectional(letter) for letter in text if unicodedata.bidirectional(letter) in "LRAL"), None)
        directions.append(from_right if strong is None else strong in ("R", "AL"))
    if not from_right and not any(directions):
        return list(range(len(words)))
    runs: list[list[int]] = []
    for index, direction in enumerate(directions):
        if runs and directions[runs[-1][0]] == direction:
            runs[-1].append(index)
        else:
            runs.append([index])
    ordered = runs[::-1] if from_right else runs
    return [index for run in ordered for index in (run[::-1] if directions[run[0]] else run)]


def caption_layout(lines: Sequence[Sequence[tuple[str, bool]]], form: Format, style: CaptionStyle) -> CaptionLayout:
    """Place the words ((text, joined to the one before) of each line), centred, from the bottom up."""
    size = letter_size_px(form, style)
    space = word_width_px(" ", size)
    portrait = form.height_px > form.width_px
    bottom_share = max(style.bottom_share, PORTRAIT_BOTTOM_SHARE) if portrait else style.bottom_share
    last_baseline = form.height_px * (1.0 - bottom_share)
    baselines = tuple(last_baseline - (len(lines) - 1 - number) * LINE_PITCH * size for number in range(len(lines)))
    placed: list[tuple[PlacedWord, ...]] = []
    widest = 0.0
    for line in lines:
        widths = [word_width_px(text, size) for text, _ in line]
        gaps = [0.0 if joined or not number else space for number, (_, joined) in enumerate(line)]
        total = sum(widths) + sum(gaps)
        widest = max(widest, total)
        from_right = fonts.is_rtl(" ".join(text for text, _ in line))
        left = (form.width_px - total) / 2.0
        lefts = [0.0] * len(line)
        order = _ordered(line, from_right=from_right)
        for place, index in enumerate(order):
            if place:
                earlier, later = sorted((index, order[place - 1]))
                left += 0.0 if later == earlier + 1 and line[later][1] else space
            lefts[index] = left
            left += widths[index]
        placed.append(tuple(PlacedWord(text, lefts[i], widths[i]) for i, (text, _) in enumerate(line)))
    side = 0.62 * size
    plate = (
        (form.width_px - widest) / 2.0 - side,
        baselines[0] - 1.14 * size,
        (form.width_px + widest) / 2.0 + side,
        baselines[-1] + 0.56 * size,
    )
    return CaptionLayout(tuple(placed), baselines, plate, size)


@lru_cache(maxsize=256)
def _rounded(width: int, height: int, radius: float) -> Image.Image:
    """Return an anti-aliased mask of a rounded rectangle."""
    scale = 4
    mask = Image.new("L", (width * scale, height * scale), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width * scale - 1, height * scale - 1), radius * scale, fill=255)
    return mask.resize((width, height), Image.Resampling.BOX)


class _Canvas:
    """An RGBA picture of the caption's surroundings, addressed in pixels of the frame."""

    def __init__(self, left: int, top: int, right: int, bottom: int, image: Image.Image | None = None) -> None:
        self.area = (left, top, right, bottom)
        self.image = image or Image.new("RGBA", (right - left, bottom - top), (*INK, 0))

    def lay(self, layer: Image.Image, left: float, top: float) -> None:
        """Composite a layer whose corner stands at whole pixels of the frame; what lies outside is cut off."""
        x, y = round(left) - self.area[0], round(top) - self.area[1]
        cut = (max(0, -x), max(0, -y), min(layer.width, self.image.width - x), min(layer.height, self.image.height - y))
        if cut[0] < cut[2] and cut[1] < cut[3]:
            self.image.alpha_composite(layer, (x + cut[0], y + cut[1]), cut)

    def box(self, area: tuple[float, float, float, float], radius: float, colour: Rgb, opacity: float) -> None:
        left, top, right, bottom = (round(edge) for edge in area)
        mask = _rounded(max(1, right - left), max(1, bottom - top), radius)
        layer = Image.new("RGBA", mask.size, (*colour, 0))
        layer.putalpha(mask if opacity >= 1.0 else mask.point(lambda value: round(value * opacity)))
        self.lay(layer, left, top)

    def shadow(self, shape: Image.Image, left: float, top: float, blur: float, opacity: float) -> None:
        """Darken around a mask that stands at a place of the frame."""
        reach = round(blur * 3)
        wide = Image.new("L", (shape.width + 2 * reach, shape.height + 2 * reach), 0)
        wide.paste(shape, (reach, reach))
        wide = wide.filter(ImageFilter.GaussianBlur(blur)).point(lambda value: min(255, round(value * opacity)))
        dark = Image.new("RGBA", wide.size, (0, 0, 0, 0))
        dark.putalpha(wide)
        self.lay(dark, round(left) - reach, round(top) - reach)

    def text(self, left: float, baseline: float, text: str, face: fonts.Face, size: int, ink: "Ink") -> None:
        """Draw a line of text whose advance begins at ``left``; parts of pixels are kept, so words stand evenly."""
        reach = round(0.35 * size) + ink.stroke_px
        width = round(word_width_px(text, size) if face == FACE else fonts.text_width(text, face, size))
        corner = (int(left) - reach, int(baseline) - round(1.35 * size))
        layer = Image.new("RGBA", (width + 2 * reach, round(2.0 * size)), (0, 0, 0, 0) if ink.stroke_px else (*ink.colour, 0))
        place = (left - corner[0], baseline - corner[1])
        outline = (0, 0, 0, 255) if ink.stroke_px else None
        fonts.text_draw(
            ImageDraw.Draw(layer), place, text, face, size, (*ink.colour, 255), stroke_px=ink.stroke_px, stroke_fill=outline
        )
        if ink.opacity < 1.0:
            layer.putalpha(layer.getchannel("A").point(lambda value: round(value * ink.opacity)))
        self.lay(layer, *corner)


@dataclass(frozen=True, slots=True)
class Ink:
    colour: Rgb
    opacity: float = 1.0
    stroke_px: int = 0


@dataclass(frozen=True, slots=True)
class CaptionLook:
    """Everything that shapes a caption's drawing, beside the word that is marked."""

    lines: tuple[tuple[tuple[str, bool], ...], ...]
    speaker_name: str
    colour: str


def caption_draw(look: CaptionLook, marked: int | None, form: Format, style: CaptionStyle) -> tuple[Image.Image, int, int]:
    """Return the caption as RGBA and the place of its left upper corner (size and place are even)."""
    layout, ground, area = _ground(look, form, style)
    canvas = _Canvas(*area, image=ground.copy())
    size = layout.size_px
    accent = legible(rgb_of(look.colour))
    plain = Ink(_tint(accent), stroke_px=max(2, round(size * 0.075))) if style.name == "classic" else Ink(PAPER)
    words = [(word, baseline) for line, baseline in zip(layout.lines, layout.baselines, strict=True) for word in line]
    if style.name == "classic":
        letters = _Canvas(*area)
        for word, baseline in words:
            letters.text(word.left, baseline, word.text, FACE, size, plain)
        canvas.shadow(letters.image.getchannel("A"), area[0], area[1] + round(size * 0.06), size * 0.14, 0.95)
        canvas.lay(letters.image, area[0], area[1])
        return canvas.image, area[0], area[1]
    for number, (word, baseline) in enumerate(words):
        if style.name == "word" and number == marked:
            pad = 0.15 * size
            depth = 0.48 if any(unicodedata.bidirectional(letter) == "AL" for letter in word.text) else 0.33
            pill = (word.left - pad, baseline - 0.95 * size, word.left + word.width + pad, baseline + depth * size)
            canvas.box(pill, 0.24 * size, accent, 1.0)
            canvas.text(word.left, baseline, word.text, FACE, size, Ink(INK))
        else:
            waiting = style.name == "word" and marked is not None and number > marked
            canvas.text(word.left, baseline, word.text, FACE, size, Ink(PAPER, 0.78) if waiting else plain)
    return canvas.image, area[0], area[1]


def _tint(accent: Rgb) -> Rgb:
    """Return near-white with a touch of the speaker's colour."""
    return (round(150 + accent[0] * 0.41), round(150 + accent[1] * 0.41), round(150 + accent[2] * 0.41))


@lru_cache(maxsize=4)
def _ground(look: CaptionLook, form: Format, style: CaptionStyle) -> tuple[CaptionLayout, Image.Image, tuple[int, int, int, int]]:
    """Return the layout, what lies under the words, and its area in the frame; the same for every marked word."""
    layout = caption_layout(look.lines, form, style)
    size, plate = layout.size_px, layout.plate
    reach = round(1.05 * size)
    area = (
        max(0, int(plate[0]) - reach) // 2 * 2,
        max(0, int(plate[1]) - reach) // 2 * 2,
        min(form.width_px, -(-(int(plate[2]) + reach) // 2) * 2),
        min(form.height_px, -(-(int(plate[3]) + reach) // 2) * 2),
    )
    canvas = _Canvas(*area)
    if style.name == "classic":
        return layout, canvas.image, area
    accent = legible(rgb_of(look.colour))
    radius = 0.42 * size
    mask = _rounded(round(plate[2]) - round(plate[0]), round(plate[3]) - round(plate[1]), radius)
    canvas.shadow(mask, plate[0], round(plate[1]) + round(size * 0.08), size * 0.28, 0.30)
    under = canvas.image.getchannel("A")  # no shadow shines through the plate itself
    under.paste(0, (round(plate[0]) - area[0], round(plate[1]) - area[1]), mask)
    canvas.image.putalpha(under)
    canvas.box(plate, radius, INK, PLATE_OPACITY)
    if style.name == "sentence":
        bar = (plate[0] + 0.20 * size, plate[1] + 0.30 * size, plate[0] + 0.30 * size, plate[3] - 0.30 * size)
        canvas.box(bar, 0.05 * size, accent, 1.0)
    _draw_name(canvas, layout, look, accent)
    return layout, canvas.image, area


def _draw_name(canvas: _Canvas, layout: CaptionLayout, look: CaptionLook, accent: Rgb) -> None:
    """Draw the speaker's name on a small tab that sits on the plate's upper edge."""
    name = " ".join(look.speaker_name.split())[:28]
    if not name:
        return
    face, small = fonts.Face("inter", 700), max(9, round(layout.size_px * 0.46))
    width = fonts.text_width(name, face, small)
    inset, tab_width, top = 0.42 * layout.size_px, width + 1.2 * small, layout.plate[1]
    from_right = fonts.is_rtl(" ".join(word.text for word in layout.lines[0]))
    left = layout.plate[2] - inset - tab_width if from_right else layout.plate[0] + inset
    canvas.box((left, top - 1.16 * small, left + tab_width, top + 0.38 * small), 0.77 * small, accent, 1.0)
    canvas.text(left + 0.6 * small, top - 0.04 * small, name, face, small, Ink(INK))


def overlay_make(image: Image.Image, left: int, top: int) -> Overlay:
    """Turn an RGBA picture of even size into planes that blend with one multiplication and one addition per sample.

    Chroma counts by opacity before it is halved, so that colours do not bleed over edges.
    """
    rgba = np.asarray(image)
    alpha = np.ascontiguousarray(rgba[:, :, 3])
    half_size = (alpha.shape[1] // 2, alpha.shape[0] // 2)
    yuv = cv2.transform(np.ascontiguousarray(rgba[:, :, :3]), RGB_TO_YUV)
    weighted = cv2.multiply(yuv, cv2.merge([alpha, alpha, alpha]), scale=1.0 / 255.0)
    luma, blue, red = cv2.split(weighted)
    below = cv2.bitwise_not(alpha)
    half = [cv2.resize(plane, half_size, interpolation=cv2.INTER_AREA) for plane in (blue, red, below)]
    return Overlay(left, top, Planes(luma, half[0], half[1]), Planes(below, half[2], half[2]))  # type: ignore[arg-type]


def looks_of(state: Mapping[str, object], speakers: Mapping[str, Mapping[str, str]]) -> CaptionLook:
    """Read a caption's look from a segment's description."""
    speaker = speakers[str(state["speaker"])]
    lines = tuple(tuple((str(text), bool(joined)) for text, joined in line) for line in state["lines"])  # type: ignore[attr-defined]
    return CaptionLook(lines, speaker["name"], speaker["colour"])
