"""Keep a studio's processes running together: started from one thread, restarted when they fall, ended all at once.

Every process is launched so that the kernel kills it with the supervisor (``launch``), in a session of its own, so that
Ctrl-C reaches the supervisor alone and it decides the order of the end.
"""

import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from videoflow.children import module_environment
from videoflow.errors import VideoflowError

STOP_SECONDS = 7.0
"""Until SIGKILL. The worker gives running tasks 5 s to let go."""
LAST_STOP_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A process that lived this long starts again without waiting."""
HOPELESS_FALLS = 3
LOG_BYTES = 5 * 1024 * 1024
_LOOK_SECONDS = 0.2

Say = Callable[[str], None]


class CannotStart(VideoflowError):
    """The studio cannot start here; the sentence says what to change."""

    code = "CANNOT_START"


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the studio; ``ends_last`` is for what the others need until their own end."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    ends_last: bool = False


class StudioLock:
    """One studio per data folder; the lock goes with the process that holds it, even after ``kill -9``."""

    def __init__(self, data: Path) -> None:
        self._path = data / "studio.lock"
        self._file: IO[str] | None = None

    def take(self, *, address: str) -> None:
        """Hold the data folder and write down where the studio answers.

        Raises:
            CannotStart: another studio holds it.
        """
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            where = self.address()
            raise CannotStart(
                f"A studio is already running on this data folder{f' (address {where})' if where else ''}. "
                "Use that one, stop it first, or choose another folder with VIDEOFLOW_DATA."
            ) from None
        file.seek(0)
        file.truncate()
        json.dump({"address": address, "pid": os.getpid()}, file)
        file.flush()
        self._file = file

    def address(self) -> str:
        """Where the studio that holds the folder answers; empty when that is not known."""
        try:
            return str(json.loads(self._path.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def is_held(self) -> bool:
        """Say whether a running studio holds the folder."""
        if not self._path.exists():
            return False
        with self._path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


def listen(host: str, port: int) -> socket.socket:
    """A listening socket for the server to inherit: a taken port is known at once, and restarts drop no connection.

    Raises:
        CannotStart: the port is taken or not ours to use, or the host is not an address of this machine.
    """
    if not 0 <= port <= 65535:
        raise CannotStart(f"Port {port} does not exist. Choose one between 1024 and 65535 with --port.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError):
        raise CannotStart(
            f"{host!r} is not an address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for the whole network."
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise CannotStart(f"Port {port} is not open to ordinary users. Choose one above 1023 with --port.") from None
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"Port {port} is taken by another program. Choose another one: --port {port + 1}.") from None
        raise CannotStart(f"The studio cannot listen on {host} port {port} ({(error.strerror or 'refused').lower()}).") from None
    listener.settimeout(0)
    return listener


class _Process:
    """A service as it runs: its process, its log, and when it may start again after a fall."""

    def __init__(self, service: Service, log: Path) -> None:
        self.service = service
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.falls = 0
        self.start_again_at: float | None = None

    def start(self) -> None:
        """Start it, its output at the end of its log. Call from the main thread: the kernel ties children to the thread."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "videoflow.health.launch", str(os.getpid()), *self.service.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.service.descriptors,
                env={**module_environment(), **self.service.environment},
            )
        self.started_at = time.monotonic()
        self.start_again_at = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals, *, group: bool) -> None:
        if self.process is None:
            return
        try:
            if group:
                os.killpg(self.process.pid, number)
            elif self.is_running:
                self.process.send_signal(number)
        except ProcessLookupError:
            pass

    def bound_log(self) -> None:
        """Keep the log under 5 MiB with one older part beside it; the processes append, so emptying it is safe."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)


class Supervisor:
    """Run services until told to stop; one object per studio, used from the main thread."""

    def __init__(self, *, logs: Path, say: Say) -> None:
        self._logs = logs
        self._say = say
        self._processes: list[_Process] = []
        self._stop = threading.Event()
        self._signals = 0

    def on_signal(self, *_: object) -> None:
        """Ask for the end; a second time ends at once."""
        self._signals += 1
        self._stop.set()

    def handle_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def start(self, service: Service) -> None:
        process = _Process(service, self._logs / f"{service.name}.log")
        self._processes.append(process)
        process.start()

    def is_running(self, name: str) -> bool:
        return any(process.is_running for process in self._processes if process.service.name == name)

    def hopeless(self) -> list[str]:
        """Names of services that have fallen three times without living for a minute."""
        return [process.service.name for process in self._processes if process.falls >= HOPELESS_FALLS]

    def look(self) -> None:
        """Wait a moment, then start again what has fallen and bound the logs."""
        self._stop.wait(_LOOK_SECONDS)
        now = time.monotonic()
        for process in self._processes:
            if self.is_stopping:
                return
            process.bound_log()
            if process.start_again_at is not None:
                if now >= process.start_again_at:
                    process.start()
                continue
            if process.is_running:
                continue
            process.signal(signal.SIGKILL, group=True)  # what it left behind
            process.falls = 1 if now - process.started_at > STEADY_SECONDS else process.falls + 1
            wait_seconds = min(LONGEST_BACKOFF_SECONDS, 2.0 ** (process.falls - 1) - 1)
            process.start_again_at = now + wait_seconds
            when = f"in {wait_seconds:.0f} s" if wait_seconds else "now"
            code = process.process.returncode if process.process else None
            self._say(f"The {process.service.name} ended unexpectedly (code {code}); starting it again {when}. See {process.log}")

    def run(self) -> None:
        """Watch over the services until a signal asks for the end."""
        while not self.is_stopping:
            self.look()

    def stop(self) -> None:
        """End every service: SIGTERM and 7 s, then SIGKILL for its whole group; those that end last follow."""
        self._stop.set()
        for is_last, seconds in ((False, STOP_SECONDS), (True, LAST_STOP_SECONDS)):
            ending = [process for process in self._processes if process.service.ends_last is is_last]
            for process in ending:
                process.signal(signal.SIGTERM, group=False)
            deadline = time.monotonic() + seconds
            while any(process.is_running for process in ending) and time.monotonic() < deadline and self._signals < 2:
                time.sleep(0.05)
            for process in ending:
                process.signal(signal.SIGKILL, group=True)
                if process.process is not None:
                    process.process.wait(60)
        self._processes.clear()
