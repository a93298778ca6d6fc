"""The Celery application: the only home of its policy besides the CELERY_ settings.

A message carries one task id as a wake-up; the worker claims the due row itself. So messages are acknowledged early, results
are ignored, and nothing is retried by Celery.
"""

import os
from typing import Any

# Before numpy, onnxruntime or OpenCV are imported anywhere in the process: their thread pools spin and multiply per process.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_name, "2")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")

from celery import Celery  # noqa: E402
from celery.signals import celeryd_init, setup_logging  # noqa: E402
from django.conf import settings  # noqa: E402

QUEUES = frozenset({"io", "cpu", "upload"})

app = Celery("videoflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()  # for every thread: the one that answers a request has not made the application itself


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Leave logging as the settings have it; Celery would raise the level and lose the tasks' own lines."""


@celeryd_init.connect
def check_configuration(**_: Any) -> None:
    """Refuse to start a worker whose settings would lose or double work."""
    wrong = []
    if settings.CELERY_TASK_ACKS_LATE:
        wrong.append("CELERY_TASK_ACKS_LATE must be off: late acknowledgement runs long tasks twice.")
    if settings.CELERY_WORKER_PREFETCH_MULTIPLIER != 1:
        wrong.append("CELERY_WORKER_PREFETCH_MULTIPLIER must be 1.")
    if settings.CELERY_ACCEPT_CONTENT != ["json"]:
        wrong.append("CELERY_ACCEPT_CONTENT must be JSON alone.")
    if {queue.name for queue in settings.CELERY_TASK_QUEUES} != QUEUES:
        wrong.append("CELERY_TASK_QUEUES must be io, cpu and upload.")
    if settings.DEBUG:
        wrong.append("DEBUG must be off: it keeps every SQL statement in memory.")
    if wrong:
        raise SystemExit("The worker does not start. " + " ".join(wrong))
