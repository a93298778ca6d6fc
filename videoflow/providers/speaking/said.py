"""A line as it is sent to a service, token by token, so that every time that comes back belongs to a shown word."""

import re
import unicodedata
from dataclasses import dataclass

from videoflow.providers.base import Line
from videoflow.providers.pronunciation import book_matches

_MARKDOWN = re.compile(r"\*+|__|~~|`+|^#+$")
_SAID_SYMBOLS = frozenset("°©®™№℃℉")
_NOT_SAID = frozenset("<>[]{}|\\")
"""Voices take these for orders: SSML, audio tags."""
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})


@dataclass(frozen=True, slots=True)
class Said:
    tokens: tuple[tuple[str, str], ...]
    """(token as shown, what is said for it); empty for an emoji or where the token before says it too."""

    @property
    def text(self) -> str:
        """What is sent."""
        return " ".join(said for _, said in self.tokens if said)

    @property
    def letters(self) -> int:
        """Letters and figures to be said."""
        return sum(len(letters(said)) for _, said in self.tokens)


def letters(text: str) -> str:
    """Return what of a text is heard, letter by letter, in small letters."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def said_read(line: Line) -> Said:
    """Return what a service is given to say for a line, with the pronunciation book applied."""
    shown = line.text.split()
    said = [_clean(token) for token in shown]
    for match in book_matches([_core(token) for token in said], line.pronunciations, core_of=_core, say=str):
        for place, words in enumerate(match.words, start=match.start):
            lead, trail = _marks(said[place])
            said[place] = f"{lead}{' '.join(words)}{trail}" if words else ""
    # A mark of its own is a pause; an emoji between two is nothing.
    return Said(tuple(zip(shown, said, strict=True)))


def _clean(token: str) -> str:
    plain = unicodedata.normalize("NFC", _MARKDOWN.sub("", token))
    kept = "".join(letter for letter in plain if _is_said(letter)).strip()
    return kept if any(letter.isalnum() or letter in _SAID_SYMBOLS or _is_mark(letter) for letter in kept) else ""


def _is_said(letter: str) -> bool:
    if letter in _SAID_SYMBOLS:
        return True
    kind = unicodedata.category(letter)
    if kind[0] == "C":
        return letter in "\u200c\u200d"  # they join or part letters in Persian and Hindi
    return letter not in _NOT_SAID and kind not in {"So", "Sk"} and not 0xFE00 <= ord(letter) <= 0xFE0F


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "PS"


def _marks(token: str) -> tuple[str, str]:
    """Return the marks before and after a token's letters."""
    places = [place for place, letter in enumerate(token) if letter.isalnum()]
    return (token[: places[0]], token[places[-1] + 1 :]) if places else ("", "")


def _core(token: str) -> str:
    lead, trail = _marks(token)
    return token[len(lead) : len(token) - len(trail)].casefold().translate(_APOSTROPHES)
