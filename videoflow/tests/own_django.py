"""Django for one script alone: files and rows in temporary folders, and none of the operator's settings.

With ``TESTS_DATABASE=postgresql`` the rows are in a cluster of the script's own.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from videoflow.tests.own_rows import rows_of

_MEMORY = Path("/dev/shm")  # rows lie there where they can: the database's flushes are not what such a script measures


@dataclass(frozen=True, slots=True)
class OwnDjango:
    """The folders go when the process ends."""

    data: "TemporaryDirectory[str]"
    rows: "TemporaryDirectory[str]"


def own_django(prefix: str, **variables: str) -> OwnDjango:
    """Set Django up with these variables, before anything of it is imported; its tables are yet to be made, Redis is away."""
    data = TemporaryDirectory(prefix=prefix)
    rows = TemporaryDirectory(prefix=prefix, dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    for name in [name for name in os.environ if name.startswith("VIDEOFLOW_") or name == "DATABASE_URL"]:
        del os.environ[name]
    kept = {"DATABASE_URL": f"sqlite:///{rows.name}/rows.sqlite3"} | rows_of(Path(data.name))
    os.environ.update(
        DJANGO_SETTINGS_MODULE="videoflow.settings",
        **kept,
        VIDEOFLOW_DATA=data.name,
        VIDEOFLOW_ENV_FILE=str(Path(data.name) / "no.env"),
        REDIS_URL="redis://127.0.0.1:1/0",
        **variables,
    )
    django.setup()
    return OwnDjango(data, rows)
