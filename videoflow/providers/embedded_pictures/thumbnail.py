"""The video's thumbnail: a few huge words, one pictogram, the two hosts, on the strongest ground of the look."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from videoflow.providers.base import ProviderError
from videoflow.providers.embedded_pictures.animator import still
from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on
from videoflow.providers.embedded_pictures.icons import icons_for
from videoflow.providers.embedded_pictures.layouts.figures import add_plate, avatar
from videoflow.providers.embedded_pictures.lettering import width_of
from videoflow.providers.embedded_pictures.shapes import disc_mask, polygon_mask
from videoflow.providers.embedded_pictures.sprite import sprite_of_mask
from videoflow.providers.embedded_pictures.wording import key_phrase, plain_title

WIDTH_PX, HEIGHT_PX = 1280, 720
MOST_BYTES = 2_000_000
"""Source: YouTube's limit for custom thumbnails, 2 MB."""


def thumbnail_draw(*, title: str, look: Mapping[str, Any], keywords: Sequence[str], seed: int, out: Path) -> Path:
    """Write a JPEG of 1280 x 720 under 2 MB."""
    spec = {"seed": seed, "ground": "main", "text": title}
    board = Board(WIDTH_PX, HEIGHT_PX, look, spec, 1.0, moving=False)
    _lay(board, plain_title(title), keywords)
    pixels = cv2.cvtColor(still(board.base, board.layers, 60.0), cv2.COLOR_RGB2BGR)
    for quality in (92, 84, 72, 55):
        written, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if written and data.nbytes < MOST_BYTES:
            aside = out.with_name(out.name + ".part")
            with aside.open("wb") as file:
                file.write(data.tobytes())
                file.flush()
                os.fsync(file.fileno())
            aside.replace(out)
            return out
    raise ProviderError("The thumbnail could not be made smaller than 2 MB.")


def headline(title: str) -> str:
    """Return the two to five words that stand for a title: all of it, its first clause (without where), or its densest words."""
    clauses = [clause.strip() for clause in re.split(r"\s*[:|–—,]\s+|\s-\s", title) if clause.strip()]
    first = clauses[0] if clauses else title
    short = [words for words in (title, first, first.rpartition(" in ")[0]) if len(words) <= 36 and 2 <= len(words.split()) <= 5]
    return short[0] if short else key_phrase(first if " vs. " in first else title, 4)


def _lay(board: Board, title: str, keywords: Sequence[str]) -> None:
    backdrop(board, side="right", weight="bold")
    board.layers.clear()  # small shapes would only be dirt at 168 px
    u, scheme = board.unit, board.scheme
    words = headline(title)
    area = Area(5.5 * u, 6 * u, board.width * 0.66, board.height - 6 * u)
    face = board.display()
    block = board.fit(words, area, largest=36, smallest=9, lines=4, leading=1.04, face=face)
    y = area.top + (area.height - block.height) / 2
    loud = max(range(len(block.lines)), key=lambda number: (len(block.lines[number]), number))
    baseline = y + block.baseline(loud)
    wide = width_of(block.lines[loud], face, block.size_px)
    w, h = round(wide + 7 * u), round(block.size_px * 1.04)
    band = polygon_mask(w, h, [[(0, h * 0.05), (w - 1, 0), (w - 2 * u, h - 1), (u, h * 0.97)]])
    board.add(sprite_of_mask(band, scheme.spark), area.left - 3.2 * u, baseline - block.size_px * 0.88)
    board.say(block, area.left, y, scheme.ink, marks=None)
    again = board.fit(
        block.lines[loud],
        (wide + 50, block.size_px * 2.0),
        largest=block.size_px / u,
        smallest=block.size_px / u * 0.9,
        lines=1,
        face=face,
    )
    board.say(again, area.left, baseline - again.cap_px, ink_on(scheme.spark))
    name = icons_for(" ".join([title, *keywords]), 1, rotate=int(board.spec["seed"]))[0]
    cx, big = board.width * 0.825, 47 * u
    add_plate(board, name, cx, 33 * u, big, colour=scheme.a)
    d = round(27 * u)
    for speaker, x in (("A", cx - d * 0.62), ("B", cx + d * 0.52)):
        edge = round(d * 1.09)
        cy = board.height - d * 0.62
        board.add(sprite_of_mask(disc_mask(edge), "#ffffff"), x - edge / 2, cy - edge / 2)
        board.add(avatar(board, speaker, d), x - d / 2, cy - d / 2)
