"""A call in another thread that waits for a row that we hold, on PostgreSQL."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

_WAITS = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
_LONGEST_SECONDS = 240


@contextmanager
def held_up(call: Callable[[], Any], *, by: Callable[[], Any]) -> Iterator[None]:
    """Lock something with ``by`` and begin ``call``; the body runs while that waits for the lock, which is free after it."""

    def run() -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            by()
            held = pool.submit(run)
            deadline = time.monotonic() + _LONGEST_SECONDS
            while not _is_waited_for():
                assert not held.done(), f"nothing held it up: {held.result()}"
                assert time.monotonic() < deadline, "it does not come to the lock"
                time.sleep(0.01)
            yield
        held.result(timeout=_LONGEST_SECONDS)


def _is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS)
        return bool(cursor.fetchone()[0])
