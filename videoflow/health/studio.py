"""A whole studio on one machine: what it consists of, in which order it starts, when it is ready."""

import http.client
import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from videoflow import redis
from videoflow.env import env_strangers
from videoflow.health.embedded_redis import NoRedisServer, private_folder, redis_command
from videoflow.health.installation import data_folder_finding, disk_finding, packages_finding, python_finding
from videoflow.health.supervisor import CannotStart, Say, Service, StudioLock, Supervisor, listen
from videoflow.health.worker_process import WORKER_ENVIRONMENT, worker_command
from videoflow.tasks.models import Worker

READY_SECONDS = 240.0
"""A part that falls ends the wait; this is for one that hangs, and a slow machine with other things to do needs minutes."""
SERVICE_NAMES = ("server", "worker", "dispatcher")
WORKER_PROCESSES = 3
_MANAGE = Path(settings.BASE_DIR) / "manage.py"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class Address:
    """Where the studio listens."""

    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """A host that this machine can connect to: a wildcard is none."""
        return _WILDCARDS.get(self.host, self.host)

    @property
    def url(self) -> str:
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def check_installation(data: Path) -> None:
    """Refuse to start on ground that would not carry.

    Raises:
        CannotStart: with what to do.
    """
    for finding in (python_finding(), packages_finding(), data_folder_finding(data), disk_finding(data)):
        if finding.is_fatal:
            raise CannotStart(f"{finding.subject}: {finding.state}. {finding.advice}")


def migrate() -> None:
    """Bring the database up to date; when nothing is to do, only a look at what is applied.

    Raises:
        CannotStart: the database does not answer.
    """
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=0)
    except OperationalError:
        raise CannotStart("The database does not answer. Look at DATABASE_URL, and whether its server is running.") from None


def services(listener: socket.socket) -> list[Service]:
    """The processes besides Redis; the server inherits the listening socket."""
    environment = {"VIDEOFLOW_DATA": str(settings.VIDEOFLOW_DATA)}
    worker = worker_command(queues=list(settings.VIDEOFLOW_QUEUE_SLOTS), processes=WORKER_PROCESSES)
    return [
        Service(
            "server",
            [sys.executable, str(_MANAGE), "serve", "--fd", str(listener.fileno())],
            environment | {"VIDEOFLOW_ALLOWED_HOSTS": ",".join(settings.ALLOWED_HOSTS)},
            (listener.fileno(),),
        ),
        Service("worker", worker, {**environment, **WORKER_ENVIRONMENT}),
        Service("dispatcher", [sys.executable, str(_MANAGE), "run_dispatcher"], environment),
    ]


class Studio:
    """Start everything on one address, say when it is ready, and end it on a signal."""

    def __init__(self, address: Address, *, say: Say) -> None:
        self._address = address
        self._say = say
        self._data = Path(settings.VIDEOFLOW_DATA)
        self._logs = self._data / "logs"
        self._lock = StudioLock(self._data)
        self._has_redis = True
        self._supervisor = Supervisor(logs=self._logs, say=say)

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP.

        Raises:
            CannotStart: something is in the way; nothing is left running.
        """
        for sentence in env_strangers(settings.VIDEOFLOW_VARIABLES):
            self._say(sentence)
        check_installation(self._data)
        self._lock.take(address=self._address.url)
        for folder in (self._logs, Path(settings.MEDIA_ROOT)):
            folder.mkdir(parents=True, exist_ok=True)
        listener = listen(self._address.host, self._address.port)
        self._supervisor.handle_signals()
        started_at = timezone.now()
        try:
            self._start_redis()
            migrate()
            for service in services(listener):
                self._supervisor.start(service)
            self._wait_until_ready(since=started_at)
            connections.close_all()
            if not self._supervisor.is_stopping:
                self._greet()
            self._supervisor.run()
        finally:
            self._supervisor.stop()
            listener.close()

    def _start_redis(self) -> None:
        if not settings.REDIS_IS_EMBEDDED:
            return
        folder = self._data / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        private_folder(Path(settings.REDIS_SOCKET).parent)
        try:
            command = redis_command(socket=settings.REDIS_SOCKET, folder=folder)
        except NoRedisServer as error:
            self._has_redis = False
            self._say(str(error))
            return
        self._supervisor.start(Service("redis", command, ends_last=True))

    def _wait_until_ready(self, *, since: datetime) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting_for = ["the server"]
        while waiting_for and not self._supervisor.is_stopping:
            hopeless = self._supervisor.hopeless()
            if "redis" in hopeless and self._has_redis:
                self._has_redis = False
                self._say("Redis does not start: the studio works from its database alone, with slower live progress.")
            hopeless = [name for name in hopeless if name != "redis"]
            if hopeless or time.monotonic() > deadline:
                logs = " and ".join(str(self._logs / f"{name}.log") for name in hopeless or SERVICE_NAMES)
                raise CannotStart(f"The studio did not get ready: {' and '.join(waiting_for)} did not answer. Look at {logs}")
            self._supervisor.look()
            waiting_for = self._missing(since=since)

    def _missing(self, *, since: datetime) -> list[str]:
        """The parts that have not answered since the start."""
        if self._has_redis and not redis.ping():
            return ["Redis"]
        beats = Worker.objects.filter(host=settings.VIDEOFLOW_HOST, heartbeat_at__gte=since)
        kinds = set(beats.values_list("kind", flat=True))
        missing = [name for kind, name in (("celery", "the worker"), ("dispatcher", "the dispatcher")) if kind not in kinds]
        if not self._has_redis:
            missing = [name for name in missing if name != "the worker"]
        return missing if missing else ([] if self._server_state() in {"ok", "degraded"} else ["the server"])

    def _server_state(self) -> str:
        http_connection = http.client.HTTPConnection(self._address.reachable_host, self._address.port, timeout=5)
        try:
            http_connection.request("GET", "/readyz", headers={"Host": "localhost"})
            return str(json.load(http_connection.getresponse())["status"])
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return "down"
        finally:
            http_connection.close()

    def _greet(self) -> None:
        self._say(f"videoflow is ready at {self._address.url}")
        self._say(f"Videos and settings are kept in {self._data}, logs in {self._logs}. Ctrl-C ends the studio.")
        steps = settings.VIDEOFLOW_HEAVY_STEPS
        self._say(f"Heavy steps at once: {steps.number} ({steps.reason}).")
        if self._address.host in _WILDCARDS:
            names = [name for name in settings.ALLOWED_HOSTS if name not in {"localhost", "127.0.0.1", "[::1]"}]
            if not names:
                self._say("Other machines are refused until VIDEOFLOW_ALLOWED_HOSTS names this one, for example studio.lan")


def allow_host(host: str) -> None:
    """Accept requests for the host that the studio was told to listen on, in this process and in those it starts."""
    name = f"[{host}]" if ":" in host else host
    if host not in _WILDCARDS and name not in settings.ALLOWED_HOSTS:
        settings.ALLOWED_HOSTS.append(name)
        os.environ["VIDEOFLOW_ALLOWED_HOSTS"] = ",".join(settings.ALLOWED_HOSTS)
