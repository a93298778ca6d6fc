"""Written English to speakable words, token by token, so that every spoken word is known to belong to one shown token."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from videoflow.providers.embedded_speech import word_tables as tables
from videoflow.providers.embedded_speech.token_reader import DECADE, DOTTED, Token, TokenReader
from videoflow.providers.pronunciation import book_matches

_DASHES = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "−": "-", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "…": "..."})
_OPENING = "\"'“”„«‹([{<*_~¿¡|•·▶►–—-"
_CLOSING = "\"'“”„»›)]}>*_~|•·–—-,.;:!?"
_MARKDOWN = re.compile(r"\*\*|__|~~|``?")


@dataclass(frozen=True, slots=True)
class SpokenToken:
    """One whitespace-separated token as shown, and the words said for it (none for an emoji or a separator)."""

    text: str
    words: tuple[str, ...]
    """May end in one of ``,;:.!?…``, the pause and tone after the word. ``N.B.A`` is said letter by letter."""


def read_aloud(
    text: str, *, pronunciations: Sequence[tuple[str, str]] = (), is_word: Callable[[str], bool]
) -> tuple[SpokenToken, ...]:
    """Words to say for each token of ``text``. ``is_word`` tells whether the small-letter form is a known English word."""
    tokens = [_split_marks(token) for token in text.split()]
    _apply_pronunciations(tokens, pronunciations)
    for index, token in enumerate(tokens):
        if not token.done and token.core:
            token.words = [word for phrase in TokenReader(tokens, index, is_word).words() for word in phrase.split()]
            token.words = [word[:-1] if DOTTED.match(word) and word.endswith(".") else word for word in token.words]
    _attach_marks(tokens)
    return tuple(SpokenToken(token.text, tuple(token.words)) for token in tokens)


def has_something_to_say(text: str) -> bool:
    """Whether a text holds at least one Latin letter, digit or symbol with an English reading."""
    return any(_is_speakable(character) for character in unicodedata.normalize("NFKC", text))


def _is_speakable(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")


def _split_marks(text: str) -> Token:
    plain = _MARKDOWN.sub("", unicodedata.normalize("NFKC", text).translate(_DASHES))
    plain = "".join(
        character
        for character in plain
        if _is_speakable(character)
        or unicodedata.category(character)[0] in "PN"
        or character in tables.SYMBOLS
        or character in "°|^"
    )
    if plain in tables.SYMBOLS:
        return Token(text, plain, "", "", [])
    if plain == "<3":
        return Token(text, "", "", "", [])
    core = plain.lstrip(_OPENING)
    lead = plain[: len(plain) - len(core)]
    if lead.endswith(("-", "~", "<", ">")) and core[:1].isdigit() and len(lead) == 1:
        core, lead = plain, ""
    elif lead.endswith("'") and DECADE.match(core):
        core = core.lstrip("'")
    body = core.rstrip(_CLOSING)
    trail = core[len(body) :]
    if trail.startswith(".") and (body.lower() + "." in tables.ABBREVIATIONS or DOTTED.match(body + ".")):
        body, trail = body + ".", trail[1:]
    elif trail.startswith(".") and body.lower() in tables.TITLES:
        trail = trail[1:]
    return Token(text, body, lead, trail, [])


def _apply_pronunciations(tokens: list[Token], pronunciations: Sequence[tuple[str, str]]) -> None:
    matches = book_matches(
        [token.core.lower() for token in tokens],
        pronunciations,
        core_of=lambda part: _split_marks(part).core.lower(),
        say=lambda word: word if DOTTED.match(word) else word.lower(),
    )
    for match in matches:
        for token, words in zip(tokens[match.start :], match.words, strict=False):
            token.done, token.words = True, list(words)


def _attach_marks(tokens: list[Token]) -> None:
    previous: Token | None = None
    for index, token in enumerate(tokens):
        opens_aside = any(character in "([{–—|•·" for character in token.lead) or (not token.core and not token.done)
        if opens_aside and previous and any(_separates(character) for character in token.text):
            _mark(previous, ",")
        if not token.words:
            continue
        trail = token.trail
        if token.core.lower() in tables.SENTENCE_ENDERS and _next_starts_sentence(tokens, index):
            trail += "."
        mark = ""
        if "?" in trail:
            mark = "?"
        elif "!" in trail:
            mark = "!"
        elif "..." in trail:
            mark = "…"
        else:
            mark = next((character for character in trail if character in ".;:,"), "")
            if not mark and any(character in ")]}–—|" for character in trail):
                mark = ","
        if mark:
            _mark(token, mark)
        previous = token


def _separates(character: str) -> bool:
    """Whether a mark of its own between two words is heard as a pause: dashes, brackets, bars; no quotes, no emoji."""
    return character in "|▶►" or (unicodedata.category(character)[0] == "P" and character not in "'\"")


def _next_starts_sentence(tokens: list[Token], index: int) -> bool:
    return index + 1 == len(tokens) or (
        tokens[index + 1].core[:1].isupper() and tokens[index].core.lower() not in {"u.s.", "u.k.", "co."}
    )


def _mark(token: Token, mark: str) -> None:
    """Put a mark after the token's last word; a comma never replaces a stronger one."""
    if token.words and (mark != "," or token.words[-1][-1] not in ".!?…;:,"):
        token.words[-1] = token.words[-1].rstrip(",.") + mark
