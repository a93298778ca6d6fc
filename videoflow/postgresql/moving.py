"""Move every row of an SQLite database to an empty PostgreSQL one, ids kept, and prove that each arrived as it was.

One transaction on either side: nobody writes to the old database meanwhile, and the new one keeps all rows or none, so a move
that broke off is simply begun again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Field, JSONField, Model
from psycopg import sql

from videoflow.errors import BadInput
from videoflow.postgresql.base import unbounded

TARGET = "target"
"""The alias under which the new database must stand in ``connections``."""
_MADE_BY_MIGRATE = {"contenttypes.ContentType", "auth.Permission"}
_READ_AT_ONCE = 2000
_TOLD_EVERY = 100_000  # rows

Told = Callable[[str], None]
"""Hears what is done, a line at a time."""


@dataclass(slots=True)
class Sum:
    """How many rows a table has, and a number that is another as soon as any of them is; their order does not matter."""

    rows: int = 0
    digest: int = 0

    def add(self, digest: bytes) -> None:
        self.rows += 1
        self.digest = (self.digest + int.from_bytes(digest)) % (1 << 256)


class _Trial(Exception):
    """Takes everything back at the end of a dry run."""


def database_move(*, tell: Told, dry_run: bool = False) -> dict[str, int]:
    """Copy all rows of the default database to ``TARGET``, compare them there, and return how many each table has.

    ``dry_run`` does all of it and takes it back: the new database then has the tables, and no row.

    Raises:
        BadInput: one of the databases is not as it must be, or they differ; the new one has no row then.
    """
    _source_check()
    _target_check()
    tell("Making the tables")
    call_command("migrate", database=TARGET, interactive=False, verbosity=0)
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed and not model._meta.proxy]
    moved: dict[str, int] = {}
    try:
        with unbounded(connections[TARGET]), transaction.atomic(), transaction.atomic(using=TARGET):
            for model in models:
                if model._meta.label in _MADE_BY_MIGRATE:
                    _rows_of(model, TARGET).delete()
            sums = {model: _copy(model, tell) for model in models}
            with connections[TARGET].cursor() as cursor:
                for statement in connections[TARGET].ops.sequence_reset_sql(no_style(), models):
                    cursor.execute(statement)
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for model, expected in sums.items():
                _compare(model, expected)
                moved[model._meta.db_table] = expected.rows
            tell(f"Compared: {sum(moved.values())} rows of {len(moved)} tables are the same in both databases")
            if dry_run:
                raise _Trial
    except _Trial:
        return moved
    with connections[TARGET].cursor() as cursor:
        cursor.execute("ANALYZE")
    return moved


def _source_check() -> None:
    source = connections[DEFAULT_DB_ALIAS]
    if source.vendor != "sqlite":
        raise BadInput(
            "The studio is on PostgreSQL already: take DATABASE_URL out of its settings to move the rows of the data folder."
        )
    loader = MigrationExecutor(source)
    if loader.migration_plan(loader.loader.graph.leaf_nodes()):
        raise BadInput("The old database is of an older version. Start the studio once, stop it, and move then.")


def _target_check() -> None:
    """Refuse a database that cannot be reached or holds anything."""
    target = connections[TARGET]
    try:
        with target.cursor() as cursor:
            tables = set(target.introspection.table_names(cursor))
    except DatabaseError as error:
        raise BadInput(f"The new database does not let us in: {error}") from error
    if target.vendor != "postgresql":
        raise BadInput("The new database must be PostgreSQL: postgresql://user:password@host:5432/name.")
    ours = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    if tables and "django_migrations" not in tables:
        raise BadInput("The new database holds tables of something else. Make an empty one, and move there.")
    for table in sorted(tables & set(ours)):
        if ours[table]._meta.label not in _MADE_BY_MIGRATE and _rows_of(ours[table], TARGET).exists():
            raise BadInput(
                f"The new database is not empty: {table} has rows. Nothing was changed. Make an empty one, and move there."
            )


def _rows_of(model: type[Model], alias: str) -> Any:
    return model._base_manager.using(alias).order_by()


def _fields_of(model: type[Model]) -> "list[Field[Any, Any]]":
    return list(model._meta.concrete_fields)


def _read(model: type[Model], alias: str) -> Iterator[tuple[Any, ...]]:
    names = [field.attname for field in _fields_of(model)]
    yield from _rows_of(model, alias).values_list(*names).iterator(chunk_size=_READ_AT_ONCE)


def row_digest(model: type[Model], row: tuple[Any, ...]) -> bytes:
    """Return 32 bytes that a row gives alike in both databases, whose JSON differs in the order of keys and in whole floats."""
    source = connections[DEFAULT_DB_ALIAS]
    kept = []
    for field, value in zip(_fields_of(model), row, strict=True):
        stored = field.get_db_prep_save(value, source)
        if isinstance(field, JSONField) and isinstance(stored, str):
            stored = _plain(json.loads(stored))
        kept.append(stored.hex() if isinstance(stored, bytes | memoryview) else _plain(stored))
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _copy(model: type[Model], tell: Told) -> Sum:
    target, fields, copied = connections[TARGET], _fields_of(model), Sum()
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
    )
    row: tuple[Any, ...] = ()
    try:
        with target.cursor() as cursor, cursor.copy(into) as copy:
            for row in _read(model, DEFAULT_DB_ALIAS):
                copy.write_row([field.get_db_prep_save(value, target) for field, value in zip(fields, row, strict=True)])
                copied.add(row_digest(model, row))
                if copied.rows % _TOLD_EVERY == 0:
                    tell(f"{model._meta.db_table}: {copied.rows} rows so far")
    except (DatabaseError, psycopg.Error) as error:
        key = dict(zip((field.attname for field in fields), row, strict=False)).get(model._meta.pk.attname)
        reason = str(error).strip().partition("\n")[0]
        raise BadInput(
            f"{model._meta.db_table}: PostgreSQL refuses a row, at or shortly before the one with the key {key} ({reason}). "
            "Nothing was moved. Mend or delete the row in the old database, and move again."
        ) from error
    if copied.rows:
        tell(f"{model._meta.db_table}: {copied.rows} rows")
    return copied


def _compare(model: type[Model], expected: Sum) -> None:
    found = Sum()
    for row in _read(model, TARGET):
        found.add(row_digest(model, row))
    if found == expected:
        return
    if found.rows != expected.rows:
        raise BadInput(f"{model._meta.db_table}: {expected.rows} rows were sent and {found.rows} arrived. Nothing was moved.")
    there = {row_digest(model, row) for row in _read(model, TARGET)}
    lost = [str(row[0]) for row in _read(model, DEFAULT_DB_ALIAS) if row_digest(model, row) not in there]
    raise BadInput(
        f"{model._meta.db_table}: {len(lost)} rows arrived otherwise than they were sent, the first with the key {lost[0]}. "
        "Nothing was moved."
    )
