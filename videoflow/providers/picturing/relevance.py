"""How much a found picture has to do with what is said, and why, in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from videoflow.providers.picturing.found import Found, Query, Wish
from videoflow.sentences import Sentence, sentences_joined

_WORD = re.compile(r"[^\W_]+")
_WORDS_SHARE, _ORDER_SHARE, _SHAPE_SHARE, _SIZE_SHARE = 0.6, 0.2, 0.12, 0.08
_BROAD_FACTOR = 0.55
_ORDER_SPAN = 40
"""From this place on in the service's order, its place says nothing for a picture."""
_SHOWN_WORDS = 4
_STEM_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Relevance:
    score: float
    """0 to 1."""
    why: str


def stem(word: str) -> str:
    """Return a word without its ending, as far as enough of it stays to be told apart."""
    plain = word.lower()
    for ending in ("ies", "ing", "ers", "es", "ed", "er", "s"):
        if plain.endswith(ending) and len(plain) - len(ending) >= _STEM_LETTERS - (ending == "s"):
            plain = plain[: -len(ending)]
            break
    return plain.removesuffix("e").removesuffix("y")


def stems(text: str) -> set[str]:
    return {stem(word) for word in _WORD.findall(text)}


def relevance_of(found: Found, wish: Wish, query: Query, count: int) -> Relevance:
    """Return how well a picture fits a wish: its words, its place among the ``count`` found, its shape and its size."""
    told = stems(found.title)
    weights = sum(weight for _, weight in wish.words) or 1.0
    shared = [(word, weight) for word, weight in wish.words if stem(word) in told]
    words = min(1.0, 1.6 * sum(weight for _, weight in shared) / weights)  # nobody's title has all the words of a line
    order = max(0.0, 1.0 - found.place / _ORDER_SPAN)
    shape = _shape_fit(found, wish)
    size = (
        min(1.0, found.width_px / wish.width_px, found.height_px / wish.height_px) if found.width_px and found.height_px else 0.5
    )
    score = _WORDS_SHARE * words + _ORDER_SHARE * order + _SHAPE_SHARE * shape + _SIZE_SHARE * size
    if query.is_broad:
        score *= _BROAD_FACTOR
    return Relevance(round(score, 3), _why(found, query, [word for word, _ in shared], count, shape))


def _shape_fit(found: Found, wish: Wish) -> float:
    """Return the share of the picture that is seen in the frame, 0 to 1."""
    if not found.width_px or not found.height_px:
        return 0.5
    ratio = (found.width_px / found.height_px) / (wish.width_px / wish.height_px)
    return min(ratio, 1 / ratio)


def _why(found: Found, query: Query, shared: Sequence[str], count: int, shape: float) -> str:
    if shared:
        told = Sentence("Its description names %(words)s", words=_listed(shared[:_SHOWN_WORDS]))
    else:
        told = Sentence("Its description names none of the line's words")
    asked = Sentence("number %(place)s of %(count)s for “%(words)s”", place=found.place + 1, count=count, words=query.text)
    if query.is_broad:
        asked = Sentence("%(asked)s, which is the video's topic, because the line's own words found nothing", asked=asked)
    seen: list[str] = []
    if found.width_px and found.height_px:
        size, share = f"{found.width_px} × {found.height_px}", f"{shape * 100:.0f}"
        seen.append(Sentence("%(size)s px, %(share)s%% of it in the frame", size=size, share=share))
    return Sentence("%(told)s.", told=sentences_joined(told, asked, *seen, between="; "))


def _listed(words: Sequence[str]) -> str:
    quoted = [f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else Sentence("%(one)s and %(other)s", one=", ".join(quoted[:-1]), other=quoted[-1])
