"""Running the tasks of a ledger test."""

from datetime import timedelta

from django.utils import timezone

from videoflow.pipeline import runner
from videoflow.pipeline.models import Project
from videoflow.pipeline.services import stage_start
from videoflow.tasks.models import Task
from videoflow.tasks.services import leases_reap, task_claim


class Killed(BaseException):
    """What nothing may catch: the process is gone."""


def run_next() -> Task:
    claim = task_claim(queue="io", worker_id=runner.worker_id_make("test"))
    assert claim is not None
    return runner.task_run(claim=claim)


def again() -> Task:
    """Let the next attempt come at once: what is left of a dead worker is taken back, a wait is over."""
    Task.objects.filter(status="in_progress").update(lease_until=timezone.now() - timedelta(seconds=1))
    leases_reap()
    Task.objects.update(not_before=None)
    return run_next()


def start(project: Project) -> None:
    stage_start(project=project, task_type="first", input_data={})
