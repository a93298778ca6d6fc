"""What the workflow page remembers, read through Redis; the rows are written, and they decide whether a cached value holds.

A cached value carries the mark of its session, and the session's row, which each request reads anyway to know the owner, gets a
new random mark in the transaction of each save. So a value with the row's mark is what that transaction left, whatever Redis
missed while it was away, frozen or restored, and whoever died between a commit and Redis. Nothing else is believed.

Who owns a session, until when, and its preferences are never cached: they stand in that one row.
"""

import functools
import json
import secrets
import zlib
from typing import Any, TypeVar

from django.core.cache import cache
from django.db.models import Model, QuerySet
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.sessions.models import CreatorSession

TTL_SECONDS = 600
VALUE_LIMIT_BYTES = 16 * 1024
"""Larger states are read from their rows: six a session for ten minutes would fill a small Redis."""

Row = TypeVar("Row", bound=Model)


def states_void(*, session: CreatorSession) -> None:
    """Give the session a new mark, in the transaction that changes one of its states: what is cached is not believed any more."""
    mark = secrets.randbits(62)
    CreatorSession.objects.filter(pk=session.pk).update(states_mark=mark)
    session.states_mark = mark


def state_read(*, session: CreatorSession, name: str, rows: QuerySet[Row]) -> Row | None:
    """Return the one row or None, at least as new as the given row of the session."""
    key = f"state:{session.pk}:{name}"
    mark = f"{session.states_mark}.{_shape(rows.model)}"
    kept = _get(key)
    if not isinstance(kept, dict) or kept.get("mark") != mark:
        row = rows.first()
        _set(key, {"mark": mark, "row": _packed(row)})
        return row
    if kept.get("is_large"):
        return rows.first()
    return _unpacked(rows, kept["row"])


@functools.cache
def _shape(model: type[Model]) -> int:
    """Tell the columns of a model from those it had in another version of the studio."""
    return zlib.crc32(",".join(field.attname for field in model._meta.concrete_fields).encode())


def _packed(row: Model | None) -> dict[str, Any] | None:
    if row is None:
        return None
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: value if _is_plain(value) else _text(value) for name, value in values.items()}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, list, dict))


def _text(value: Any) -> str:
    """Return a time with all its digits, an id as it is written."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _unpacked(rows: QuerySet[Row], values: dict[str, Any] | None) -> Row | None:
    if values is None:
        return None
    row = rows.model(**{field.attname: field.to_python(values[field.attname]) for field in rows.model._meta.concrete_fields})
    row._state.adding, row._state.db = False, rows.db
    return row


def _get(key: str) -> object:
    """Return a cached value; None when there is none, or Redis is away."""
    if not redis.breaker.allows():
        return None
    try:
        value: object = cache.get(key)
    except (RedisError, OSError):
        redis.breaker.failed()
        return None
    except ValueError:  # somebody else's
        return None
    return value


def _set(key: str, value: dict[str, Any]) -> None:
    if not redis.breaker.allows():
        return
    if len(json.dumps(value)) > VALUE_LIMIT_BYTES:
        value = {"mark": value["mark"], "is_large": True}
    try:
        cache.set(key, value, TTL_SECONDS)
    except (RedisError, OSError):
        redis.breaker.failed()
