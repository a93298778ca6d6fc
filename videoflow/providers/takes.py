"""The lines of one order of speech by their content: equal ones share a take, and one that was kept is not spoken again."""

from collections.abc import Callable, Sequence
from pathlib import Path

from videoflow.providers.base import SpokenLine
from videoflow.providers.recordings import recording_read


class Takes:
    """Makes ``folder``, and tells ``on_line`` of each line as soon as its take is there."""

    def __init__(
        self, keys: Sequence[str], folder: Path, *, provider: str, on_line: Callable[[int, SpokenLine], None] | None
    ) -> None:
        self._keys, self._folder, self._provider, self._on_line = keys, folder, provider, on_line
        self._places: dict[str, list[int]] = {}
        for index, key in enumerate(keys):
            self._places.setdefault(key, []).append(index)
        self._taken: dict[str, SpokenLine] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def kept_take(self) -> list[int]:
        """Take what stands in the folder; return of each that does not the index of its first line."""
        for key in self._places:
            if kept := recording_read(self._folder, key, provider=self._provider):
                self.take(key, kept)
        return [indexes[0] for key, indexes in self._places.items() if key not in self._taken]

    def take(self, key: str, line: SpokenLine) -> None:
        self._taken[key] = line
        if self._on_line:
            for index in self._places[key]:
                self._on_line(index, line)

    def __contains__(self, key: str) -> bool:
        return key in self._taken

    @property
    def first_indexes(self) -> list[int]:
        """Of each take the index of its first line."""
        return [indexes[0] for indexes in self._places.values()]

    @property
    def lines_taken(self) -> int:
        return sum(len(self._places[key]) for key in self._taken)

    def spoken(self) -> list[SpokenLine]:
        """Return every line in order, once all are taken."""
        return [self._taken[key] for key in self._keys]
