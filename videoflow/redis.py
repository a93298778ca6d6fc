"""The one way to Redis: a connection with short timeouts, and the breaker that says whether asking is worth the wait.

Redis carries hints only (wake-ups, the bell, caches, rate counters). Whoever finds it away calls ``breaker.failed()`` and
goes on without; whoever is about to use it in a request asks ``breaker.allows()`` first, so that a frozen Redis costs a page
nothing.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

CONNECT_TIMEOUT_SECONDS = 0.2
ANSWER_TIMEOUT_SECONDS = 0.3
PROBE_EVERY_SECONDS = 5.0
CONFIRM_AFTER_SECONDS = 1.0
FAILURES_TO_OPEN = 2
SUCCESSES_TO_CLOSE = 2

logger = logging.getLogger(__name__)


def connect(url: str) -> "Redis":
    """A client with the studio's timeouts; one immediate retry for a connection that a restarted server has dropped."""
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=ANSWER_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


@functools.cache
def connection() -> "Redis":
    """The process's client; it is safe between threads and after a fork."""
    return connect(settings.REDIS_URL)


class CacheConnections:
    """Gives Django's cache (django-redis) the process's own client, so that its timeouts are the same everywhere."""

    def __init__(self, options: dict[str, Any]) -> None:
        """Options have nothing to say here: one client has one way to behave."""

    def connect(self, url: str) -> "Redis":
        return connection()

    def disconnect(self, connection: "Redis") -> None:
        """The client stays: everybody else uses it too."""


def ping() -> bool:
    """Ask Redis for a sign of life, 0.5 s at most."""
    try:
        return bool(connection().ping())
    except (RedisError, OSError):
        return False


def in_background(probe: Callable[[], None]) -> None:
    threading.Thread(target=probe, name="redis-probe", daemon=True).start()


class Breaker:
    """Know whether Redis answers, without making anybody wait for the news.

    ::

        unknown --first probe--> closed <--2 successful probes-- open
                                    │                              ^
                                    └──2 failures within 10 s──────┘

    Closed: use Redis. Open: do without. The first question probes at once; later probes run beside the caller, every 5 s and
    1 s after a first success.
    """

    def __init__(
        self,
        probe: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        spawn: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._spawn = spawn
        self._lock = threading.Lock()
        self._is_open: bool | None = None
        self._next_probe_at = 0.0
        self._failures: list[float] = []
        self._successes = 0

    def allows(self) -> bool:
        """Say whether Redis is worth asking; never waits, except for the very first probe of the process."""
        with self._lock:
            now = self._clock()
            is_first = self._is_open is None
            is_due = is_first or now >= self._next_probe_at
            if is_due:
                self._next_probe_at = now + PROBE_EVERY_SECONDS
            if is_first:
                self._is_open = not self._probe()
                return not self._is_open
            answer = not self._is_open
        if is_due:
            self._spawn(self._look)
        return answer

    def failed(self) -> None:
        """Count a failed use of Redis; the second within 10 s opens the breaker."""
        with self._lock:
            now = self._clock()
            self._successes = 0
            self._failures = [at for at in self._failures if now - at < 2 * PROBE_EVERY_SECONDS] + [now]
            if len(self._failures) >= FAILURES_TO_OPEN and not self._is_open:
                self._is_open = True
                logger.warning("Redis does not answer: the database carries the work until it does")

    def reset(self) -> None:
        """Forget everything known; the next question probes."""
        with self._lock:
            self._is_open = None
            self._next_probe_at = 0.0
            self._failures = []
            self._successes = 0

    def _look(self) -> None:
        if not self._probe():
            self.failed()
            return
        with self._lock:
            self._failures = []
            if not self._is_open:
                return
            self._successes += 1
            if self._successes >= SUCCESSES_TO_CLOSE:
                self._is_open = False
                self._successes = 0
                logger.warning("Redis answers again")
            else:
                self._next_probe_at = self._clock() + CONFIRM_AFTER_SECONDS


breaker = Breaker(ping)
