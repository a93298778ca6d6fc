"""From a line of text to runs of one font and direction, in the order in which they stand on the picture."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Literal

from PIL import ImageFont

from videoflow.fonts.bidi import levels, visual_order
from videoflow.fonts.faces import (
    EMOJI_PX,
    INVISIBLE,
    SARA_AM,
    Face,
    can_shape,
    cjk_file,
    emoji_file,
    file_for,
    font_load,
    has_space,
)

Direction = Literal["ltr", "rtl"]
_ZWJ = "\u200d"
_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_PART = "[\u203c-\u3299\U0001f000-\U0001faff]\ufe0f?"
_EMOJI = re.compile(
    f"(?P<sequence>{_PART}(?:{_ZWJ}{_PART})+|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)"
    f"|[\U000e0000-\U000e0fff]|(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]){_ZWJ}"
)
"""Joined emoji and the flags of regions; and what else cannot be drawn: joiners that join nothing, and the plane of tags and
variation selectors, on whose unassigned characters the layout engine fails."""
_REGION_TAGS = range(0xE0020, 0xE0080)
_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_RTL = {"R", "AL"}
_CJK = re.compile("[\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NOT_FIRST = set("、。，．・：；？！゛゜ヽヾゝゞ々ー）］｝〕〉》」』】’”…‥ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ!),.:;?]}%")
_NOT_LAST = set("（［｛〔〈《「『【‘“([{$£¥")


@dataclass(frozen=True, slots=True)
class TextRun:
    text: str
    font: ImageFont.FreeTypeFont
    direction: Direction | None
    """None where letters are not shaped: only what runs from left to right is drawn then."""
    width_px: float
    is_emoji: bool
    language: str | None
    """For Chinese, Japanese and Korean, which share characters but not their shapes."""
    scale: float
    """1, except for emoji, which are drawn at the one size they have and scaled to the line."""


def is_rtl(text: str) -> bool:
    """Say whether the first strong letter runs from right to left."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in _RTL:
            return True
        if kind == "L":
            return False
    return False


def has_skin_tones(text: str) -> bool:
    """Say whether a text gives its emoji skin tones, which are not drawn."""
    return _TONES.search(text) is not None


def _plain(text: str) -> str:
    """Leave what the fonts can draw: joined emoji in their own picture, else one by one; no skin tones; breaks become spaces."""
    return _BREAKS.sub(" ", _EMOJI.sub(_sequence_drawn, _TONES.sub("", text)))


def _sequence_drawn(match: re.Match[str]) -> str:
    joined = (match["sequence"] or "").replace("\ufe0f", "")
    if not joined or _is_one_picture(joined):
        return joined
    return "".join(char for char in match["sequence"] if char != _ZWJ and ord(char) not in _REGION_TAGS)


@lru_cache(maxsize=2048)
def _is_one_picture(sequence: str) -> bool:
    """Say whether the emoji font has a picture of a sequence; else it draws its parts beside each other, or nothing."""
    font = font_load(emoji_file(), 400, EMOJI_PX)
    return (
        0 < font.getlength(sequence) < 1.5 * font.getlength(sequence[0])
        and font.getmask(sequence, mode="RGBA").getbbox() is not None
    )


def _clusters(text: str) -> Iterator[str]:
    """Yield letters with their marks, joiners and flags' pairs together, so that no run breaks them."""
    cluster = ""
    for char in text:
        is_mark = (
            unicodedata.category(char).startswith("M")
            or char in INVISIBLE
            or char in "\u20e3" + SARA_AM
            or ord(char) in _REGION_TAGS
        )
        is_flag = len(cluster) == 1 and 0x1F1E6 <= ord(cluster) <= 0x1F1FF and 0x1F1E6 <= ord(char) <= 0x1F1FF
        if cluster and (is_mark or is_flag or cluster.endswith((_ZWJ, "\u094d", "\u09cd"))):
            cluster += char
            continue
        if cluster:
            yield cluster
        cluster = char
    if cluster:
        yield cluster


def _font_runs(clusters: list[str], family: str) -> list[tuple[str, Path]]:
    """Join neighbouring clusters of one font; marks and spaces take the font of what stands before them."""
    joined: list[tuple[str, Path]] = []
    for cluster in clusters:
        path = file_for(cluster[0], family)
        if "\ufe0f" in cluster and len(cluster) > 1:
            path = emoji_file()
        if joined and (path is None or (cluster.isspace() and has_space(joined[-1][1]))):
            path = joined[-1][1]
        path = path or file_for(" ", family)
        assert path is not None
        if joined and joined[-1][1] == path:
            joined[-1] = (joined[-1][0] + cluster, path)
        else:
            joined.append((cluster, path))
    return joined


@lru_cache(maxsize=4096)
def text_runs(text: str, face: Face, size_px: int) -> tuple[TextRun, ...]:
    """Return the runs of one line in visual order, from left to right."""
    clusters = list(_clusters(_plain(text)))
    language = _language(text)
    placed: list[tuple[int, TextRun]] = []
    for level, group in groupby(zip(clusters, levels(clusters, base=int(is_rtl(text))), strict=True), key=lambda pair: pair[1]):
        direction: Direction = "rtl" if level % 2 else "ltr"
        for part, path in _font_runs([cluster for cluster, _ in group], face.family):
            placed.append((level, _run(part, path, face, size_px, direction, language)))
    return tuple(visual_order(placed))


def _language(text: str) -> str:
    """Guess which of the languages that share Chinese characters a line is in."""
    if any("\u3040" <= char <= "\u30ff" for char in text):
        return "ja"
    return "ko" if any("\uac00" <= char <= "\ud7af" for char in text) else "zh-Hans"


def _run(text: str, path: Path, face: Face, size_px: int, direction: Direction, language: str) -> TextRun:
    font = font_load(path, face.weight, size_px)
    is_emoji = path == emoji_file()
    scale = size_px * 1.12 / EMOJI_PX if is_emoji else 1.0
    spoken = language if can_shape() and path == cjk_file() else None
    told = direction if can_shape() else None
    return TextRun(text, font, told, font.getlength(text, direction=told, language=spoken) * scale, is_emoji, spoken, scale)


def break_opportunities(text: str) -> tuple[int, ...]:
    """Return the indexes before which a line may begin: after spaces, and between Chinese or Japanese characters."""
    found: list[int] = []
    for index in range(1, len(text)):
        before, char = text[index - 1], text[index]
        if (before.isspace() and not char.isspace()) or (
            (_CJK.match(before) or _CJK.match(char)) and not char.isspace() and char not in _NOT_FIRST and before not in _NOT_LAST
        ):
            found.append(index)
    return tuple(found)
