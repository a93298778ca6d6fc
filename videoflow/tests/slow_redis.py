"""Redis on a machine with other things to do, which is waited for, and one that takes connections and never answers."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from videoflow import redis

_PATIENCE_SECONDS = 60.0
_STUDIO_SECONDS = redis.ANSWER_TIMEOUT_SECONDS


def redis_wait_for() -> None:
    """Let this process wait for Redis longer than a studio, which goes on without it after a moment."""
    redis.CONNECT_TIMEOUT_SECONDS = redis.ANSWER_TIMEOUT_SECONDS = _PATIENCE_SECONDS
    redis.connection.cache_clear()


@contextmanager
def redis_frozen() -> Iterator[None]:
    """Stop the tests' Redis for as long as the block lasts, in which this process waits for it no longer than a studio."""
    process = int(redis.connection().info("server")["process_id"])
    _answer_within(_STUDIO_SECONDS)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
        _answer_within(_PATIENCE_SECONDS)


def _answer_within(seconds: float) -> None:
    """Give up waiting for an answer after so long, on connections that are made from now on: each keeps what it was made with."""
    pool = redis.connection().connection_pool
    pool.connection_kwargs["socket_timeout"] = seconds
    pool.disconnect(inuse_connections=False)  # the breaker's probe may be opening one in its own thread
    pool.reset()
