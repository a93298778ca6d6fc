"""Which column of a table is which of our fields."""

import re
from collections.abc import Iterable, Mapping, Sequence

from videoflow.errors import BadInput
from videoflow.providers.embedded_trends.lexicon import column_names
from videoflow.sentences import Sentence

FIELDS: tuple[str, ...] = tuple(
    "title views date published_at video_id channel category tags likes comments url description".split()  # noqa: SIM905
)
"""Our fields; ``date`` is the day of the count, ``published_at`` the day of publication."""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def columns_guess(columns: Sequence[str]) -> dict[str, str]:
    """Return ``{our field: their column}`` as far as the names tell it; the better-known name wins."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(_plain(column), column)
    guess: dict[str, str] = {}
    for field in FIELDS:
        for name in column_names()[field]:
            if name in by_name and by_name[name] not in guess.values():
                guess[field] = by_name[name]
                break
    return guess


def columns_resolve(columns: Sequence[str], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Return ``{our field: their column}`` from the creator's mapping over the guessed one; an empty column drops the field.

    Raises:
        BadInput: the mapping names what does not exist, or there is no title, or neither views nor a date.
    """
    resolved = columns_guess(columns)
    for field, column in (mapping or {}).items():
        if field not in FIELDS:
            raise BadInput(
                Sentence(
                    "There is no field called “%(name)s”; the fields are %(fields)s.",
                    name=_short(field),
                    fields=", ".join(FIELDS),
                ),
                details={"fields": list(FIELDS)},
            )
        if column and column not in columns:
            raise BadInput(
                Sentence(
                    "The file has no column called “%(name)s”; its columns are %(columns)s.",
                    name=_short(column),
                    columns=_listed(columns),
                ),
                details={"columns": list(columns)},
            )
        resolved = {ours: theirs for ours, theirs in resolved.items() if theirs != column or ours == field}
        if column:
            resolved[field] = column
        else:
            resolved.pop(field, None)
    dated = {"views", "date", "published_at"} & resolved.keys()
    if "title" not in resolved or not dated:
        missing = Sentence("a column with titles") if dated else Sentence("a column with titles and one with views or dates")
        missing = missing if "title" not in resolved else Sentence("a column with views or dates")
        raise BadInput(
            Sentence(
                "This file has the columns %(columns)s; %(missing)s is needed and was not recognised. Say below "
                "which column is which.",
                columns=_listed(columns),
                missing=missing,
            ),
            code="COLUMNS_UNKNOWN",
            details={"columns": list(columns), "guessed": resolved},
        )
    return resolved


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def _listed(columns: Iterable[str]) -> str:
    names = [_short(column) or "(no name)" for column in columns]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
