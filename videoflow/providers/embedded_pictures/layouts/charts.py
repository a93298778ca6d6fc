"""Charts of the evidence: bars, columns, bubbles, a line over days, one big figure."""

import math
from collections.abc import Sequence
from typing import Any

from videoflow.providers.embedded_pictures.animation import Sway
from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on, mix
from videoflow.providers.embedded_pictures.layouts.figures import add_plate, counter, icons_of
from videoflow.providers.embedded_pictures.shapes import Point, disc_mask, polygon_mask, stroke_mask
from videoflow.providers.embedded_pictures.sprite import sprite_of_mask
from videoflow.providers.embedded_pictures.wording import human_amount, plain_title, short_date, unit_label, without_emoji

Row = dict[str, Any]
_FORESEEN = 0.30
"""How strongly a bar, column or line is there before it is drawn: a chart says what it says from its first frame."""
_GROWING_SECONDS = 0.75


def rows_of(board: Board, most: int) -> list[Row]:
    """Return the first figures of the shot that can be drawn."""
    return [row for row in board.spec.get("data", ()) if math.isfinite(float(row["value"]))][:most]


def _entering(number: int) -> float:
    """Return when the bar, column or disc of that number begins to grow."""
    return 0.14 + 0.09 * number


def _heading(board: Board, area: Area, *, lines: int = 2, largest: float = 6.4) -> Area:
    """Lay the chart's heading, with what it counts beneath; return what is left below."""
    u = board.unit
    text = without_emoji(str(board.spec.get("heading", "")))
    if not text:
        return area
    block = board.fit(text, (area.width, 15 * u), largest=largest, smallest=3.4, lines=lines)
    bottom = board.say(block, area.left, area.top + u, board.scheme.ink, at=0.05)
    rows = board.spec.get("data", ())
    unit = unit_label(str(rows[0].get("unit", ""))) if rows else ""
    if unit and unit.lower() not in text.lower():
        board.label(unit[:1].upper() + unit[1:], area.left, bottom + 1.6 * u, board.scheme.muted, size=3.0, weight=550, at=0.2)
        bottom += 4.2 * u
    return area.inset(top=bottom - area.top + 3.2 * u)


def bars(board: Board) -> None:
    """Bars that grow, largest in the accent, with counting figures at their ends."""
    backdrop(board, side="corners", weight="quiet", faint=True)
    u, scheme = board.unit, board.scheme
    rows = rows_of(board, 5 if board.wide else 6)
    area = _heading(board, board.header())
    top_value = max([float(row["value"]) for row in rows] + [1e-9])
    pitch = min(area.height / max(1, len(rows)), 19 * u if board.wide else 22 * u)
    start = area.top + (area.height - pitch * len(rows)) * 0.3
    face = board.text_face(800)
    figure_px = min(5.2 * u, pitch * 0.40)
    reserve = (
        max(
            [board.text_px(human_amount(float(row["value"]), str(row.get("unit", ""))), face, figure_px / u) for row in rows]
            + [0]
        )
        + 3 * u
    )
    longest = area.width - reserve
    lead = max(range(len(rows)), key=lambda number: float(rows[number]["value"])) if rows else 0
    rest = mix(scheme.ground, scheme.b if str(board.spec.get("speaker", "A")) == "A" else scheme.a, 0.75)
    for number, row in enumerate(rows):
        y = start + pitch * number
        at = _entering(number)
        value = float(row["value"])
        label = board.fit(
            plain_title(str(row["label"])),
            (area.width * 0.98, pitch * 0.46),
            largest=min(4.4, pitch * 0.34 / u),
            smallest=2.7,
            lines=1,
            face=board.text_face(650),
        )
        board.say(label, area.left, y + pitch * 0.04, scheme.ink, enter="none")
        thick = pitch * 0.36
        bar_y = y + pitch * 0.45
        track = board.bar(longest, thick, scheme.shade)
        board.add(track, area.left, bar_y)
        width = max(thick * 0.4, longest * value / top_value)
        tone = scheme.speaker(str(board.spec.get("speaker", "A"))) if number == lead else rest
        board.add(board.bar(width, thick, mix(scheme.shade, tone, _FORESEEN)), area.left, bar_y)
        board.add(board.bar(width, thick, tone), area.left, bar_y, at=at, enter="grow_right", seconds=_GROWING_SECONDS)
        counter(
            board,
            value,
            str(row.get("unit", "")),
            face,
            figure_px,
            scheme.ink,
            area.right,
            bar_y + thick / 2 - figure_px * 0.36,
            align=1.0,
            at=at,
            seconds=_GROWING_SECONDS,
        )


def columns(board: Board) -> None:
    """Standing columns with their figures on top."""
    backdrop(board, side="corners", weight="quiet", faint=True)
    u, scheme = board.unit, board.scheme
    rows = rows_of(board, 5)
    area = _heading(board, board.header())
    top_value = max([float(row["value"]) for row in rows] + [1e-9])
    gap = (3.4 if board.wide else 2.2) * u
    width = min((area.width - gap * (len(rows) - 1)) / max(1, len(rows)), 30 * u)
    left = area.left + (area.width - width * len(rows) - gap * (len(rows) - 1)) / 2
    label_h = 7.4 * u
    floor = area.bottom - label_h
    figure_px = min(4.6 * u, width * 0.26)
    highest = floor - area.top - figure_px * 1.5
    lead = max(range(len(rows)), key=lambda number: float(rows[number]["value"])) if rows else 0
    for number, row in enumerate(rows):
        x, at, value = left + (width + gap) * number, _entering(number), float(row["value"])
        tall = max(u, highest * value / top_value)
        tone = scheme.speaker(str(board.spec.get("speaker", "A"))) if number == lead else mix(scheme.ground, scheme.ink, 0.26)
        board.add(board.bar(width, tall, mix(scheme.ground, tone, _FORESEEN)), x, floor - tall)
        board.add(board.bar(width, tall, tone), x, floor - tall, at=at, enter="rise", seconds=_GROWING_SECONDS)
        counter(
            board,
            value,
            str(row.get("unit", "")),
            board.text_face(800),
            figure_px,
            scheme.ink,
            x + width / 2,
            floor - tall - figure_px * 1.25,
            align=0.5,
            at=at,
            seconds=_GROWING_SECONDS,
        )
        label = board.fit(
            plain_title(str(row["label"])),
            (width + gap * 0.7, label_h - 1.8 * u),
            largest=3.4,
            smallest=2.6,
            lines=2,
            face=board.text_face(620),
            leading=1.15,
        )
        board.say(label, x + width / 2, floor + 1.9 * u, scheme.ink, align=0.5, enter="none")
    board.add(
        board.bar(area.width, 0.3 * u, mix(scheme.ground, scheme.ink, 0.5), radius=0),
        area.left,
        floor,
        at=0.1,
        enter="grow_right",
    )


def bubbles(board: Board) -> None:
    """Discs whose areas are the figures."""
    backdrop(board, side="corners", weight="quiet", faint=True)
    u, scheme = board.unit, board.scheme
    rows = sorted(rows_of(board, 4), key=lambda row: -float(row["value"]))
    area = _heading(board, board.header())
    gap = 3 * u
    slot = min(25 * u, area.width / max(1, len(rows)) - gap)  # a small disc still needs room for its name
    room = (area.width - gap * (len(rows) - 1), area.height - 8.5 * u)
    sizes, widths = _disc_sizes([float(row["value"]) for row in rows], room, slot, least=6 * u)
    total = sum(widths) + gap * (len(widths) - 1)
    x = area.left + (area.width - total) / 2
    middle = area.top + (area.height - 8.5 * u) / 2
    tones = (scheme.a, scheme.b, scheme.spark, mix(scheme.ground, scheme.ink, 0.45))
    for number, (row, size, width) in enumerate(zip(rows, sizes, widths, strict=True)):
        d, at = round(size), 0.6 * _entering(number)
        x += (width - size) / 2
        board.add(sprite_of_mask(disc_mask(d), tones[number]), x, middle - d / 2, at=at, enter="pop", seconds=0.6)
        text = human_amount(float(row["value"]), str(row.get("unit", "")))
        px = min(d * 0.26, 10 * u)
        inside = board.text_px(text, board.text_face(800), px / u) < d * 0.86 and px > 2.0 * u
        if not inside:
            px = 2.6 * u
        colour = ink_on(tones[number]) if inside else scheme.ink
        fy = middle - px * 0.36 if inside else middle - d / 2 - px * 1.4
        counter(
            board,
            float(row["value"]),
            str(row.get("unit", "")),
            board.text_face(800),
            px,
            colour,
            x + d / 2,
            fy,
            align=0.5,
            at=at + 0.1,
            seconds=_GROWING_SECONDS,
        )
        label = board.fit(
            plain_title(str(row["label"])),
            (max(d + gap * 0.8, slot), 8 * u),
            largest=3.3,
            smallest=2.6,
            lines=3,
            face=board.text_face(650),
            leading=1.16,
        )
        board.say(
            label,
            min(max(x + d / 2, area.left + label.width / 2), area.right - label.width / 2),
            area.bottom - 7.2 * u,
            scheme.ink,
            align=0.5,
            enter="none",
        )
        x += size + (width - size) / 2 + gap


def _disc_sizes(
    values: Sequence[float], room: tuple[float, float], slot: float, *, least: float
) -> tuple[list[float], list[float]]:
    """Return the diameters of discs whose areas are the values, and the widths that they and their names take, in pixels."""
    roots = [math.sqrt(max(0.0, value)) for value in values]
    scale = min(room[0] / (sum(roots) or 1.0), room[1] / (max(roots) or 1.0))
    widths = [max(root * scale, slot) for root in roots]
    if sum(widths) > room[0]:
        names = slot * len(roots)
        scale *= max(0.3, (room[0] - names) / max(1e-9, sum(widths) - names))
        widths = [max(root * scale, slot) for root in roots]
    return [max(root * scale, least) for root in roots], widths


def _nice_ticks(low: float, high: float) -> list[float]:
    span = max(high - low, 1e-9)
    step = 10 ** math.floor(math.log10(span / 2.5))
    for factor in (1, 2, 2.5, 5, 10):
        if span / (step * factor) <= 4.2:
            step *= factor
            break
    first = math.floor(low / step) * step
    ticks = [first]
    while ticks[-1] < high - 1e-9:
        ticks.append(ticks[-1] + step)
    return ticks


def line(board: Board) -> None:
    """A series over days: the line is drawn, the area under it glows, the last figure stands at its end."""
    backdrop(board, side="corners", weight="quiet", faint=True)
    u, scheme = board.unit, board.scheme
    rows = rows_of(board, 31)
    area = _heading(board, board.header())
    values = [float(row["value"]) for row in rows]
    unit = str(rows[0].get("unit", "")) if rows else ""
    low = 0.0 if min(values) < 0.55 * max(values) else min(values) - (max(values) - min(values)) * 0.25
    ticks = _nice_ticks(max(0.0, low), max(values))
    low, high = ticks[0], ticks[-1]
    face = board.text_face(550)
    axis = max(board.text_px(human_amount(tick, unit), face, 2.9) for tick in ticks) + 1.8 * u
    plot = area.inset(left=axis, top=4.5 * u, right=3 * u, bottom=5 * u)
    _scale(board, plot, ticks, unit)
    step = plot.width / max(1, len(values) - 1)
    points = [
        (plot.left + step * number, plot.bottom - plot.height * (value - low) / max(1e-9, high - low))
        for number, value in enumerate(values)
    ]
    tone = scheme.speaker(str(board.spec.get("speaker", "A")))
    drawing = min(1.4, board.seconds * 0.35)
    _curve(board, plot, points, tone, drawing)
    every = max(1, math.ceil(len(rows) / (6 if board.wide else 4)))
    for number, (x, y) in enumerate(points):
        at = 0.05 + drawing * (0.15 + 0.8 * number / max(1, len(points) - 1))
        last = number == len(points) - 1
        if len(points) <= 12 or last:
            d = round((3.0 if last else 2.0) * u)
            board.add(sprite_of_mask(disc_mask(d), scheme.ground), x - d / 2, y - d / 2, at=at, enter="pop", seconds=0.35)
            d2 = round(d * 0.66)
            board.add(sprite_of_mask(disc_mask(d2), tone), x - d2 / 2, y - d2 / 2, at=at, enter="pop", seconds=0.35)
        if number % every == 0 or last:
            text = short_date(str(rows[number].get("date") or rows[number]["label"]))
            align = 1.0 if last and len(points) > 1 else 0.0 if number == 0 else 0.5
            if last or len(points) - 1 - number >= every * 0.7:
                board.label(
                    text, x, plot.bottom + 1.9 * u, scheme.muted, size=2.9, weight=600, align=align, at=at, width=step * every
                )
    if len(points) > 1:
        _tag(board, values[0], unit, points[0], scheme.surface, 0.1, plot, align=0.0)
        _tag(board, values[-1], unit, points[-1], tone, 0.05 + drawing * 0.95, area, align=1.0)


def _scale(board: Board, plot: Area, ticks: Sequence[float], unit: str) -> None:
    """The rules behind a plot, each with its figure before it; the first and the last tick are the plot's foot and top."""
    u, scheme, span = board.unit, board.scheme, max(1e-9, ticks[-1] - ticks[0])
    rule = board.bar(plot.width + 2 * u, 0.16 * u, mix(scheme.ground, scheme.ink, 0.22), radius=0)
    for number, tick in enumerate(ticks):
        y, at = plot.bottom - plot.height * (tick - ticks[0]) / span, 0.05 * number
        board.add(rule, plot.left, y, at=0.05 + at, enter="grow_right", seconds=0.5)
        text = human_amount(tick, unit)
        board.label(text, plot.left - 1.6 * u, y - 1.04 * u, scheme.muted, size=2.9, weight=550, align=1.0, at=0.1 + at)


def _curve(board: Board, plot: Area, points: Sequence[Point], tone: str, seconds: float) -> None:
    """The line through the points and the glow under it, drawn from the left within the seconds."""
    u = board.unit
    x0, y0 = int(plot.left - 2 * u), int(plot.top - 2 * u)
    width, height = int(plot.width + 4 * u), int(plot.height + 4 * u)
    local = [(x - x0, y - y0) for x, y in points]
    ground = plot.bottom - y0
    glow = polygon_mask(width, height, [[*local, (local[-1][0], ground), (local[0][0], ground)]])
    board.add(sprite_of_mask(glow, tone, 0.10), x0, y0)
    board.add(sprite_of_mask(glow, tone, 0.12), x0, y0, at=0.05, enter="draw_right", seconds=seconds)
    stroke = stroke_mask(width, height, [local], 1.15 * u)
    board.add(sprite_of_mask(stroke, tone, _FORESEEN), x0, y0)
    board.add(sprite_of_mask(stroke, tone), x0, y0, at=0.05, enter="draw_right", seconds=seconds)


def _tag(
    board: Board, value: float, unit: str, point: tuple[float, float], colour: str, at: float, area: Area, *, align: float
) -> None:
    u = board.unit
    chip = board.chip(human_amount(value, unit), colour, ink_on(colour), size=4.2)
    x = min(max(point[0] - chip.width * (0.15 if align == 0.0 else 0.85), area.left), area.right - chip.width)
    board.add(chip, x, max(point[1] - chip.height - 2.6 * u, area.top - chip.height - 1.4 * u), at=at, enter="pop")


def figure(board: Board) -> None:
    """One figure as large as it fits, counting up, with what it is beneath."""
    left = board.chance.random() < 0.5
    backdrop(board, side="left" if not left and board.wide else "right", weight="bold")
    u, scheme, spec = board.unit, board.scheme, board.spec
    area = board.header(plate=not left and board.wide)
    rows = rows_of(board, 1)
    value, unit = (float(rows[0]["value"]), str(rows[0].get("unit", ""))) if rows else (0.0, "")
    text = human_amount(value, unit)
    art = min(30 * u, area.height * 0.52) if board.wide else 0.0
    body = area.inset(right=art + 5 * u) if left or not board.wide else area.inset(left=art + 7 * u)
    if not board.wide:
        body = area
    about = without_emoji(str(spec.get("caption", "") or spec.get("heading", "")))
    what = unit_label(unit)
    if what.lower() in about.lower():  # "30 kilograms of honey", not "kilograms" above that
        what = ""
    top_line = board.fit(about, (body.width, 15 * u), largest=7.0, smallest=3.4, lines=3, face=board.text_face(750), leading=1.14)
    size = min(34 * u, body.height * 0.48, body.width / max(0.4, board.text_px(text, board.numeral(), 1) / u))
    total = size * 0.74 + 5 * u + top_line.height + (7.4 * u if what else 0)
    y = body.top + max(1.5 * u, (body.height - total) * 0.45)
    tone = scheme.speaker_text(str(spec.get("speaker", "A")))
    counter(
        board, value, unit, board.numeral(), size, tone, body.left, y, align=0.0, at=0.1, seconds=min(1.0, board.seconds * 0.35)
    )
    y += size * 0.74 + 3.0 * u
    if what:
        board.label(what, body.left, y, scheme.ink, size=6.2, weight=800, at=0.2, width=body.width)
        y += 7.4 * u
    board.add(board.bar(9 * u, 0.7 * u, scheme.spark, radius=0.35 * u), body.left, y + 0.6 * u, at=0.25, enter="grow_right")
    board.say(top_line, body.left, y + 3.6 * u, scheme.ink if not what else scheme.muted, at=0.28, enter="lift")
    name = icons_of(board, 1)[0]
    if board.wide:
        cx = area.right - art * 0.56 if left else area.left + art * 0.5
        add_plate(
            board, name, cx, area.middle[1], art, colour=scheme.spark, at=0.08, sway=Sway(dy=0.8 * u, degrees=1.6, period=6)
        )
    elif board.tall:
        add_plate(board, name, board.width * 0.76, board.height * 0.88, 27 * u, colour=scheme.spark, at=0.2)
