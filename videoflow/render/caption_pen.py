"""The captions of one segment, frame by frame."""

from collections.abc import Mapping
from typing import Any

from videoflow.render.caption_drawing import FADE_FRAMES, Overlay, caption_draw, looks_of, mark_moved_area, overlay_make
from videoflow.render.timeline import CaptionStyle, Format


class CaptionPen:
    """Knows which caption a frame shows, rasterises it once, and anew only where the mark moves."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self._form = Format(job["width"], job["height"], job["fps"])
        self._style = CaptionStyle(**job["caption_style"])
        self._states, self._speakers = job["captions"] if self._style.name != "none" else [], job["speakers"]
        self._drawn: Overlay | None = None
        self._number = -1
        self._mark: int | None = None

    def at(self, frame: int) -> tuple[int, int | None, float] | None:
        """Return the caption's number, the marked word's number and the opacity (0 to 1); None when no caption stands."""
        for number, state in enumerate(self._states):
            if not state["from"] <= frame < state["until"]:
                continue
            mark = None
            if self._style.name == "word":
                mark = next((word for begin, word in reversed(state["marks"]) if begin <= frame), None)
            opacity = 1.0
            if state["fade_in"]:
                opacity = min(opacity, (frame - state["from"] + 1) / FADE_FRAMES)
            if state["fade_out"]:
                opacity = min(opacity, (state["until"] - frame) / FADE_FRAMES)
            return number, mark, opacity
        return None

    def overlay(self, number: int, mark: int | None) -> Overlay:
        """Return the caption with its mark; it may be drawn over by the next call."""
        if self._drawn is None or (number, mark) != (self._number, self._mark):
            look, before = looks_of(self._states[number], self._speakers), self._mark
            if self._drawn is None or number != self._number or mark is None or before is None:
                self._drawn = overlay_make(*caption_draw(look, mark, self._form, self._style))
            else:
                changed = mark_moved_area(look, before, mark, self._form, self._style)
                self._drawn.replace(overlay_make(*caption_draw(look, mark, self._form, self._style, changed)))
            self._number, self._mark = number, mark
        return self._drawn
