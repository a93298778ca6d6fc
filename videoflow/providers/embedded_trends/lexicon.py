"""The packaged words: what is too general to be a theme, how names are written, and what perennial subjects are called."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from videoflow.providers.embedded_trends.titles import phrase_key, word_key

_DATA = Path(__file__).parent / "data"


def sample_path() -> Path:
    """Return the packaged trending list (public data, CC0; see the README beside it)."""
    return _DATA / "sample_trending.csv"


@cache
def stop_words() -> frozenset[str]:
    """Grammar words, as keys: no phrase begins or ends with one."""
    return frozenset(word_key(word) for stop, word in _generic_lines() if stop) - {""}


@cache
def generic_words() -> frozenset[str]:
    """Words, as keys, that alone never name a theme; holds the grammar words too."""
    return frozenset(word_key(word) for _, word in _generic_lines()) - {""}


def _generic_lines() -> list[tuple[bool, str]]:
    lines = (_DATA / "generic_words.txt").read_text("utf-8").splitlines()
    return [
        (line.startswith("stop "), word)
        for line in lines
        if not line.startswith("#")
        for word in line.removeprefix("stop ").split()
    ]


@cache
def written_names() -> dict[str, str]:
    """Word key -> how the name is written ("iphone" -> "iPhone")."""
    lines = (_DATA / "casing.txt").read_text("utf-8").splitlines()
    return {word_key(name): name for line in lines if not line.startswith("#") for name in line.split()}


@dataclass(frozen=True, slots=True)
class Subject:
    """A perennial subject of online video. ``by_tag``: a tag alone shows it (a genre, a franchise); else the title must name it."""

    label: str
    by_tag: bool


@cache
def subjects() -> dict[str, Subject]:
    """Phrase key -> the subject it stands for ("kpop" -> "K-pop")."""
    table: dict[str, dict[str, list[str]]] = json.loads((_DATA / "subjects.json").read_text("utf-8"))
    return {
        phrase_key(alias): Subject(label, by_tag=group == "a_tag_is_enough")
        for group, labels in table.items()
        for label, aliases in labels.items()
        for alias in aliases
    }


@cache
def category_names(region: str = "US") -> dict[str, str]:
    """Category id -> name on YouTube; ids mean the same in every region, so the packaged list answers for all."""
    del region
    table: dict[str, str] = json.loads((_DATA / "youtube_categories.json").read_text("utf-8"))
    return table
