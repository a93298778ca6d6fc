"""The whole studio as its owner starts it: one command, real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from videoflow.health.supervisor import listen
from videoflow.tests.own_rows import rows_of
from videoflow.tests.ports import free_port

pytestmark = pytest.mark.rows

ROOT = Path(__file__).resolve().parents[3]
PAUSE = threading.Event()


def until(condition: Callable[[], object], *, seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        PAUSE.wait(0.02)


def command(data: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**environment, "VIDEOFLOW_DATA": str(data), **rows_of(data)},
    )


def refusal(data: Path, *arguments: str) -> str:
    """The one sentence of a start that must not succeed."""
    process = command(data, "studio", *arguments)
    out, error = process.communicate(timeout=240)
    assert process.returncode == 1, out
    assert error.count("\n") == 1, error
    return error.strip()


@dataclass
class Running:
    data: Path
    port: int
    process: subprocess.Popen[str]
    greeting: str

    def family(self) -> list[psutil.Process]:
        """Everything that belongs to this studio, itself included."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def ask(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=240)
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


def start(data: Path) -> Running:
    port = free_port()
    process = command(data, "studio", "--port", str(port))
    assert process.stdout is not None
    greeting = process.stdout.readline()  # ends with the process at the latest: four minutes after a start that hangs
    return Running(data, port, process, greeting.strip())


def words_of(member: psutil.Process) -> list[str]:
    """Return a process's command; nothing for one that ended meanwhile."""
    try:
        return member.cmdline()
    except psutil.NoSuchProcess:
        return []


def are_gone(family: list[psutil.Process]) -> bool:
    def is_gone(member: psutil.Process) -> bool:
        try:
            return not member.is_running() or member.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return all(map(is_gone, family))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Running]:
    running = start(tmp_path / "data")
    yield running
    if running.process.poll() is None:
        running.process.terminate()
    running.process.communicate(timeout=240)


class TestStudio:
    def test_ok(self, studio: Running) -> None:
        """Up with one command, every part answering; a second start refused; SIGTERM leaves nothing."""
        assert studio.greeting == f"videoflow is ready at http://127.0.0.1:{studio.port}"
        status, content = studio.ask("/readyz")
        assert (status, json.loads(content)["status"]) == (200, "ok")
        assert studio.ask(f"{settings.STATIC_URL}admin/css/base.css")[0] == 200  # style sheets without a step of their own

        sentence = refusal(studio.data, "--port", str(free_port()))
        assert sentence.startswith(f"A studio is already running on this data folder (address http://127.0.0.1:{studio.port}).")

        family = studio.family()
        names = " ".join(" ".join(words_of(member)) for member in family)
        assert all(part in names for part in ("valkey-server", "serve", "celery", "run_dispatcher"))
        assert len(family) >= 8  # three worker processes below the worker
        studio.process.send_signal(signal.SIGTERM)
        out, error = studio.process.communicate(timeout=240)
        assert (studio.process.returncode, error) == (0, ""), out
        assert are_gone(family)

    def test_redis_holds_only_what_its_table_names(self, studio: Running) -> None:
        """A session, its saved form, a task through the worker, a page: then every key is in the table and keeps its promise."""
        asked = HTTPConnection("127.0.0.1", studio.port, timeout=240)

        def call(method: str, path: str, body: object = None, token: str = "") -> dict[str, object]:
            headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
            asked.request(method, path, None if body is None else json.dumps(body), headers)
            answer = asked.getresponse()
            content = answer.read()
            assert answer.status < 300, content
            reply: dict[str, object] = json.loads(content)
            return reply

        session = call("POST", "/api/sessions", {})
        token, where = str(session["access_token"]), f"/api/sessions/{session['session_id']}/ui-state/trending_analysis"
        call("PUT", where, {"form_data": {"window": "weekly"}}, token)
        call("GET", where, None, token)
        body = {"session_id": session["session_id"], "input_data": {}}
        task = call("POST", "/api/tasks/submit/trending_analysis", body, token)
        until(lambda: call("GET", f"/api/tasks/{task['task_id']}", None, token)["status"] == "completed")
        assert studio.ask("/")[0] == 200

        report = command(studio.data, "redis_report", "--json")
        out, error = report.communicate(timeout=240)
        assert report.returncode == 0, out + error
        found = json.loads(out)
        assert (found["is_well"], found["unknown"], found["foreign"]) == (True, [], [])
        assert found["kinds"]["rate"]["keys"] > 0
        assert found["kinds"]["bindings"]["keys"] > 0
        assert 0 < found["used_bytes"] < found["limit_bytes"] / 10

    def test_kill_9_leaves_nothing_and_the_next_start_works(self, studio: Running) -> None:
        family = studio.family()
        studio.process.kill()
        until(lambda: are_gone(family))
        again = start(studio.data)
        try:
            assert "is ready at" in again.greeting
            fallen = [member for member in again.family() if "serve" in words_of(member)]
            fallen[0].kill()  # and a part that falls comes back, on the same port
            assert again.process.stdout is not None
            assert "Ctrl-C ends the studio" in again.process.stdout.readline()
            assert again.process.stdout.readline().startswith("Heavy steps at once: ")
            assert again.process.stdout.readline().startswith("The server ended unexpectedly (code -9); starting it again now.")
            assert again.ask("/livez")[0] == 200
        finally:
            again.process.send_signal(signal.SIGINT)
            assert again.process.wait(240) == 0

    def test_a_redis_that_cannot_start_costs_speed_only(self, tmp_path: Path) -> None:
        folder = tmp_path / "data" / "redis" / "appendonlydir"
        folder.mkdir(parents=True)
        (folder / "appendonly.aof.manifest").write_text("no manifest\n")
        running = start(tmp_path / "data")
        out = running.greeting
        assert running.process.stdout is not None
        while "is ready at" not in out and (line := running.process.stdout.readline()):
            out += line
        status, content = running.ask("/readyz")
        running.process.terminate()
        running.process.communicate(timeout=240)
        assert "Redis does not start: the studio works from its database alone" in out
        assert (status, json.loads(content)["status"]) == (200, "degraded")

    def test_data_folder_with_a_long_path(self, tmp_path: Path) -> None:
        """A socket's path has room for 107 characters; a folder's path has more."""
        running = start(tmp_path / ("long" * 25) / "data")
        try:
            assert "is ready at" in running.greeting
            assert json.loads(running.ask("/readyz")[1])["checks"]["redis"] == "ok"
        finally:
            running.process.terminate()
            running.process.communicate(timeout=240)


class TestRefusals:
    def test_taken_port(self, tmp_path: Path) -> None:
        with listen("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            sentence = refusal(tmp_path / "data", "--port", str(port))
        assert sentence == f"Port {port} is taken by another program. Choose another one: --port {port + 1}."

    def test_data_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        sentence = refusal(tmp_path / "file" / "data")
        assert sentence.endswith("(not a directory). Choose a folder you can write to with VIDEOFLOW_DATA.")

    def test_data_folder_that_became_read_only(self, tmp_path: Path) -> None:
        """The key can be read, nothing can be written: a folder on a disk that is mounted read-only."""
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "secret_key").write_text("k" * 60)
        script = (
            "import errno, os, runpy, sys, tempfile\n"
            "def refuse(*_, **__): raise OSError(errno.EROFS, os.strerror(errno.EROFS))\n"
            "tempfile.NamedTemporaryFile = refuse\n"
            f"sys.argv = ['manage.py', 'studio', '--port', '{free_port()}']\n"
            f"runpy.run_path({str(ROOT / 'manage.py')!r}, run_name='__main__')"
        )
        environment = {**os.environ, "VIDEOFLOW_DATA": str(tmp_path / "data")}
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=ROOT, check=False
        )
        assert result.returncode == 1
        assert "cannot be written to (read-only file system). Choose a folder you can write to" in result.stderr
        assert result.stderr.count("\n") == 1
