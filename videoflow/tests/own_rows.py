"""What the tests' rows are kept in, and a database for each studio that a test starts.

``TESTS_DATABASE`` says which kind: ``sqlite``, where a studio's rows lie in its data folder, or ``postgresql``, where each data
folder has a database in a cluster of this process's own.
"""

import atexit
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from videoflow.tests.postgresql import Cluster, folder_make

TESTED = os.environ.get("TESTS_DATABASE", "sqlite")
ROOT = Path(__file__).resolve().parents[2]
_FILE = "videoflow.sqlite3"
_PATIENCE_SECONDS = 240
_MIGRATION_SECONDS = 600
_databases: dict[str, str] = {}
_asked_for = False


@cache
def cluster() -> Cluster | None:
    """Return the tests' PostgreSQL, not started yet, and end it with this process; None where they run on SQLite.

    Raises:
        ValueError: ``TESTS_DATABASE`` names neither.
    """
    if TESTED not in ("sqlite", "postgresql"):
        raise ValueError(f"TESTS_DATABASE is sqlite or postgresql, not {TESTED}.")
    if TESTED == "sqlite":
        return None
    made = Cluster(folder_make())
    owner = os.getpid()

    def end() -> None:
        if os.getpid() == owner:  # a forked child has no server of its own to end
            made.stop()
            shutil.rmtree(made.folder, ignore_errors=True)

    atexit.register(end)
    return made


def rows_of(folder: Path) -> dict[str, str]:
    """Return the variables that let a studio in this data folder keep its rows where the tests keep theirs.

    The same folder has the same database for as long as this process lives, or until ``rows_drop``.
    """
    global _asked_for
    _asked_for = True
    found = cluster()
    if found is None:
        return {}
    name = database_name(folder)
    if name not in _databases:
        found.start()
        _databases[name] = found.database_make(name)
    return {"DATABASE_URL": _databases[name]}


def tables_make(folder: Path) -> None:
    """Give a studio of this data folder its tables before it starts, as a copy: making them takes ten seconds of a processor."""
    found, template = cluster(), _template()
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(template / _FILE, folder / _FILE)
    else:
        rows_of(folder)
        found.database_make(database_name(folder), template=database_name(template))


@cache
def _template() -> Path:
    """Make a data folder that has its tables and nothing else, once in this process."""
    folder = TemporaryDirectory(prefix="vf-tables-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    path = Path(folder.name)
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    environment |= {"VIDEOFLOW_DATA": str(path), "VIDEOFLOW_ENV_FILE": str(path / "no.env")} | rows_of(path)
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=_MIGRATION_SECONDS)
    return path


def database_name(folder: Path) -> str:
    """Return the name of a data folder's database in the cluster."""
    return f"studio_{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def rows_drop(folder: Path) -> None:
    """Give the room of a studio's rows back once it has ended; on SQLite they go with the folder."""
    found, name = cluster(), database_name(folder)
    if found is not None and _databases.pop(name, None):
        found.database_drop(name)


def rows_ask(environment: Mapping[str, str], statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Return what a statement finds in the database of a studio with this environment; ``%s`` stands for a value."""
    if url := environment.get("DATABASE_URL"):
        with psycopg.connect(url, connect_timeout=_PATIENCE_SECONDS) as rows:
            found = rows.execute(statement.encode(), values)
            return found.fetchall() if found.description else []
    path = Path(environment["VIDEOFLOW_DATA"]) / _FILE
    with closing(sqlite3.connect(path, timeout=_PATIENCE_SECONDS)) as file, file:
        return file.execute(statement.replace("%s", "?"), values).fetchall()


def rows_asked_for() -> bool:
    """Say whether a studio's rows were asked for since this was last called."""
    global _asked_for
    was, _asked_for = _asked_for, False
    return was
