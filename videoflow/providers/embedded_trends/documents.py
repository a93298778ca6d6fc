"""Read JSON documents and JSON lines as flat records."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videoflow.errors import BadInput
from videoflow.sentences import Sentence

_DOCUMENT_MAX_BYTES = 160 * 1024 * 1024
_LINE_MAX_CHARACTERS = 4_000_000
_SAMPLE = 200
_LIST_KEYS = ("items", "videos", "data", "results", "entries", "rows")

Record = dict[str, str]


def records_json(path: Path, encoding: str) -> tuple[tuple[str, ...], Iterator[Record], list[str]]:
    """Return the columns, the flat records and a list that holds a note per unreadable line once the records are exhausted.

    Understands a list of objects, an object with such a list (``items`` of the YouTube Data API's ``videos.list``) and JSON
    lines.
    Nested objects become ``snippet.title``; lists of words are joined with ``|``.

    Raises:
        BadInput: it is not JSON, or holds no objects.
    """
    broken: list[str] = []
    if _is_lines(path, encoding):
        columns: dict[str, None] = {}
        for number, record in enumerate(_lines(path, encoding, [])):
            if number >= _SAMPLE:
                break
            columns.update(dict.fromkeys(record))
        return tuple(columns), _lines(path, encoding, broken), broken
    if path.stat().st_size > _DOCUMENT_MAX_BYTES:
        raise BadInput("This JSON file is larger than 160 MB. Save it as JSON lines (one object per line) or as CSV.")
    try:
        document = json.loads(path.read_text(encoding, errors="replace"))
    except json.JSONDecodeError as error:
        raise BadInput(
            Sentence(
                "This file begins like JSON but breaks off or goes wrong at line %(lineno)s. Export it again.",
                lineno=error.lineno,
            )
        ) from error
    except RecursionError as error:
        raise BadInput("This JSON file is nested too deeply to be a list of videos.") from error
    objects = [entry for entry in _list_find(document) if isinstance(entry, dict)]
    if not objects:
        raise BadInput(
            "This JSON file holds no list of videos. A list of objects, or an object with such a list called “items”, is needed."
        )
    flat = [_flat(entry) for entry in objects]
    return tuple(dict.fromkeys(key for record in flat[:_SAMPLE] for key in record)), iter(flat), broken


def _is_lines(path: Path, encoding: str) -> bool:
    with io.TextIOWrapper(path.open("rb"), encoding=encoding, errors="replace") as file:
        first, second = file.readline(_LINE_MAX_CHARACTERS), file.readline(_LINE_MAX_CHARACTERS)
    try:
        entry = json.loads(first)
    except (json.JSONDecodeError, RecursionError):
        return False
    if isinstance(entry, dict) and entry and not second.strip() and all(isinstance(value, dict) for value in entry.values()):
        return False  # videos by their id
    return isinstance(entry, dict) and (
        second.lstrip().startswith("{") or not any(isinstance(entry.get(key), list) for key in _LIST_KEYS)
    )


def _lines(path: Path, encoding: str, broken: list[str]) -> Iterator[Record]:
    with io.TextIOWrapper(path.open("rb"), encoding=encoding, errors="replace") as file:
        while line := file.readline(_LINE_MAX_CHARACTERS):
            if not line.strip():
                continue
            try:
                entry = json.loads(line.replace("\x00", ""))
            except (json.JSONDecodeError, RecursionError):
                broken.append(Sentence("a line that is not whole JSON"))
                continue
            if isinstance(entry, dict):
                yield _flat(entry)


def _list_find(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for key in _LIST_KEYS:
            if isinstance(document.get(key), list):
                return list(document[key])
        for value in document.values():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                return value
        if all(isinstance(value, dict) for value in document.values()):
            return list(document.values())
    return []


def _flat(entry: dict[str, Any], prefix: str = "", depth: int = 0) -> Record:
    record: Record = {}
    for key, value in entry.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            if depth < 2 and key not in ("thumbnails", "localized"):
                record.update(_flat(value, f"{name}.", depth + 1))
        elif isinstance(value, list):
            record[name] = "|".join(str(part) for part in value if isinstance(part, str | int | float))
        elif value is not None:
            record[name] = str(value).replace("\x00", "")
    return record
