"""Django's PostgreSQL backend, on which a database that is frozen or locked ends a wait with an error.

The server's own limits (``statement_timeout`` and its like, see ``videoflow.env``) end what the server can still end. A server
that is frozen, or a network that swallows packets, ends nothing: the client keeps a limit of its own, a little longer than those.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql import base, operations, schema
from psycopg import IsolationLevel
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from psycopg.pq import TransactionStatus

ANSWER_SECONDS = 25.0
"""Longer than the 20 s that the server gives a statement, so that whoever can say what was wrong says it."""
_MIGRATION_LOCK_SECONDS = 5
_BROKEN = (TransactionStatus.INERROR, TransactionStatus.UNKNOWN)
_LONG_NUMBER = re.compile(r"\d{19}")
_LONGEST_INTEGER = 400  # digits; the largest float has 309, and int() refuses more than 4,300
_Answer = TypeVar("_Answer")
_INTERVAL_SECONDS = 0.1  # psycopg's own: how often a wait looks for Ctrl-C


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits so long for an answer and no longer, and is of no use after that."""

    answer_seconds: float | None = ANSWER_SECONDS
    """None while a migration runs, which takes the time that it takes."""

    def wait(self, gen: PQGen[_Answer], interval: float = _INTERVAL_SECONDS, timeout: float | None = None) -> _Answer:
        """Wait for an answer of the server.

        Raises:
            psycopg.OperationalError: it did not come in time; the connection is closed.
        """
        if timeout is not None:  # a caller's own, who knows what its end means
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except _WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the database did not answer within {self.answer_seconds:g} s") from error


@contextmanager
def unbounded(connection: BaseDatabaseWrapper, *, lock_seconds: float = 0) -> Iterator[None]:
    """Let statements take the time that they take; with ``lock_seconds``, waiting for a lock no longer than that."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET lock_timeout = '{int(lock_seconds * 1000)}ms'; SET statement_timeout = 0;"
            " SET idle_in_transaction_session_timeout = 0"
        )
    bounded = connection.connection
    bounded.answer_seconds = None
    try:
        yield
    finally:
        bounded.answer_seconds = ANSWER_SECONDS
        is_well = connection.connection is bounded and bounded.info.transaction_status not in _BROKEN
        if is_well:  # else the roll-back, or the connection's end, puts them back
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout; RESET statement_timeout; RESET idle_in_transaction_session_timeout")


class SchemaEditor(schema.DatabaseSchemaEditor):
    """Changes tables beside a running studio: gives up soon where it waits for a lock, and takes its time where it works.

    A change that waits for its lock holds up everybody who comes after it, so a busy table refuses it after a few seconds
    ("canceling statement due to lock timeout"); nothing is changed then, and the migration can be run again.
    """

    def __enter__(self) -> "SchemaEditor":
        self._limits = ExitStack()
        entered: SchemaEditor = super().__enter__()
        self._limits.enter_context(unbounded(self.connection, lock_seconds=_MIGRATION_LOCK_SECONDS))
        return entered

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._limits:
            super().__exit__(kind, error, trace)


class DatabaseOperations(operations.DatabaseOperations):
    """Reads large floats of JSON as what they were."""

    def get_db_converters(self, expression: Any) -> list[Any]:
        converters: list[Any] = super().get_db_converters(expression)
        is_json = expression.output_field.get_internal_type() == "JSONField"
        return [*converters, _floats_kept] if is_json else converters


def _floats_kept(value: Any, expression: Any, connection: Any) -> Any:
    """Return JSON text in which a number beyond 64 bits is a float again: ``jsonb`` writes 1.5e300 as 301 digits."""
    if not isinstance(value, str) or not _LONG_NUMBER.search(value):
        return value
    return json.dumps(json.loads(value, parse_int=_number))


def _number(digits: str) -> int | float:
    number = int(digits) if len(digits) < _LONGEST_INTEGER else float(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection for each thread, or with the option ``pool`` some that the process's threads share."""

    SchemaEditorClass = SchemaEditor
    ops_class = DatabaseOperations

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        if pool := self.settings_dict["OPTIONS"].get("pool"):
            pool["connection_class"] = BoundedConnection

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.pool:  # type: ignore[attr-defined]  # the stubs leave the pool out
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return BoundedConnection.connect(**conn_params)


def _forget() -> None:
    """Begin anew in a forked child: a pool's threads stay behind, and its connections are the parent's."""
    DatabaseWrapper._connection_pools.clear()  # type: ignore[attr-defined]


os.register_at_fork(after_in_child=_forget)
