"""Layouts made of words: kinetic type, statement, question, quote, one-word poster, word and pictogram."""

import re
from collections.abc import Sequence

from videoflow.fonts import is_rtl
from videoflow.providers.embedded_pictures.animation import HEAD_START_SECONDS, Sway
from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import ink_on, mix
from videoflow.providers.embedded_pictures.layouts.figures import (
    add_plate,
    avatar,
    host_of,
    icon_words,
    icons_of,
    monogram,
)
from videoflow.providers.embedded_pictures.lettering import line_of, pieces_of, width_of
from videoflow.providers.embedded_pictures.shapes import polygon_mask
from videoflow.providers.embedded_pictures.sprite import Sprite, sprite_of_mask
from videoflow.providers.embedded_pictures.wording import bare_word, content_words, plain_title, shortened, without_emoji


def _marks(board: Board, text: str, count: int) -> dict[str, str]:
    """Choose the words to colour: the longest content words, in the accents."""
    words = sorted(content_words(text), key=lambda word: (-len(word) - 3 * word[:1].isupper(), word))[:count]
    tone = board.scheme.speaker_text(str(board.spec.get("speaker", "A")))
    return {word.lower(): tone for word in words}


def _lockup(text: str) -> list[str]:
    """Break a phrase into one to four lines of one to three words, short words beside long ones."""
    words = [piece.strip() for piece in pieces_of(text)]
    total = sum(len(word) for word in words) + len(words) - 1
    rows = 1 if len(words) == 1 else 2 if total <= 20 else 3 if total <= 40 else 4
    lines: list[str] = []
    goal = total / rows
    joint = "" if not re.search(r"\s", text.strip()) else " "
    for word in words:
        if lines and (len(lines[-1]) + 1 + len(word) <= goal * 1.18 or len(lines) == rows):
            lines[-1] += joint + word
        else:
            lines.append(word)
    return lines or [""]


def _kinetic_pieces(text: str) -> list[str]:
    return [text] if is_rtl(text) else pieces_of(text)


def _times(board: Board, pieces: list[str]) -> list[float]:
    """Return when each piece of a phrase is spoken, never going back; where the phrase is not said, one after the other."""
    spoken = [(bare_word(str(word[0])), float(word[1])) for word in board.spec.get("words", ())]
    wanted = [bare_word(piece.split()[0]) if piece.split() else "" for piece in pieces]
    starts = [start for start, (word, _) in enumerate(spoken) if word and word == next(iter(wanted), "")]
    begin = max(starts, key=lambda start: _agreeing(wanted, spoken[start:]), default=None)
    last = board.seconds + HEAD_START_SECONDS - 0.3
    if begin is None:
        return [min(0.05 + 0.16 * number, last) for number in range(len(pieces))]
    times: list[float] = []
    place = begin
    for word in wanted:
        place = next((later for later in range(place, min(place + 4, len(spoken))) if spoken[later][0] == word), place)
        at = max(0.05, spoken[min(place, len(spoken) - 1)][1] - 0.08 + HEAD_START_SECONDS)
        times.append(min(max(at, times[-1] + 0.06 if times else at), last))
    return times


def _agreeing(wanted: list[str], spoken: Sequence[tuple[str, float]]) -> int:
    return sum(word == said for word, (said, _) in zip(wanted, spoken, strict=False))


def kinetic(board: Board) -> None:
    """The key phrase as a block of type, every line as wide as the block, each word coming in as it is spoken."""
    backdrop(board, side=board.chance.choice(("right", "corners", "bottom")), weight="quiet")
    u, scheme = board.unit, board.scheme
    area = board.header().inset(top=u)
    phrase = shortened(without_emoji(str(board.spec.get("phrase") or board.spec.get("heading", ""))), 84)
    lines = _lockup(phrase)
    face = board.display()
    width = area.width * (0.94 if board.wide else 1.0)
    largest = (27 if board.wide else 22) * u
    sizes = [min(largest, width / max(0.2, width_of(line, face, 100)) * 100) for line in lines]
    gap = 2.6 * u
    shrink = min(1.0, (area.height - gap * (len(lines) - 1)) / (sum(sizes) * 0.88))
    sizes = [size * shrink for size in sizes]
    steps = [size * (0.88 if re.search("[gjpqy]", text) else 0.78) for text, size in zip(lines, sizes, strict=True)]
    total = sum(steps) + gap * (len(lines) - 1)
    y = area.top + (area.height - total) / 2
    loud = max(range(len(lines)), key=lambda number: len(lines[number]) if len(lines) > 1 else 0)
    align = board.chance.choice((0.0, 0.0, 0.5))
    times = iter(_times(board, [piece for text in lines for piece in _kinetic_pieces(text)]))
    for number, (text, size) in enumerate(zip(lines, sizes, strict=True)):
        tone = scheme.speaker_text(str(board.spec.get("speaker", "A"))) if number == loud else scheme.ink
        full = width_of(text, face, int(size))
        x = area.left + (area.width - full) * align
        before = ""
        for piece in _kinetic_pieces(text):
            line = line_of(piece.rstrip(), face, int(size), tone)
            offset = width_of(before, face, int(size))
            before += piece
            at = next(times)
            if board.moving:  # the whole phrase stands there faintly, each word lights up
                ghost = line_of(piece.rstrip(), face, int(size), mix(scheme.ground, scheme.ink, 0.24))
                place = (x + offset - ghost.left, y + size * 0.74 - ghost.above)
                board.add(ghost.sprite, *place, leave=at + 0.3)
            board.add(line.sprite, x + offset - line.left, y + size * 0.74 - line.above, at=at, enter="fade", seconds=0.24)
        y += steps[number] + gap


def statement(board: Board) -> None:
    """One sentence, large, its main words marked with a highlighter."""
    right = board.chance.random() < 0.7
    backdrop(board, side="right" if right else "corners", weight="quiet")
    u, scheme = board.unit, board.scheme
    area = board.header()
    text = without_emoji(str(board.spec.get("text", "")))
    block = board.fit(
        text,
        area.inset(top=2 * u, right=area.width * (0.10 if board.wide else 0.0), bottom=u),
        largest=12,
        smallest=3.6,
        lines=6,
        leading=1.22,
    )
    y = area.top + max(2 * u, (area.height - block.height) * 0.42)
    marked = set(sorted({w.lower() for w in content_words(text)}, key=lambda w: (-len(w), w))[:3])
    tone = mix(scheme.ground, board.scheme.speaker(str(board.spec.get("speaker", "A"))), 0.88)
    ink = ink_on(tone)
    for number, line_text in enumerate(block.lines):
        baseline = y + block.baseline(number)
        if not is_rtl(line_text):
            x = area.left
            for piece in pieces_of(line_text):
                word = piece.rstrip()
                wide = width_of(word, block.face, block.size_px)
                if word.strip("“”\"'‘’.,;:!?()[]…").lower() in marked:
                    marker = _marker(round(wide + 1.6 * u), round(block.size_px * 1.06), tone, board.chance.uniform(-1, 1))
                    board.add(
                        marker,
                        x - 0.8 * u,
                        baseline - block.size_px * 0.86,
                        at=0.35 + 0.12 * number,
                        enter="grow_right",
                        seconds=0.5,
                    )
                x += width_of(piece, block.face, block.size_px)
    for number, line_text in enumerate(block.lines):
        x = area.left
        rtl = is_rtl(line_text)
        for piece in [line_text] if rtl else pieces_of(line_text):
            word = piece.rstrip()
            is_marked = not rtl and word.strip("“”\"'‘’.,;:!?()[]…").lower() in marked
            line = line_of(word, block.face, block.size_px, ink if is_marked else scheme.ink)
            at = 0.1 + 0.09 * number
            board.add(line.sprite, x - line.left, y + block.baseline(number) - line.above, at=at, enter="rise", seconds=0.55)
            x += width_of(piece, block.face, block.size_px)


def _marker(width: int, height: int, colour: str, lean: float) -> Sprite:
    slope = height * 0.05 * lean
    points = [
        (1.0, height * 0.06 + slope),
        (width - 2.0, height * 0.03 - slope),
        (width - 1.0, height * 0.95 - slope),
        (3.0, height * 0.98 + slope),
    ]
    return sprite_of_mask(polygon_mask(width, height, [points]), colour)


def question(board: Board) -> None:
    """A question, with its mark as a giant sign cut by the edge, and who asks."""
    backdrop(board, side="corners", weight="quiet")
    u, scheme, spec = board.unit, board.scheme, board.spec
    speaker = str(spec.get("speaker", "A"))
    size = (96 if board.wide else 46 if board.tall else 70) * u  # in a tall frame below the captions
    left_side = board.chance.random() < 0.4 and board.wide
    mark = line_of(
        "?", board.display(), round(size), mix(scheme.ground, scheme.speaker(speaker), 0.95 if board.wide or board.tall else 0.30)
    )
    x = (board.safe.left - 5 * u) if left_side else board.width - mark.width - 4 * u
    y = board.safe.top + size * 0.70 if board.wide else (board.height * 0.99 if board.tall else board.height * 0.80)
    board.add(mark.sprite, x - mark.left, y - mark.above, at=0.0, enter="stamp", seconds=0.6, sway=Sway(degrees=1.6, period=5))
    area = board.safe
    if board.wide:
        area = area.inset(left=mark.width + 1 * u) if left_side else area.inset(right=mark.width + 2 * u)
    else:
        area = area.inset(right=8 * u)
    head = 9 * u
    text = without_emoji(str(spec.get("text", "")))
    block = board.fit(text, area.inset(top=head + 4 * u), largest=10.5, smallest=4, lines=5 if board.wide else 6, leading=1.1)
    top = area.top + max(0.0, (area.height - head - 4 * u - block.height) * 0.45)
    d = round(head)
    board.add(avatar(board, speaker, d), area.left, top, at=0.1, enter="pop")
    board.label(
        host_of(board, speaker)["name"],
        area.left + d + 2 * u,
        top + d / 2 - 1.1 * u,
        scheme.muted,
        size=3.0,
        at=0.15,
        width=area.width - d,
    )
    board.say(block, area.left, top + head + 4 * u, scheme.ink, stagger=0.06)


def quote(board: Board) -> None:
    """Words that somebody else said or wrote, on a card, with their source."""
    backdrop(board, side="left", weight="bold")
    u, scheme, spec = board.unit, board.scheme, board.spec
    area = board.safe
    inner_x, foot = (9 if board.wide else 6) * u, 12.5 * u
    source = str(spec.get("attribution", ""))
    text = shortened(plain_title(str(spec.get("text", "")).strip('“”"«»„ ')), 190)
    width = area.width * (0.88 if board.wide else 1.0)
    block = board.fit(
        text,
        (width - inner_x * 2, area.height - 15.5 * u - (foot if source else 4 * u)),
        largest=13,
        smallest=3.2,
        lines=6,
        leading=1.14,
    )
    width = min(width, max(block.width + inner_x * 2 + 2 * u, area.width * 0.56))
    height = min(area.height, block.height + 15.5 * u + (foot if source else 4 * u))
    x, y = area.left + (area.width - width) * 0.5, area.top + (area.height - height) / 2
    plate, margin = board.card(width, height, radius=max(board.corner(), 0))
    board.add(plate, x - margin, y - margin, at=0.0, enter="from_below", seconds=0.6)
    tone = scheme.surface_a if str(spec.get("speaker", "A")) == "A" else scheme.surface_b
    sign = line_of("“", board.display(), round(34 * u), tone)
    board.add(sign.sprite, x + inner_x - 1.2 * u - sign.left, y + 19.5 * u - sign.above, at=0.2, enter="pop")
    bottom = board.say(block, x + inner_x, y + 13.5 * u, scheme.surface_ink, at=0.3, stagger=0.1)
    if source:
        d = 6.4 * u
        board.add(monogram(board, source, d, tone), x + inner_x, bottom + 4 * u, at=0.7, enter="pop")
        board.label(
            source,
            x + inner_x + d + 1.8 * u,
            bottom + 4 * u + d / 2 - 1.05 * u,
            scheme.surface_muted,
            size=3.0,
            at=0.75,
            width=width - inner_x * 2 - d,
        )


def poster(board: Board) -> None:
    """One word as large as the frame allows, over shapes, with a small line beneath."""
    backdrop(board, side="bottom", weight="bold")
    u, scheme, spec = board.unit, board.scheme, board.spec
    area = board.safe
    word = shortened(without_emoji(str(spec.get("word", "") or spec.get("heading", ""))), 22)
    below = shortened(without_emoji(str(spec.get("phrase", ""))), 80)
    block = board.fit(word, area.inset(bottom=14 * u), largest=46, smallest=9, lines=2, leading=0.98)
    sub = (
        board.fit(below, (area.width * 0.8, 11 * u), largest=4.2, smallest=2.8, lines=2, face=board.text_face(650), leading=1.2)
        if below and below.lower() != word.lower()
        else None
    )
    total = block.height + (sub.height + 3 * u if sub else 0)
    y = area.top + (area.height - total) / 2
    names = icons_of(board, 1)
    side = 19 * u
    px = area.right - side * 0.55
    board.say(block, area.left, y, scheme.ink, at=0.05, seconds=0.7)
    if sub:
        strip = Area(
            area.left, y + block.height + 3 * u, area.left + sub.width + 4 * u, y + block.height + 3 * u + sub.height + 2.6 * u
        )
        board.add(board.bar(strip.width, strip.height, scheme.surface), strip.left, strip.top, at=0.35, enter="grow_right")
        board.say(sub, strip.left + 2 * u, strip.top + 1.5 * u, scheme.surface_ink, at=0.5, enter="fade")
    if not board.tall and block.width < area.width - side * 1.1:
        add_plate(
            board, names[0], px, y + total * 0.5, side, colour=scheme.spark, at=0.3, sway=Sway(dy=0.6 * u, degrees=2, period=6)
        )
    elif board.tall:
        add_plate(board, names[0], board.width * 0.78, board.height * 0.88, 26 * u, colour=scheme.spark, at=0.3)


def spotlight(board: Board) -> None:
    """A pictogram scene beside a key phrase."""
    left = board.chance.random() < 0.45
    backdrop(board, side="left" if left else "right", weight="bold")
    u, scheme, spec = board.unit, board.scheme, board.spec
    names = icons_of(board, 3)
    head = board.header(plate=left and board.wide)
    text = without_emoji(str(spec.get("phrase") or spec.get("text", "")))
    if board.tall:
        words, art = head.stacked(0.55, 2 * u)
    elif left:
        art, words = head.split(0.40, 6 * u)
    else:
        words, art = head.split(0.60, 5 * u)
    block = board.fit(
        text, words.inset(top=2 * u, bottom=2 * u), largest=13 if board.wide else 10.5, smallest=3.6, lines=5, leading=1.08
    )
    y = words.top + max(2 * u, (words.height - block.height) * 0.46)
    board.say(block, words.left, y, scheme.ink, at=0.15, marks=_marks(board, text, 2), stagger=0.1)
    cx, cy = art.middle
    big = min(art.width, art.height) * 0.86
    tones = [
        scheme.speaker(str(spec.get("speaker", "A"))),
        scheme.spark,
        scheme.b if spec.get("speaker", "A") == "A" else scheme.a,
    ]
    add_plate(board, names[0], cx, cy, big, colour=tones[0], at=0.1, sway=Sway(dy=0.8 * u, degrees=1.5, period=7))
    if len(icon_words(board)) > 40 or board.chance.random() < 0.6:
        flip = -1 if board.chance.random() < 0.5 else 1
        add_plate(
            board,
            names[1],
            cx + flip * big * 0.46,
            cy + big * 0.40,
            big * 0.36,
            colour=tones[1],
            at=0.35,
            sway=Sway(dy=0.6 * u, period=5, phase=0.4),
        )
