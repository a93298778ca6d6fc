"""A PostgreSQL of the tests' own: a throw-away cluster in the temporary folder, reached over a Unix socket by this user alone.

It needs the programs of a PostgreSQL installation (Debian's package ``postgresql``), no running server and no rights. They refuse
to run as root, so root starts them as the package's own user.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

ROLE = "videoflow"
_DEBIAN = Path("/usr/lib/postgresql")
_UNPRIVILEGED = ("postgres", "nobody")
_LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
_START_SECONDS = 240.0
_STOP_SECONDS = 120.0
_OPTIONS = {  # nothing of it outlives the tests, so nothing needs to reach the disk
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "jit": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "logging_collector": "off",
    "timezone": "UTC",
}


class NoPostgresql(RuntimeError):
    """There is no PostgreSQL to start, or it does not start."""


def program(name: str) -> Path:
    """Return the newest installed program of that name.

    Raises:
        NoPostgresql: there is none.
    """

    def version(folder: Path) -> int:
        return int(folder.parent.name) if folder.parent.name.isdigit() else 0

    folders = sorted(_DEBIAN.glob("*/bin"), key=version, reverse=True)
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, timeout=60, check=True)
        folders.append(Path(said.stdout.strip()))
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise NoPostgresql("There is no PostgreSQL here. On Debian and Ubuntu install it with: apt install postgresql")
    return Path(found)


def _other_user() -> dict[str, Any]:
    """Return the arguments that let ``Popen`` start a program as somebody who is not root; none where we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise NoPostgresql("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as.")


def _ends_with_us() -> list[str]:
    """Return a prefix by which the kernel ends the server when this process dies, however it dies; none where there is none."""
    return ["setpriv", "--pdeathsig", "QUIT", "--"] if sys.platform == "linux" and shutil.which("setpriv") else []


class Cluster:
    """One server with its folder; ``url`` names a database in it, which ``database_make`` makes."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.options = _OPTIONS | options
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Make the cluster where there is none yet, and return once it answers; one that runs already is left alone.

        Raises:
            NoPostgresql: it does not; the sentence holds the end of its log.
        """
        if self.process is not None:
            return
        user = _other_user()
        if user:
            os.chown(self.folder, user["user"], user["group"])
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        common: dict[str, Any] = {"cwd": "/", "env": environment, "stdin": subprocess.DEVNULL, **user}
        rows = self.folder / "rows"
        if not rows.exists():
            making = [str(program("initdb")), "--pgdata", str(rows), "--username", ROLE, "--auth=trust", "--no-sync"]
            making += ["--encoding=UTF8", f"--locale={_LOCALE}", "--no-instructions"]
            try:
                made = subprocess.run(making, capture_output=True, text=True, timeout=300, check=False, **common)
            except (OSError, subprocess.SubprocessError) as error:
                raise NoPostgresql(f"PostgreSQL's initdb does not run: {error}") from error
            if made.returncode:
                raise NoPostgresql(f"PostgreSQL's cluster could not be made: {(made.stdout + made.stderr)[-2000:]}")
        command = [*_ends_with_us(), str(program("postgres")), "-D", str(rows), "-k", str(self.folder)]
        for name, value in self.options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **common)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=10).close()
                return
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise NoPostgresql(f"PostgreSQL does not start: {error}; {self.log()[-2000:]}") from error
            time.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT breaks off what runs, SIGQUIT is as a power cut."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)  # its children go too; SIGKILL would leave them to find out
            process.wait(_STOP_SECONDS)

    def ask(self, statement: sql.Composed) -> None:
        """Run a statement outside of any transaction, in the cluster's own database."""
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=60) as connection:
            connection.execute(statement)

    def database_make(self, name: str, *, template: str = "template1") -> str:
        """Make a database, instead of one of that name, and return its URL; it is empty, or a copy of one that nobody uses."""
        self.database_drop(name)
        self.ask(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def database_drop(self, name: str) -> None:
        """End a database and whoever is connected to it."""
        self.ask(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def folder_make() -> Path:
    """Return a new folder with a path short enough for a socket in it (107 bytes on Linux, 103 on macOS)."""
    base = Path(tempfile.gettempdir())
    is_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in (base, *base.parents))  # to the user who is not root
    return Path(tempfile.mkdtemp(prefix="vf-pg-", dir=base if is_open and len(os.fsencode(base)) < 60 else "/tmp"))


@contextmanager
def own_cluster(folder: Path | None = None, **options: str) -> Iterator[Cluster]:
    """Run a cluster for as long as the block does, and leave nothing of it."""
    cluster = Cluster(folder or folder_make(), **options)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)
