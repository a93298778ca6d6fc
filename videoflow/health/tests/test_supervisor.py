"""Real processes: small ones here, the whole studio in test_studio."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from videoflow.health import supervisor as room
from videoflow.health.supervisor import CannotStart, Service, StudioLock, Supervisor, listen

PYTHON = [sys.executable, "-c"]
PAUSE = threading.Event()
WAITS = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
WITH_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    " print(child.pid, flush=True); time.sleep(600)"
)


def until(condition: Callable[[], object], *, seconds: float = 240.0) -> None:
    """Look again and again until the condition holds; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        PAUSE.wait(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Said(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def supervisor(tmp_path: Path, said: Said):
    one = Supervisor(logs=tmp_path, say=said)
    yield one
    one.stop()


def pid_of(supervisor: Supervisor, index: int = 0) -> int:
    process = supervisor._processes[index].process
    assert process is not None
    return process.pid


def looked(supervisor: Supervisor) -> bool:
    supervisor.look()
    return True


class TestSupervisor:
    def test_ok(self, supervisor: Supervisor, said: Said, tmp_path: Path) -> None:
        supervisor.start(
            Service("one", [*PYTHON, "import os; print(os.environ['WORD'], flush=True); " + WAITS], {"WORD": "hello"})
        )
        until(lambda: (tmp_path / "one.log").read_text() == "hello\n")
        pid = pid_of(supervisor)
        assert os.getsid(pid) == pid  # Ctrl-C in the terminal does not reach it
        supervisor.stop()
        assert is_gone(pid)
        assert said == []

    def test_what_falls_is_started_again_and_said(self, supervisor: Supervisor, said: Said) -> None:
        supervisor.start(Service("one", [*PYTHON, WAITS]))
        first = pid_of(supervisor)
        os.kill(first, signal.SIGKILL)
        until(lambda: looked(supervisor) and pid_of(supervisor) != first)
        assert supervisor.is_running("one")
        assert said[0].startswith("The one ended unexpectedly (code -9); starting it again now. See ")

    def test_what_keeps_falling_waits_longer_and_is_hopeless(self, supervisor: Supervisor, said: Said) -> None:
        supervisor.start(Service("one", [*PYTHON, "raise SystemExit(3)"]))
        until(lambda: looked(supervisor) and supervisor.hopeless())
        assert ["again now" in said[0], "again in 1 s" in said[1], "again in 3 s" in said[2]] == [True, True, True]

    def test_stubborn_one_is_killed_with_what_it_started(
        self, supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(room, "STOP_SECONDS", 0.3)
        supervisor.start(Service("stubborn", [*PYTHON, STUBBORN]))
        supervisor.start(Service("parent", [*PYTHON, WITH_CHILD]))
        until(lambda: (tmp_path / "stubborn.log").read_text() and (tmp_path / "parent.log").read_text())
        pids = [pid_of(supervisor, 0), pid_of(supervisor, 1), int((tmp_path / "parent.log").read_text())]
        supervisor.stop()
        until(lambda: all(is_gone(pid) for pid in pids))

    def test_second_signal_ends_at_once(self, supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(room, "STOP_SECONDS", 3600.0)
        supervisor.start(Service("stubborn", [*PYTHON, STUBBORN]))
        until(lambda: (tmp_path / "stubborn.log").read_text())
        supervisor.on_signal()
        supervisor.on_signal()
        supervisor.stop()
        assert not supervisor.is_running("stubborn")

    def test_last_one_outlives_the_others(self, supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Redis must be there while the worker gives its tasks back."""
        monkeypatch.setattr(room, "STOP_SECONDS", 240.0)
        monkeypatch.setattr(room, "LAST_STOP_SECONDS", 240.0)
        code = (
            "import pathlib, signal, sys, time\n"
            "name = pathlib.Path(sys.argv[1])\n"
            "def end(*_): name.write_text(repr(time.monotonic())); sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
        )
        supervisor.start(Service("redis", [*PYTHON, code, str(tmp_path / "redis-end")], ends_last=True))
        supervisor.start(Service("worker", [*PYTHON, code, str(tmp_path / "worker-end")]))
        until(lambda: (tmp_path / "redis.log").read_text() and (tmp_path / "worker.log").read_text())
        supervisor.stop()
        assert float((tmp_path / "worker-end").read_text()) < float((tmp_path / "redis-end").read_text())

    def test_log_is_bounded(self, supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(room, "LOG_BYTES", 1000)
        supervisor.start(Service("chatty", [*PYTHON, "print('x' * 5000, flush=True); import time; time.sleep(600)"]))
        until(lambda: (tmp_path / "chatty.log").stat().st_size > 5000)
        supervisor.look()
        assert (tmp_path / "chatty.log").stat().st_size == 0
        assert (tmp_path / "chatty.log.1").stat().st_size == 5001

    def test_kill_9_of_the_supervisor_leaves_nothing(self, tmp_path: Path) -> None:
        code = (
            "import pathlib, sys\n"
            "from videoflow.health.supervisor import Service, Supervisor\n"
            f"one = Supervisor(logs=pathlib.Path({str(tmp_path)!r}), say=print)\n"
            "say = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'\n"
            "one.start(Service('one', [sys.executable, '-c', say]))\n"
            "one.run()"
        )
        process = subprocess.Popen([sys.executable, "-c", code])
        until(lambda: (tmp_path / "one.log").exists() and (tmp_path / "one.log").read_text())
        pid = int((tmp_path / "one.log").read_text())
        assert not is_gone(pid)
        process.kill()
        process.wait()
        until(lambda: is_gone(pid))

    def test_nothing_starts_for_a_parent_that_is_gone(self) -> None:
        argv = [sys.executable, "-m", "videoflow.health.launch", "999999999", "/bin/echo", "started"]
        answer = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout) == (1, "")


class TestLock:
    def test_ok(self, tmp_path: Path) -> None:
        first, second = StudioLock(tmp_path), StudioLock(tmp_path)
        assert not second.is_held()
        first.take(address="http://127.0.0.1:8123")
        assert second.is_held()
        with pytest.raises(CannotStart, match=r"already running on this data folder \(address http://127.0.0.1:8123\)"):
            second.take(address="http://127.0.0.1:9000")

    def test_goes_with_its_process(self, tmp_path: Path) -> None:
        code = (
            "import os, pathlib\nfrom videoflow.health.supervisor import StudioLock\n"
            f"StudioLock(pathlib.Path({str(tmp_path)!r})).take(address='x'); os.kill(os.getpid(), 9)"
        )
        subprocess.run([sys.executable, "-c", code], check=False)
        assert (tmp_path / "studio.lock").exists()
        StudioLock(tmp_path).take(address="http://127.0.0.1:8000")


class TestListen:
    def test_taken_port_is_said(self) -> None:
        with listen("127.0.0.1", 0) as first:
            port = first.getsockname()[1]
            with pytest.raises(
                CannotStart, match=f"Port {port} is taken by another program. Choose another one: --port {port + 1}"
            ):
                listen("127.0.0.1", port)

    @pytest.mark.parametrize("host", ["no such host", "203.0.113.7"])
    def test_foreign_host_is_said(self, host: str) -> None:
        with pytest.raises(CannotStart, match=host.replace(".", r"\.")):
            listen(host, 0)

    def test_impossible_port_is_said(self) -> None:
        with pytest.raises(CannotStart, match="70000"):
            listen("127.0.0.1", 70000)
