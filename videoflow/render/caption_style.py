"""Which caption styles can be drawn."""

import re

from videoflow.errors import BadInput
from videoflow.render.timeline import CaptionStyle
from videoflow.sentences import Sentence

SIZE_SHARES = (0.025, 0.10)
BOTTOM_SHARES = (0.02, 0.45)
OFFSET_SHARES = (-0.5, 0.5)
OUTLINE_SHARES = (0.0, 0.15)

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_RANGES = (
    ("size_share", "The caption size", SIZE_SHARES),
    ("bottom_share", "The captions' distance from the edge", BOTTOM_SHARES),
    ("offset_share", "The captions' offset", OFFSET_SHARES),
    ("outline_share", "The captions' outline", OUTLINE_SHARES),
    ("box_opacity", "The opacity of the captions' box", (0.0, 1.0)),
)


def caption_style_check(style: CaptionStyle) -> None:
    """Refuse a style that cannot be drawn.

    Raises:
        BadInput: with what is wrong, what is allowed, and the field's name in the details.
    """
    if style.name not in ("word", "sentence", "classic", "none"):
        raise BadInput(
            Sentence("There is no caption style “%(name)s”; choose word, sentence, classic or none.", name=style.name),
            details={"name": "unknown"},
        )
    if style.position not in ("top", "middle", "bottom"):
        raise BadInput("Captions stand at the top, in the middle or at the bottom.", details={"position": "unknown"})
    for field, name, (least, most) in _RANGES:
        value = getattr(style, field)
        if value is not None and not least <= value <= most:  # NaN is refused too
            raise BadInput(
                Sentence(
                    "%(name)s is %(value)s %%; %(least)s to %(most)s %% are possible.",
                    name=name,
                    value=f"{value * 100:.1f}",
                    least=f"{least * 100:g}",
                    most=f"{most * 100:g}",
                ),
                details={field: "out of range"},
            )
    for field, name in (("text_colour", "The colour of the captions"), ("box_colour", "The colour of the captions' box")):
        if not _COLOUR.fullmatch(getattr(style, field)):
            raise BadInput(
                Sentence("%(name)s is written as # and six digits, such as #ffffff.", name=name), details={field: "no colour"}
            )
