"""Read what a service answered, whatever it is: a field that is missing, null or of another type never ends in a traceback."""

import math
from collections.abc import Mapping
from typing import Any

from videoflow.providers.net import ServiceBroken
from videoflow.providers.services import service_label
from videoflow.sentences import Sentence


def rows_read(body: Any, name: str, service: str) -> list[Mapping[str, Any]]:
    """Return a list of objects below ``name``; what else is in it is passed over.

    Raises:
        ServiceBroken: there is no such list.
    """
    rows = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise ServiceBroken(
            Sentence("%(label)s answered without a list of “%(name)s”.", label=service_label(service), name=name),
            service=service,
            reason="no_list",
        )
    return [row for row in rows if isinstance(row, Mapping)]


def text_read(row: Any, *names: str) -> str:
    """Return a text in one line, or a whole number as text, on a path of names; empty where there is none."""
    value = at_path(row, *names)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(str(value).split())


def number_read(row: Any, *names: str) -> float:
    """Return a finite number of at least 0 on a path of names; 0 where there is none."""
    value = at_path(row, *names)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return min(max(0.0, float(value)), 1e9)


def address_read(row: Any, *names: str) -> str:
    """Return a web address on a path of names; empty where there is none."""
    value = text_read(row, *names)
    return value if value.startswith(("https://", "http://")) and len(value) < 2000 else ""


def at_path(row: Any, *names: str) -> Any:
    """Return what stands on a path of names, None where it breaks off."""
    for name in names:
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def objects_read(row: Any, *names: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list on a path of names; empty where there is none."""
    value = at_path(row, *names)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
