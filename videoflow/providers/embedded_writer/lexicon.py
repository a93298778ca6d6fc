"""The writer's word lists, kept in ``stock/words.txt``."""

import functools
from pathlib import Path


@functools.cache
def _lists() -> dict[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    name = ""
    for line in (Path(__file__).parent / "stock" / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            name = line[3:].strip()
            lists[name] = set()
        elif name and not line.startswith("#"):
            lists[name].update(line.split())
    return {key: frozenset(words) for key, words in lists.items()}


def words_read(name: str) -> frozenset[str]:
    """The words of one list."""
    return _lists()[name]
