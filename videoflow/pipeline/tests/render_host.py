"""One more host: a worker without a broker, with a data folder and a name of its own, that looks for work until told to end.

Run as ``python -m videoflow.pipeline.tests.render_host WIDTH FPS LEASE_SECONDS`` with
the studio's environment. It says ``ready`` first, and ends when its input does.
"""

import sys
import threading
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402 - Django first
from django.db import connection  # noqa: E402

from videoflow import redis  # noqa: E402
from videoflow.crash_points import crash_arm  # noqa: E402
from videoflow.pipeline import part_work  # noqa: E402
from videoflow.pipeline.models import Project  # noqa: E402
from videoflow.pipeline.runner import queue_drain, shutdown_request, worker_id_make  # noqa: E402
from videoflow.tasks import parts  # noqa: E402
from videoflow.tasks.oversight import worker_beat  # noqa: E402

LOOK_SECONDS = 0.05


def main() -> None:
    width, fps, lease_seconds = (int(given) for given in sys.argv[1:])
    Project.SIZES, Project.FPS = {"1:1": (width, width)}, fps
    parts.LEASE = timedelta(seconds=lease_seconds)  # type: ignore[attr-defined]
    part_work.BEAT_SECONDS = lease_seconds / 10
    redis.breaker.allows = lambda: False  # type: ignore[method-assign]
    crash_arm(settings.VIDEOFLOW_CRASH_AT)
    worker_id = worker_id_make("host")
    worker_beat(worker_id=worker_id, kind="celery", host=settings.VIDEOFLOW_HOST, pid=1)
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()
        shutdown_request()

    threading.Thread(target=wait, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not ended.is_set():
        queue_drain(queue="cpu", worker_id=worker_id)
        ended.wait(LOOK_SECONDS)
    connection.close()


if __name__ == "__main__":
    main()
