"""The only Celery task: a wake-up that says "look"."""

import os
import signal
import socket
import threading
from types import FrameType
from typing import Any
from uuid import UUID

import psutil
from celery import shared_task  # noqa: TID251 - the one place
from celery.signals import worker_ready, worker_shutting_down
from django.db import close_old_connections, connection

from videoflow.pipeline.runner import queue_drain, shutdown_request, worker_id_make
from videoflow.tasks.services import worker_beat
from videoflow.tasks.wakeup import RUN_TASK

BEAT_SECONDS = 10.0
_end = threading.Event()


def _give_back(signum: int, frame: FrameType | None) -> None:
    shutdown_request()


@shared_task(name=RUN_TASK)
def run_task(task_id: str) -> None:
    """Look at the task's queue and run what is due; told to end, the process gives its task back first."""
    close_old_connections()
    signal.signal(signal.SIGTERM, _give_back)  # here, because the pool sets its own handler after every start-up signal
    queue_drain(task_id=UUID(task_id), worker_id=worker_id_make("celery"))


@worker_ready.connect
def beat_start(**_: Any) -> None:
    """Keep this worker's row fresh from a thread of the main process, which runs no task itself."""
    threading.Thread(target=_beat, name="worker-beat", daemon=True).start()


def _beat() -> None:
    try:
        while True:
            close_old_connections()
            worker_beat(worker_id=worker_id_make("celery"), kind="celery", host=socket.gethostname(), pid=os.getpid())
            if _end.wait(BEAT_SECONDS):
                return
    finally:
        connection.close()


@worker_shutting_down.connect
def tasks_release(**_: Any) -> None:
    """Tell the pool at once: a running task is given back within seconds instead of being waited for."""
    _end.set()
    for child in psutil.Process().children():
        child.send_signal(signal.SIGTERM)
