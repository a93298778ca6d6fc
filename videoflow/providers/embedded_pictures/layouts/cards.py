"""Cards that open, divide and close a video: title, chapter, recap, outro."""

from collections.abc import Sequence

from videoflow.providers.embedded_pictures.animation import Sway
from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import contrast, ink_on, mix
from videoflow.providers.embedded_pictures.icons import icon_sprite
from videoflow.providers.embedded_pictures.layouts.figures import add_plate, host_plate, icons_of, timed
from videoflow.providers.embedded_pictures.lettering import Block, line_of
from videoflow.providers.embedded_pictures.sprite import Pad, Sprite
from videoflow.providers.embedded_pictures.wording import figures_in, shortened, without_emoji


def _hosts_row(board: Board, x: float, y: float, *, at: float, size: float = 8.0) -> None:
    for number, host in enumerate(board.spec.get("hosts", ())[:2]):
        plate = host_plate(board, str(host["speaker"]), size=size)
        board.add(plate, x, y, at=at + 0.12 * number, enter="lift")
        x += plate.width + 4.5 * board.unit


def title(board: Board) -> None:
    """The first thing seen: the title in large type, pictograms of the topic, the two hosts."""
    backdrop(board, side="right", weight="bold")
    u, scheme = board.unit, board.scheme
    names = icons_of(board, 3)
    text_area, art = (
        board.safe.split(0.60, 4 * u)
        if board.wide
        else board.safe.stacked(0.62, 3 * u)
        if board.tall
        else board.safe.split(0.72, 2 * u)
    )
    foot = 11 * u if not board.tall else 0
    block = board.fit(
        without_emoji(str(board.spec.get("heading", ""))),
        text_area.inset(top=4 * u, bottom=foot),
        largest=13.5 if board.wide else 12,
        smallest=5.4,
        lines=5 if not board.wide else 4,
        leading=1.04,
    )
    top = text_area.top + max(4 * u, (text_area.height - foot - block.height) * 0.5)
    board.add(board.bar(11 * u, 1.1 * u, scheme.spark, radius=0.5 * u), text_area.left, top - 4 * u, at=0.05, enter="grow_right")
    bottom = board.say(block, text_area.left, top, scheme.ink, at=0.0, stagger=0.05, seconds=0.6)
    if board.tall:
        _hosts_row(board, board.safe.left, min(bottom + 5 * u, board.safe.bottom - 9 * u), at=0.75)
        _plates_below(board, names)
    else:
        _hosts_row(board, text_area.left, min(bottom + 4.5 * u, board.safe.bottom - 8 * u), at=0.3, size=9 if board.wide else 7)
        _plates_beside(board, names, art)


def _plates_below(board: Board, names: Sequence[str]) -> None:
    """Two of a topic's pictograms at the foot of a tall title."""
    u, scheme = board.unit, board.scheme
    add_plate(
        board,
        names[0],
        board.width * 0.76,
        board.height * 0.87,
        30 * u,
        colour=scheme.a,
        at=0.35,
        sway=Sway(dy=0.7 * u, degrees=1.2, period=7),
    )
    add_plate(
        board,
        names[1],
        board.width * 0.30,
        board.height * 0.90,
        17 * u,
        colour=scheme.spark,
        at=0.5,
        sway=Sway(dy=0.6 * u, period=6, phase=0.3),
    )


def _plates_beside(board: Board, names: Sequence[str], art: Area) -> None:
    """A topic's pictograms beside a title: the first one large, the two others over its edges."""
    u, scheme = board.unit, board.scheme
    cx, cy = art.middle
    big = min(art.width * 0.80, art.height * 0.66)
    cx, cy = cx + 1.0 * u, cy + 2 * u
    if not board.wide:
        big, cx, cy = 22 * u, board.width - 14 * u, board.safe.top + 16 * u
    add_plate(board, names[0], cx, cy, big, colour=scheme.a, at=0.06, sway=Sway(dy=0.8 * u, degrees=1.4, period=7))
    add_plate(
        board,
        names[1],
        cx - big * 0.56,
        cy + big * 0.44,
        big * 0.46,
        colour=scheme.spark,
        at=0.16,
        sway=Sway(dy=0.6 * u, degrees=-1.6, period=6, phase=0.3),
    )
    add_plate(
        board,
        names[2],
        cx + big * 0.46,
        cy - big * 0.52,
        big * 0.38,
        colour=scheme.b,
        at=0.26,
        sway=Sway(dy=0.5 * u, degrees=2, period=5, phase=0.6),
    )


def chapter(board: Board) -> None:
    """A section begins: its number, huge and cut by the edge, and its name."""
    backdrop(board, side="corners", weight="quiet")
    u, scheme, spec = board.unit, board.scheme, board.spec
    number, count = int(spec.get("number", 1)), int(spec.get("count", 1))
    on_right = board.chance.random() < 0.5 and not board.tall
    size = (90 if board.wide else 62 if board.tall else 54) * u
    digits = line_of(f"{number}", board.numeral(), round(size), mix(scheme.ground, scheme.ink, 0.92))
    x = (
        board.width - digits.width * 0.92 - 5 * u
        if on_right
        else (board.safe.left - 2 * u if board.wide else board.safe.left - u)
    )
    top = board.safe.top + (board.safe.height - size * 0.72) / 2 if board.wide else board.safe.top
    board.add(digits.sprite, x - digits.left, top + size * 0.72 - digits.above, at=0.0, enter="from_below", seconds=0.75)
    if board.wide:
        reserved = digits.width * 0.95 + 7 * u
        area = (
            board.safe.inset(right=max(0.0, board.safe.right - x + 5 * u))
            if on_right
            else board.safe.inset(left=min(reserved, board.safe.width * 0.5))
        )
        block = board.fit(
            without_emoji(str(spec.get("heading", ""))),
            area.inset(top=8 * u, bottom=6 * u),
            largest=12.5,
            smallest=5,
            lines=4,
            leading=1.05,
        )
        y = area.top + (area.height - block.height) / 2
    else:
        area = Area(board.safe.left, board.safe.top + size * 0.72 + 3 * u, board.safe.right, board.safe.bottom)
        block = board.fit(
            without_emoji(str(spec.get("heading", ""))), area.inset(bottom=4 * u), largest=10, smallest=4.6, lines=3, leading=1.06
        )
        y = area.top + 3 * u
    board.say(block, area.left, y, scheme.ink, at=0.18, stagger=0.1, seconds=0.65)
    tick_y = y + block.height + 3.2 * u
    tone = scheme.spark if contrast(scheme.spark, scheme.ground) >= 1.8 else scheme.ink
    for step in range(min(count, 12)):
        done = step < number
        tick = board.bar((7.0 if step == number - 1 else 3.4) * u, 1.2 * u, tone if done else scheme.shade_2, radius=0.6 * u)
        board.add(
            tick, area.left + step * 4.8 * u + (3.6 * u if step >= number else 0), tick_y, at=0.45 + 0.04 * step, enter="fade"
        )


def _item_parts(item: str) -> tuple[str, str, str]:
    """Split "A song: 95.8 million views" into its name, the figure as people read it, and what it counts."""
    name, _, tail = item.rpartition(": ")
    figures = figures_in(tail) if name else ()
    if len(figures) != 1 or len(tail.split()) > 5:
        return item, "", ""
    return name, figures[0].shown, figures[0].about


def recap(board: Board) -> None:
    """What to remember: a card for each, side by side in a wide frame, else below each other."""
    backdrop(board, side="right", weight="quiet")
    u, scheme = board.unit, board.scheme
    area = board.header()
    items = [without_emoji(str(item)) for item in board.spec.get("items", ())][:4] or [str(board.spec.get("text", ""))]
    head = board.fit(
        str(board.spec.get("heading", "") or "In short"),
        (area.width, 12 * u),
        largest=7.2,
        smallest=4,
        lines=2 if not board.wide else 1,
    )
    y = board.say(head, area.left, area.top + u, scheme.ink, at=0.1) + 3.6 * u
    colours = (scheme.a, scheme.b, scheme.spark, scheme.a)
    columns = len(items) if board.wide and len(items) > 1 else 1
    gap = 2.4 * u
    room = Area(area.left, y, area.right, area.bottom)
    width = (room.width - gap * (columns - 1)) / columns
    parts = [_item_parts(item) if columns > 1 else (item, "", "") for item in items]
    items = [part[0] for part in parts]
    figures = 13 * u if any(part[1] for part in parts) else 0.0
    face = board.text_face(700)
    deep = max(
        board.fit(item, (width - 6 * u, 40 * u), largest=5.4, smallest=2.8, lines=6, face=face, leading=1.2).height
        for item in items
    )
    height = (
        min(room.height, deep + figures + 25 * u)
        if columns > 1
        else min(20 * u, (room.height - gap * (len(items) - 1)) / len(items))
    )
    icons = icons_of(board, len(items) + 2)
    for number, item in enumerate(items):
        at = timed(board, item, 0.35 + 0.35 * number) if board.moving else 0.0
        x = room.left + (width + gap) * number if columns > 1 else room.left
        top = room.top if columns > 1 else room.top + (height + gap) * number
        sprite, margin = (
            _column_card(board, parts[number], (width, height), icons[number], colours[number], figures=figures, number=number)
            if columns > 1
            else _row_card(board, item, (width, height), icons[number], colours[number])
        )
        board.add(sprite, x - margin, top - margin, at=at, enter="from_below", seconds=0.6)


def _column_card(
    board: Board, parts: tuple[str, str, str], size: tuple[float, float], icon: str, tone: str, *, figures: float, number: int
) -> tuple[Sprite, int]:
    """Return one of several cards side by side: icon, words, and at its foot the figure; and the margin of its shadow."""
    u, scheme, (width, height), (item, figure, unit) = board.unit, board.scheme, size, parts
    plate, margin = board.card(width, height)
    pad = Pad(plate.width, plate.height).put(plate, 0, 0)
    _badge_put(board, pad, icon, tone, badge=round(11 * u), side=round(7 * u), x=margin + 3 * u, y=margin + 3 * u)
    room = (width - 6 * u, height - figures - 21 * u)
    text = board.fit(item, room, largest=5.4, smallest=2.6, lines=6, face=board.text_face(700), leading=1.2)
    if figure:
        foot = board.fit(figure, (width - 6 * u, 8 * u), largest=7.6, smallest=3.4, lines=1, face=board.numeral())
        shown = line_of(foot.lines[0], foot.face, foot.size_px, scheme.surface_a if number % 2 == 0 else scheme.surface_b)
        counted = line_of(unit, board.text_face(600), round(3.0 * u), scheme.surface_muted)
        base = margin + height - (7.4 if unit else 3.4) * u
        pad.put(shown.sprite, margin + 3 * u - shown.left, base - shown.above)
        pad.put(counted.sprite, margin + 3 * u - counted.left, base + 4.2 * u - counted.above)
    _lines_put(board, pad, text, margin + 3 * u, margin + 18 * u)
    return pad.sprite(), margin


def _row_card(board: Board, item: str, size: tuple[float, float], icon: str, tone: str) -> tuple[Sprite, int]:
    """Return one of the cards below each other: icon and words; and the margin of its shadow."""
    u, (width, height) = board.unit, size
    plate, margin = board.card(width, height)
    pad = Pad(plate.width, plate.height).put(plate, 0, 0)
    badge = round(min(9 * u, height - 3 * u))
    _badge_put(board, pad, icon, tone, badge=badge, side=round(badge * 0.66), x=margin + 2 * u, y=margin + (height - badge) / 2)
    room = (width - badge - 7 * u, height - 3 * u)
    text = board.fit(item, room, largest=4.2, smallest=2.6, lines=3, face=board.text_face(700), leading=1.16)
    _lines_put(board, pad, text, margin + badge + 4.6 * u, margin + (height - text.height) / 2)
    return pad.sprite(), margin


def _badge_put(board: Board, pad: Pad, icon: str, tone: str, *, badge: int, side: int, x: float, y: float) -> None:
    """Put an icon in the middle of a plate of the tone, round where the look is round."""
    radius = badge / 2 if board.look["corner"] > 8 else board.corner()
    pad.put(board.bar(badge, badge, tone, radius=radius), x, y)
    pad.put(icon_sprite(icon, side, ink_on(tone)), x + (badge - side) / 2, y + (badge - side) / 2)


def _lines_put(board: Board, pad: Pad, text: Block, x: float, y: float) -> None:
    for row, line_text in enumerate(text.lines):
        line = line_of(line_text, text.face, text.size_px, board.scheme.surface_ink)
        pad.put(line.sprite, x - line.left, y + text.baseline(row) - line.above)


def outro(board: Board) -> None:
    """The last picture: a farewell line, the title once more, the hosts."""
    backdrop(board, side="bottom" if not board.wide else "right", weight="bold")
    u, scheme, spec = board.unit, board.scheme, board.spec
    area = board.safe
    head = board.fit(
        str(spec.get("heading", "") or "Thanks for watching"),
        (area.width * (0.66 if board.wide else 1), 34 * u),
        largest=13,
        smallest=5,
        lines=3,
        leading=1.04,
    )
    subtitle = shortened(without_emoji(str(spec.get("title", ""))), 90)
    sub = (
        board.fit(
            subtitle,
            (area.width * (0.6 if board.wide else 1), 12 * u),
            largest=3.8,
            smallest=2.6,
            lines=3,
            face=board.text_face(550),
            leading=1.25,
        )
        if subtitle
        else None
    )
    total = head.height + (3.4 * u + sub.height if sub else 0) + 15 * u
    y = area.top + max(0.0, (area.height - total) / 2)
    board.add(board.bar(11 * u, 1.1 * u, scheme.spark, radius=0.5 * u), area.left, y - 3.2 * u, at=0.05, enter="grow_right")
    y = board.say(head, area.left, y, scheme.ink, at=0.1, seconds=0.7)
    if sub:
        y = board.say(sub, area.left, y + 3.4 * u, scheme.muted, at=0.4, enter="lift")
    _hosts_row(board, area.left, y + 5 * u, at=0.6, size=9.5)
    names = icons_of(board, 2)
    if board.wide:
        cx, cy = area.right - 19 * u, area.middle[1]
        add_plate(board, "hand-waving", cx, cy, 34 * u, colour=scheme.a, at=0.35, sway=Sway(degrees=3.5, period=2.4))
        add_plate(board, names[0], cx - 20 * u, cy + 14 * u, 15 * u, colour=scheme.b, at=0.5, sway=Sway(dy=0.7 * u, period=6))
    elif board.tall:
        add_plate(
            board,
            "hand-waving",
            board.width * 0.74,
            board.height * 0.88,
            28 * u,
            colour=scheme.a,
            at=0.35,
            sway=Sway(degrees=3.5, period=2.4),
        )
