"""The evidence of a conversation while it is being gathered: each statement once, under its key."""

from collections.abc import Iterable
from typing import Literal

from videoflow.providers.base import Datum, Evidence


class Record:
    """Collects evidence; what is said is linked to it by key."""

    def __init__(self, source_label: str) -> None:
        self._source_label = source_label
        self._evidence: dict[str, Evidence] = {}

    def add(
        self,
        key: str,
        kind: Literal["theme", "video", "category", "user"],
        text: str,
        *,
        data: Iterable[Datum] = (),
        url: str = "",
    ) -> str:
        """Enter a statement and give back its key; a key that is known already keeps its first statement."""
        self._evidence.setdefault(key, Evidence(key, kind, text, self._source_label, url, tuple(data)))
        return key

    def all(self) -> tuple[Evidence, ...]:
        return tuple(self._evidence.values())

    def named(self, keys: Iterable[str]) -> tuple[Evidence, ...]:
        """The evidence behind these keys, in the order in which it was entered."""
        wanted = set(keys)
        return tuple(entry for key, entry in self._evidence.items() if key in wanted)
