from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from videoflow.render import CaptionStyle, Format
from videoflow.render.caption_drawing import Overlay, caption_draw, looks_of, overlay_make
from videoflow.render.caption_pen import CaptionPen

FORM = Format(640, 360, 30)
SPEAKERS = {"A": {"name": "Maya", "colour": "#ffb020"}}
TEXTS = {
    "latin": (("(Quickly,", "fjord", "why"), ("not", "jump?")),
    "arabic": (("ماذا", "شاهد", "Netflix", "الناس"),),
    "emoji": (("Bread", "🥖", "wins"), ("again",)),
}


def job(lines: tuple[tuple[str, ...], ...], style: CaptionStyle, marks: list[list[int]]) -> dict[str, Any]:
    state = {
        "from": 0,
        "until": 40,
        "fade_in": False,
        "fade_out": False,
        "speaker": "A",
        "lines": [[[text, False] for text in line] for line in lines],
        "marks": marks,
    }
    size = {"width": FORM.width_px, "height": FORM.height_px, "fps": FORM.fps}
    return {**size, "caption_style": asdict(style), "captions": [state], "speakers": SPEAKERS}


def same(one: Overlay, other: Overlay) -> bool:
    planes = [(one.colour, other.colour), (one.below, other.below)]
    alike = all(np.array_equal(a, b) for ours, theirs in planes for a, b in zip(ours, theirs, strict=True))
    return alike and (one.left, one.top) == (other.left, other.top)


class TestOverlay:
    @pytest.mark.parametrize("name", sorted(TEXTS))
    @pytest.mark.parametrize("outline", [None, 0.08])
    @pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3), (2, 0, 1)])
    def test_a_moved_mark_looks_as_if_drawn_at_once(self, name, outline, order):
        style = CaptionStyle(outline_share=outline)
        spoken = job(TEXTS[name], style, [[at, word] for at, word in enumerate(order)])
        pen, look = CaptionPen(spoken), looks_of(spoken["captions"][0], SPEAKERS)
        for frame, word in enumerate(order):
            place = pen.at(frame)
            assert place == (0, word, 1.0)
            assert same(pen.overlay(0, word), overlay_make(*caption_draw(look, word, FORM, style)))

    def test_stays_as_it_is_while_the_mark_does(self):
        pen = CaptionPen(job(TEXTS["latin"], CaptionStyle(), [[0, 0], [5, 1]]))
        assert pen.at(3) == pen.at(4) == (0, 0, 1.0)
        assert pen.overlay(0, 0) is pen.overlay(0, 0)

    def test_draws_nothing_where_there_is_nothing(self):
        pen = CaptionPen(job(TEXTS["latin"], CaptionStyle(), [[0, 0]]))
        assert pen.at(40) is None
