"""What the document promises, held against a running server: right and wrong input, every reply against its schema."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from videoflow.tests.browser import Studio

EXAMPLES = 12
PATIENCE_SECONDS = 390


@pytest.fixture(scope="module")
def studio(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    running = Studio(tmp_path_factory.mktemp("schemathesis") / "data", VIDEOFLOW_RATE_LIMITS="0")
    yield running
    running.close()


def schemathesis(studio: Studio, folder: Path, token: str, known: dict[str, str], *arguments: str) -> str:
    """Run it with all its checks and return what it said; ``known`` are values for parameters of any route."""
    config = folder / "schemathesis.toml"
    lines = [f'{name} = "{value}"' for name, value in known.items()]
    config.write_text("\n".join(["[parameters]", *lines, ""]))
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config), "run"]
    patience = ["--request-timeout", "90", "--max-response-time", "90"]  # what a route may take is measured elsewhere
    options = ["--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color", *patience]
    ran = subprocess.run(
        [*command, f"{studio.url}/api/openapi.json", "-H", f"Authorization: Bearer {token}", *options, *arguments],
        cwd=folder,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    return ran.stdout


def test_no_route_breaks_its_promise_to_strangers(studio: Studio, tmp_path: Path) -> None:
    made = httpx.post(f"{studio.url}/api/sessions").json()
    said = schemathesis(studio, tmp_path, made["access_token"], {}, "--phases", "coverage,fuzzing")
    assert "Tested: 13" in said


def test_no_route_breaks_its_promise_to_its_owner(studio: Studio, tmp_path: Path) -> None:
    made = httpx.post(f"{studio.url}/api/sessions").json()
    session, token = made["session_id"], made["access_token"]
    body = {"session_id": session, "input_data": {"source": "sample"}}
    headers = {"Authorization": f"Bearer {token}"}
    task = httpx.post(f"{studio.url}/api/tasks/submit/trending_analysis", json=body, headers=headers)
    assert task.status_code == 201, task.text
    known = {"session_id": session, "task_id": task.json()["task_id"]}
    # What is deleted could not be asked again. Without the token there is a 404: what is not yours does not exist. And what is
    # right in its shape may be refused for what it says: a task that did not fail is not retried.
    not_here = ("--exclude-method", "DELETE", "--exclude-checks", "ignored_auth,positive_data_acceptance")
    said = schemathesis(studio, tmp_path, token, known, "--phases", "coverage,fuzzing", *not_here)
    assert "Tested: 11" in said
