"""Hosts that share a database, a Redis and a bucket, nothing else; data folder, name and ways to the three are their own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from videoflow.health.embedded_redis import private_folder, redis_command
from videoflow.storage.tests.bucket_server import BUCKET, KEY_ID, SECRET, BucketServer
from videoflow.tasks.tests.noop.machine import ROOT, Hand, NotReady, clean_environment, wait_for
from videoflow.tasks.tests.noop.relay import Relay
from videoflow.tests.ports import free_port
from videoflow.tests.postgresql import Cluster, folder_make

SERVICES = ("database", "redis", "storage")
READY_SECONDS = 240.0
STOP_SECONDS = 240.0
_SECRETS = {"VIDEOFLOW_SECRET_KEY": "k" * 50, "VIDEOFLOW_VAULT_KEYS": "v" * 40}


class Host:
    """Processes of the studio in a data folder of their own, under a host name of their own; ``ways`` lead to the services."""

    def __init__(self, name: str, folder: Path, ways: dict[str, Relay], settings: dict[str, str], *, is_noop: bool) -> None:
        self.name, self.ways = name, ways
        self.data = folder / name
        self.data.mkdir(mode=0o700)
        (self.data / "noop").touch()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0
        self._commands: dict[str, tuple[str, ...]] = {}
        self.environment = clean_environment(self.data) | _SECRETS | settings
        if is_noop:
            self.environment["DJANGO_SETTINGS_MODULE"] = "videoflow.tasks.tests.noop.settings"
        self.environment |= {
            "VIDEOFLOW_HOST": name,
            "DATABASE_URL": f"postgresql://videoflow@127.0.0.1:{ways['database'].port}/studio",
            "REDIS_URL": f"redis://127.0.0.1:{ways['redis'].port}/0",
            "VIDEOFLOW_STORAGE_URL": f"s3://{BUCKET}/studio?endpoint=http://127.0.0.1:{ways['storage'].port}",
            "VIDEOFLOW_STORAGE_KEY_ID": KEY_ID,
            "VIDEOFLOW_STORAGE_SECRET": SECRET,
        }

    def start(self, part: str, *command: str) -> None:
        """Start a command of ``manage.py`` under the name of this host."""
        self._commands[part] = command
        with (self.data / f"{part}.log").open("ab") as log:
            self.running[part] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "videoflow.health.launch", str(os.getpid())),
                    *(sys.executable, str(ROOT / "manage.py"), *command),
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )

    def work(self, queues: str = "io,cpu,upload", processes: int = 2) -> None:
        """Start a worker of these queues and a dispatcher, as a worker host does."""
        self.start("worker", "run_worker", "--queues", queues, "--processes", str(processes))
        self.start("dispatcher", "run_dispatcher", "--no-tasks")

    def tend(self) -> None:
        """Start again what has fallen, as systemd does."""
        for part, process in list(self.running.items()):
            if process.poll() is not None:
                self.restarts += 1
                self.start(part, *self._commands[part])

    def serve(self, port: int) -> None:
        self.start("web", "serve", "--host", "127.0.0.1", "--port", str(port))

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Signal every process and wait for its end; return the seconds that it took."""
        began = time.monotonic()
        for process in self.running.values():
            process.send_signal(number)
        for process in self.running.values():
            process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):  # what a process killed left behind
                os.killpg(process.pid, signal.SIGKILL)
        self.running.clear()
        return time.monotonic() - began

    def log(self, part: str) -> str:
        return (self.data / f"{part}.log").read_text(errors="replace")

    def fail(self, service: str, fault: str) -> None:
        self.ways[service].fail(fault)

    def heal(self, service: str) -> None:
        self.ways[service].heal()


class Fleet:
    """A PostgreSQL, a Valkey, a SeaweedFS, and hosts; everything ends with the block."""

    def __init__(self, settings: dict[str, str], *, is_noop: bool = True) -> None:
        self.settings, self.is_noop = settings, is_noop
        self.hosts: dict[str, Host] = {}
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self.folder = Path(tempfile.mkdtemp(prefix="vf-fleet-", dir="/tmp" if len(tempfile.gettempdir()) > 40 else None))
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            cluster = Cluster(folder_make())
            undo.callback(shutil.rmtree, cluster.folder, ignore_errors=True)
            cluster.start()
            undo.callback(cluster.stop)
            cluster.database_make("studio")
            self.database_url = cluster.url("studio")
            self._database = cluster.folder / ".s.PGSQL.5432"
            self._redis = self._redis_start(undo)
            (self.folder / "weed").mkdir()
            bucket = BucketServer(self.folder / "weed")
            undo.callback(bucket.stop)
            bucket.start()
            host, _, port = bucket.url.removeprefix("http://").partition(":")
            self._storage = (host, int(port))
            self.bucket = bucket.client()
            undo.callback(self._end)
            self.web = self.host("web")
            self.hand = Hand(self.web.environment) if self.is_noop else None
            if self.hand:
                undo.callback(self.hand.close)
            self.web.start("migrate", "migrate", "--no-input")
            if self.web.running.pop("migrate").wait(READY_SECONDS):
                raise NotReady(f"the database could not be made: {self.web.log('migrate')[-2000:]}")
            self._undo = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            for host in self.hosts.values():
                for log in host.data.glob("*.log"):
                    sys.stderr.write(f"--- the end of {host.name}/{log.name}\n{log.read_text(errors='replace')[-3000:]}\n")
        self._undo.close()

    def _redis_start(self, undo: contextlib.ExitStack) -> Path:
        place = private_folder(self.folder / "redis")
        with (place / "log").open("wb") as log:
            command = redis_command(socket=place / "sock", folder=place, keep=False)
            launch = [sys.executable, "-m", "videoflow.health.launch", str(os.getpid()), *command]
            process = subprocess.Popen(launch, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        undo.callback(process.wait, 60)
        undo.callback(process.kill)
        wait_for((place / "sock").exists, seconds=READY_SECONDS, what="Redis ready", every=0.05)
        return place / "sock"

    def host(self, name: str) -> Host:
        """Make a host; nothing runs on it yet."""
        ways = {"database": Relay(self._database), "redis": Relay(self._redis), "storage": Relay(self._storage)}
        self.hosts[name] = Host(name, self.folder, ways, self.settings, is_noop=self.is_noop)
        return self.hosts[name]

    def web_start(self) -> str:
        """Start the pages on their host and return their address."""
        port = free_port()
        self.web.serve(port)
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            if self.web.running["web"].poll() is not None:
                raise NotReady(f"the pages do not start: {self.web.log('web')[-2000:]}")
            try:
                return httpx.get(f"{url}/readyz", timeout=10, trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        wait_for(answers, seconds=READY_SECONDS, what="pages", every=0.3)
        return url

    def _end(self) -> None:
        for host in self.hosts.values():
            for way in host.ways.values():
                way.close()
            host.end(signal.SIGKILL)
