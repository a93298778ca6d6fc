"""Two sides compared: two halves of the frame, two names, two figures."""

from dataclasses import dataclass

from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on, mix
from videoflow.providers.embedded_pictures.icons import icon_sprite
from videoflow.providers.embedded_pictures.layouts.charts import rows_of
from videoflow.providers.embedded_pictures.layouts.figures import counter, icons_of
from videoflow.providers.embedded_pictures.lettering import Block, line_of
from videoflow.providers.embedded_pictures.shapes import Point, disc_mask, polygon_mask, ring_mask
from videoflow.providers.embedded_pictures.sprite import sprite_of_mask
from videoflow.providers.embedded_pictures.wording import human_amount, plain_title, unit_label, without_emoji


@dataclass(frozen=True, slots=True)
class _Side:
    """One half of the frame; ``value`` is None where only names are compared. Sizes in px."""

    index: int
    shape: list[Point]
    area: Area
    tone: str
    name: Block
    icon: str
    value: float | None
    unit: str


def versus(board: Board) -> None:
    """Two sides of the frame, two names, two figures; the larger bar is the larger figure."""
    backdrop(board, side="corners", weight="quiet")
    scheme = board.scheme
    rows = rows_of(board, 2)
    has_values = len(rows) == 2
    names = (
        [plain_title(str(row["label"])) for row in rows]
        if has_values
        else [without_emoji(str(item)) for item in board.spec.get("items", ())][:2]
    )
    lean = 0.0 if not board.wide else 7 * board.unit * board.chance.choice((-1, 1))
    tones = (scheme.a, scheme.b) if board.chance.random() < 0.5 else (scheme.b, scheme.a)
    halves = _halves(board, lean)
    icons = icons_of(board, 4)
    sides = [
        _Side(
            index,
            shape,
            area,
            mix(tones[index], scheme.ground, 0.04),
            _name_fit(board, [*names, "", ""][index], area, has_values=has_values),
            icons[index],
            float(rows[index]["value"]) if has_values else None,
            str(rows[index].get("unit", "")) if has_values else "",
        )
        for index, (shape, area) in enumerate(halves)
    ]
    tallest = max(side.name.height for side in sides)
    figure_px = _figure_px(board, sides)
    for side in sides:
        _side_lay(board, side, tallest=tallest, figure_px=figure_px)
    _mark_lay(board)


def _halves(board: Board, lean: float) -> list[tuple[list[Point], Area]]:
    """Return each half's outline and the area for what stands in it; one above the other in a tall frame."""
    u, safe, w, h = board.unit, board.safe, float(board.width), float(board.height)
    if board.tall:
        cut = safe.top + safe.height / 2
        return [
            ([(0, 0), (w, 0), (w, cut - 3 * u), (0, cut + 3 * u)], Area(safe.left, safe.top, safe.right, cut - 4 * u)),
            ([(0, cut + 3 * u), (w, cut - 3 * u), (w, h), (0, h)], Area(safe.left, cut + 5 * u, safe.right, safe.bottom)),
        ]
    middle = w / 2
    return [
        ([(0, 0), (middle + lean, 0), (middle - lean, h), (0, h)], Area(safe.left, safe.top, middle - 11 * u, safe.bottom)),
        ([(middle + lean, 0), (w, 0), (w, h), (middle - lean, h)], Area(middle + 11 * u, safe.top, safe.right, safe.bottom)),
    ]


def _name_fit(board: Board, name: str, area: Area, *, has_values: bool) -> Block:
    return board.fit(
        name,
        (area.width, area.height * (0.34 if has_values else 0.6)),
        largest=6.4 if has_values else 11,
        smallest=3.2,
        lines=4 if not board.tall else 2,
        leading=1.1,
    )


def _figure_px(board: Board, sides: list[_Side]) -> float:
    """Return the size at which both figures fit their halves."""
    u = board.unit
    widths = [
        side.area.width / max(0.4, board.text_px(human_amount(side.value, side.unit), board.numeral(), 1) / u)
        for side in sides
        if side.value is not None
    ]
    return min([21 * u, sides[0].area.height * 0.34, *widths])


def _side_lay(board: Board, side: _Side, *, tallest: float, figure_px: float) -> None:
    """Lay one half: its ground, icon and name, and its figure; names of different heights stand on one line."""
    u, area, late = board.unit, side.area, 0.08 * side.index
    ink = ink_on(side.tone)
    board.add(
        sprite_of_mask(polygon_mask(board.width, board.height, [side.shape]), side.tone),
        0,
        0,
        at=0.0,
        enter="from_left" if side.index == 0 else "from_right",
        seconds=0.01 if not board.moving else 0.5,
    )
    has_value = side.value is not None
    icon = round(min(11 * u if has_value else 16 * u, area.height * 0.24))
    what = unit_label(side.unit)
    total = icon + 3.4 * u + tallest + (figure_px * 0.72 + 5.4 * u + (6 * u if what else 0) if has_value else 0)
    y = area.top + max(0.0, (area.height - total) / 2) + tallest - side.name.height
    x, align = (area.left, 0.0) if side.index == 0 or board.tall else (area.right, 1.0)
    drawing = icon_sprite(side.icon, icon, ink, mix(side.tone, ink, 0.22))
    board.add(drawing, x - icon * align, y, at=0.12 + late, enter="pop")
    y += icon + 3.4 * u
    board.say(side.name, x, y, ink, align=align, at=0.16 + late)
    y += side.name.height + 4.6 * u
    if side.value is None:
        return
    counter(board, side.value, side.unit, board.numeral(), figure_px, ink, x, y, align=align, at=0.25 + late, seconds=1.2)
    if what:
        y += figure_px * 0.72 + 2.2 * u
        board.label(what, x, y, mix(ink, side.tone, 0.12), size=4.4, align=align, at=0.4, width=area.width)


def _mark_lay(board: Board) -> None:
    """Lay the disc with "vs" where the halves meet."""
    u, scheme, w, d = board.unit, board.scheme, float(board.width), round(15 * board.unit)
    cx, cy = (w / 2, board.safe.middle[1]) if not board.tall else (w * 0.74, board.safe.top + board.safe.height / 2)
    board.add(sprite_of_mask(disc_mask(d), scheme.ground), cx - d / 2, cy - d / 2, at=0.2, enter="pop")
    board.add(sprite_of_mask(ring_mask(d, 0.7 * u), scheme.spark), cx - d / 2, cy - d / 2, at=0.2, enter="pop")
    text = line_of("vs", board.display(), round(7 * u), scheme.ink)
    board.add(text.sprite, cx - text.width / 2 - text.left, cy + 7 * u * 0.27 - text.above, at=0.24, enter="pop")
