"""Requests a minute, counted in Redis for all processes together and, while Redis is away, in each process."""

import threading
import time

from django.conf import settings
from redis.exceptions import RedisError

from videoflow import redis
from videoflow.api.errors import SlowDown

WINDOW_SECONDS = 60
REQUESTS_PER_ADDRESS = 6000  # a team behind one address that saves as it types
SESSIONS_PER_ADDRESS = 1200
SUBMITS_PER_SESSION = 120
_PROCESS_KEYS_LIMIT = 10_000


class _ProcessCounter:
    """Counts of the present window, kept in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = -1
        self._counts: dict[str, int] = {}

    def add(self, key: str, window: int) -> int:
        with self._lock:
            if window != self._window or len(self._counts) > _PROCESS_KEYS_LIMIT:
                self._window, self._counts = window, {}
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]


_process = _ProcessCounter()


def _count(key: str, window: int) -> int:
    if redis.breaker.allows():
        try:
            pipeline = redis.connection().pipeline(transaction=False)
            pipeline.incr(f"videoflow:rate:{key}:{window}")
            pipeline.expire(f"videoflow:rate:{key}:{window}", 2 * WINDOW_SECONDS)
            return int(pipeline.execute()[0])
        except (RedisError, OSError):
            redis.breaker.failed()
    return _process.add(key, window)


def limit_check(key: str, *, per_minute: int) -> None:
    """Count one request.

    Raises:
        SlowDown: there were more than ``per_minute`` in this minute.
    """
    if not settings.VIDEOFLOW_RATE_LIMITS:
        return
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    if _count(key, window) > per_minute:
        raise SlowDown(max(1, int((window + 1) * WINDOW_SECONDS - now) + 1))
