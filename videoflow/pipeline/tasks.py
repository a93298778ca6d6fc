"""The only Celery task, a wake-up that says "look", and the watch over the worker that runs it."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any
from uuid import UUID

import psutil
from celery import shared_task  # noqa: TID251 - the one place
from celery.bootsteps import CLOSE, TERMINATE  # type: ignore[attr-defined]
from celery.platforms import EX_OK
from celery.signals import worker_process_init, worker_ready
from celery.worker import state
from celery.worker.state import active_requests, reserved_requests
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from videoflow.pipeline.draining import NO_OTHER_TASK, drain
from videoflow.pipeline.runner import drain_request, shutdown_request, wakeup_answer, worker_id_make
from videoflow.tasks.oversight import worker_beat
from videoflow.tasks.wakeup import RUN_TASK

WATCH_SECONDS = 1.0
BEAT_SECONDS = 10.0
DEAF_SECONDS = 10.0
ENDING_SECONDS = 15.0  # an orderly end gives running tasks 5 s
logger = logging.getLogger(__name__)


def _give_back(signum: int, frame: FrameType | None) -> None:
    shutdown_request()


def _begin_no_other(signum: int, frame: FrameType | None) -> None:
    drain_request()


@worker_process_init.connect
def drain_hear(**_: Any) -> None:
    """Let a process of the pool hear that it is to begin no other task."""
    signal.signal(NO_OTHER_TASK, _begin_no_other)


@shared_task(name=RUN_TASK)
def run_task(task_id: str) -> None:
    """Look at the task's queue and run what is due; told to end, the process gives its task back first."""
    close_old_connections()
    signal.signal(signal.SIGTERM, _give_back)  # here, because the pool sets its own handler after every start-up signal
    wakeup_answer(task_id=UUID(task_id), worker_id=worker_id_make("celery"))


class WorkerWatch:
    """Keeps the worker's row fresh, and ends a worker that has given up but hangs while it waits for its pool.

    That happens when the broker refuses to write (a full disk): a child of the pool then waits for its parent to read, and the
    parent for the child to end. The studio starts an ended worker again, not a hanging one.

    A worker that has gone deaf is ended too: where Redis freezes amid an acknowledgement, Celery counts that message as
    being worked on for ever, and with as many of them as it may have in hand it asks for no other.
    """

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self._beat_at = 0.0
        self._ending_since: float | None = None
        self._deaf_since: float | None = None

    def told_to_end(self, now: float) -> None:
        """Count from now on: while Celery's handler waits for the pool, the worker's own state still says that it runs."""
        self._ending_since = now if self._ending_since is None else self._ending_since

    @property
    def is_ending(self) -> bool:
        return self._ending_since is not None

    def look(self, now: float) -> None:
        """Do once what is due at ``now``, a monotonic time in s."""
        if self.worker.blueprint.state in (CLOSE, TERMINATE):
            self.told_to_end(now)
        if self._ending_since is not None:
            if now - self._ending_since > ENDING_SECONDS + settings.VIDEOFLOW_DRAIN_SECONDS:
                logger.critical("the worker could not end by itself and is killed")
                os._exit(1)
            return
        self._deaf_since = (self._deaf_since or now) if self._is_deaf() else None
        if self._deaf_since is not None and now - self._deaf_since > DEAF_SECONDS:
            logger.critical("the worker hears no wake-up any more and is ended, to be started again")
            os._exit(1)
        if now >= self._beat_at:
            self._beat_at = now + BEAT_SECONDS
            close_old_connections()
            try:
                worker_beat(worker_id=worker_id_make("celery"), kind="celery", host=settings.VIDEOFLOW_HOST, pid=os.getpid())
            except DatabaseError:
                logger.exception("the worker's sign of life could not be written")

    def _is_deaf(self) -> bool:
        """Say whether no more messages are asked for though nothing is in hand."""
        consumer = self.worker.consumer.task_consumer
        return consumer is not None and not reserved_requests and not consumer.channel.qos.can_consume()


@worker_ready.connect
def watch_start(sender: Any, **_: Any) -> None:
    """Watch over this worker from a thread of the main process, which runs no task itself; hear of its end before Celery."""
    watch = WorkerWatch(sender.controller)
    threading.Thread(target=_watch, args=(watch,), name="worker-watch", daemon=True).start()
    celery_ends = signal.getsignal(signal.SIGTERM)

    def end(signum: int, frame: FrameType | None) -> None:
        is_first = not watch.is_ending
        watch.told_to_end(time.monotonic())
        if is_first and settings.VIDEOFLOW_DRAIN_SECONDS:
            threading.Thread(target=drain, args=(settings.VIDEOFLOW_DRAIN_SECONDS, _busy), name="drain", daemon=True).start()
            state.should_stop = EX_OK  # type: ignore[assignment]  # a warm end: Celery takes no more messages and waits
            return
        release_first(psutil.Process().children, celery_ends)(signum, frame)

    signal.signal(signal.SIGTERM, end)


def _busy() -> set[int]:
    """Return the processes of the pool that are at a task."""
    return {request.worker_pid for request in list(active_requests) if request.worker_pid}


def release_first(children: Callable[[], Iterable[psutil.Process]], then: Any) -> Callable[[int, FrameType | None], None]:
    """Return a handler that lets the pool give its tasks back before Celery's own handler ``then`` counts down to the kill.

    Celery's signal ``worker_shutting_down`` would come too late: after the countdown.
    """

    def end(signum: int, frame: FrameType | None) -> None:
        for child in children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGTERM)
        then(signum, frame)

    return end


def _watch(watch: WorkerWatch) -> None:
    while True:
        watch.look(time.monotonic())
        time.sleep(WATCH_SECONDS)
