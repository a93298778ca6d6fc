"""The rows of a backup: taken from the running database in one snapshot, and put into an empty one."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from videoflow.health.backup_archive import BackupFailed
from videoflow.logs import masked

_LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
"""Where PostgreSQL's programs look for what Django connects with; a password stands on no command line."""
_PROGRAM_SECONDS = 6 * 3600
_FILES = {"sqlite": "rows.sqlite3", "postgresql": "rows.pgdump"}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
_COUNT = 'SELECT COUNT(*) FROM "{}"'


@dataclass(frozen=True, slots=True)
class Rows:
    """One dump: the file, and what was in the database at that moment."""

    kind: str
    file: Path
    counts: Mapping[str, int]
    migrations: list[str]


def rows_dump(folder: Path) -> Rows:
    """Write the database's rows of one moment into a file of ``folder``; readers and writers go on meanwhile.

    Raises:
        BackupFailed: PostgreSQL's own program is missing or refuses.
    """
    migrations = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
    if connection.vendor == "sqlite":
        return _sqlite_dump(folder / _FILES["sqlite"], migrations)
    return _postgresql_dump(folder / _FILES["postgresql"], migrations)


def _sqlite_dump(target: Path, migrations: list[str]) -> Rows:
    """SQLite's own backup copies all pages within one read transaction; it waits for nobody and nobody waits for it."""
    connection.ensure_connection()
    with closing(sqlite3.connect(target)) as copy:
        connection.connection.backup(copy)
        if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise BackupFailed("The database is damaged (its integrity check fails), so no backup was made of it.")
        names = [
            row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        ]
        counts = {name: int(copy.execute(_COUNT.format(name)).fetchone()[0]) for name in sorted(names)}
    return Rows("sqlite", target, counts, migrations)


def _postgresql_dump(target: Path, migrations: list[str]) -> Rows:
    program = _program("pg_dump")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        counts = {}
        for name in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(_COUNT.format(name))
            counts[name] = int(cursor.fetchone()[0])
        command = [program, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
        _postgresql_run(command, "The database could not be dumped")
    return Rows("postgresql", target, counts, migrations)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BackupFailed(f"{name} is not on this machine. On Debian and Ubuntu install it with: apt install postgresql-client")
    return found


def _postgresql_run(command: list[str], failure: str) -> None:
    facts = connection.get_connection_params()
    given = {name: str(facts[key]) for key, name in _LIBPQ.items() if facts.get(key)}
    environment = {**os.environ, **given}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_PROGRAM_SECONDS, check=False)
    if done.returncode:
        reason = masked(done.stderr.strip().splitlines()[0]) if done.stderr.strip() else f"code {done.returncode}"
        raise BackupFailed(f"{failure}: {reason}")


def migrations_unknown(names: list[str]) -> list[str]:
    """Return those of an archive's migrations that this code does not have: it was made by a newer one."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    return [name for name in names if name not in known]


def database_is_empty() -> bool:
    """Say whether the database has no table at all."""
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        if not file.exists() or file.stat().st_size == 0:
            return True
    return not connection.introspection.table_names()


def rows_restore(folder: Path, kind: str) -> None:
    """Put the dumped rows of a folder into the empty database.

    Raises:
        BackupFailed: the dump is of the other kind of database, or PostgreSQL refuses it.
    """
    if kind != connection.vendor:
        wanted = "DATABASE_URL=postgresql://…" if kind == "postgresql" else "no DATABASE_URL"
        raise BackupFailed(f"This backup holds rows of {kind}. Restore it with {wanted}; move to the other kind afterwards.")
    file = folder / _FILES[kind]
    if not file.is_file():
        raise BackupFailed("This backup holds no rows. Use another one.")
    if kind == "sqlite":
        connection.close()
        target = Path(connection.settings_dict["NAME"])
        for stale in (target.with_name(f"{target.name}-wal"), target.with_name(f"{target.name}-shm")):
            stale.unlink(missing_ok=True)
        shutil.move(file, target)
        return
    command = [_program("pg_restore"), "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _postgresql_run([*command, f"--dbname={connection.settings_dict['NAME']}", str(file)], "The rows could not be restored")


def rows_counted(names: list[str]) -> dict[str, int]:
    """Return how many rows each table has now."""
    counts = {}
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(_COUNT.format(name))
            counts[name] = int(cursor.fetchone()[0])
    return counts
