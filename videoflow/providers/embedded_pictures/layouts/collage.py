"""Many things at once: a wall of words, a spread of video cards, and the two hosts talking."""

from typing import Any

from videoflow.providers.embedded_pictures.animation import Sway
from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on
from videoflow.providers.embedded_pictures.layouts.figures import avatar, host_of, timed, video_card, wave
from videoflow.providers.embedded_pictures.lettering import line_of
from videoflow.providers.embedded_pictures.shapes import disc_mask, polygon_mask, ring_mask, rounded_points, shadow
from videoflow.providers.embedded_pictures.sprite import Pad, Sprite, moved, sprite_of_mask
from videoflow.providers.embedded_pictures.wording import shortened, without_emoji


def stickers(board: Board) -> None:
    """A wall of the topic's words as stickers, those that are spoken now in colour."""
    backdrop(board, side="corners", weight="quiet")
    u, scheme, spec = board.unit, board.scheme, board.spec
    chance = board.seeded("stickers")
    words = [shortened(without_emoji(str(word)), 26) for word in spec.get("items", ()) if str(word).strip()]
    words = list({word.lower().removesuffix("s"): word for word in reversed(words)}.values())[::-1][:16]
    hot = {str(word).lower() for word in spec.get("hot", ())}
    area = board.header()
    tones = [scheme.a, scheme.b, scheme.spark]
    rows = max(2, min(5 if board.wide else 6, round(len(words) / (3.1 if board.wide else 2.0)) or 1))
    lines: list[list[str]] = [[] for _ in range(rows)]
    for word in sorted(words, key=lambda word: (word.lower() not in hot, -len(word))):
        min(lines, key=lambda line: sum(len(each) + 4 for each in line)).append(word)
    pitch = area.height / rows
    size = min(7.6 * u, pitch * 0.39)
    placed = 0
    for number, line in enumerate(lines):
        chance.shuffle(line)
        plates: list[tuple[Sprite, str]] = []
        for word in line:
            tone = tones[placed % 3] if (word.lower() in hot or placed % 4 == 0) else scheme.surface
            ink = ink_on(tone) if tone != scheme.surface else scheme.surface_ink
            plates.append((_sticker(board, word, size * chance.uniform(0.92, 1.12), tone, ink), word))
            placed += 1
        total = sum(plate.width for plate, _ in plates) + 1.2 * u * (len(plates) - 1)
        tallest = max((plate.height for plate, _ in plates), default=1)
        stretch = min(1.5, area.width * 0.96 / max(1.0, total), max(1.0, pitch * 1.12 / tallest))
        x = (
            area.left
            + (area.width - total * stretch) / 2
            + (chance.uniform(-2, 2) * u if total * stretch < area.width * 0.9 else 0)
        )
        for place, (plate, word) in enumerate(plates):
            turned, _, dy = moved(plate, scale=stretch, degrees=chance.uniform(-4.5, 4.5))
            y = area.top + pitch * (number + 0.5) - plate.height / 2
            at = timed(board, word, 0.1 + 0.10 * (place * rows + number) * min(1.0, 14 / max(1, len(words))))
            left = x + plate.width * stretch / 2 - turned.width / 2
            board.add(turned, left, y + dy, at=min(at, max(0.3, board.seconds - 1.2)), enter="pop", seconds=0.5)
            x += (plate.width + 1.2 * u) * stretch


def _sticker(board: Board, word: str, size_px: float, tone: str, ink: str) -> Sprite:
    face = board.display()
    line = line_of(word, face, round(size_px), ink)
    w, h = round(line.width + size_px * 1.25), round(size_px * 1.95)
    plate, margin = board.card(w, h, tone, radius=h / 2 if board.look["corner"] > 8 else board.corner(), depth=0.55)
    pad = Pad(plate.width, plate.height).put(plate, 0, 0)
    return pad.put(line.sprite, margin + (w - line.width) / 2 - line.left, margin + h / 2 + size_px * 0.35 - line.above).sprite()


def videos(board: Board) -> None:
    """The videos behind what is said, as cards."""
    backdrop(board, side="bottom" if not board.tall else "right", weight="quiet")
    u, scheme, spec = board.unit, board.scheme, board.spec
    entries: list[dict[str, Any]] = list(spec.get("videos", ()))[: 3 if board.wide else 2]
    area = board.header()
    heading = without_emoji(str(spec.get("heading", "")))
    if heading and (len(entries) != 1 or not board.wide):
        head = board.fit(heading, (area.width, 9 * u), largest=5.4, smallest=3.2, lines=1 if board.wide else 2)
        y = board.say(head, area.left, area.top + u, scheme.ink, at=0.05) + 3.2 * u
        area = area.inset(top=y - area.top)
    chance = board.seeded("videos")
    if len(entries) == 1:
        _one_video(board, area, entries[0], heading)
        return
    share = 9 / 16 + 0.36
    gap = 3.4 * u
    if not board.wide:
        _overlapping(board, area, entries)
        return
    width = min((area.width - gap * (len(entries) - 1)) / max(1, len(entries)), area.height / share)
    left = area.left + (area.width - width * len(entries) - gap * (len(entries) - 1)) / 2
    top = area.top + (area.height - width * share) / 2
    for number, entry in enumerate(entries):
        sprite, margin = video_card(board, entry, width, number=number + int(spec.get("seed", 0)) % 3)
        turned, dx, dy = moved(sprite, degrees=chance.uniform(-2.2, 2.2))
        x, y = left + (width + gap) * number - margin + dx, top - margin + dy + (1.2 * u if number % 2 else -0.6 * u)
        board.add(
            turned,
            x,
            y,
            at=0.15 + 0.25 * number,
            enter="from_below",
            seconds=0.65,
            sway=Sway(dy=0.5 * u, period=7, phase=number * 0.3),
        )


def _overlapping(board: Board, area: Area, entries: list[dict[str, Any]]) -> None:
    """Lay two cards across the area, the second over the first."""
    u, share = board.unit, 9 / 16 + 0.36
    width = min(area.width * 0.66, area.height * 0.74 / share)
    chance = board.seeded("cards")
    flip = chance.random() < 0.5
    for number, entry in enumerate(entries[:2]):
        sprite, margin = video_card(board, entry, width, number=number + int(board.spec.get("seed", 0)) % 3)
        turned, dx, dy = moved(sprite, degrees=chance.uniform(1.0, 2.6) * (1 if (number == 0) == flip else -1))
        x = area.left if (number == 0) != flip else area.right - width
        y = area.top + u if number == 0 else area.bottom - width * share - u
        board.add(turned, x - margin + dx, y - margin + dy, at=0.15 + 0.3 * number, enter="from_below", seconds=0.65)


def _one_video(board: Board, area: Area, entry: dict[str, Any], heading: str) -> None:
    u, scheme = board.unit, board.scheme
    share = 9 / 16 + 0.36
    width = min(area.height / share, area.width * (0.54 if board.wide else 1.0))
    sprite, margin = video_card(board, entry, width, number=int(board.spec.get("seed", 0)) % 3)
    turned, dx, dy = moved(sprite, degrees=board.chance.uniform(-2.4, 2.4))
    left = area.left if board.chance.random() < 0.5 or not board.wide else area.right - width
    if not board.wide:
        left = area.left + (area.width - width) / 2
    board.add(
        turned,
        left - margin + dx,
        area.top + (area.height - width * share) / 2 - margin + dy,
        at=0.1,
        enter="from_below",
        seconds=0.7,
        sway=Sway(dy=0.5 * u, degrees=0.5, period=7),
    )
    if board.wide:
        room = Area(area.left, area.top, left - 6 * u, area.bottom) if left > area.left else area.inset(left=width + 6 * u)
        block = board.fit(
            str(board.spec.get("phrase", "")) or heading,
            room.inset(top=2 * u, bottom=2 * u),
            largest=8.6,
            smallest=3.4,
            lines=6,
            leading=1.1,
        )
        board.say(block, room.left, room.top + (room.height - block.height) * 0.46, scheme.ink, at=0.3)


def hosts(board: Board) -> None:
    """The two hosts in conversation: who speaks is large and lit, with a dancing wave and the gist of the line in a bubble."""
    backdrop(board, side="bottom" if not board.tall else "top", weight="quiet")
    u, scheme, spec = board.unit, board.scheme, board.spec
    speaker = str(spec.get("speaker", "A"))
    area = board.header()
    text = without_emoji(str(spec.get("phrase") or spec.get("text", "")))
    other = "B" if speaker == "A" else "A"
    if board.wide:
        big, small = round(min(area.height * 0.70, 46 * u)), round(23 * u)
        on_left = speaker == "A"
        cx = area.left + big * 0.52 if on_left else area.right - big * 0.52
        ox = area.right - small * 0.56 if on_left else area.left + small * 0.56
        cy = area.top + big * 0.54
        oy = area.bottom - small * 0.62
        room = (
            Area(cx + big * 0.62, area.top, area.right, area.bottom - 2 * u)
            if on_left
            else Area(area.left, area.top, cx - big * 0.62, area.bottom - 2 * u)
        )
        bubble = Area(room.left, room.top + 1 * u, room.right, room.bottom + 2 * u - small * 1.22)
    else:
        big, small = round(min(area.width * 0.40, area.height * 0.42)), round(17 * u)
        on_left = speaker == "A"
        cx = area.left + big * 0.52 if on_left else area.right - big * 0.52
        ox = area.right - small * 0.56 if on_left else area.left + small * 0.56
        cy = area.bottom - big * 0.62
        oy = area.bottom - small * 0.9
        bubble = Area(area.left, area.top + u, area.right, cy - big * 0.5 - 5 * u)
    tone, quiet = scheme.speaker(speaker), scheme.speaker(other)
    _standing(board, speaker, cx, cy, big, tone, at=0.0, loud=True)
    _standing(board, other, ox, oy, small, quiet, at=0.12, loud=False)
    block = board.fit(
        text, bubble.inset(left=4 * u, top=4.5 * u, right=4 * u, bottom=4.5 * u), largest=9.0, smallest=3.2, lines=5, leading=1.12
    )
    w, h = max(block.width + 8 * u, 34 * u), block.height + 9 * u
    if board.wide:
        left = bubble.left if on_left else bubble.right - w
        top = bubble.top + max(0.0, (bubble.height - h) * 0.5)
    else:
        left = bubble.left if on_left else bubble.right - w
        top = bubble.bottom - h
    sprite, margin = _bubble(board, w, h, on_left, below=not board.wide, at_share=(cx - left) / w)
    board.add(sprite, left - margin, top - margin, at=0.08, enter="pop", seconds=0.5)
    board.say(block, left + 4 * u, top + 4.5 * u, scheme.surface_ink, at=0.16, enter="lift", stagger=0.06)


def _standing(board: Board, speaker: str, cx: float, cy: float, diameter: int, tone: str, *, at: float, loud: bool) -> None:
    u, scheme = board.unit, board.scheme
    if loud:
        halo = round(diameter * 1.13)
        board.add(sprite_of_mask(ring_mask(halo, 0.8 * u), tone), cx - halo / 2, cy - halo / 2, at=at, enter="pop")
    soft, margin = shadow(disc_mask(diameter), 1.8 * u, 0.28)
    figure = avatar(board, speaker, diameter)
    pad = Pad(soft.width, soft.height).put(soft, 0, u).put(figure if loud else _dimmed(figure, scheme.ground), margin, margin)
    board.add(pad.sprite(), cx - diameter / 2 - margin, cy - diameter / 2 - margin, at=at, enter="pop", seconds=0.5)
    host = host_of(board, speaker)
    size = 3.4 if loud else 2.7
    y = cy + diameter / 2 + (3.4 if loud else 1.9) * u
    colour = scheme.ink if loud else scheme.muted
    if loud:
        width = 12 * u
        block = board.fit(
            host["name"],
            (diameter * 0.9 + 4 * u, size * u * 2),
            largest=size,
            smallest=size * 0.6,
            lines=1,
            face=board.text_face(800),
        )
        name = line_of(block.lines[0], block.face, block.size_px, colour)
        total = name.width + 2 * u + width
        cx = min(max(cx, board.safe.left + total / 2), board.safe.right - total / 2)
        board.add(name.sprite, cx - total / 2 - name.left, y + size * u * 0.72 - name.above, at=at + 0.15, enter="fade")
        wave(board, cx - total / 2 + name.width + 2 * u, y + size * u * 0.36, width, 5 * u, tone, at=at + 0.2)
    else:
        board.label(host["name"], cx, y, colour, size=size, weight=650, align=0.5, at=at + 0.15, width=diameter * 1.6)


def _dimmed(sprite: Sprite, ground: str) -> Sprite:
    veil = sprite_of_mask(255 - sprite.keep[:, :, 0], ground, 0.45)
    return Pad(sprite.width, sprite.height).put(sprite, 0, 0).put(veil, 0, 0).sprite()


def _bubble(board: Board, width: float, height: float, on_left: bool, *, below: bool, at_share: float) -> tuple[Sprite, int]:  # noqa: FBT001
    """Return a speech bubble whose tail points at the speaker: to the side, or down."""
    u = board.unit
    tail = 3.4 * u
    space = round(tail + 1)
    w, h = round(width), round(height)
    body = rounded_points(space, space, w + space, h + space, max(board.corner(), 1.2 * u))
    if below:
        x = space + w * min(0.85, max(0.15, at_share))
        point = [
            (x - tail * 0.8, h + space - 1),
            (x + tail * 0.8, h + space - 1),
            (x + (-0.3 if on_left else 0.3) * tail, h + space + tail),
        ]
    else:
        y = space + h * 0.5
        edge = space + 1 if on_left else w + space - 1
        point = [(edge, y - tail * 0.7), (edge, y + tail * 0.7), (edge + (-tail if on_left else tail), y + tail * 0.15)]
    full_w, full_h = w + 2 * space, h + 2 * space
    mask = polygon_mask(full_w, full_h, [body])
    mask = mask | polygon_mask(full_w, full_h, [point])
    soft, margin = shadow(mask, 1.7 * u, 0.26)
    pad = Pad(soft.width, soft.height).put(soft, 0, 0.7 * u).put(sprite_of_mask(mask, board.scheme.surface), margin, margin)
    return pad.sprite(), margin + space
