"""Things in an order: ranked rows, points that build up, events on a time line."""

from dataclasses import dataclass

from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on, mix
from videoflow.providers.embedded_pictures.icons import icon_sprite, icons_for
from videoflow.providers.embedded_pictures.layouts.figures import timed
from videoflow.providers.embedded_pictures.lettering import Block, line_of
from videoflow.providers.embedded_pictures.shapes import disc_mask
from videoflow.providers.embedded_pictures.sprite import Pad, sprite_of_mask
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
        first = number == 0
        colour = scheme.speaker(str(spec.get("speaker", "A"))) if first else scheme.surface
        ink = ink_on(colour) if first else scheme.surface_ink
        soft = mix(ink, colour, 0.25) if first else scheme.surface_muted
        indent = 0.0
        width = room.width - indent
        plate, margin = board.card(width, height, colour, depth=0.55)
        pad = Pad(plate.width, plate.height).put(plate, 0, 0)
        px = height * 0.62
        numeral = line_of(f"{number + 1}", board.numeral(), round(px), ink if first else scheme.surface_a)
        slot = height * 1.05
        pad.put(
            numeral.sprite, margin + slot / 2 - numeral.width / 2 - numeral.left, margin + height / 2 + px * 0.36 - numeral.above
        )
        right = width - 2.6 * u
        if row.get("value") is not None:
            text = human_amount(float(row["value"]), str(row.get("unit", "")))
            amount = line_of(text, board.text_face(800), round(min(4.0 * u, height * 0.40)), ink)
            what = unit_label(str(row.get("unit", "")))
            unit = line_of(what, board.text_face(550), round(min(2.6 * u, height * 0.25)), soft) if what else None
            base = margin + height / 2 + amount.sprite.height * 0.0
            pad.put(
                amount.sprite,
                margin + right - amount.width - amount.left,
                base + (0.15 * height if not unit else 0.02 * height) - amount.above,
            )
            if unit:
                pad.put(unit.sprite, margin + right - unit.width - unit.left, base + 0.30 * height - unit.above)
            right -= max(amount.width, unit.width if unit else 0) + 2.6 * u
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
        board.add(
            pad.sprite(),
            room.left + indent - margin,
            start + (height + gap) * number - margin,
            at=0.2 + 0.16 * number,
            enter="from_right",
            seconds=0.6,
        )


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
        plate, margin = board.card(room.width, height, depth=0.7)
        pad = Pad(plate.width, plate.height).put(plate, 0, 0)
        badge = round(height * 0.66)
        tone = tones[number % 3]
        pad.put(
            board.bar(badge, badge, tone, radius=badge / 2 if board.look["corner"] > 8 else board.corner(0.6)),
            margin + height * 0.17,
            margin + height * 0.17,
        )
        side = round(badge * 0.66)
        pad.put(
            icon_sprite(icons[number], side, ink_on(tone)),
            margin + height * 0.17 + (badge - side) / 2,
            margin + (height - side) / 2,
        )
        block = board.fit(
            item,
            (room.width - height * 1.15 - 2 * u, height * 0.8),
            largest=min(4.8, height * 0.38 / u),
            smallest=2.7,
            lines=2,
            face=board.text_face(680),
            leading=1.14,
        )
        _put_block(
            pad, block, margin + height * 1.04, margin + (height - block.height) / 2 + block.size_px * 0.08, scheme.surface_ink
        )
        if board.moving:  # as they are spoken, in their order, the first one from the beginning
            spoken = timed(board, item, 0.2 + min(0.5, board.seconds * 0.12) * number)
            at = min(max(spoken, at + 0.25), 0.12 + 0.9 * number)
        board.add(
            pad.sprite(),
            room.left - margin,
            start + (height + gap) * number - margin,
            at=min(at, max(0.2, board.seconds - 1.0)),
            enter="from_right",
            seconds=0.55,
        )


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
            seconds=1.2,
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
            seconds=1.2,
        )
    for number, row in enumerate(rows):
        last = number == len(rows) - 1
        event = _Event(
            short_date(str(row.get("date") or "")),
            human_amount(float(row["value"]), str(row.get("unit", ""))) if row.get("value") is not None else "",
            plain_title(str(row["label"])) if str(row["label"]) != str(row.get("date")) else "",
            loud if last else scheme.ink,
            0.3 + 0.22 * number,
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
