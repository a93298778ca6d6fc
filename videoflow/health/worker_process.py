"""How a worker is started: one Celery process with its pool, for all queues or for some."""

import sys
from collections.abc import Mapping, Sequence

WORKER_ENVIRONMENT: Mapping[str, str] = {"REMAP_SIGTERM": "SIGQUIT"}
"""On SIGTERM the worker lets running tasks go within a bounded time, instead of waiting for them to finish."""


def worker_command(*, queues: Sequence[str], processes: int) -> list[str]:
    """The worker's command line; ``processes`` tasks at most run at once, whatever the queues' slots allow."""
    return [
        *(sys.executable, "-m", "celery", "--app", "videoflow.celery:app", "--quiet", "worker"),
        *("--hostname", "worker@%h" if len(queues) > 1 else f"{queues[0]}@%h", "--queues", ",".join(queues)),
        *("--pool", "prefork", "--concurrency", str(processes), "--prefetch-multiplier", "1", "-O", "fair"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
