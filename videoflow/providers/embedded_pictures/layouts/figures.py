"""The people and things that several layouts show: hosts, pictograms on their plates, video cards, counters, sound waves."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from videoflow.fonts import Face
from videoflow.providers.embedded_pictures.animation import HEAD_START_SECONDS, Enter, Layer, Sway, ease_out
from videoflow.providers.embedded_pictures.board import Board
from videoflow.providers.embedded_pictures.colour import ink_on, mix
from videoflow.providers.embedded_pictures.icons import icon_sprite, icons_for
from videoflow.providers.embedded_pictures.lettering import block_fit, line_of
from videoflow.providers.embedded_pictures.shapes import (
    blob_points,
    card,
    disc_mask,
    disc_points,
    polygon_mask,
    ring_mask,
    rounded_mask,
    rounded_points,
    shadow,
)
from videoflow.providers.embedded_pictures.sprite import Pad, Sprite, sprite_of_mask
from videoflow.providers.embedded_pictures.wording import bare_word, human_amount, human_number, initials, plain_title


def host_of(board: Board, speaker: str) -> dict[str, str]:
    for host in board.spec.get("hosts", ()):
        if host["speaker"] == speaker:
            return {"name": str(host["name"]), "role": str(host.get("role", ""))}
    return {"name": speaker, "role": ""}


def avatar(board: Board, speaker: str, diameter: int) -> Sprite:
    """Draw a host: a faceless figure with headphones on a disc of the speaker's colour."""
    return _avatar(
        diameter,
        str(board.look["a" if speaker == "A" else "b"]),
        str(board.look["ground"]),
        str(board.look["spark"]),
        speaker,
        str(board.look["alternate"]),
    )


@lru_cache(maxsize=16)
def _avatar(d: int, colour: str, ground: str, spark: str, speaker: str, alternate: str) -> Sprite:
    dark = ground if ink_on(ground) == "#ffffff" else alternate
    light = alternate if dark == ground else ground
    skin = mix("#f2c9a8", colour, 0.10) if speaker == "A" else mix("#a06a45", colour, 0.08)
    hair = mix(dark, "#000000", 0.15)
    shirt = light if speaker == "A" else spark
    pad = Pad(d, d)

    def fill(outline: list[tuple[float, float]], tint: str) -> None:
        pad.put(sprite_of_mask(polygon_mask(d, d, [[(x * d, y * d) for x, y in outline]]), tint), 0, 0)

    def box(left: float, top: float, right: float, bottom: float, radius: float) -> list[tuple[float, float]]:
        outline = rounded_points(left * d, top * d, right * d, bottom * d, radius * d)
        return [(x / d, y / d) for x, y in outline]

    fill([(0, 0), (1, 0), (1, 1), (0, 1)], colour)
    fill(disc_points(0.5, 0.46, 0.40), mix(colour, "#ffffff", 0.16))
    if speaker == "A":  # a bob behind the head
        fill(box(0.285, 0.22, 0.715, 0.70, 0.20), hair)
    fill(box(0.16, 0.755, 0.84, 1.3, 0.24), shirt)
    fill(box(0.435, 0.58, 0.565, 0.83, 0.06), mix(skin, "#000000", 0.14))
    fill(box(0.335, 0.245, 0.665, 0.685, 0.165), skin)
    if speaker == "A":
        fill(
            [*disc_points(0.5, 0.335, 0.187, 180, 360), (0.687, 0.40), (0.60, 0.375), (0.53, 0.30), (0.42, 0.385), (0.313, 0.41)],
            hair,
        )
    else:  # short hair and a beard
        fill([*disc_points(0.5, 0.335, 0.178, 180, 360), (0.678, 0.37), (0.63, 0.325), (0.37, 0.325), (0.322, 0.37)], hair)
        fill(
            [
                (0.335, 0.50),
                (0.385, 0.545),
                (0.5, 0.535),
                (0.615, 0.545),
                (0.665, 0.50),
                (0.665, 0.55),
                *disc_points(0.5, 0.545, 0.165, 0, 180),
                (0.335, 0.55),
            ],
            hair,
        )
        fill(box(0.455, 0.575, 0.545, 0.60, 0.012), skin)
    band = [*disc_points(0.5, 0.42, 0.245, 180, 360), *disc_points(0.5, 0.42, 0.215, 360, 180)]
    fill(band, mix(dark, "#000000", 0.3))
    for left in (0.232, 0.688):
        fill(box(left, 0.385, left + 0.08, 0.545, 0.035), mix(dark, "#000000", 0.3))
        fill(box(left + 0.022, 0.41, left + 0.058, 0.52, 0.018), spark if speaker == "A" else light)
    return pad.cut(disc_mask(d))


def host_plate(board: Board, speaker: str, *, size: float) -> Sprite:
    """Draw a small avatar with the host's name and role beside it."""
    host = host_of(board, speaker)
    d = round(size * board.unit)
    face = board.text_face(750)
    name = line_of(host["name"], face, round(d * 0.36), board.scheme.ink)
    role = line_of(host["role"], board.text_face(500), round(d * 0.25), board.scheme.muted) if host["role"] else None
    width = d + d * 0.3 + max(name.width, role.width if role else 0) + d * 0.1
    pad = Pad(round(width), d).put(avatar(board, speaker, d), 0, 0)
    x = d * 1.28
    pad.put(name.sprite, x - name.left, (d * 0.46 if role else d * 0.62) - name.above)
    if role:
        pad.put(role.sprite, x - role.left, d * 0.83 - role.above)
    return pad.sprite()


def icon_plate(
    board: Board, name: str, diameter: float, *, colour: str, shape: str | None = None, depth: float = 1.0
) -> tuple[Sprite, int]:
    """Draw a pictogram on a plate of the look's shape with a shadow; return it and the shadow's margin."""
    d = round(diameter)
    ink = ink_on(colour)
    form = shape or {"rings": "disc", "blobs": "blob", "halftone": "disc", "memphis": "disc", "paper": "squircle"}.get(
        str(board.look["shapes"]), "square"
    )
    if form == "disc":
        mask = disc_mask(d)
    elif form == "blob":
        mask = polygon_mask(d, d, [blob_points(d / 2, d / 2, d * 0.445, board.seeded("plate" + name), wobble=0.10)])
    else:
        mask = rounded_mask(d, d, d * (0.26 if form == "squircle" else 0.0) or board.corner())
    soft, margin = shadow(mask, max(4.0, d * 0.055 * depth), 0.30)
    pad = Pad(d + 2 * margin, d + 2 * margin).put(soft, 0, d * 0.03)
    pad.put(sprite_of_mask(mask, colour), margin, margin)
    side = round(d * 0.58)
    tint = mix(colour, "#ffffff", 0.62) if ink == "#14131a" else mix(colour, str(board.look["spark"]), 0.85)
    pad.put(icon_sprite(name, side, ink, tint), margin + (d - side) / 2, margin + (d - side) / 2)
    return pad.sprite(), margin


def add_plate(
    board: Board,
    name: str,
    cx: float,
    cy: float,
    diameter: float,
    *,
    colour: str,
    at: float = 0.0,
    enter: Enter = "pop",
    sway: Sway | None = None,
    shape: str | None = None,
) -> None:
    sprite, _ = icon_plate(board, name, diameter, colour=colour, shape=shape)
    board.add(sprite, cx - sprite.width / 2, cy - sprite.height / 2, at=at, enter=enter, seconds=0.6, sway=sway)


def icon_words(board: Board) -> str:
    """Return the text by which pictograms are chosen: what is said here first, the topic last."""
    spec = board.spec
    listed = " ".join(str(item) for item in spec.get("items", ()))
    return " ".join(
        str(part) for part in (spec.get("text", ""), spec.get("heading", ""), listed, spec.get("section", "")) if part
    )


def icons_of(board: Board, count: int) -> tuple[str, ...]:
    return icons_for(icon_words(board), count, rotate=int(board.spec.get("seed", 0)), topic=str(board.spec.get("topic", "")))


def counter(
    board: Board,
    value: float,
    unit: str,
    face: Face,
    size_px: float,
    colour: str,
    x: float,
    y: float,
    *,
    align: float,
    at: float,
    seconds: float,
) -> float:
    """Count up to a figure; ``y`` is the top of its digits. Returns the width of the final figure in px."""
    final = line_of(human_amount(value, unit), face, round(size_px), colour)
    room = round(size_px * 1.7)  # on the way up a figure may be wider than at its end: 24.5M before 28M
    width = final.sprite.width + 2 * room
    left = x - final.width * align - final.left - room
    shown: dict[str, Sprite] = {}

    def at_time(t: float) -> Sprite:
        p = ease_out(min(1.0, max(0.0, (t - at) / seconds)))
        text = human_amount(value, unit) if p >= 0.999 else human_amount(_whole(value * p, value, unit), unit)
        if text not in shown:
            line = line_of(text, face, round(size_px), colour)
            shown[text] = Pad(width, final.sprite.height).put(line.sprite, room + (final.width - line.width) * align, 0).sprite()
        return shown[text]

    board.add(
        at_time(1e9),
        left,
        y + size_px * 0.72 - final.above,
        at=at,
        enter="fade",
        seconds=0.25,
        live=at_time,
        live_until=at + seconds,
    )
    return final.width


def _whole(value: float, final: float, unit: str) -> float:
    return float(round(value)) if final >= 10 and unit not in ("x", "×") else round(value, 1)


def wave(board: Board, x: float, y: float, width: float, height: float, colour: str, *, bars: int = 13, at: float = 0.0) -> Layer:
    """Lay a sound wave that dances while the clip runs; ``y`` is its middle."""
    w, h = round(width), round(height)
    chance = board.seeded("wave")
    phases = [(chance.uniform(0, 1), chance.uniform(1.1, 2.3), chance.uniform(0.5, 1.0)) for _ in range(bars)]
    pitch = w / bars
    frames: dict[int, Sprite] = {}

    def at_time(t: float) -> Sprite:
        step = int(t * 15) % 60
        if step not in frames:
            outlines = []
            for number, (phase, speed, size) in enumerate(phases):
                envelope = math.sin(math.pi * (number + 0.5) / bars) ** 0.6
                level = 0.16 + 0.84 * envelope * size * abs(math.sin(math.tau * (round(speed * 4) * step / 60 + phase)))
                tall = max(pitch * 0.5, h * level)
                cx = pitch * (number + 0.5)
                outlines.append(
                    rounded_points(cx - pitch * 0.27, h / 2 - tall / 2, cx + pitch * 0.27, h / 2 + tall / 2, pitch * 0.27)
                )
            frames[step] = sprite_of_mask(polygon_mask(w, h, outlines), colour)
        return frames[step]

    return board.add(at_time(1.0), x, y - h / 2, at=at, enter="fade", seconds=0.3, live=at_time)


def video_card(board: Board, entry: dict[str, Any], width: float, *, number: int) -> tuple[Sprite, int]:
    """Draw a card for one video: a designed field instead of its thumbnail, title, channel, views."""
    w = round(width)
    field_h = round(w * 9 / 16)
    foot_h = round(w * 0.36)
    sprite, margin = board.card(w, field_h + foot_h, radius=min(board.corner(), w * 0.06))
    pad = Pad(sprite.width, sprite.height).put(sprite, 0, 0)
    colours = [str(board.look[key]) for key in ("a", "b", "spark")]
    tone = colours[number % 3]
    other = colours[(number + 1) % 3]
    art = _field(w, field_h, tone, other, form=board.seeded(f"card{number}").randrange(4))
    title = plain_title(str(entry["title"]))
    name = icons_for(title, 1, rotate=number)[0]
    side = round(field_h * 0.56)
    ink = ink_on(tone)
    art.put(
        icon_sprite(name, side, ink, mix(tone, "#ffffff", 0.6) if ink == "#14131a" else other),
        (w - side) / 2,
        (field_h - side) / 2,
    )
    views = entry.get("value")
    if views:
        badge = board.chip(human_number(float(views)) + " views", "#100f16", "#ffffff", size=w * 0.043 / board.unit)
        art.put(badge, w - badge.width - w * 0.035, field_h - badge.height - w * 0.035)
    pad.put(art.cut(_top_rounded(w, field_h, min(board.corner(), w * 0.06))), margin, margin)
    _foot_put(board, pad, entry, title, w, foot_h, left=margin, top=margin + field_h)
    return pad.sprite(), margin


def _field(w: int, h: int, tone: str, other: str, *, form: int) -> Pad:
    """Return a field of one of four forms: a ring, three stripes, a disc, a skyline."""
    art = Pad(w, h).put(card(w, h, 0, tone), 0, 0)
    if form == 0:
        return art.put(sprite_of_mask(ring_mask(round(w * 0.9), w * 0.12), mix(tone, other, 0.55)), w * 0.45, -h * 0.5)
    if form == 1:
        for start in (0.0, 0.28, 0.56):
            stripe = [(w * (0.2 + start), 0), (w * (0.34 + start), 0), (w * (0.1 + start), h), (w * (-0.04 + start), h)]
            art.put(sprite_of_mask(polygon_mask(w, h, [stripe]), mix(tone, other, 0.5)), 0, 0)
        return art
    if form == 2:
        return art.put(sprite_of_mask(disc_mask(round(w * 0.62)), mix(tone, other, 0.6)), w * 0.55, h * 0.25)
    skyline = [(0, h), (w * 0.4, h * 0.35), (w * 0.65, h * 0.7), (w, h * 0.2), (w, h)]
    return art.put(sprite_of_mask(polygon_mask(w, h, [skyline]), mix(tone, other, 0.55)), 0, 0)


def _foot_put(board: Board, pad: Pad, entry: dict[str, Any], title: str, w: int, foot_h: int, *, left: float, top: float) -> None:
    """Put a card's title and channel below its field."""
    inner = w * 0.055
    block = block_fit(
        title,
        board.text_face(720),
        width=w - 2 * inner,
        height=foot_h * 0.62,
        largest_px=w * 0.068,
        smallest_px=w * 0.052,
        max_lines=2,
        leading=1.18,
    )
    for row, text in enumerate(block.lines):
        line = line_of(text, block.face, block.size_px, board.scheme.surface_ink)
        pad.put(line.sprite, left + inner - line.left, top + w * 0.055 + block.baseline(row) - line.above)
    channel = str(entry.get("channel", ""))
    if channel:
        label = block_fit(
            channel,
            board.text_face(550),
            width=w - 2 * inner,
            height=w * 0.08,
            largest_px=w * 0.048,
            smallest_px=w * 0.044,
            max_lines=1,
        )
        line = line_of(label.lines[0], label.face, label.size_px, board.scheme.surface_muted)
        pad.put(line.sprite, left + inner - line.left, top + foot_h - w * 0.06 - line.above)


def _top_rounded(width: int, height: int, radius: float) -> Any:
    return polygon_mask(width, height, [rounded_points(0.5, 0.5, width + 0.5, height + radius * 2 + 1, radius)])


def monogram(board: Board, name: str, diameter: float, colour: str) -> Sprite:
    d = round(diameter)
    pad = Pad(d, d).put(sprite_of_mask(disc_mask(d), colour), 0, 0)
    line = line_of(initials(name), board.text_face(800), round(d * 0.40), ink_on(colour))
    return pad.put(line.sprite, d / 2 - line.width / 2 - line.left, d / 2 + d * 0.40 * 0.36 - line.above).sprite()


def timed(board: Board, text: str, fallback: float) -> float:
    """Return the moment of the movement at which a text is spoken; ``fallback`` when it is not."""
    wanted = [bare_word(word) for word in text.split()]
    wanted = [word for word in wanted if len(word) > 2]
    spoken = [(bare_word(str(word[0])), float(word[1])) for word in board.spec.get("words", ())]
    for word in wanted[:3]:
        for said, start in spoken:
            if said == word:
                return max(0.15, start - 0.08 + HEAD_START_SECONDS)
    return fallback


Layout = Callable[[Board], None]
