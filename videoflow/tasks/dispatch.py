"""The dispatcher: one process that sees to it that no due task is forgotten, with Redis or without."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections
from django.db.utils import DatabaseError

from videoflow import redis
from videoflow.children import group_kill
from videoflow.tasks.oversight import due_count, has_unanswered, wakeups_repeat, worker_beat, workers_forget
from videoflow.tasks.services import leases_reap

LOOK_SECONDS = 1.0
BEAT_SECONDS = 10.0
REAP_SECONDS = 5.0
HOUSEKEEPING_SECONDS = 3600.0
WORKER_ROWS_KEPT = timedelta(hours=1)

logger = logging.getLogger(__name__)


class Dispatcher:
    """Re-rings due wake-ups, reaps dead leases, and runs tasks itself while Redis is away or the workers do not answer.

    ``poll_command`` is the argv (after the interpreter) that drains one queue, whose name is appended; it runs as a child so
    that a cancel or a crash of a task never touches the dispatcher. ``housekeeping`` is called once an hour.
    """

    def __init__(self, *, queues: Sequence[str], poll_command: Sequence[str], housekeeping: Callable[[], None]) -> None:
        self.queues = queues
        self.poll_command = list(poll_command)
        self.housekeeping = housekeeping
        self.end = threading.Event()
        self.pollers: dict[str, subprocess.Popen[bytes]] = {}
        self._next: dict[str, float] = {}

    def run(self) -> None:
        """Work until ``end`` is set; a database that is away is waited for."""
        try:
            while not self.end.is_set():
                try:
                    self.look()
                except DatabaseError:
                    logger.exception("the database does not answer; looking again in a second")
                close_old_connections()
                self.end.wait(LOOK_SECONDS)
        finally:
            for poller in self.pollers.values():
                poller.terminate()
            for poller in self.pollers.values():
                try:
                    poller.wait(5)
                except subprocess.TimeoutExpired:
                    group_kill(poller)

    def _is_time(self, what: str, every_seconds: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every_seconds
        return True

    def look(self) -> None:
        """Do once all that is due."""
        if self._is_time("beat", BEAT_SECONDS):
            host, pid = settings.VIDEOFLOW_HOST, os.getpid()
            worker_beat(worker_id=f"{host}:dispatcher:{pid}", kind="dispatcher", host=host, pid=pid)
        if self._is_time("reap", REAP_SECONDS):
            leases_reap()
        if redis.breaker.allows():
            wakeups_repeat()
            self._poll(has_work=lambda queue: has_unanswered(queue=queue, host=settings.VIDEOFLOW_HOST))
        else:
            self._poll(has_work=lambda queue: due_count(queue=queue) > 0)
        if self._is_time("housekeeping", HOUSEKEEPING_SECONDS):
            workers_forget(older_than=WORKER_ROWS_KEPT)
            self.housekeeping()

    def _poll(self, *, has_work: Callable[[str], bool]) -> None:
        """Run the queues that have work by a child of ours, one for each queue at a time."""
        for queue in self.queues:
            poller = self.pollers.get(queue)
            if poller is not None and poller.poll() is None:
                continue
            if has_work(queue):
                argv = [sys.executable, *self.poll_command, queue]
                self.pollers[queue] = subprocess.Popen(argv, start_new_session=True)
