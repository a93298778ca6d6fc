"""``python -m videoflow.tasks.tests.noop.bare SOCKET COUNT WORKERS``: messages a second through Celery alone on that Redis.

No row, no lease, no event: one INCR a message. The yardstick for the durable chain.
"""

import signal
import subprocess
import sys
import time

from celery import Celery
from redis import Redis

SOCKET = sys.argv[1] if len(sys.argv) > 1 else ""
DONE = "bare:done"
WAIT_SECONDS = 120.0

app = Celery("bare", broker=f"redis+socket://{SOCKET}?virtual_host=1")
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1, worker_hijack_root_logger=False)
redis = Redis(unix_socket_path=SOCKET, db=1)


@app.task(name="bare.nothing")
def nothing() -> None:
    redis.incr(DONE)


def _await(count: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while int(redis.get(DONE) or 0) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} messages were not done in {WAIT_SECONDS:g} s")
        time.sleep(0.02)


def main(count: int, workers: int) -> None:
    command = [sys.executable, "-m", "videoflow.tasks.tests.noop.bare", SOCKET, "worker", str(workers)]
    worker = subprocess.Popen(command, stdout=sys.stderr)  # stdout is for the figure
    try:
        nothing.delay()
        _await(1)
        worker.send_signal(signal.SIGSTOP)
        for _ in range(count):
            nothing.delay()
        started = time.monotonic()
        worker.send_signal(signal.SIGCONT)
        _await(count + 1)
        print(round(count / (time.monotonic() - started), 1))
    finally:
        worker.terminate()
        worker.wait(20)


if __name__ == "__main__":
    if sys.argv[2] == "worker":
        options = [
            "--concurrency",
            sys.argv[3],
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel",
            "ERROR",
        ]
        app.worker_main(["--quiet", "worker", *options])
    else:
        main(int(sys.argv[2]), int(sys.argv[3]))
