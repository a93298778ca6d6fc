"""The end of a worker that has time for it: what runs is finished, nothing else is begun."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

NO_OTHER_TASK = signal.SIGUSR2
"""Tells a process of the pool; SIGTERM says give back, and Celery has a use of its own for SIGUSR1."""
LOOK_SECONDS = 0.2


def drain(
    seconds: float,
    busy: Callable[[], set[int]],
    *,
    send: Callable[[int, int], None] = os.kill,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Tell each process that is at a task to begin no other, and after ``seconds`` to give back what it is still at.

    ``busy`` names them; one that takes a last wake-up meanwhile is told as well. The worker's own process ends when all have
    finished, and this with it.
    """
    end, told = clock() + seconds, set[int]()
    while clock() < end:
        for pid in busy() - told:
            _signal(send, pid, NO_OTHER_TASK)
            told.add(pid)
        wait(LOOK_SECONDS)
    for pid in busy():
        _signal(send, pid, signal.SIGTERM)


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        send(pid, number)
