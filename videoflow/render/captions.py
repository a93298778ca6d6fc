"""Break spoken turns into captions of at most two lines, at the places where a reader would pause."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from videoflow import fonts
from videoflow.render.caption_style import caption_style_check
from videoflow.render.phrasing import PHRASE_ENDS, Word, break_cost
from videoflow.render.timeline import CaptionLine, CaptionStyle, Format

LEAST_SECONDS = 0.8
MOST_SECONDS = 6.0
MOST_LETTERS_PER_SECOND = 20.0
"""Source: Netflix Timed Text Style Guide, English (adult programmes): 20 characters per second, 5/6 s at least, two lines."""
HOLD_SECONDS = 0.5
"""How long the last words stay when nobody goes on speaking."""
BRIDGE_SECONDS = 0.7
OVERHANG_SECONDS = 0.3
COMFORTABLE_LETTERS_PER_SECOND = 17.0
LINGER_SECONDS = 1.6
"""How much longer than the voice a caption may stand, in a pause, to be read at a comfortable speed."""
FACE = fonts.Face("inter", 700)
_LINE_EMS = {"word": 15.5, "sentence": 20.0, "classic": 21.0}
_PORTRAIT_SIZE = 1.3
_MARKED_SPACE = 1.35
PLATE_SIDES = 1.3
"""What the plate adds to the width of the text, in letter sizes."""
_ADDRESS = re.compile(r"(?<!\w)(?:(?:https?|ftp)://(?:www\.)?|www\.)(?=\w)(\S*?)/?(?=[^\w/]*$)", re.IGNORECASE)
_PARTS = re.compile(r"[/?&=#@:_.,\-‐–—]+(?=[^\W_])")
"""Marks after which an address, a path or a joined word may go on in the next line."""
_SYLLABLE = re.compile(
    r"(?<=[aeiouyäöüáàâéèêíóôú])[^\W\d_aeiouyäöüáàâéèêíóôú]?(?=[^\W\d_aeiouyäöüáàâéèêíóôú][aeiouyäöüáàâéèêíóôú])", re.IGNORECASE
)
"""Ends of syllables, roughly: before the consonant that begins the next one."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands on screen at one time: one or two lines of one speaker."""

    speaker: str
    lines: tuple[tuple[Word, ...], ...]
    start: float
    end: float

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for line in self.lines for word in line)

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines as text, in reading order."""
        return tuple(line_text(line) for line in self.lines)

    @property
    def letters_per_second(self) -> float:
        return sum(len(text) for text in self.texts) / max(0.001, self.end - self.start)


def line_text(words: Sequence[Word]) -> str:
    return "".join(word.text if word.joined or not number else f" {word.text}" for number, word in enumerate(words))


@dataclass(frozen=True, slots=True)
class SafeArea:
    """Where captions may stand, in pixels of the frame: no app's own controls and no television's edge cover it."""

    left: float
    top: float
    right: float
    bottom: float


def safe_area(form: Format) -> SafeArea:
    """Return the safe area of a format: 5 % at the sides; on tall formats what phone apps leave free of their controls."""
    width, height = form.width_px, form.height_px
    if height > width:
        return SafeArea(0.10 * width, 0.10 * height, 0.90 * width, 0.82 * height)
    return SafeArea(0.05 * width, 0.04 * height, 0.95 * width, 0.96 * height)


def letter_size_px(form: Format, style: CaptionStyle) -> int:
    """Return the letter size; tall formats are watched on phones and get larger letters."""
    share = style.size_share * (_PORTRAIT_SIZE if form.height_px > form.width_px else 1.0)
    return max(12, round(share * min(form.width_px, form.height_px)))


def line_limit_px(form: Format, style: CaptionStyle) -> float:
    """Return the widest a line may be: a comfortable number of letters, and always inside the safe margins with its plate."""
    size, safe = letter_size_px(form, style), safe_area(form)
    return max(4.0 * size, min(_LINE_EMS.get(style.name, 20.0) * size, safe.right - safe.left - PLATE_SIDES * size))


@lru_cache(maxsize=20_000)
def word_width_px(text: str, size_px: int) -> float:
    return float(fonts.text_width(text, FACE, size_px))


def space_px(size_px: int, style: CaptionStyle) -> float:
    """Return the width between words; where one is marked, the mark's edge needs room on both sides."""
    return word_width_px(" ", size_px) * (_MARKED_SPACE if style.name == "word" else 1.0)


@dataclass(frozen=True, slots=True)
class _Measure:
    """What decides whether words fit a line."""

    size_px: int
    space_px: float
    limit_px: float

    def width(self, words: Sequence[Word]) -> float:
        spaces = sum(1 for word in words[1:] if not word.joined)
        return sum(word_width_px(word.text, self.size_px) for word in words) + spaces * self.space_px


def _is_hiragana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u309f"


def _is_shown(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cs") and ord(letter) >> 16 != 14


def _is_shown_in_flag(letter: str) -> bool:
    return _is_shown(letter) or 0xE0020 <= ord(letter) <= 0xE007F


def _shown(text: str) -> str:
    """Leave out what no caption can show: control characters, lone surrogates, and plane 14 but for the flags of regions.

    Of an address, what browsers leave out too: the scheme, ``www.`` and a slash at the end.
    """
    is_shown = _is_shown_in_flag if "\U0001f3f4" in text else _is_shown
    plain = "".join(filter(is_shown, text))
    return _ADDRESS.sub(r"\1", plain.strip())


def _pieces(text: str, size_px: int, limit_px: float) -> list[str]:
    """Cut a token where it may be broken, and by letters where it is still wider than a line."""
    inside = [place for place in fonts.break_opportunities(text) if 0 < place < len(text)]
    cuts = [0, *inside, len(text)]
    japanese = any(_is_hiragana(letter) for letter in text)
    longest = 8 if japanese else 4
    pieces = [text[a:b] for a, b in pairwise(cuts) if text[a:b].strip()]
    grouped: list[str] = []
    for piece in pieces:  # single characters are too restless a mark, and a Japanese phrase ends with its particles
        phrase_ends = bool(grouped) and (
            grouped[-1][-1] in PHRASE_ENDS or (japanese and _is_hiragana(grouped[-1][-1]) and not _is_hiragana(piece[0]))
        )
        if grouped and inside and not phrase_ends and len(grouped[-1]) + len(piece) <= longest:
            grouped[-1] += piece
        else:
            grouped.append(piece)
    fitting: list[str] = []
    for piece in grouped:
        rest = piece
        while word_width_px(rest, size_px) > limit_px and len(rest) > 1:
            take = min(len(rest) - 1, max(1, int(len(rest) * limit_px / word_width_px(rest, size_px))))
            while take > 1 and (word_width_px(rest[:take], size_px) > limit_px or _is_one_sign(rest[take - 1 : take + 1])):
                take -= 1
            take = _readable_cut(rest, take)
            fitting.append(rest[:take])
            rest = rest[take:]
        fitting.append(rest)
    return fitting


def _is_one_sign(pair: str) -> bool:
    """Say whether the second letter belongs to the sign that the first is of: an accent, or a part of a joined emoji."""
    return bool(unicodedata.combining(pair[1])) or "\u200d" in pair or pair[1] == "\ufe0f" or ord(pair[1]) >> 16 == 14


def _readable_cut(text: str, most: int) -> int:
    """Return where to cut a text that is too wide, after ``most`` letters at the latest: after a mark, else after a syllable."""
    for ends in (_PARTS, _SYLLABLE):
        places = [found.end() for found in ends.finditer(text[: most + 2]) if most / 3 <= found.end() <= most]
        if places:
            return places[-1]
    return most


def _words(line: CaptionLine, size_px: int, limit_px: float) -> list[Word]:
    words: list[Word] = []
    for token in line.words:
        text = _shown(token.text)
        if not text:
            continue
        pieces = _pieces(text, size_px, limit_px)
        letters, done = sum(len(piece) for piece in pieces), 0
        for number, piece in enumerate(pieces):
            begin = token.start + (token.end - token.start) * done / letters
            done += len(piece)
            words.append(Word(piece, begin, token.start + (token.end - token.start) * done / letters, joined=number > 0))
    return words


def _split_lines(
    words: Sequence[Word], costs: Sequence[float], first: int, last: int, measure: _Measure
) -> tuple[float, int | None] | None:
    """Return the cost of showing words first..last and after which word the line breaks; None when they do not fit two lines.

    ``costs`` says how badly a break after each word reads.
    """
    if measure.width(words[first : last + 1]) <= measure.limit_px:
        return 0.0, None
    best: tuple[float, int | None] | None = None
    for after in range(first, last):
        upper = measure.width(words[first : after + 1])
        if upper > measure.limit_px:
            break
        lower = measure.width(words[after + 1 : last + 1])
        if lower > measure.limit_px:
            continue
        uneven = abs(upper - lower) / measure.limit_px + (0.15 if upper > lower else 0.0)
        cost = 0.35 + 3.0 * uneven * uneven + 0.95 * costs[after]
        if best is None or cost < best[0]:
            best = (cost, after)
    return best


def _turn_captions(words: list[Word], measure: _Measure) -> list[list[list[Word]]]:
    """Choose the breaks of a turn by dynamic programming over the cost of each caption."""
    count = len(words)
    best: list[tuple[float, int, int | None]] = [(float("inf"), 0, None) for _ in range(count + 1)]
    best[0] = (0.0, 0, None)
    costs = [break_cost(words, after) for after in range(count)]
    for last in range(count):
        until = words[last + 1].start if last + 1 < count else words[last].end + HOLD_SECONDS
        for first in range(last, -1, -1):
            fit = _split_lines(words, costs, first, last, measure)
            if fit is None and first < last:
                break
            lines_cost, after = fit or (0.0, None)
            seconds = min(until, words[last].end + BRIDGE_SECONDS) - words[first].start
            letters = sum(len(word.text) + (not word.joined) for word in words[first : last + 1])
            cost = 1.6 + lines_cost + 1.5 * costs[last]
            cost += 12.0 * max(0.0, LEAST_SECONDS - seconds) + 1.2 * max(0.0, 1.3 - seconds)
            cost += 4.0 * max(0.0, seconds - MOST_SECONDS) + 0.25 * max(
                0.0, letters / max(0.1, seconds) - MOST_LETTERS_PER_SECOND
            )
            # A sentence that ends inside a line is read over; one that ends with the first line is not so bad.
            cost += sum(0.5 if index == after else 2.3 for index in range(first, last) if costs[index] == 0.0)
            cost += 1.2 if first == last and count > 1 else 0.0
            if best[first][0] + cost < best[last + 1][0]:
                best[last + 1] = (best[first][0] + cost, first, after)
    captions, end = [], count
    while end:
        _, first, after = best[end]
        captions.append([words[first:end]] if after is None else [words[first : after + 1], words[after + 1 : end]])
        end = first
    return captions[::-1]


def captions_break(lines: Sequence[CaptionLine], form: Format, style: CaptionStyle, seconds: float) -> tuple[Caption, ...]:
    """Return the captions of a video in order; at any time at most one of them stands.

    Each begins with its first word. Within a turn it stays until the next one unless there is a pause; at the end of a turn half
    a second longer, or as long as reading takes, but never more than 0.3 s into the next turn.

    Raises:
        BadInput: the style cannot be drawn; the sentence says what is allowed.
    """
    caption_style_check(style)
    size, limit = letter_size_px(form, style), line_limit_px(form, style)
    measure = _Measure(size, space_px(size, style), limit)
    drafts: list[tuple[str, list[list[Word]], float, float]] = []
    for line in lines:
        words = _words(line, size, limit)
        captions = _turn_captions(words, measure) if words else []
        for number, caption in enumerate(captions):
            spoken_until = caption[-1][-1].end
            following = captions[number + 1][0][0].start if number + 1 < len(captions) else None
            end = (
                following if following is not None and following - spoken_until < BRIDGE_SECONDS else spoken_until + HOLD_SECONDS
            )
            start = caption[0][0].start
            letters = sum(len(line_text(part)) for part in caption)
            readable = min(start + letters / COMFORTABLE_LETTERS_PER_SECOND, spoken_until + LINGER_SECONDS)
            drafts.append((line.speaker, caption, start, max(end, start + LEAST_SECONDS, readable)))
    drafts.sort(key=lambda draft: draft[2])
    result: list[Caption] = []
    free_from = 0.0
    for number, (speaker, caption, start, wish) in enumerate(drafts):
        end = min(wish, seconds)
        if number + 1 < len(drafts):
            following = drafts[number + 1][2]
            spoken_until = caption[-1][-1].end
            end = min(end, following + min(OVERHANG_SECONDS, max(0.0, spoken_until - following)))
        begin = max(start, free_from)
        if end - begin > 0.02:
            result.append(Caption(speaker, tuple(tuple(line) for line in caption), begin, end))
            free_from = end
    return tuple(result)
