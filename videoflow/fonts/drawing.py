"""Measure and draw one line of text in any mix of scripts."""

from typing import Any

from PIL import Image, ImageDraw

from videoflow.fonts.faces import Face, face_load
from videoflow.fonts.runs import TextRun, text_runs

_EMOJI_BASELINE_SHARE = 0.80  # of an emoji's height that stands above the baseline, as in text


def text_width(text: str, face: Face, size_px: int) -> float:
    """Return the advance of one line, in px."""
    return sum(run.width_px for run in text_runs(text, face, size_px))


def line_metrics(face: Face, size_px: int) -> tuple[float, float]:
    """Return ascent and descent in px, the family's own for every script, so that lines do not jump."""
    ascent, descent = face_load(face, size_px).getmetrics()
    return float(ascent), float(descent)


def text_draw(
    draw: ImageDraw.ImageDraw,
    xy: tuple[float, float],
    text: str,
    face: Face,
    size_px: int,
    fill: Any,
    *,
    stroke_px: int = 0,
    stroke_fill: Any = None,
) -> float:
    """Draw one line with its left edge and baseline at ``xy`` and return its advance in px."""
    x, y = xy
    for run in text_runs(text, face, size_px):
        if run.is_emoji:
            _emoji_draw(draw, (x, y), run)
        else:
            draw.text(
                (x, y),
                run.text,
                font=run.font,
                fill=fill,
                anchor="ls",
                direction=run.direction,
                language=run.language,
                stroke_width=stroke_px,
                stroke_fill=stroke_fill,
            )
        x += run.width_px
    return x - xy[0]


def _emoji_draw(draw: ImageDraw.ImageDraw, xy: tuple[float, float], run: TextRun) -> None:
    left, top, right, bottom = run.font.getbbox(run.text, mode="RGBA")
    width, height = int(right - left), int(bottom - top)
    if width <= 0 or height <= 0:
        return
    sheet = Image.new("RGBA", (width, height))
    ImageDraw.Draw(sheet).text((-left, -top), run.text, font=run.font, embedded_color=True)
    small = sheet.resize((max(1, round(width * run.scale)), max(1, round(height * run.scale))), Image.Resampling.LANCZOS)
    at = (round(xy[0] + left * run.scale), round(xy[1] - small.height * _EMOJI_BASELINE_SHARE))
    target = draw._image
    if target.mode == "L":
        target.paste(255, at, small.getchannel("A"))
    else:
        target.paste(small.convert(target.mode) if target.mode != "RGBA" else small, at, small.getchannel("A"))
