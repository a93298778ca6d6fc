from typing import Any

from videoflow.pipeline.models import Project
from videoflow.sessions.models import CreatorSession
from videoflow.sessions.services import session_create
from videoflow.tasks.models import Task
from videoflow.tasks.services import Claim, task_claim, task_enqueue


def session_make(cookie: str = "") -> CreatorSession:
    return session_create(cookie=cookie)


def task_make(
    session: CreatorSession | None = None, *, task_type: str = "script_generation", queue: str = "cpu", **fields: Any
) -> Task:
    """Enqueue a task of a project of its own."""
    session = session or session_make()
    project = Project.objects.create(session=session)
    return task_enqueue(session=session, project_id=project.pk, task_type=task_type, queue=queue, input_data={}, **fields)


def claim_make(task: Task, worker: str = "host:test:1") -> Claim:
    claim = task_claim(queue=task.queue, worker_id=worker, task_id=task.pk)
    assert claim is not None
    return claim
