"""Draw captions: rasterised once per change, blended onto yuv420p planes within their own box."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from videoflow import fonts
from videoflow.render.blending import blend
from videoflow.render.captions import FACE, PLATE_SIDES, letter_size_px, safe_area, space_px, word_width_px
from videoflow.render.planes import RGB_TO_YUV, Planes
from videoflow.render.timeline import CaptionStyle, Format

Rgb = tuple[int, int, int]
Area = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the frame."""

INK: Rgb = (12, 14, 20)
PAPER: Rgb = (255, 255, 255)
PLATE_OPACITY = 0.74
CLASSIC_OUTLINE = 0.075
BARE_OUTLINE = 0.06
"""The least outline of letters without a box that the style does not say itself, in letter sizes."""
LINE_PITCH = 1.30
"""Baseline to baseline, in letter sizes."""
_ABOVE, _BELOW = 1.14, 0.56
"""How far the plate reaches over the first baseline and under the last, in letter sizes."""
_TAB = 0.60
"""How far a speaker's name stands over the plate."""
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

    @property
    def placed(self) -> list[tuple[PlacedWord, float]]:
        """Every word with its baseline, in reading order."""
        return [(word, baseline) for line, baseline in zip(self.lines, self.baselines, strict=True) for word in line]

    def overflows(self, form: Format) -> bool:
        """True when the plate leaves the safe area."""
        left, top, right, bottom = self.plate
        safe = safe_area(form)
        return left < safe.left - 1 or right > safe.right + 1 or top < safe.top - 1 or bottom > safe.bottom + 1


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
            blend(added, kept, part)

    def replace(self, other: "Overlay") -> None:
        """Put another overlay, which lies within this one, in the place of what stands there."""
        x, y = other.left - self.left, other.top - self.top
        for ours, theirs in ((self.colour, other.colour), (self.below, other.below)):
            for number, (plane, part) in enumerate(zip(ours, theirs, strict=True)):
                left, top = (x, y) if number == 0 else (x // 2, y // 2)
                plane[top : top + part.shape[0], left : left + part.shape[1]] = part


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
    """Place the words ((text, joined to the one before) of each line), centred, at the style's position in the safe area."""
    size = letter_size_px(form, style)
    space = space_px(size, style)
    first = _first_baseline(len(lines), form, style, size)
    baselines = tuple(first + number * LINE_PITCH * size for number in range(len(lines)))
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
    side = PLATE_SIDES / 2.0 * size
    plate = (
        (form.width_px - widest) / 2.0 - side,
        baselines[0] - _ABOVE * size,
        (form.width_px + widest) / 2.0 + side,
        baselines[-1] + _BELOW * size,
    )
    return CaptionLayout(tuple(placed), baselines, plate, size)


def _first_baseline(lines: int, form: Format, style: CaptionStyle, size: int) -> float:
    """Return where the first line stands: at the bottom the last line keeps its place, at the top the first."""
    safe, height = safe_area(form), form.height_px
    down = (lines - 1) * LINE_PITCH * size
    wish = {
        "top": height * style.bottom_share + _ABOVE * size,
        "middle": (height - down) / 2.0 + (_ABOVE - _BELOW) / 2.0 * size,
        "bottom": height * (1.0 - style.bottom_share) - down,
    }[style.position] + height * style.offset_share
    tab = _TAB * size if style.speaker_names and box_opacity(style) > 0.0 else 0.0
    lowest = safe.bottom - _BELOW * size - down
    return max(safe.top + _ABOVE * size + tab, min(lowest, wish))


def caption_band(form: Format, style: CaptionStyle) -> tuple[int, int]:
    """Return the rows between which captions of up to two lines stand; (0, 0) when none are drawn."""
    if style.name == "none":
        return 0, 0
    size = letter_size_px(form, style)
    tops = [_first_baseline(lines, form, style, size) for lines in (1, 2)]
    bottoms = [tops[0], tops[1] + LINE_PITCH * size]
    return max(0, int(min(tops) - 2.0 * size)), min(form.height_px, int(max(bottoms) + 1.2 * size))


def box_opacity(style: CaptionStyle) -> float:
    """Return how solid the box behind the letters is."""
    if style.box_opacity is not None:
        return style.box_opacity
    return 0.0 if style.name == "classic" else PLATE_OPACITY


def edge_colour(ink: Rgb) -> Rgb:
    """Return the colour of the edge around letters: black, or white around dark letters."""
    return (0, 0, 0) if contrast(ink, (0, 0, 0)) >= contrast(ink, PAPER) else PAPER


def outline_px(style: CaptionStyle, size: int) -> int:
    """Return the width of the dark edge around letters; 0 is none."""
    if style.outline_share is not None:
        return round(style.outline_share * size)
    if style.name == "classic":
        return max(2, round(CLASSIC_OUTLINE * size))
    return 0 if box_opacity(style) >= 0.35 else max(2, round(BARE_OUTLINE * size))


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
        corner = (int(left) - reach, int(baseline) - round(1.35 * size))
        layer = _lettering(text, face, size, ink, (left - corner[0], baseline - corner[1]), reach)
        self.lay(layer, *corner)


@dataclass(frozen=True, slots=True)
class Ink:
    colour: Rgb
    opacity: float = 1.0
    stroke_px: int = 0


@lru_cache(maxsize=96)
def _lettering(text: str, face: fonts.Face, size: int, ink: Ink, place: tuple[float, float], reach: int) -> Image.Image:
    """Return a piece of text on a transparent ground; the words of a caption stay the same while the mark goes over them."""
    width = round(word_width_px(text, size) if face == FACE else fonts.text_width(text, face, size))
    layer = Image.new("RGBA", (width + 2 * reach, round(2.0 * size)), (0, 0, 0, 0) if ink.stroke_px else (*ink.colour, 0))
    outline = (0, 0, 0, 255) if ink.stroke_px else None
    fonts.text_draw(
        ImageDraw.Draw(layer), place, text, face, size, (*ink.colour, 255), stroke_px=ink.stroke_px, stroke_fill=outline
    )
    if ink.opacity < 1.0:
        layer.putalpha(layer.getchannel("A").point(lambda value: round(value * ink.opacity)))
    return layer


@dataclass(frozen=True, slots=True)
class CaptionLook:
    """Everything that shapes a caption's drawing, beside the word that is marked."""

    lines: tuple[tuple[tuple[str, bool], ...], ...]
    speaker_name: str
    colour: str


def caption_draw(
    look: CaptionLook, marked: int | None, form: Format, style: CaptionStyle, within: Area | None = None
) -> tuple[Image.Image, int, int]:
    """Return the caption as RGBA and the place of its left upper corner (size and place are even); of a part of it ``within``."""
    layout, ground, whole = _ground(look, form, style)
    area = within or whole
    canvas = _Canvas(*area, image=ground.crop(_moved(area, -whole[0], -whole[1])))
    size, box, accent = layout.size_px, rgb_of(style.box_colour), _accent(look, style)
    edge = outline_px(style, size)
    ink = rgb_of(style.text_colour)
    classic = style.name == "classic"
    plain = Ink(_tint(accent, ink) if classic and style.speaker_colours else ink, stroke_px=edge)
    letters = _Canvas(*area)
    for number, (word, baseline) in enumerate(layout.placed):
        if style.name == "word" and number == marked:
            pad = 0.15 * size
            depth = 0.48 if any(unicodedata.bidirectional(letter) == "AL" for letter in word.text) else 0.33
            pill = (word.left - pad, baseline - 0.95 * size, word.left + word.width + pad, baseline + depth * size)
            letters.box(pill, 0.24 * size, accent, 1.0)
            letters.text(word.left, baseline, word.text, FACE, size, Ink(_on(accent, box)))
        else:
            waiting = style.name == "word" and marked is not None and number > marked
            letters.text(
                word.left, baseline, word.text, FACE, size, replace(plain, opacity=0.78) if waiting and not edge else plain
            )
    if edge:
        canvas.shadow(letters.image.getchannel("A"), area[0], area[1] + round(size * 0.06), size * 0.14, 0.95)
    canvas.lay(letters.image, area[0], area[1])
    return canvas.image, area[0], area[1]


def _moved(area: Area, right: int, down: int) -> Area:
    return area[0] + right, area[1] + down, area[2] + right, area[3] + down


def mark_moved_area(look: CaptionLook, before: int, after: int, form: Format, style: CaptionStyle) -> Area:
    """Return what of a caption looks different when the mark goes from one word to another; even numbers."""
    layout, _, whole = _ground(look, form, style)
    if outline_px(style, layout.size_px):
        return whole  # the shadow of all letters is drawn at once
    changed = layout.placed[min(before, after) : max(before, after) + 1]
    reach, size = 0.35 * layout.size_px + 2.0, layout.size_px
    return (
        max(whole[0], int(min(word.left for word, _ in changed) - reach) // 2 * 2),
        max(whole[1], int(min(baseline for _, baseline in changed) - 1.35 * size - 2.0) // 2 * 2),
        min(whole[2], -(-int(max(word.left + word.width for word, _ in changed) + reach) // 2) * 2),
        min(whole[3], -(-int(max(baseline for _, baseline in changed) + 0.65 * size + 2.0) // 2) * 2),
    )


def _accent(look: "CaptionLook", style: CaptionStyle) -> Rgb:
    """Return the colour of marks, bars and names: the speaker's, as bright as it must be to stand out."""
    if not style.speaker_colours:
        return rgb_of(style.text_colour)
    return legible(rgb_of(look.colour))


def _on(ground: Rgb, dark: Rgb) -> Rgb:
    """Return what is read best on a coloured ground: the box's colour, ink or paper."""
    return max((dark, INK, PAPER), key=lambda colour: (contrast(colour, ground) >= 4.5, contrast(colour, ground)))


def _tint(accent: Rgb, ink: Rgb) -> Rgb:
    """Return the letters' colour with a touch of the speaker's."""
    red, green, blue = (round(0.59 * own + 0.41 * other) for own, other in zip(ink, accent, strict=True))
    return red, green, blue


@lru_cache(maxsize=4)
def _ground(look: CaptionLook, form: Format, style: CaptionStyle) -> tuple[CaptionLayout, Image.Image, Area]:
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
    opacity, accent = box_opacity(style), _accent(look, style)
    if opacity <= 0.0:
        return layout, canvas.image, area
    radius = 0.42 * size
    mask = _rounded(round(plate[2]) - round(plate[0]), round(plate[3]) - round(plate[1]), radius)
    canvas.shadow(mask, plate[0], round(plate[1]) + round(size * 0.08), size * 0.28, 0.40 * opacity)
    under = canvas.image.getchannel("A")  # no shadow shines through the plate itself
    under.paste(0, (round(plate[0]) - area[0], round(plate[1]) - area[1]), mask)
    canvas.image.putalpha(under)
    canvas.box(plate, radius, rgb_of(style.box_colour), opacity)
    if style.name == "sentence":
        inset, thick = 0.20 * size, 0.10 * size
        left = plate[2] - inset - thick if _from_right(layout) else plate[0] + inset
        bar = (left, plate[1] + 0.30 * size, left + thick, plate[3] - 0.30 * size)
        canvas.box(bar, 0.05 * size, accent, 1.0)
    if style.speaker_names:
        _draw_name(canvas, layout, look, accent, rgb_of(style.box_colour))
    return layout, canvas.image, area


def _from_right(layout: CaptionLayout) -> bool:
    return fonts.is_rtl(" ".join(word.text for word in layout.lines[0]))


def _draw_name(canvas: _Canvas, layout: CaptionLayout, look: CaptionLook, accent: Rgb, edge: Rgb) -> None:
    """Draw the speaker's name on a small tab that sits on the plate's upper edge."""
    name = " ".join(look.speaker_name.split())[:28]
    if not name:
        return
    face, small = fonts.Face("inter", 700), max(9, round(layout.size_px * 0.46))
    width = fonts.text_width(name, face, small)
    inset, tab_width, top = 0.42 * layout.size_px, width + 1.2 * small, layout.plate[1]
    left = layout.plate[2] - inset - tab_width if _from_right(layout) else layout.plate[0] + inset
    tab, ring = (left, top - 1.16 * small, left + tab_width, top + 0.38 * small), 0.14 * small
    around = (tab[0] - ring, tab[1] - ring, tab[2] + ring, tab[3] + ring)
    canvas.box(around, 0.77 * small + ring, edge, 1.0)  # keeps it apart from a picture of its own colour
    canvas.box(tab, 0.77 * small, accent, 1.0)
    canvas.text(left + 0.6 * small, top - 0.04 * small, name, face, small, Ink(INK))


def overlay_make(image: Image.Image, left: int, top: int) -> Overlay:
    """Turn an RGBA picture of even size into planes that blend with one multiplication and one addition per sample.

    Chroma counts by opacity before it is halved, so that colours do not bleed over edges. The planes are the overlay's own.
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
