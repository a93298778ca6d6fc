"""The other hand of the browser tests: works in the database of the studio under test, one command a line, one JSON reply each.

Run as ``python -m videoflow.pipeline.tests.studio_hand`` with the studio's environment. The tests' own process cannot do it: its
database is another, and Playwright's loop stands in the way of Django's.
"""

import json
import os
import sys
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")
django.setup()

from videoflow.errors import VideoflowError  # noqa: E402 - Django first
from videoflow.pipeline.models import Project, script_current  # noqa: E402 - Django first
from videoflow.pipeline.runner import task_run, worker_id_make  # noqa: E402
from videoflow.pipeline.tests import factories  # noqa: E402
from videoflow.sessions.services import token_hash  # noqa: E402
from videoflow.tasks.models import Task  # noqa: E402
from videoflow.tasks.services import Claim, task_claim, task_complete, task_enqueue, task_fail, task_progress  # noqa: E402


def work(queue: str) -> dict[str, Any]:
    """Run the next task of a queue to its end, as a worker would."""
    claim = task_claim(queue=queue, worker_id=worker_id_make("test"))
    return {"status": task_run(claim=claim).status if claim else None}


def running(cookie: str, task_type: str) -> dict[str, Any]:
    """Make a project of that browser with a script and a claimed task of a stage."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    project = factories.ProjectFactory.create(session=session)
    factories.with_script(project, input_type="topic")
    task = task_enqueue(session=session, project_id=project.pk, task_type=task_type, queue="cpu", input_data={}, wake=False)
    claim = task_claim(queue="cpu", worker_id=worker_id_make("test"), task_id=task.pk)
    assert claim is not None
    return {"project": str(project.pk), "task": str(claim.task_id)}


def _claim(task_id: str) -> Claim:
    task = Task.objects.get(pk=UUID(task_id))
    return Claim(task.pk, task.fence, task.worker_id)


def progress(task_id: str, percent: str, message: str, changed: str = "") -> dict[str, Any]:
    data = {"changed": changed} if changed else {}
    task_progress(claim=_claim(task_id), percent=int(percent), message=message, data=data)
    return {}


def pictures(project_id: str, count: str) -> dict[str, Any]:
    """Put pictures into a project, as the media stage does while it runs."""
    project = Project.objects.get(pk=UUID(project_id))
    script = script_current(project)
    assert script is not None
    factories.with_media(project, script, count=int(count), done=False)
    return {}


def complete(task_id: str, message: str) -> dict[str, Any]:
    task_complete(claim=_claim(task_id), message=message, result_data={})
    return {}


def status(task_id: str) -> dict[str, Any]:
    return {"status": Task.objects.get(pk=UUID(task_id)).status}


def finished(cookie: str, video: str) -> dict[str, Any]:
    """Make a project of that browser with everything, the given file being its video."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    project = factories.ProjectFactory.create(session=session)
    factories.with_trends(project)
    script = factories.with_script(project)
    factories.with_media(project, script)
    with open(video, "rb") as file:
        factories.with_video(project, script, file=file.read(), seconds=20.0)
    return {"project": str(project.pk)}


def line(project_id: str, position: str, text: str = "") -> dict[str, Any]:
    """Tell a line of a script; with ``text`` change it first, as another device does."""
    script = script_current(Project.objects.get(pk=UUID(project_id)))
    assert script is not None
    turn = script.turns.get(position=int(position))
    if text:
        turn.text = text
        turn.revision += 1
        turn.save(update_fields=["text", "revision"])
    return {"text": turn.text, "revision": turn.revision, "key": str(turn.key)}


def fail(task_id: str, message: str) -> dict[str, Any]:
    task_fail(claim=_claim(task_id), error=VideoflowError(message))
    return {}


COMMANDS = {act.__name__: act for act in (work, running, progress, pictures, complete, status, finished, line, fail)}

if __name__ == "__main__":
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(COMMANDS[name](*arguments)) + "\n")
        sys.stdout.flush()
