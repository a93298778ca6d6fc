"""Things in an order: ranked rows, points that build up, events on a time line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on, mix
from videoflow.providers.embedded_pictures.icons import icon_sprite, icons_for
from videoflow.providers.embedded_pictures.layouts.figures import timed
from videoflow.providers.embedded_pictures.lettering import Block, line_of
from videoflow.providers.embedded_pictures.shapes import disc_mask
from videoflow.providers.embedded_pictures.sprite import Pad, Sprite, sprite_of_mask
from videoflow.providers.embedded_pictures.wording import human_amount, plain_title, short_date, unit_label, without_emoji


def _put_block(pad: Pad, block: Block, x: float, y: float, colour: str, *, align: float = 0.0) -> None:
    for row, text in enumerate(block.lines):
        line = line_of(text, block.face, block.size_px, colour)
        pad.put(line.sprite, x - line.width * align - line.left, y + block.baseline(row) - line.above)


def ranking(board: Board) -> None:
    """Places one to six, each row a card with its numeral, title and figure."""
    backdrop(board, side="right", weight="quiet", faint=True)
    u, scheme, spec = board.unit, board.scheme, board.spec
    rows = list(spec.get("data", ()))[: 5 if board.wide else 6]
    if not rows:
        rows = [{"label": item, "value": None} for item in list(spec.get("items", ()))[:5]]
    area = board.header()
    head = board.fit(without_emoji(str(spec.get("heading", ""))), (area.width, 13 * u), largest=6.2, smallest=3.6, lines=2)
    y = board.say(head, area.left, area.top + u, scheme.ink, at=0.05) + 3 * u
    room = Area(area.left, y, area.right, area.bottom)
    gap = 1.3 * u
    height = min((room.height - gap * (len(rows) - 1)) / max(1, len(rows)), 15 * u)
    start = room.top + (room.height - height * len(rows) - gap * (len(rows) - 1)) * 0.25
    for number, row in enumerate(rows):
        card, margin = _ranked_card(board, row, number, room.width, height)
        y = start + (height + gap) * number - margin
        board.add(card, room.left - margin, y, at=0.05 + 0.09 * number, enter="from_right", seconds=0.55)


def _ranked_card(board: Board, row: Mapping[str, Any], number: int, width: float, height: float) -> tuple[Sprite, int]:
    """Return the card of one row with the margin around it, in pixels; the first place stands out in the speaker's colour."""
    u, scheme = board.unit, board.scheme
    first = number == 0
    colour = scheme.speaker(str(board.spec.get("speaker", "A"))) if first else scheme.surface
    ink = ink_on(colour) if first else scheme.surface_ink
    plate, margin = board.card(width, height, colour, depth=0.55)
    pad = Pad(plate.width, plate.height).put(plate, 0, 0)
    px = height * 0.62
    numeral = line_of(f"{number + 1}", board.numeral(), round(px), ink if first else scheme.surface_a)
    slot = height * 1.05
    x, y = margin + slot / 2 - numeral.width / 2 - numeral.left, margin + height / 2 + px * 0.36 - numeral.above
    pad.put(numeral.sprite, x, y)
    right = width - 2.6 * u
    if row.get("value") is not None:
        soft = mix(ink, colour, 0.25) if first else scheme.surface_muted
        right -= _put_amount(board, pad, row, margin + right, margin + height / 2, height, ink, soft) + 2.6 * u
    label = board.fit(
        plain_title(str(row["label"])),
        (right - slot - u, height * 0.78),
        largest=min(4.2, height * 0.38 / u),
        smallest=2.6,
        lines=2,
        face=board.text_face(680),
        leading=1.14,
    )
    _put_block(pad, label, margin + slot + u * 0.6, margin + (height - label.height) / 2 + 0.1 * label.size_px, ink)
    return pad.sprite(), margin


def _put_amount(
    board: Board, pad: Pad, row: Mapping[str, Any], right: float, middle: float, height: float, ink: str, soft: str
) -> float:
    """Put a row's figure, and below it what it counts, into its card up to ``right``; return how wide they are."""
    unit = str(row.get("unit", ""))
    amount = line_of(
        human_amount(float(row["value"]), unit), board.text_face(800), round(min(4.0 * board.unit, height * 0.40)), ink
    )
    what = unit_label(unit)
    below = line_of(what, board.text_face(550), round(min(2.6 * board.unit, height * 0.25)), soft) if what else None
    drop = (0.02 if below else 0.15) * height
    pad.put(amount.sprite, right - amount.width - amount.left, middle + drop - amount.above)
    if below:
        pad.put(below.sprite, right - below.width - below.left, middle + 0.30 * height - below.above)
    return max(amount.width, below.width if below else 0)


def points(board: Board) -> None:
    """A list that builds up as its items are spoken."""
    backdrop(board, side="corners", weight="quiet")
    u, scheme, spec = board.unit, board.scheme, board.spec
    items = [without_emoji(plain_title(str(item))) for item in spec.get("items", ())][: 5 if not board.wide else 6]
    area = board.header()
    heading = without_emoji(str(spec.get("heading", "")))
    icons = [icons_for(item, 1, rotate=number + int(spec.get("seed", 0)))[0] for number, item in enumerate(items)]
    if board.wide:
        left, right = area.split(0.36, 5 * u)
        head = board.fit(heading, left.inset(bottom=4 * u), largest=8.6, smallest=3.8, lines=5, leading=1.08)
        board.say(head, left.left, left.top + max(2 * u, (left.height - head.height) * 0.40), scheme.ink, at=0.05)
        room = right
    else:
        head = board.fit(heading, (area.width, 16 * u), largest=7.4, smallest=4, lines=2)
        y = board.say(head, area.left, area.top + u, scheme.ink, at=0.05)
        room = area.inset(top=y - area.top + 3 * u)
    gap = 1.7 * u
    height = min((room.height - gap * (len(items) - 1)) / max(1, len(items)), (15 if board.wide else 19) * u)
    start = room.top + (room.height - height * len(items) - gap * (len(items) - 1)) * (0.5 if board.wide else 0.1)
    tones = (scheme.a, scheme.b, scheme.spark)
    at = 0.0
    for number, item in enumerate(items):
        slot = board.bar(room.width, height, mix(scheme.ground, scheme.ink, 0.055), radius=board.corner())
        board.add(slot, room.left, start + (height + gap) * number, at=0.02 + 0.05 * number, enter="fade", seconds=0.3)
        card, margin = _point_card(board, item, icons[number], tones[number % 3], room.width, height)
        if board.moving:  # as they are spoken, in their order, the first one from the beginning
            spoken = timed(board, item, 0.2 + min(0.5, board.seconds * 0.12) * number)
            at = min(max(spoken, at + 0.25), 0.12 + 0.9 * number)
        board.add(
            card,
            room.left - margin,
            start + (height + gap) * number - margin,
            at=min(at, max(0.2, board.seconds - 1.0)),
            enter="from_right",
            seconds=0.55,
        )


def _point_card(board: Board, item: str, icon: str, tone: str, width: float, height: float) -> tuple[Sprite, int]:
    """Return the card of one item, its pictogram on a badge before its words, with the margin around it in pixels."""
    plate, margin = board.card(width, height, depth=0.7)
    pad = Pad(plate.width, plate.height).put(plate, 0, 0)
    badge = round(height * 0.66)
    plain = board.bar(badge, badge, tone, radius=badge / 2 if board.look["corner"] > 8 else board.corner(0.6))
    edge = margin + height * 0.17
    pad.put(plain, edge, edge)
    side = round(badge * 0.66)
    pad.put(icon_sprite(icon, side, ink_on(tone)), edge + (badge - side) / 2, margin + (height - side) / 2)
    block = board.fit(
        item,
        (width - height * 1.15 - 2 * board.unit, height * 0.8),
        largest=min(4.8, height * 0.38 / board.unit),
        smallest=2.7,
        lines=2,
        face=board.text_face(680),
        leading=1.14,
    )
    top = margin + (height - block.height) / 2 + block.size_px * 0.08
    _put_block(pad, block, margin + height * 1.04, top, board.scheme.surface_ink)
    return pad.sprite(), margin


def timeline(board: Board) -> None:
    """Events or days along a line, each with its figure or words."""
    backdrop(board, side="corners", weight="quiet", faint=True)
    u, scheme, spec = board.unit, board.scheme, board.spec
    rows = list(spec.get("data", ()))[:6] or [{"label": item, "value": None} for item in list(spec.get("items", ()))[:5]]
    if board.tall:
        rows = rows[:5]
    area = board.header()
    head = board.fit(without_emoji(str(spec.get("heading", ""))), (area.width, 13 * u), largest=6.2, smallest=3.6, lines=2)
    y = board.say(head, area.left, area.top + u, scheme.ink, at=0.05) + 4 * u
    room = Area(area.left, y, area.right, area.bottom)
    tone = scheme.speaker(str(spec.get("speaker", "A")))
    loud = scheme.speaker_text(str(spec.get("speaker", "A")))
    thick = 0.7 * u
    d = round(3.4 * u)
    if board.wide:
        axis = room.top + room.height * 0.42
        pitch = room.width / max(1, len(rows))
        board.add(
            board.bar(room.width, thick, mix(scheme.ground, scheme.ink, 0.32), radius=thick / 2),
            room.left,
            axis - thick / 2,
            at=0.15,
            enter="grow_right",
            seconds=0.8,
        )
    else:
        axis = room.left + d / 2
        pitch = min(room.height / max(1, len(rows)), 20 * u)
        board.add(
            board.bar(thick, pitch * len(rows) - pitch * 0.3, mix(scheme.ground, scheme.ink, 0.32), radius=thick / 2),
            axis - thick / 2,
            room.top,
            at=0.15,
            enter="drop",
            seconds=0.8,
        )
    for number, row in enumerate(rows):
        last = number == len(rows) - 1
        event = _Event(
            short_date(str(row.get("date") or "")),
            human_amount(float(row["value"]), str(row.get("unit", ""))) if row.get("value") is not None else "",
            plain_title(str(row["label"])) if str(row["label"]) != str(row.get("date")) else "",
            loud if last else scheme.ink,
            0.15 + 0.12 * number,
        )
        size = round(d * (1.35 if last else 1.0))
        mark = sprite_of_mask(disc_mask(size), tone if last else scheme.spark)
        if board.wide:
            cx = room.left + pitch * (number + 0.5)
            board.add(mark, cx - size / 2, axis - size / 2, at=event.at, enter="pop")
            _event_around(board, event, cx, axis, pitch, bottom=room.bottom)
        else:
            cy = room.top + pitch * number + pitch * 0.3
            board.add(mark, axis - size / 2, cy - size / 2, at=event.at, enter="pop")
            _event_beside(board, event, axis + 5 * u, cy, pitch, right=area.right)


@dataclass(frozen=True, slots=True)
class _Event:
    """One event on a line: each of ``when``, ``figure`` and ``label`` may be empty; ``at`` is when it comes in."""

    when: str
    figure: str
    label: str
    ink: str
    at: float


def _event_around(board: Board, event: _Event, cx: float, axis: float, pitch: float, *, bottom: float) -> None:
    """Lay the figure or the day above the line, and what belongs to it below."""
    u, scheme, at = board.unit, board.scheme, event.at
    if above := event.figure or event.when:
        big = board.fit(
            above, (pitch * 0.92, 9 * u), largest=7.0 if event.figure else 5.4, smallest=2.4, lines=1, face=board.text_face(800)
        )
        board.say(big, cx, axis - 4 * u - big.height, event.ink, align=0.5, at=at, enter="lift")
    if event.figure and event.when:
        board.label(event.when, cx, axis + 4.4 * u, scheme.muted, size=3.2, align=0.5, at=at + 0.05, width=pitch * 0.95)
    elif event.label:
        room = (pitch * 0.9, bottom - axis - 4 * u)
        block = board.fit(event.label, room, largest=4.0, smallest=2.6, lines=5, face=board.text_face(600), leading=1.18)
        board.say(block, cx, axis + 4.2 * u, scheme.ink, align=0.5, at=at + 0.05, enter="fade")


def _event_beside(board: Board, event: _Event, x: float, cy: float, pitch: float, *, right: float) -> None:
    """Lay the figure with its day, or the day with its words, to the right of the line."""
    u, scheme, at = board.unit, board.scheme, event.at
    if event.figure:
        big = board.fit(event.figure, (30 * u, 8 * u), largest=5, smallest=3, lines=1, face=board.text_face(800))
        board.say(big, x, cy - big.height / 2, event.ink, at=at, enter="lift")
        about = event.when or event.label
        board.label(about, x + 27 * u, cy - 1.1 * u, scheme.muted, size=3.1, at=at, width=right - x - 27 * u)
        return
    words = (event.when + " · " if event.when else "") + event.label
    room = (right - x, pitch * 0.85)
    block = board.fit(words, room, largest=5.2, smallest=2.4, lines=3, face=board.text_face(650), leading=1.16)
    board.say(block, x, cy - block.height / 2, scheme.ink, at=at, enter="lift")
