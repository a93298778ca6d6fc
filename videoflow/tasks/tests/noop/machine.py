"""A studio of real processes with stages that do nothing, in a data folder of its own; each process can be hurt by name.

Load scripts and fault tests stand outside of it: they act through the hand (a process of the studio's own database) and end only
what they started, by pid.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from videoflow.env import embedded_redis_socket
from videoflow.health.embedded_redis import private_folder, redis_command
from videoflow.tests.own_rows import rows_drop, rows_of, tables_make
from videoflow.tests.postgresql import Cluster, folder_make

ROOT = Path(__file__).resolve().parents[4]
START_SECONDS = 240.0
STOP_SECONDS = 15.0


class NotReady(RuntimeError):
    """The machine did not get ready, or something did not come true in time."""


def wait_for(condition: Callable[[], bool], *, seconds: float, what: str, every: float = 0.1) -> None:
    """Return once the condition holds.

    Raises:
        NotReady: it did not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def clean_environment(data: Path) -> dict[str, str]:
    """Return this process's environment for a studio of its own in ``data``, its rows where the tests keep theirs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIDEOFLOW_", "VF_", "NOOP_"))}
    for name in ("DATABASE_URL", "REDIS_URL"):
        kept.pop(name, None)
    ours = {"VIDEOFLOW_DATA": str(data), "VIDEOFLOW_ENV_FILE": str(data / "no.env"), "PYTHONPATH": str(ROOT)}
    return kept | ours | {"PYTHONUNBUFFERED": "1"} | rows_of(data)


def processes_of(data: Path) -> list[psutil.Process]:
    """Return every process on this host, but this one, that works on a data folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_dead = process.status() == psutil.STATUS_ZOMBIE
            if process.pid != os.getpid() and not is_dead and process.environ().get("VIDEOFLOW_DATA") == str(data):
                found.append(process)
    return found


class Hand:
    """A child in the machine's database that does what it is told, one command at a time."""

    def __init__(self, environment: dict[str, str], module: str = "videoflow.tasks.tests.noop.hand") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def tell(self, command: str, *arguments: Any) -> None:
        """Begin a command; its reply is fetched with ``reply``."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
        self.process.stdin.flush()

    def reply(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise NotReady("the hand has died; its last words are on stderr")
        return dict(json.loads(line))

    def ask(self, command: str, *arguments: Any) -> dict[str, Any]:
        self.tell(command, *arguments)
        return self.reply()

    def close(self) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Machine:
    """Redis, ``workers`` Celery workers of ``processes`` each, a dispatcher, and a server when ``serves``.

    ``database``: ``sqlite``, ``postgresql`` (a cluster of its own, which can be hurt too), or what the tests run on.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        processes: int = 2,
        lease_seconds: float = 30.0,
        database_seconds: float = 20.0,
        moves_clock: bool = False,
        crash_at: str = "",
        database_pages: int | None = None,
        slots: int | None = None,
        serves: bool = False,
        notes_commits: bool = False,
        database: str = "",
    ) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="vf-noop-", dir="/tmp" if len(tempfile.gettempdir()) > 40 else None))
        (self.data / "noop").touch()
        self.commits = self.data / "commits"
        self.commits.mkdir()
        self.socket = embedded_redis_socket(self.data)
        self.workers, self.processes = workers, processes
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512) if serves else None
        self.lease_seconds = lease_seconds
        self.environment = clean_environment(self.data) | {
            "DJANGO_SETTINGS_MODULE": "videoflow.tasks.tests.noop.settings",
            "NOOP_LEASE_SECONDS": str(lease_seconds),
            "NOOP_DATABASE_SECONDS": str(database_seconds),
            "NOOP_SLOTS": str(slots or workers * processes),
            **({"NOOP_COMMITS": str(self.commits)} if notes_commits else {}),
        }
        self.cluster: Cluster | None = None
        if database == "sqlite":
            self.environment.pop("DATABASE_URL", None)
        if not database:
            tables_make(self.data)
        if database == "postgresql":
            self.cluster = Cluster(folder_make())
            try:
                self.cluster.start()
                self.environment["DATABASE_URL"] = self.cluster.database_make("studio")
            except BaseException:  # of whatever kind: nobody else would end it; it is raised on
                self._database_end()
                raise
        if moves_clock:
            self.environment["NOOP_MOVES_CLOCK"] = "1"
            self.clock_move(0)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.hand = Hand(self.environment)
        # The rest is for the studio's processes; the hand stands outside.
        if crash_at:
            self.environment["VF_CRASH_AT"] = crash_at
        if database_pages:
            self.environment["NOOP_DATABASE_PAGES"] = str(database_pages)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self.redis_start()
            self.hand.ask("migrate")
            if self.listener:
                self.start("server")
            self.start("dispatcher")
            for number in range(self.workers):
                self.start(f"worker{number}")
            self.wait_until_ready()
            undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            for name in self.running:
                sys.stderr.write(f"--- the end of {name}.log\n{self.log(name)[-6000:]}\n")
        self.stop()

    @property
    def port(self) -> int:
        assert self.listener
        return int(self.listener.getsockname()[1])

    def wait_until_ready(self) -> None:
        """Wait for a heartbeat of every worker that runs now, and of the dispatcher."""
        pids = {process.pid for name, process in self.running.items() if name.startswith(("worker", "dispatcher"))}

        def beating() -> bool:
            for name in self.fallen():
                raise NotReady(f"{name} fell while starting: {self.log(name)[-800:]}")
            return pids <= set(self.hand.ask("beats")["pids"])

        wait_for(beating, seconds=START_SECONDS, what="workers ready", every=0.2)
        if self.listener:
            wait_for(self._answers, seconds=START_SECONDS, what="server ready", every=0.2)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in client.recv(64)
        return False

    def redis_start(self) -> None:
        private_folder(self.socket.parent)
        folder = self.data / "redis"
        folder.mkdir(exist_ok=True)
        self._launch("redis", redis_command(socket=self.socket, folder=folder, keep=False))
        wait_for(self.socket.exists, seconds=START_SECONDS, what="Redis ready", every=0.02)

    def start(self, name: str) -> None:
        """Start a process of the studio; ``worker0`` and so on are Celery workers."""
        manage = [sys.executable, str(ROOT / "manage.py")]
        if name == "server":
            assert self.listener
            self._launch(name, [*manage, "serve", "--fd", str(self.listener.fileno())], self.listener.fileno())
        elif name == "dispatcher":
            self._launch(name, [*manage, "run_dispatcher"])
        else:
            celery = [sys.executable, "-m", "celery", "--app", "videoflow.celery:app", "--quiet", "worker"]
            options = ["--hostname", f"{name}@%h", "--queues", "io,cpu,upload", "--concurrency", str(self.processes)]
            options += ["--prefetch-multiplier", "1", "-O", "fair", "--without-gossip", "--without-mingle", "--without-heartbeat"]
            self._launch(name, [*celery, *options])

    def _launch(self, name: str, command: list[str], *descriptors: int) -> None:
        with (self.data / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "videoflow.health.launch", str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=descriptors,
                cwd=ROOT,
                env=self.environment | {"REMAP_SIGTERM": "SIGQUIT"},
            )

    def pool_children(self, name: str) -> list[psutil.Process]:
        """The processes of a worker that run tasks."""
        try:
            return psutil.Process(self.running[name].pid).children()
        except psutil.NoSuchProcess:
            return []

    def signal(self, name: str, number: signal.Signals) -> None:
        """Signal one process, a worker's pool not included."""
        self.running[name].send_signal(number)

    def halt(self, name: str) -> None:
        """Freeze a process and its pool."""
        for process in (psutil.Process(self.running[name].pid), *self.pool_children(name)):
            process.suspend()

    def go_on(self, name: str) -> None:
        """Let a frozen process and its pool go on."""
        for process in (*self.pool_children(name), psutil.Process(self.running[name].pid)):
            process.resume()

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def restart(self, name: str) -> None:
        """Start a process that has ended again, as the studio's supervisor does."""
        self.running[name].wait(STOP_SECONDS)
        self.redis_start() if name == "redis" else self.start(name)

    def fallen(self) -> list[str]:
        return [name for name, process in self.running.items() if process.poll() is not None]

    def ours(self) -> list[psutil.Process]:
        """Every process on this host that works on our data folder, except this one and the hand."""
        return [process for process in processes_of(self.data) if process.pid != self.hand.process.pid]

    def clock_move(self, seconds: float) -> None:
        """Move the wall clock of all processes to so many seconds from the true time."""
        draft = self.data / "clock.part"
        draft.write_text(str(seconds))
        draft.replace(self.data / "clock")

    def log(self, name: str) -> str:
        return (self.data / f"{name}.log").read_text(errors="replace")

    def drained(self) -> bool:
        """Say whether no task is open."""
        return not {"pending", "retrying", "in_progress"} & set(self.hand.ask("counts"))

    def _database_end(self) -> None:
        if self.cluster is not None:
            self.cluster.stop()
            shutil.rmtree(self.cluster.folder, ignore_errors=True)
        rows_drop(self.data)

    def stop(self) -> None:
        """End every process, Redis last, and remove the data folder."""
        for names in ([name for name in self.running if name != "redis"], ["redis"]):
            ending = [self.running[name] for name in names if name in self.running]
            for process in ending:
                process.send_signal(signal.SIGCONT)
                process.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            for process in ending:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.hand.close()
        self._database_end()
        if self.listener:
            self.listener.close()
        shutil.rmtree(self.data, ignore_errors=True)
