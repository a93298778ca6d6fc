import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from videoflow.tasks.tests.noop.machine import ROOT, clean_environment
from videoflow.tests.postgresql import Cluster

pytestmark = pytest.mark.postgresql


def test_an_embedded_installation_arrives_as_it_was_or_not_at_all(postgresql: Cluster, tmp_path: Path):
    url = postgresql.database_make("moved")
    environment = clean_environment(tmp_path / "data") | {"DJANGO_SETTINGS_MODULE": "videoflow.settings"}
    environment.pop("DATABASE_URL")  # it is on SQLite that the installation begins
    environment["REDIS_URL"] = "redis://127.0.0.1:1/0"
    command = [sys.executable, "-m", "videoflow.postgresql.tests.embedded", url]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert "must be PostgreSQL" in told["other"]
    assert "tasks_task" in told["too_long"] and "value too long" in told["too_long"] and "Nothing was moved" in told["too_long"]
    assert "Dry run: all" in told["dry_run"]
    assert "tasks_progressevent: 12 rows" in told["moved"] and "are the same in both databases" in told["moved"]
    assert "not empty" in told["again"] and "Nothing was changed" in told["again"]
    assert told["goes_on"] == 1, "the old database goes on as before"

    with psycopg.connect(url) as rows:

        def one(query: str) -> Any:
            return rows.execute(query).fetchone()[0]

        assert one("SELECT count(*) FROM tasks_task") == 3
        assert one("SELECT input_data FROM tasks_task LIMIT 1") == told["figures"]
        assert one("SELECT message FROM tasks_progressevent WHERE seq = 1").startswith("Spoke 3 of 40 lines\x1f")
        assert bytes(one("SELECT ciphertext FROM vault_credential")) == bytes(range(256))
        newest = one("SELECT max(id) FROM tasks_progressevent")
        assert one("SELECT nextval(pg_get_serial_sequence('tasks_progressevent', 'id'))") == newest + 1
        assert one("SELECT count(*) FROM auth_permission WHERE codename = 'add_task'") == 1
