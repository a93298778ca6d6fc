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
    return _marked("stop")


@cache
def format_words() -> frozenset[str]:
    """Words for the form of a video ("trailer", "part"), as keys: no phrase of several words begins or ends with one."""
    return _marked("format")


@cache
def padding_words() -> frozenset[str]:
    """Words, as keys, that never make a name more exact ("Drake" -> "Drake interview")."""
    return _marked("padding") | format_words()


@cache
def generic_words() -> frozenset[str]:
    """Words, as keys, that alone never name a theme; holds the grammar words and the format words too."""
    return _marked("generic") | stop_words() | format_words()


def _marked(mark: str) -> frozenset[str]:
    lines = (_DATA / "generic_words.txt").read_text("utf-8").splitlines()
    return frozenset(word_key(word) for line in lines if line.startswith(f"{mark} ") for word in line.split()[1:]) - {""}


@cache
def written_names() -> dict[str, str]:
    """Word key -> how the name is written ("iphone" -> "iPhone")."""
    lines = (_DATA / "casing.txt").read_text("utf-8").splitlines()
    return {word_key(name): name for line in lines if not line.startswith("#") for name in line.split()}


@dataclass(frozen=True, slots=True)
class Subject:
    """A perennial subject of online video. ``by_tag``: a tag alone shows it (a genre, a franchise); else the title must name
    it.
    """

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


@cache
def column_names() -> dict[str, list[str]]:
    """Our field -> the names that files give it, without case, spaces and punctuation, the best known first."""
    table: dict[str, list[str]] = json.loads((_DATA / "column_names.json").read_text("utf-8"))
    return table
