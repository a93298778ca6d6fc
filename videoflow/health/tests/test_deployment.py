"""What operators are given to deploy with says what is so, and the parts of a studio work when they are started one by one."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from videoflow.pipeline.media_files import BY_PROXY
from videoflow.tasks.tests.noop.machine import clean_environment
from videoflow.tests.ports import free_port

ROOT = Path(settings.BASE_DIR)
DEPLOY = ROOT / "deploy"
SECONDS = 240.0


def manage(data: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**clean_environment(data), **variables}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def started() -> list[list[str]]:
    """The commands of the studio that units and compose.yaml start."""
    units = [path.read_text(encoding="utf-8") for path in sorted((DEPLOY / "systemd").glob("*.service"))]
    found = [line.split() for unit in units for line in re.findall(r"^ExecStart(?:Pre)?=.*manage\.py (.*)$", unit, re.MULTILINE)]
    compose = re.sub(r"(?s)  database:.*", "", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    commands = re.findall(r"^    command: \[(.*)\]$", compose, re.MULTILINE)
    return found + [[part.strip().strip('"') for part in line.split(",")] for line in commands]


class TestFiles:
    def test_every_command_is_there_and_takes_these_arguments(self) -> None:
        commands = started()
        assert {line[0] for line in commands} == {"studio", "migrate", "serve", "run_worker", "run_dispatcher"}
        for name, *arguments in commands:
            parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
            parser.parse_args([argument.replace("%i", "cpu") for argument in arguments])

    def test_every_variable_is_a_setting(self) -> None:
        known = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
        files = [path for path in DEPLOY.rglob("*") if path.is_file()] + [ROOT / "compose.yaml", ROOT / "Containerfile"]
        for path in files:
            named = set(re.findall(r"\b(VIDEOFLOW_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", path.read_text(encoding="utf-8")))
            assert {name for name in named - known if name.removesuffix("_FILE") not in known} == set(), path

    @pytest.mark.parametrize("name", ["nginx.conf", "nginx-compose.conf"])
    def test_nginx_sends_what_the_studio_lets_it(self, name: str) -> None:
        text = (DEPLOY / name).read_text(encoding="utf-8")
        folders = re.search(r"\(\?:([a-z|]+)\)/\.\+", text)
        assert folders is not None
        assert set(folders[1].split("|")) == BY_PROXY

    @pytest.mark.rows
    def test_check_deploy_finds_nothing(self, tmp_path: Path) -> None:
        given = DEPLOY / "systemd" / "videoflow.env.example"
        done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", VIDEOFLOW_ENV_FILE=str(given))
        assert done.returncode == 0, done.stderr
        assert "VIDEOFLOW_HTTPS=1\n" in (DEPLOY / "compose.env.example").read_text(encoding="utf-8")


@contextmanager
def process(name: str, given: Mapping[str, str], logs: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (logs / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments], env=dict(given), cwd=logs, stdout=log, stderr=log
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait(SECONDS)


def asked(port: int, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = "") -> Any:
    """Return the JSON answer; None while nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return json.loads(connection.getresponse().read() or b"null")
    except OSError:
        return None
    finally:
        connection.close()


class TestParts:
    @pytest.mark.rows
    def test_web_workers_and_dispatcher_by_themselves(self, redis_server: str, tmp_path: Path) -> None:
        """A task asked for at the web process is run by the worker of its queue; the dispatcher runs none."""
        port = free_port()
        given = {**clean_environment(tmp_path / "data"), "REDIS_URL": redis_server, "VIDEOFLOW_LOG_FORMAT": "json"}
        assert manage(tmp_path / "data", "migrate", "-v0").returncode == 0
        with ExitStack() as running:
            parts = {
                "web": ["serve", "--port", str(port)],
                "worker": ["run_worker", "--queues", "io", "--processes", "1"],
                "dispatcher": ["run_dispatcher", "--no-tasks"],
            }
            processes = {
                name: running.enter_context(process(name, given, tmp_path, *arguments)) for name, arguments in parts.items()
            }
            deadline = time.monotonic() + SECONDS

            def until(condition: Any) -> Any:
                while not (found := condition()):
                    assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()[-2000:]
                    assert all(one.poll() is None for one in processes.values())
                    time.sleep(0.2)
                return found

            def ready() -> bool:
                answer = asked(port, "GET", "/readyz")
                return bool(answer) and answer["checks"]["worker"] == "ok" and answer["checks"]["redis"] == "ok"

            until(ready)
            session = asked(port, "POST", "/api/sessions", {})
            token = session["access_token"]
            wanted = {"session_id": session["session_id"], "input_data": {"source": "sample"}}
            made = asked(port, "POST", "/api/tasks/submit/trending_analysis", wanted, token)
            address = f"/api/tasks/{made['task_id']}"
            until(lambda: (asked(port, "GET", address, None, token) or made)["status"] == "completed")
        lines = [json.loads(line) for line in (tmp_path / "worker.log").read_text().splitlines() if line.startswith("{")]
        assert [line for line in lines if line.get("task") == made["task_id"] and line.get("stage") == "trending_analysis"]
