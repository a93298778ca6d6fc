"""Draw captions: rasterised once per change, blended onto yuv420p planes within their own box."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from videoflow import fonts
from videoflow.render.captions import FACE, SAFE_SHARE, letter_size_px, word_width_px
from videoflow.render.planes import RGB_TO_YUV, Planes, planes_of_rgb
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
    """A rasterised caption on yuv420p: colours already multiplied with their opacity, and what remains of the picture below (255 = all)."""

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


def legible(colour: Rgb, ground: Rgb = INK, least: float = 5.5) -> Rgb:
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

    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self.left, self.top = left, top
        self.image = Image.new("RGBA", (right - left, bottom - top), (*INK, 0))

    def box(self, area: tuple[float, float, float, float], radius: float, colour: Rgb, opacity: float) -> None:
        left, top, right, bottom = (round(edge) for edge in area)
        mask = _rounded(max(1, right - left), max(1, bottom - top), radius).point(lambda value: round(value * opacity))
        layer = Image.new("RGBA", self.image.size, (*colour, 0))
        layer.paste(Image.new("RGBA", mask.size, (*colour, 255)), (left - self.left, top - self.top))
        alpha = Image.new("L", self.image.size, 0)
        alpha.paste(mask, (left - self.left, top - self.top))
        layer.putalpha(alpha)
        self.image.alpha_composite(layer)

    def shadow(self, layer: Image.Image, blur: float, opacity: float, drop: int) -> None:
        """Darken under what a layer will show."""
        alpha = layer.getchannel("A").filter(ImageFilter.GaussianBlur(blur)).point(lambda value: min(255, round(value * opacity)))
        dark = Image.new("RGBA", layer.size, (0, 0, 0, 0))
        dark.putalpha(alpha)
        self.image.alpha_composite(dark, (0, drop))

    def text(
        self,
        left: float,
        baseline: float,
        text: str,
        face: fonts.Face,
        size: int,
        colour: Rgb,
        opacity: float = 1.0,
        stroke: int = 0,
    ) -> None:
        layer = Image.new("RGBA", self.image.size, ((0, 0, 0, 0) if stroke else (*colour, 0)))
        place = (left - self.left, baseline - self.top)
        fonts.text_draw(
            ImageDraw.Draw(layer),
            place,
            text,
            face,
            size,
            (*colour, 255),
            stroke_px=stroke,
            stroke_fill=(0, 0, 0, 255) if stroke else None,
        )
        if opacity < 1.0:
            layer.putalpha(layer.getchannel("A").point(lambda value: round(value * opacity)))
        self.image.alpha_composite(layer)


@dataclass(frozen=True, slots=True)
class CaptionLook:
    """Everything that shapes a caption's drawing, beside the word that is marked."""

    lines: tuple[tuple[tuple[str, bool], ...], ...]
    speaker_name: str
    colour: str


def caption_draw(look: CaptionLook, marked: int | None, form: Format, style: CaptionStyle) -> tuple[Image.Image, int, int]:
    """Return the caption as RGBA and the place of its left upper corner (both even)."""
    layout = caption_layout(look.lines, form, style)
    size = layout.size_px
    reach = round(1.9 * size)
    left = max(0, int(layout.plate[0]) - reach) // 2 * 2
    top = max(0, int(layout.plate[1]) - reach) // 2 * 2
    right = min(form.width_px, -(-(int(layout.plate[2]) + reach) // 2) * 2)
    bottom = min(form.height_px, -(-(int(layout.plate[3]) + reach) // 2) * 2)
    canvas = _Canvas(left, top, right, bottom)
    accent = legible(rgb_of(look.colour))
    if style.name == "classic":
        _draw_classic(canvas, layout, look, accent)
    else:
        _draw_plate(canvas, layout, look, accent, marked if style.name == "word" else None, style)
    box = canvas.image.getbbox()
    if box is None:
        return canvas.image.crop((0, 0, 2, 2)), left, top
    x, y = box[0] // 2 * 2, box[1] // 2 * 2
    cropped = canvas.image.crop((x, y, x + -(-(box[2] - x) // 2) * 2, y + -(-(box[3] - y) // 2) * 2))
    return cropped, left + x, top + y


def _draw_classic(canvas: _Canvas, layout: CaptionLayout, look: CaptionLook, accent: Rgb) -> None:
    """White-ish letters in the speaker's tint with a dark outline and a soft shadow, as on television."""
    size = layout.size_px
    tint: Rgb = (round(127 + accent[0] / 2), round(127 + accent[1] / 2), round(127 + accent[2] / 2))
    letters = _Canvas(canvas.left, canvas.top, canvas.left + canvas.image.width, canvas.top + canvas.image.height)
    for line, baseline in zip(layout.lines, layout.baselines, strict=True):
        for word in line:
            letters.text(word.left, baseline, word.text, FACE, size, tint, stroke=max(2, round(size * 0.075)))
    canvas.shadow(letters.image, size * 0.16, 0.9, round(size * 0.06))
    canvas.image.alpha_composite(letters.image)


def _draw_plate(
    canvas: _Canvas, layout: CaptionLayout, look: CaptionLook, accent: Rgb, marked: int | None, style: CaptionStyle
) -> None:
    """Letters on a translucent rounded plate; the spoken word stands on a pill of the speaker's colour."""
    size = layout.size_px
    radius = 0.42 * size
    plate = Image.new("RGBA", canvas.image.size, (0, 0, 0, 0))
    plate_box = tuple(round(edge) for edge in layout.plate)
    plate.paste(
        (0, 0, 0, 255),
        (plate_box[0] - canvas.left, plate_box[1] - canvas.top, plate_box[2] - canvas.left, plate_box[3] - canvas.top),
    )
    canvas.shadow(plate, size * 0.30, 0.32, round(size * 0.10))
    hole = Image.new("L", canvas.image.size, 255)
    hole.paste(
        0,
        (plate_box[0] - canvas.left, plate_box[1] - canvas.top),
        _rounded(plate_box[2] - plate_box[0], plate_box[3] - plate_box[1], radius),
    )
    shadow_alpha = canvas.image.getchannel("A")
    canvas.image.putalpha(
        Image.fromarray((np.asarray(shadow_alpha, np.uint16) * np.asarray(hole, np.uint16) // 255).astype(np.uint8))
    )
    canvas.box(layout.plate, radius, INK, PLATE_OPACITY)
    if style.name == "sentence":
        bar = (
            layout.plate[0] + 0.20 * size,
            layout.plate[1] + 0.28 * size,
            layout.plate[0] + 0.30 * size,
            layout.plate[3] - 0.28 * size,
        )
        canvas.box(bar, 0.05 * size, accent, 1.0)
    _draw_name(canvas, layout, look, accent)
    number = 0
    for line, baseline in zip(layout.lines, layout.baselines, strict=True):
        for word in line:
            if number == marked:
                pad = 0.17 * size
                pill = (word.left - pad, baseline - 0.93 * size, word.left + word.width + pad, baseline + 0.34 * size)
                canvas.box(pill, 0.26 * size, accent, 1.0)
                canvas.text(word.left, baseline, word.text, FACE, size, INK)
            else:
                waiting = marked is not None and number > marked
                canvas.text(word.left, baseline, word.text, FACE, size, PAPER, 0.80 if waiting else 1.0)
            number += 1


def _draw_name(canvas: _Canvas, layout: CaptionLayout, look: CaptionLook, accent: Rgb) -> None:
    """The speaker's name on a small tab that sits on the plate's upper edge."""
    name = " ".join(look.speaker_name.split())[:28]
    if not name:
        return
    face, small = fonts.Face("inter", 700), max(9, round(layout.size_px * 0.46))
    width = fonts.text_width(name, face, small)
    left, middle = layout.plate[0] + 0.42 * layout.size_px, layout.plate[1]
    tab = (left, middle - 0.82 * small, left + width + 1.2 * small, middle + 0.70 * small)
    canvas.box(tab, 0.76 * small, accent, 1.0)
    canvas.text(left + 0.6 * small, middle + 0.30 * small, name, face, small, INK)


def overlay_make(image: Image.Image, left: int, top: int) -> Overlay:
    """Turn an RGBA picture of even size into planes that blend with two multiplications and an addition per sample."""
    rgba = np.asarray(image)
    yuv = planes_of_rgb(np.ascontiguousarray(rgba[:, :, :3]))
    alpha = rgba[:, :, 3].astype(np.float32)
    half_alpha = cv2.resize(alpha, (alpha.shape[1] // 2, alpha.shape[0] // 2), interpolation=cv2.INTER_AREA)
    # Chroma under partly covered pixels counts by its opacity, so colours do not bleed over edges.
    weighted = cv2.transform(np.ascontiguousarray(rgba[:, :, :3]), RGB_TO_YUV[1:]).astype(np.float32) * (
        alpha[:, :, None] / 255.0
    )
    chroma = cv2.resize(weighted, (alpha.shape[1] // 2, alpha.shape[0] // 2), interpolation=cv2.INTER_AREA)
    colour = Planes(_bytes(yuv.y * (alpha / 255.0)), _bytes(chroma[:, :, 0]), _bytes(chroma[:, :, 1]))
    return Overlay(left, top, colour, Planes(_bytes(255.0 - alpha), _bytes(255.0 - half_alpha), _bytes(255.0 - half_alpha)))


def _bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def looks_of(state: Mapping[str, object], speakers: Mapping[str, Mapping[str, str]]) -> CaptionLook:
    """Read a caption's look from a segment's description."""
    speaker = speakers[str(state["speaker"])]
    lines = tuple(tuple((str(text), bool(joined)) for text, joined in line) for line in state["lines"])  # type: ignore[attr-defined]
    return CaptionLook(lines, speaker["name"], speaker["colour"])
