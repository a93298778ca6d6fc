"""The ground every test stands on: a data folder of its own, a real Redis of its own, and no network but this machine.

The environment is set while this file is read, before Django's settings are (so pytest.ini must not name them): nothing a test
does can reach the studio of whoever runs it.
"""

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django
import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings as django_settings
from django.db import connections
from django.utils import translation
from redis.exceptions import RedisError

from videoflow.children import priority_forgo
from videoflow.tests.own_rows import TESTED, cluster, rows_asked_for
from videoflow.tests.postgresql import Cluster

pytest_plugins = ("videoflow.tests.browser",)
LEFT_OUT = pytest.StashKey[dict[str, int]]()
"""How many tests were not run on this database, by the reason."""

_PATH_ROOM = 60  # a socket's path must stay short, wherever TMPDIR points
_BASE = Path(tempfile.gettempdir()) if len(tempfile.gettempdir()) < _PATH_ROOM else Path("/tmp")
DATA = Path(tempfile.mkdtemp(prefix="videoflow-test-", dir=_BASE))
atexit.register(shutil.rmtree, DATA, ignore_errors=True)

try:
    CLUSTER = cluster()
except ValueError as error:
    raise pytest.UsageError(str(error)) from error

if django_settings.configured:
    raise pytest.UsageError(
        "Unset DJANGO_SETTINGS_MODULE: the tests' settings must not be read before their data folder is known."
    )

for _name in [name for name in os.environ if name.startswith("VIDEOFLOW_")]:
    del os.environ[_name]
os.environ.pop("DATABASE_URL", None)
if CLUSTER:
    # The studio's limits but one: a test holds a transaction open while it makes a film, which takes minutes on a slow machine.
    limits = quote("-c statement_timeout=20s -c lock_timeout=15s -c idle_in_transaction_session_timeout=0")
    os.environ["DATABASE_URL"] = f"{CLUSTER.url('videoflow')}&options={limits}"
os.environ.update(
    DJANGO_SETTINGS_MODULE="videoflow.settings",
    VIDEOFLOW_DATA=str(DATA),
    VIDEOFLOW_ENV_FILE=str(DATA / "no.env"),
    REDIS_URL=f"unix://{DATA / 'redis.sock'}",
    VIDEOFLOW_CPU_SLOTS="1",  # whatever cores and memory this machine has
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
)
priority_forgo()  # Chromium and the AV1 encoder would take the machine from the other tests
django.setup()  # here and not by pytest-django, which would read the settings before this file
os.environ.pop("DATABASE_URL", None)  # studios that tests start keep their rows in data folders of their own

from videoflow.celery import app  # noqa: E402 - Django first
from videoflow.health.embedded_redis import redis_command  # noqa: E402
from videoflow.health.redis_keys import OUR_PREFIX, kind_of  # noqa: E402
from videoflow.redis import breaker, connect  # noqa: E402
from videoflow.tests.slow_redis import redis_wait_for  # noqa: E402

redis_wait_for()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each xdist process read this file before the settings, as this one did, and so get its own data folder and Redis."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def keeps_rows(item: pytest.Item) -> bool:
    """Say whether a test keeps rows: by a fixture, by Django's mark, or by the mark ``rows`` where it starts what does."""
    used = {"db", "transactional_db", "django_db_setup", "postgresql", "studio"} & set(getattr(item, "fixturenames", ()))
    marked = any(item.get_closest_marker(name) for name in ("django_db", "postgresql", "rows"))
    return bool(used) or marked


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the other database alone does, and on PostgreSQL what keeps no rows; the end of the run says how many."""
    other = "postgresql" if TESTED == "sqlite" else "sqlite"
    alone = [item for item in items if item.get_closest_marker(other)]
    rowless = [item for item in items if not keeps_rows(item)] if TESTED == "postgresql" else []
    if left_out := {*alone, *rowless}:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    config.stash[LEFT_OUT] = {f"for {other} alone": len(alone), "without rows": len(rowless)}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that xdist's processes report to; each of them has collected the same tests."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", {})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what the tests ran on, and how many did not for that reason."""
    counts = {why: count for why, count in config.stash.get(LEFT_OUT, {}).items() if count}
    told = ", ".join(f"{count} {why}" for why, count in counts.items())
    terminalreporter.write_line(f"Rows in {TESTED}; left out: {told or 'nothing'}.")


@pytest.fixture(autouse=True)
def rows_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that starts a studio and does not say so, for it would not run on PostgreSQL."""
    yield
    asked_for = rows_asked_for()
    is_told = keeps_rows(request.node) or request.node.get_closest_marker("sqlite")
    assert is_told or not asked_for, "This test starts what keeps rows: give it the mark `rows`, or `sqlite`."


_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


class OutsideNetwork(AssertionError):
    """A test tried to leave this machine."""


def _check(address: Any) -> None:
    if not isinstance(address, tuple):  # a Unix socket
        return
    host = str(address[0])
    try:
        is_ours = ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        is_ours = host == "localhost"
    if not is_ours:
        raise OutsideNetwork(f"The test connects to {host}. Tests stay on this machine; use a fake of the service.")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Let sockets connect to this machine only."""

    def connect(self: socket.socket, address: Any) -> None:
        _check(address)
        _connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        _check(address)
        return _connect_ex(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    patch.setattr(socket.socket, "connect_ex", connect_ex)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """Run a PostgreSQL of this process's own for the whole session; without one the tests that need it fail."""
    if CLUSTER is None:
        raise pytest.UsageError("This test needs PostgreSQL: run it with TESTS_DATABASE=postgresql.")
    CLUSTER.start()
    yield CLUSTER
    CLUSTER.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Have the database server up before pytest-django makes its test database."""
    if CLUSTER:
        request.getfixturevalue("postgresql")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Before the test database is dropped, let go of it in the thread where asgiref asks it on behalf of coroutines."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(240)


@pytest.fixture(autouse=True, scope="session")
def redis_server() -> Iterator[str]:
    """Run the embedded Redis for the whole session (one for each xdist process) and return its address.

    Without it the suite fails: a skipped test of the queue proves nothing.
    """

    url = os.environ["REDIS_URL"]
    folder = DATA / "redis"
    folder.mkdir()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "videoflow.health.launch", str(os.getpid())),
            *redis_command(socket=DATA / "redis.sock", folder=folder, keep=False),
        ],
        cwd=Path(__file__).resolve().parent.parent,
        stdout=(DATA / "redis.log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    client = connect(url)
    deadline = time.monotonic() + 240
    while True:
        try:
            client.ping()
            break
        except OSError as error:
            failure: Exception = error
        except Exception as error:  # whatever redis-py raises while the socket is not there yet
            failure = error
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The tests' Redis did not start: {(DATA / 'redis.log').read_text()}") from failure
        time.sleep(0.02)
    yield url
    server.kill()
    server.wait(240)


@pytest.fixture(autouse=True)
def redis_clean(redis_server: str) -> Iterator[None]:
    """Begin each test with an empty Redis and a breaker that trusts it; fail it when it leaves a key of no known kind.

    So nothing new can be kept in Redis without an owner, a TTL and a line in the table of ``docs/operations.md``.
    """

    client = connect(redis_server)
    client.flushall()
    breaker.reset()
    yield
    with contextlib.suppress(RedisError):  # a test may have taken it away
        keys = [key.decode("utf-8", "backslashreplace") for key in client.scan_iter(f"{OUR_PREFIX}*", count=1000)]
        unknown = [key for key in keys if kind_of(key) is None]
        assert not unknown, f"Keys without a line in videoflow/health/redis_keys.py: {unknown[:5]}"
    client.close()


@pytest.fixture(autouse=True)
def language_clean() -> Iterator[None]:
    """Forget the language of a test's last request, which stays with the thread."""
    yield
    translation.deactivate()


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """An empty folder for the files of one test."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def eager_celery(settings: Any) -> Iterator[None]:
    """Run tasks where they are sent from, in the same thread."""

    before = (app.conf.task_always_eager, app.conf.task_eager_propagates)
    app.conf.task_always_eager, app.conf.task_eager_propagates = True, True
    yield
    app.conf.task_always_eager, app.conf.task_eager_propagates = before
