"""Run stages in the foreground for commands: same rows, same runner, progress bars instead of a page."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from videoflow.errors import VideoflowError
from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.runner import task_run, worker_id_make
from videoflow.pipeline.services import stage_prepare
from videoflow.tasks.models import Task
from videoflow.tasks.services import Claim, task_cancel, task_claim

console = Console(stderr=True)


def _claim(project: Project, task_type: str, input_data: Mapping[str, Any]) -> Claim:
    """Queue and claim in one transaction, so that no worker of a running studio takes the task first."""
    queue = stage_prepare(project=project, task_type=task_type, input_data=input_data, wake=False)
    with transaction.atomic():
        task = queue()
        claim = task_claim(queue=task.queue, worker_id=worker_id_make("command"), task_id=task.pk)
    assert claim is not None
    return claim


def stage_run(*, project: Project, task_type: str, input_data: Mapping[str, Any]) -> Task:
    """Run one stage to its end and return its completed task.

    Raises:
        VideoflowError: the stage was refused or failed, with its sentence. An automatic retry is left to a running studio.
    """
    stage = stages.get(task_type)
    claim = _claim(project, task_type, input_data)
    columns = (
        TextColumn("{task.fields[stage]:<12}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("", total=1.0, stage=stage.label)

        def watch(_: Task, share: float, message: str) -> None:
            bars.update(bar, completed=share, description=message)

        try:
            task = task_run(claim=claim, watch=watch)
        except KeyboardInterrupt:
            task_cancel(task_id=claim.task_id)
            raise VideoflowError("Stopped. What was finished before is kept.", code="CANCELLED") from None
        bars.update(bar, completed=1.0 if task.status == Task.Status.COMPLETED else task.progress / 100, description=task.message)
    if not console.is_terminal:
        console.print(f"{stage.label}: {task.message}", highlight=False, soft_wrap=True)
    if task.status != Task.Status.COMPLETED:
        body = task.error or {}
        if task.status == Task.Status.RETRYING:  # nobody is there to wait for it
            task_cancel(task_id=task.pk)
        raise VideoflowError(body.get("message") or task.message, code=body.get("error_code", "UNEXPECTED"))
    return task
