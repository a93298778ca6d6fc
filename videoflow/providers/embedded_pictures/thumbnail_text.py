"""Words on a picture that becomes a thumbnail: as large as they fit, in one corner or the middle, readable on any ground."""

from typing import Literal

from PIL import Image, ImageDraw, ImageFilter

from videoflow.fonts import Face, text_draw, text_width
from videoflow.providers.embedded_pictures.colour import ink_on, rgb
from videoflow.providers.embedded_pictures.lettering import block_fit

TextPlace = Literal[
    "top-left", "top-center", "top-right",
    "middle-left", "middle-center", "middle-right",
    "bottom-left", "bottom-center", "bottom-right",
]  # fmt: skip
_MARGIN = 0.045  # of the width; YouTube lays the length over the last 8 % of the lower right corner
_STAMP = 0.10
"""Share of the height that stays free at the bottom right, where players show the length."""
_WIDEST, _TALLEST = 0.62, 0.66
_LARGEST, _SMALLEST = 0.24, 0.075
_OUTLINE = 0.055
_SHADE = {"#0c0c0e": 140, "#ffffff": 90}
"""How much of the outline's colour lies behind the words, of 255."""


def words_put(picture: Image.Image, *, text: str, place: TextPlace, colour: str, family: str = "inter") -> Image.Image:
    """Return the picture with the words on it; a soft shade and an outline keep them readable."""
    width, height = picture.size
    margin = round(width * _MARGIN)
    vertical, _, side = place.partition("-")
    widest = (width - 2 * margin) * (_WIDEST if side != "center" else 0.94)
    face = Face(family, 900)
    block = block_fit(
        text,
        face,
        width=widest,
        height=height * _TALLEST,
        largest_px=height * _LARGEST,
        smallest_px=height * _SMALLEST,
        max_lines=4,
        leading=1.06,
    )
    top = {"top": float(margin), "middle": (height - block.height) / 2}.get(vertical, height - margin - block.height)
    if place == "bottom-right":
        top -= height * _STAMP - margin * 0.5
    edge = ink_on(colour, dark="#0c0c0e", light="#ffffff")
    shade = Image.new("L", picture.size, 0)
    words = picture.convert("RGB")
    draw = ImageDraw.Draw(words)
    lines = []
    for number, line in enumerate(block.lines):
        wide = text_width(line, face, block.size_px)
        left = {"left": float(margin), "center": (width - wide) / 2}.get(side, width - margin - wide)
        lines.append((left, top + block.baseline(number), line, wide))
    reach = block.size_px * 0.35
    for left, base, _line, wide in lines:
        box = (left - reach, base - block.cap_px - reach, left + wide + reach, base + reach)
        ImageDraw.Draw(shade).rectangle(box, fill=_SHADE[edge])
    shade = shade.filter(ImageFilter.GaussianBlur(block.size_px * 0.4))
    words.paste(Image.new("RGB", picture.size, rgb(edge)), mask=shade)
    stroke = max(2, round(block.size_px * _OUTLINE))
    for left, base, line, _wide in lines:
        text_draw(draw, (left, base), line, face, block.size_px, rgb(colour), stroke_px=stroke, stroke_fill=rgb(edge))
    return words
