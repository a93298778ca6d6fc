"""Take titles and tags apart: words, phrases, and the key under which spellings of one phrase meet."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

PHRASE_WORDS_MAX = 4

_BREAK = re.compile(
    r"\s[-–—~_/+*]+\s|[|•·:;()\[\]{}\"“”„«»‹›!?…¿¡*❌➤►▶★☆♥❤〜=<>]+|\s//+\s|\.{2,}|,(?=\s|$)|"
    r"(?<![ .(\[][A-Z])\.(?=\s|$)|[—–]|[「」『』【】〈〉《》、。！？：／・]"
)
_JOINED = r"\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff\u200c\u200d"
"""Vowel signs and joiners of Arabic, Indic and Thai letters; Python counts them as no part of a word."""
_LETTER = rf"(?:[^\W_]|[{_JOINED}])"
_WORD = re.compile(rf"[#@$€£]?{_LETTER}+(?:['’`.&/:+-]{_LETTER}+)*(?:['’](?=\s|$))?\+?|&")
_HAN_KANA = r"\u3005\u3041-\u3096\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED = re.compile(rf"[{_HAN_KANA}\u0e00-\u0e7f]")
_RUN = re.compile(
    r"[\u30a1-\u30fa\u30fc]{3,}|[\u4e00-\u9fff\u3400-\u4dbf々]{2,8}|[\u0e00-\u0e7f]{3,}|[A-Za-z0-9][A-Za-z0-9.+'-]*"
)
_CASELESS = re.compile(
    r"[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af]"
)
_WORK = re.compile(
    r"^\s*(?P<artist>[^-–—|(\[]{2,40}?)\s+[-–—]\s+[\"“‘']?(?P<work>[^-–—|(\[\"”]{2,40}?)[\"”’']?\s*(?:$|[(\[|]|\bfeat\b|\bft\b)",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w.-]+\.(?:com|net|org|gg|tv|io|ly)\S*", re.IGNORECASE)
_MARKS = re.compile(r"[\u0300-\u036f\u064b-\u0652\u0640\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufe0e\ufe0f]")
_NO_LETTER = re.compile(rf"[^\w&+{_JOINED}]|_")
_CYRILLIC = re.compile(r"^[\u0400-\u04ff]+$")
_ENDING = re.compile(r"[аеёиоуыьэюяйі]{1,2}$")
_POSSESSIVE = re.compile(r"['’`]s$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    surface: str
    key: str


@lru_cache(maxsize=200_000)
def word_key(surface: str) -> str:
    """Fold case, accents, inner punctuation and the simplest endings, so that "Zombie’s" and "zombies" are one word."""
    text = _POSSESSIVE.sub("", unicodedata.normalize("NFKC", surface))
    if text == "&":
        return "and"
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text)) if not _CASELESS.search(text) else _MARKS.sub("", text)
    text = _NO_LETTER.sub("", unicodedata.normalize("NFC", text).casefold())
    if text.startswith("ال") and len(text) > 4:
        return text[2:]
    if len(text) > 4 and _CYRILLIC.match(text):
        return _ENDING.sub("", text)
    if len(text) > 4 and text.isascii() and text.endswith("s") and not text.endswith(("ss", "us", "is", "os")):
        return text[:-1]
    return text


def phrase_key(text: str) -> str:
    return " ".join(word.key for segment in segments(text) for word in segment)


@lru_cache(maxsize=60_000)
def segments(text: str) -> tuple[tuple[Word, ...], ...]:
    """Return the runs of words between punctuation; a phrase never crosses from one into the next. Addresses and handles are
    dropped.
    """
    found: list[tuple[Word, ...]] = []
    for piece in _BREAK.split(_LINK.sub(" | ", unicodedata.normalize("NFKC", text))):
        words: list[Word] = []
        for surface in _WORD.findall(piece):
            if surface.startswith("@"):
                continue
            if _UNSPACED.search(surface):
                found += [(Word(run, word_key(run)),) for run in _RUN.findall(surface)]
                continue
            words += [Word(part, word_key(part)) for part in _split_hashtag(surface)]
        words = [word for word in words if word.key]
        if words:
            found.append(tuple(words))
    return tuple(found)


def links_dropped(text: str) -> str:
    """Return a text without web addresses."""
    return _LINK.sub(" ", text)


def _split_hashtag(surface: str) -> list[str]:
    """Return the words of ``#FreeFortnite``; any other word is returned as it is."""
    if not surface.startswith("#"):
        return [surface]
    body = surface[1:]
    parts = re.findall(r"[A-Z]{2,}(?=[A-Z][a-z]|\d|$)|[A-Z]?[a-zà-ÿ']+|\d+|[^\x00-\x7f]+|[A-Z]", body)
    return parts if 1 < len(parts) <= PHRASE_WORDS_MAX and "".join(parts) == body else [body]


def phrases(text: str) -> Iterator[tuple[str, str]]:
    """Yield (key, as written) of every run of one to four words."""
    for segment in segments(text):
        for start in range(len(segment)):
            for end in range(start + 1, min(start + PHRASE_WORDS_MAX, len(segment)) + 1):
                words = segment[start:end]
                yield " ".join(word.key for word in words), " ".join(word.surface for word in words)


def is_caseless(text: str) -> bool:
    """Tell scripts without capitals (Arabic, Hebrew, Hindi, Thai, Chinese, Japanese, Korean)."""
    return bool(_CASELESS.search(text))


def is_unspaced(text: str) -> bool:
    return bool(_UNSPACED.search(text))


def is_shouted(title: str) -> bool:
    """Tell a title mostly in capitals, whose capitals say nothing."""
    letters = [character for character in title if character.isalpha() and character.upper() != character.lower()]
    return len(letters) > 3 and sum(character.isupper() for character in letters) > 0.6 * len(letters)


def channel_key(name: str) -> str:
    """Return one key for a channel and its aliases ("DrakeVEVO", "Drake Official", "Drake TV")."""
    folded = word_key(re.sub(r"[\W_]+", "", re.sub(r"\([^)]*\)", "", name))) or name.casefold()
    return re.sub(r"(?:vevo|official|officialmusic|music|tv|channel|topic|films?)$", "", folded) or folded


def is_title_case(title: str) -> bool:
    """Tell a Title Written Like This, whose capitals say nothing either."""
    words = [word.surface for segment in segments(title) for word in segment if len(word.surface) > 3]
    return sum(word[:1].isupper() for word in words) > 0.75 * len(words)


def work_split(title: str) -> tuple[str, str] | None:
    """Return (artist, work) of a title like "Cardi B - WAP feat. Megan Thee Stallion [Official Music Video]"."""
    match = _WORK.match(title)
    return (match["artist"].strip(), match["work"].strip()) if match else None
