"""The statements that run for every task, in SQL: the ORM takes three times as long over them, and under the write lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Field

from videoflow.memory import has_room_for_a_step
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import ProgressEvent, Task, TaskPart

_TASKS, _EVENTS, _SESSIONS, _PARTS = (model._meta.db_table for model in (Task, ProgressEvent, CreatorSession, TaskPart))
_FIELDS: "dict[str, Field[Any, Any]]" = {field.attname: field for field in Task._meta.concrete_fields}
_RETURNING = ", ".join(field.column for field in _FIELDS.values())
_EVENT_FIELDS: "list[Field[Any, Any]]" = [field for field in ProgressEvent._meta.concrete_fields if not field.primary_key]
# Spelled as the condition of the index ``task_waiting`` is, or SQLite does not see that the index serves.
_WAITING = "cancel_requested_at IS NULL AND status IN ('pending', 'retrying')"
_DUE = f"queue = %s AND {_WAITING} AND (not_before IS NULL OR not_before <= %s)"


def _turn(lock: str) -> str:
    """Return the statement that finds the session, and its priority, whose turn it is; ``lock`` has it held."""
    held = f" JOIN {_SESSIONS} held ON held.id = due.session_id" if lock else ""
    return (
        f"SELECT session_id, priority FROM (SELECT session_id, priority, MIN(created_at) AS oldest FROM {_TASKS} WHERE {_DUE}"  # noqa: S608
        f" AND session_id NOT IN (SELECT session_id FROM {_TASKS} WHERE status = 'in_progress' AND lease_until >= %s"
        f" GROUP BY session_id HAVING COUNT(*) >= %s) GROUP BY session_id, priority) due{held} ORDER BY priority DESC,"
        f" (SELECT MAX(attempt_started_at) FROM {_TASKS} ran WHERE ran.session_id = due.session_id AND ran.queue = %s)"
        f" ASC NULLS FIRST, oldest LIMIT 1{lock}"
    )


_TURN = _turn("")
_TURN_OF_FREE = _turn(" FOR NO KEY UPDATE OF held SKIP LOCKED")
_TURN_OF_ANY = _turn(" FOR NO KEY UPDATE OF held")
_SESSION_DUE = f"SELECT id FROM {_TASKS} WHERE {_DUE} AND session_id = %s AND priority = %s"  # noqa: S608
_BELOW_LIMIT = (
    f" AND (SELECT COUNT(*) FROM {_TASKS} ran WHERE ran.session_id = %s AND ran.status = 'in_progress'"  # noqa: S608
    " AND ran.lease_until >= %s) < %s"
)
_OLDEST = " ORDER BY created_at LIMIT 1"
_LOOKS = 3
"""Sessions that a claim on PostgreSQL may find full before it leaves the rest to the next wake-up."""


class Sql:
    """A value that the database works out: an expression and its parameters."""

    def __init__(self, text: str, *parameters: object) -> None:
        self.text, self.parameters = text, parameters


def _prepared(name: str, value: object) -> Any:
    return _FIELDS[name].get_db_prep_save(value, connection)


def task_change(
    *,
    task_id: UUID,
    statuses: Sequence[str],
    if_fence: int | None = None,
    if_retried_less_than: int | None = None,
    **values: Any,
) -> Task | None:
    """Change the task if it is in one of ``statuses``, and under that fence, and return it as it is now; else None.

    ``values``: new values by attribute; an ``Sql`` may name the row's columns. One statement.
    """
    sets, parameters = [], []
    for name, value in values.items():
        field = _FIELDS[name]
        if isinstance(value, Sql):
            sets.append(f"{field.column} = {value.text}")
            parameters += [field.get_db_prep_save(one, connection) for one in value.parameters]
        else:
            sets.append(f"{field.column} = %s")
            parameters.append(field.get_db_prep_save(value, connection))
    where = ["id = %s", f"status IN ({', '.join(['%s'] * len(statuses))})"]
    parameters += [_prepared("id", task_id), *map(str, statuses)]
    for column, operator, limit in (("fence", "=", if_fence), ("retry_count", "<", if_retried_less_than)):
        if limit is not None:
            where.append(f"{column} {operator} %s")
            parameters.append(limit)
    sql = f"UPDATE {_TASKS} SET {', '.join(sets)} WHERE {' AND '.join(where)} RETURNING {_RETURNING}"  # noqa: S608 - our own names
    changed = list(Task.objects.raw(sql, tuple(parameters)))  # to its end: SQLite commits no statement that is still under way
    return changed[0] if changed else None


def event_insert(event: ProgressEvent) -> None:
    """Count the session's head up, give the event that number and write it; one statement hands out the number.

    Raises:
        CreatorSession.DoesNotExist: the session is gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_SESSIONS} SET head_seq = head_seq + 1 WHERE id = %s RETURNING head_seq",  # noqa: S608 - our own names
            [_prepared("session_id", event.session_id)],
        )
        heads = cursor.fetchall()
        if not heads:
            raise CreatorSession.DoesNotExist
        event.seq = int(heads[0][0])
        columns, marks = ", ".join(field.column for field in _EVENT_FIELDS), ", ".join(["%s"] * len(_EVENT_FIELDS))
        cursor.execute(
            f"INSERT INTO {_EVENTS} ({columns}) VALUES ({marks})",  # noqa: S608 - our own names
            [field.get_db_prep_save(getattr(event, field.attname), connection) for field in _EVENT_FIELDS],
        )


def slots_taken(*, queue: str, host: str, now: datetime) -> int:
    """Return how many tasks of the queue run on a host, and how many of its workers do parts of others' tasks.

    Expired leases don't count.
    """
    prefix = f"{host}:"
    at = _prepared("lease_until", now)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # two workers of a host count one after the other; SQLite has one writer anyway
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{queue} {prefix}"])
        cursor.execute(
            f"SELECT (SELECT COUNT(*) FROM {_TASKS} WHERE status = 'in_progress' AND queue = %s AND lease_until >= %s"  # noqa: S608
            " AND SUBSTR(worker_id, 1, %s) = %s)"
            f" + (SELECT COUNT(DISTINCT part.worker_id) FROM {_PARTS} part WHERE part.state = 'claimed' AND part.queue = %s"
            " AND part.lease_until >= %s AND SUBSTR(part.worker_id, 1, %s) = %s"
            f" AND NOT EXISTS (SELECT 1 FROM {_TASKS} own WHERE own.id = part.task_id AND own.worker_id = part.worker_id"
            " AND own.status = 'in_progress'))",
            [queue, at, len(prefix), prefix] * 2,
        )
        return int(cursor.fetchone()[0])


def has_slot(*, queue: str, host: str, now: datetime) -> bool:
    """Say whether a host may begin another task of the queue: a slot is free, and memory for it where nobody set the slots.

    The first one always may. The slots leave room for all of them at their peaks; this looks at what others took of it.
    """
    taken = slots_taken(queue=queue, host=host, now=now)
    if not taken or taken >= settings.VIDEOFLOW_QUEUE_SLOTS[queue]:
        return taken < settings.VIDEOFLOW_QUEUE_SLOTS[queue]
    return queue != "cpu" or settings.VIDEOFLOW_HEAVY_STEPS.is_asked or has_room_for_a_step()


def next_due(*, queue: str, session_limit: int, now: datetime) -> UUID | None:
    """Return the task to be claimed next: by priority, then turn by turn between sessions, then by age; None when none is due.

    A session with ``session_limit`` running tasks waits. The turn is found between sessions, whose last turn is one look into the
    index ``task_turn``; the due tasks themselves are read from the index ``task_waiting`` alone.

    SQLite has one writer, so what was found stays so until the commit. Of PostgreSQL's many, each holds the session it found
    until then and passes over those that others hold; where all are held, it waits for the first.
    """
    at = _prepared("not_before", now)
    turn = [queue, at, at, session_limit, queue]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            chosen = _row(cursor, _TURN, turn)
            return _id(_row(cursor, _SESSION_DUE + _OLDEST, [queue, at, *chosen])) if chosen else None
        chosen = _row(cursor, _TURN_OF_FREE, turn) or _row(cursor, _TURN_OF_ANY, turn)
        for _ in range(_LOOKS):
            if chosen is None:
                break
            below_limit = [queue, at, *chosen, chosen[0], at, session_limit]
            found = _id(_row(cursor, _SESSION_DUE + _BELOW_LIMIT + _OLDEST, below_limit))
            if found is not None:
                return found
            chosen = _row(cursor, _TURN_OF_FREE, turn)  # the session had filled up, or run dry, before it was ours
    return None


def _row(cursor: CursorWrapper, sql: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    cursor.execute(sql, parameters)
    row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _id(row: tuple[Any, ...] | None) -> UUID | None:
    return None if row is None else row[0] if isinstance(row[0], UUID) else UUID(row[0])
