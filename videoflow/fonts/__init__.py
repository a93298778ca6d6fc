"""Text on pictures: one set of fonts for every script, shaped and drawn the same way by captions and cards."""

from videoflow.fonts.drawing import line_metrics, text_draw, text_width
from videoflow.fonts.faces import FAMILIES, Face, can_shape, face_load, fonts_version, missing_glyphs
from videoflow.fonts.runs import TextRun, break_opportunities, has_skin_tones, is_rtl, text_runs

__all__ = [
    "FAMILIES",
    "Face",
    "TextRun",
    "break_opportunities",
    "can_shape",
    "face_load",
    "fonts_version",
    "has_skin_tones",
    "is_rtl",
    "line_metrics",
    "missing_glyphs",
    "text_draw",
    "text_runs",
    "text_width",
]
