"""Stream the records of a CSV or TSV file, whatever its state."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

_FIELD_MAX_CHARACTERS = 400_000
_LINE_MAX_CHARACTERS = 1_000_000
_DELIMITERS = ",\t;|"


class DelimitedFile:
    """One pass over a delimited text file.

    ``header`` is read at once. After ``records()`` is exhausted ``cut_off`` tells whether the file ended inside a quoted field,
    in which case the last record was held back.

    Raises:
        BadInput: there is no header line, or a field or line is too long to be one.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        self._file = io.TextIOWrapper(path.open("rb"), encoding=encoding, errors="replace", newline="")
        self._open_quotes = 0
        self.cut_off = False
        self.number = 0
        lines = self._lines()
        first = next(lines, "")
        while first and not first.strip():
            first = next(lines, "")
        if first.lower().startswith("sep=") and len(first.strip()) == 5:
            first = next(lines, "")
        self.delimiter = _delimiter_of(first)
        csv.field_size_limit(_FIELD_MAX_CHARACTERS)
        self._open_quotes = first.count('"')
        self._reader = csv.reader(_chain(first, lines), delimiter=self.delimiter)
        try:
            header = next(self._reader, [])
        except csv.Error as error:
            self.close()
            raise BadInput("The first line of this file is not a list of column names. Export it again as CSV.") from error
        self._open_quotes = 0
        self.header = tuple(_named_once([name.strip() for name in header]))

    def close(self) -> None:
        self._file.close()

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(_LINE_MAX_CHARACTERS):
            self.number += 1
            if len(line) >= _LINE_MAX_CHARACTERS:
                raise BadInput(
                    Sentence(
                        "Line %(number)s is longer than a million characters. Export the table again with one video per row.",
                        number=self.number,
                    )
                )
            if "\x00" in line:
                line = line.replace("\x00", "")
            self._open_quotes += line.count('"')
            yield line

    def records(self) -> Iterator[list[str]]:
        """Yield the fields of each record, empty lines left out."""
        held: list[str] | None = None
        unbalanced = False
        try:
            while True:
                self._open_quotes = 0
                record = next(self._reader, None)
                if record is None:
                    break
                if held is not None:
                    yield held
                held = record if any(record) else None
                unbalanced = self._open_quotes % 2 == 1
        except csv.Error as error:
            raise BadInput(
                Sentence(
                    "Near line %(number)s a quote opens that is never closed, so the rows after it cannot be told "
                    "apart. Export the table again.",
                    number=self.number,
                )
            ) from error
        finally:
            self.close()
        if held is not None:
            if unbalanced or len(held) < len(self.header):
                self.cut_off = True
            else:
                yield held


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter_of(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    counts = {delimiter: outside.count(delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


def _named_once(names: list[str]) -> list[str]:
    """Number columns of the same name (``views``, ``views (2)``), so that a mapping can tell them apart."""
    seen: dict[str, int] = {}
    named = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        named.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return named
