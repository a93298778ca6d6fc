"""Django for one script alone: files and rows in temporary folders, and none of the operator's settings."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import django

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
    os.environ.update(
        DJANGO_SETTINGS_MODULE="videoflow.settings",
        DATABASE_URL=f"sqlite:///{rows.name}/rows.sqlite3",
        VIDEOFLOW_DATA=data.name,
        VIDEOFLOW_ENV_FILE=str(Path(data.name) / "no.env"),
        REDIS_URL="redis://127.0.0.1:1/0",
        **variables,
    )
    django.setup()
    return OwnDjango(data, rows)
