"""Countries: a map that fills the frame and comes nearer, with their flags and names on a card."""

from collections.abc import Callable

import cv2
import numpy as np

from videoflow.providers.embedded_pictures.animation import ease_in_out
from videoflow.providers.embedded_pictures.backdrop import backdrop
from videoflow.providers.embedded_pictures.board import Area, Board
from videoflow.providers.embedded_pictures.colour import contrast, ink_on, luminance, mix, readable
from videoflow.providers.embedded_pictures.geography import MapView, country_name, draw_flag, draw_map, map_labels, view_of
from videoflow.providers.embedded_pictures.geography.projection import homeland
from videoflow.providers.embedded_pictures.lettering import line_of
from videoflow.providers.embedded_pictures.shapes import ring_mask, rounded_mask, shadow
from videoflow.providers.embedded_pictures.sprite import Pad, Sprite, pixels_of, sprite_of_mask, sprite_of_rgba
from videoflow.providers.embedded_pictures.wording import without_emoji

_APPROACH = 1.24
"""The map begins this much smaller than it ends."""
_APPROACH_SECONDS = 2.0
_PULSE_SECONDS = 1.9
_MOST_LABELS = 7


def places(board: Board) -> None:
    """A map with the countries that are spoken of, their flags and names on a card."""
    backdrop(board, weight="plain")
    spec, u = board.spec, board.unit
    countries = [str(code) for code in spec.get("countries", ())][: 3 if board.wide else 2]
    body = Area(board.safe.left, board.safe.top + 7 * u, board.safe.right, board.safe.bottom)
    panel, free = body.split(0.40, 3 * u) if board.wide else body.stacked(0.40, 3 * u)
    tones = _tones(board, len(countries))
    _map(board, countries, tones, free, panel)
    board.header()
    _card(board, panel, countries, tones)


def _tones(board: Board, count: int) -> list[str]:
    scheme = board.scheme
    own = scheme.speaker(str(board.spec.get("speaker", "A")))
    other = scheme.b if own == scheme.a else scheme.a
    return [own, other, scheme.spark][:count]


def _map(board: Board, countries: list[str], tones: list[str], free: Area, panel: Area) -> None:
    """Lay the map; while a clip begins it comes nearer, from a drawing that is larger than the frame."""
    u, scheme = board.unit, board.scheme
    share = _APPROACH if board.moving else 1.0
    width, height = round(board.width * share), round(board.height * share)
    left, top = (width - board.width) // 2, (height - board.height) // 2
    window = (free.left + left, free.top + top, free.right + left, free.bottom + top)
    view = view_of((width, height), countries, window=window)
    if view.kind == "world" and board.wide:  # up to the edge of the frame: its corners are sea
        edge = (window[0] - 2 * u, top + 10 * u, left + board.width - u, top + 0.84 * board.height)
        view = view_of((width, height), countries, window=edge)
    image = draw_map(
        view,
        countries,
        land=mix(scheme.ground, scheme.ink, 0.17),
        highlight_colour=tones,
        border=mix(scheme.ground, scheme.ink, 0.03),
        line_px=0.22 * u,
        grid=mix(scheme.ground, scheme.ink, 0.07),
    )
    pad = Pad(width, height).put(sprite_of_rgba(np.asarray(image)), 0, 0)
    _neighbours(board, pad, view, countries, (left, top), panel)
    whole = pad.sprite()
    final = whole.cropped((left, top, left + board.width, top + board.height))
    if board.moving:
        board.add(final, 0, 0, live=_approach(whole, final, share, (left, top), board), live_until=_APPROACH_SECONDS)
    else:
        board.add(final, 0, 0)
    for number, code in enumerate(countries):
        _pulse(board, view, code, (left, top), number)


def _approach(whole: Sprite, final: Sprite, share: float, offset: tuple[int, int], board: Board) -> Callable[[float], Sprite]:
    first = 1.0 / share
    last: tuple[float, Sprite] = (-1.0, final)

    def at_time(t: float) -> Sprite:
        nonlocal last
        p = min(1.0, max(0.0, t / _APPROACH_SECONDS))
        if p >= 1.0:
            return final
        if last[0] != p:
            e = ease_in_out(p)
            scale = first + (1.0 - first) * e
            matrix = np.array([[scale, 0, -offset[0] * e], [0, scale, -offset[1] * e]], np.float64)
            size = (board.width, board.height)
            light = cv2.warpAffine(whole.light, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            keep = cv2.warpAffine(whole.keep, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            last = (p, Sprite(pixels_of(light), pixels_of(keep)))
        return last[1]

    return at_time


def _neighbours(board: Board, pad: Pad, view: MapView, countries: list[str], offset: tuple[int, int], panel: Area) -> None:
    """Write the names of the countries around where they have room, clear of the card, the captions and the frame's edge."""
    u, scheme = board.unit, board.scheme
    size = 2.5 * u
    tint = mix(mix(scheme.ground, scheme.ink, 0.17), scheme.ink, 0.50)
    taken: list[tuple[float, float, float, float]] = [
        (panel.left - 2 * u, panel.top - 4 * u, panel.right + 2 * u, panel.bottom + 2 * u),
        (0.0, 0.0, board.width * 0.66, board.safe.top + 5 * u),
    ]
    written = 0
    for label in map_labels(view, least_px=1.6 * size, without=countries):
        line = line_of(country_name(label.iso2).upper(), board.text_face(650), round(size), tint)
        x, y = label.x - offset[0], label.y - offset[1]
        box = (x - line.width / 2 - u, y - size, x + line.width / 2 + u, y + size)
        inside = box[0] > u and box[2] < board.width - u and box[1] > u and box[3] < board.safe.bottom
        clear = all(box[2] < a or box[0] > c or box[3] < b or box[1] > d for a, b, c, d in taken)
        if line.width < label.room_px * 2.6 and inside and clear:
            pad.put(line.sprite, label.x - line.width / 2 - line.left, label.y + size * 0.36 - line.above)
            taken.append(box)
            written += 1
        if written == _MOST_LABELS:
            return


def _pulse(board: Board, view: MapView, code: str, offset: tuple[int, int], number: int) -> None:
    """Lay a ring that spreads from the country; a small country keeps a ring around it, so that it is found."""
    u = board.unit
    px = view.flat(homeland(code))
    low, high = px.min(axis=0), px.max(axis=0)
    cx, cy = (low + high) / 2 - np.array(offset)
    extent = float((high - low).max())
    at = _APPROACH_SECONDS * 0.8 if board.moving else 0.0
    if extent < 9 * u:
        d = round(max(extent * 1.5, 7 * u))
        board.add(sprite_of_mask(ring_mask(d, 0.55 * u), board.scheme.ink), cx - d / 2, cy - d / 2, at=at, enter="pop")
    if not board.moving:
        return
    least, most = max(extent * 0.55, 4 * u), max(extent * 0.55, 4 * u) + 13 * u
    side = round(min(most, 40 * u) * 2)
    frames: dict[int, Sprite] = {}

    def at_time(t: float) -> Sprite:
        step = int(max(0.0, t - at - 0.3 * number) * 20) % round(_PULSE_SECONDS * 20)
        if step not in frames:
            p = step / (_PULSE_SECONDS * 20)
            d = round(2 * (least + (min(most, side / 2) - least) * (1 - (1 - p) ** 2)))
            ring = sprite_of_mask(ring_mask(min(d, side), max(2.0, 0.7 * u * (1 - p))), board.scheme.ink, 0.75 * (1 - p))
            pad = Pad(side, side).put(ring, (side - d) / 2, (side - d) / 2)
            frames[step] = pad.sprite()
        return frames[step]

    if extent < 12 * u:
        board.add(at_time(at), cx - side / 2, cy - side / 2, at=at, enter="fade", seconds=0.3, live=at_time)


def _paper(board: Board) -> str:
    """Return the card's colour: the lighter of the look's grounds, where it stands out from the land."""
    lightest = max((str(board.look["ground"]), str(board.look["alternate"])), key=luminance)
    return lightest if contrast(lightest, board.scheme.ground) > 2.5 else board.scheme.surface


def _card(board: Board, area: Area, countries: list[str], tones: list[str]) -> None:
    """Lay the card: flag and name of each country, and the words that go with them."""
    u = board.unit
    phrase = without_emoji(str(board.spec.get("phrase", "")))
    inset, gap = 3.6 * u, 2.6 * u
    inner = area.width - 2 * inset
    one = len(countries) == 1 and board.wide
    flag_w = round((17 if one else 12.5 if len(countries) < 3 else 10.5) * u)
    flag_h = flag_w * 0.75
    names = [
        board.fit(
            country_name(code),
            (inner, 15 * u) if one else (inner - flag_w - 2.4 * u, flag_h),
            largest=8.6 if one else 6.2,
            smallest=2.8,
            lines=2,
            leading=1.04,
        )
        for code in countries
    ]
    rows = [flag_h + 2.6 * u + name.height if one else max(flag_h, name.height) for name in names]
    used = sum(rows) + gap * (len(rows) - 1) + 2 * inset
    room = area.height - used - 3 * u
    block = (
        board.fit(
            phrase,
            (inner, min(room, 17 * u)),
            largest=4.4 if board.wide else 4.6,
            smallest=3.0,
            lines=4 if board.wide else 3,
            face=board.text_face(620),
            leading=1.22,
        )
        if phrase and room > 7 * u
        else None
    )
    height = used + (block.height + 3.2 * u if block else 0)
    top = area.top + max(0.0, (area.height - height) * (0.42 if board.wide else 0.0))
    paper = _paper(board)
    ink = ink_on(paper, str(board.look["ground" if luminance(str(board.look["ground"])) < 0.25 else "alternate"]))
    soft_ink = readable(mix(ink, paper, 0.30), paper, 4.5)
    plate, margin = board.card(area.width, height, paper)
    board.add(plate, area.left - margin, top - margin, at=0.0, enter="from_left" if board.wide else "fade", seconds=0.6)
    x, y = area.left + inset, top + inset
    for number, (code, name, tone, row) in enumerate(zip(countries, names, tones, rows, strict=True)):
        at = 0.12 + 0.16 * number
        flag = sprite_of_rgba(np.asarray(draw_flag(code, flag_w)))
        soft, edge = shadow(rounded_mask(flag.width, flag.height, flag_w / 16), 0.7 * u, 0.35)
        pad = Pad(soft.width, soft.height).put(soft, 0, 0.3 * u).put(flag, edge, edge)
        board.add(pad.sprite(), x - edge, y + (0 if one else (row - flag_h) / 2) - edge, at=at, enter="pop", seconds=0.5)
        if one:
            board.say(name, x, y + flag_h + 2.6 * u, ink, at=at + 0.06)
        else:
            board.say(name, x + flag_w + 2.4 * u, y + (row - name.height) / 2, ink, at=at + 0.06)
        mark = board.bar(0.9 * u, row, tone, radius=0)
        board.add(mark, area.left, y, at=at, enter="fade")
        y += row + gap
    if block:
        board.say(block, x, y - gap + 3.2 * u, soft_ink, at=0.35, enter="lift")
