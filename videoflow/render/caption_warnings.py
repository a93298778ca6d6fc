"""What a creator should know about a caption style and a text before the video is made: contrast, size, characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from videoflow import fonts
from videoflow.render.caption_drawing import (
    PAPER,
    Rgb,
    box_opacity,
    caption_layout,
    contrast,
    edge_colour,
    legible,
    outline_px,
    rgb_of,
)
from videoflow.render.caption_style import caption_style_check
from videoflow.render.captions import FACE, captions_break, letter_size_px
from videoflow.render.timeline import CaptionLine, CaptionStyle, CaptionWord, Format
from videoflow.sentences import Sentence

WarningKind = Literal["contrast", "outline", "speaker_colour", "size", "missing_glyph", "skin_tone", "overflow"]

LEAST_CONTRAST = 4.5
"""Source: WCAG 2.2, 1.4.3."""
LEAST_SIZE_SHARE = 0.032
"""Of the shorter side: 35 px at 1080p, about the smallest that is read on a phone at arm's length."""
LEAST_OUTLINE_SHARE = 0.03
_TRIAL_SECONDS_PER_WORD = 0.4


@dataclass(frozen=True, slots=True)
class CaptionWarning:
    kind: WarningKind
    message: str


def caption_warnings(
    style: CaptionStyle, text: str, form: Format | None = None, speaker_colours: Sequence[str] = ()
) -> list[CaptionWarning]:
    """Return what is unwise in a style, and what cannot be drawn of a text; empty when nothing is. About a millisecond.

    Raises:
        BadInput: the style cannot be drawn at all.
    """
    caption_style_check(style)
    if style.name == "none":
        return []
    form = form or Format()
    warnings = [*_contrast_warnings(style, form), *_colour_warnings(style, speaker_colours)]
    if style.size_share < LEAST_SIZE_SHARE:
        px = letter_size_px(form, style)
        warnings.append(
            CaptionWarning(
                "size", Sentence("Letters of %(size)s px are hard to read on a phone; 3.5 %% or more is better.", size=px)
            )
        )
    missing = fonts.missing_glyphs(text, FACE)
    if missing:
        shown = " ".join(f"{letter} (U+{ord(letter[0]):04X})" for letter in missing[:5])
        more = Sentence(" and %(count)s more", count=len(missing) - 5) if len(missing) > 5 else ""
        sentence = Sentence(
            "No font here has these characters, so they are left as boxes: %(letters)s%(more)s.", letters=shown, more=more
        )
        warnings.append(CaptionWarning("missing_glyph", sentence))
    if fonts.has_skin_tones(text):
        sentence = Sentence("Emoji are drawn without the skin tones that the text gives them.")
        warnings.append(CaptionWarning("skin_tone", sentence))
    if _overflows(style, text, form):
        warnings.append(
            CaptionWarning(
                "overflow", Sentence("At this size captions do not fit the part of the frame that every app leaves free.")
            )
        )
    return warnings


def _mixed(colour: Rgb, under: Rgb, opacity: float) -> Rgb:
    red, green, blue = (round(own * opacity + other * (1.0 - opacity)) for own, other in zip(colour, under, strict=True))
    return red, green, blue


def _contrast_warnings(style: CaptionStyle, form: Format) -> list[CaptionWarning]:
    """Compare letters with what is behind them on the picture that is worst for them, white or black."""
    ink, opacity = rgb_of(style.text_colour), box_opacity(style)
    edge = outline_px(style, letter_size_px(form, style))
    if edge >= LEAST_OUTLINE_SHARE * letter_size_px(form, style):
        ratio = contrast(ink, edge_colour(ink))
    elif opacity <= 0.0:
        return [
            CaptionWarning(
                "outline", Sentence("Letters without a box or an outline cannot be read on every picture; add one of them.")
            )
        ]
    else:
        ratio = min(contrast(ink, _mixed(rgb_of(style.box_colour), picture, opacity)) for picture in (PAPER, (0, 0, 0)))
    if ratio >= LEAST_CONTRAST:
        return []
    message = Sentence(
        "The letters have a contrast of %(ratio)s to what is behind them; %(least)s or more can be read.",
        ratio=f"{ratio:.1f}",
        least=f"{LEAST_CONTRAST:g}",
    )
    return [CaptionWarning("contrast", message)]


def _colour_warnings(style: CaptionStyle, speaker_colours: Sequence[str]) -> list[CaptionWarning]:
    """Say which speakers' colours are shown lighter than they were chosen."""
    if not style.speaker_colours:
        return []
    changed = [colour for colour in speaker_colours if legible(rgb_of(colour)) != rgb_of(colour)]
    return [
        CaptionWarning(
            "speaker_colour", Sentence("%(colour)s is too dark to mark words with and is shown lighter.", colour=colour)
        )
        for colour in changed
    ]


def _overflows(style: CaptionStyle, text: str, form: Format) -> bool:
    words = text.split()[:200]
    step = _TRIAL_SECONDS_PER_WORD
    trial = tuple(CaptionWord(word, index * step, (index + 1) * step) for index, word in enumerate(words))
    captions = captions_break([CaptionLine("", trial)], form, style, (len(words) + 5) * step) if trial else ()
    return any(
        caption_layout([[(word.text, word.joined) for word in line] for line in caption.lines], form, style).overflows(form)
        for caption in captions
    )
