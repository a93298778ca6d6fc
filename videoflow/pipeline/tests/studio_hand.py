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
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoflow.settings")
django.setup()

from videoflow.errors import VideoflowError  # noqa: E402 - Django first
from videoflow.pipeline.models import Project, Scene, script_current  # noqa: E402 - Django first
from videoflow.pipeline.runner import task_run, worker_id_make  # noqa: E402
from videoflow.pipeline.tests import factories  # noqa: E402
from videoflow.pipeline.tests.large_studio import history_make, project_large  # noqa: E402
from videoflow.pipeline.tests.panel_states import projects_in_every_state  # noqa: E402
from videoflow.pipeline.tests.written_script import written_script  # noqa: E402
from videoflow.providers.embedded_pictures import EmbeddedPictures  # noqa: E402
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


def finished(cookie: str, video: str, seconds: str = "20") -> dict[str, Any]:
    """Make a project of that browser with everything, the given file being its video."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    project = factories.ProjectFactory.create(session=session)
    factories.with_trends(project)
    script = factories.with_script(project)
    factories.with_media(project, script)
    with open(video, "rb") as file:
        factories.with_video(project, script, file=file.read(), seconds=float(seconds))
    return {"project": str(project.pk)}


def row(project_id: str) -> dict[str, Any]:
    """Tell what the history did to a project."""
    project = Project.objects.get(pk=UUID(project_id))
    return {
        "title": project.title,
        "is_deleted": project.deleted_at is not None,
        "is_archived": project.archived_at is not None,
        "copies": Project.objects.filter(session=project.session).count() - 1,
        "preferences": project.session.preferences,
        "providers": project.providers,
        "budget_micros": project.budget_micros,
        "keys": dict(project.session.credentials.values_list("provider", "last4")),
    }


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


def written(cookie: str) -> dict[str, Any]:
    """Make a project of that browser with a script as the embedded writer drafts it, spoken but for the sound."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    project = factories.ProjectFactory.create(session=session)
    script = written_script(project)
    factories.with_media(project, script)
    return {"project": str(project.pk)}


def drawn(cookie: str) -> dict[str, Any]:
    """Make a project of that browser with media that can be drawn and spoken of: a look, and times for every word."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    project = factories.ProjectFactory.create(session=session)
    script = factories.with_script(project)
    factories.with_media(project, script)
    project.look = dict(EmbeddedPictures().look(topic="Forests", keywords=["forest"], seed=3))
    project.save(update_fields=["look"])
    for turn in script.turns.all():
        texts = turn.text.split()
        step = turn.measured_seconds / len(texts)
        turn.words = [[text, index * step, (index + 1) * step] for index, text in enumerate(texts)]
        turn.save(update_fields=["words"])
    return {"project": str(project.pk)}


def scene(project_id: str, position: str) -> dict[str, Any]:
    """Tell what a scene shows, and what the video's music is."""
    project = Project.objects.get(pk=UUID(project_id))
    row = project.scenes.select_related("asset").get(position=int(position))
    return {
        "asset": str(row.asset_id),
        "made": str(row.made_id),
        "origin": row.asset.origin,
        "alt": row.asset.alt,
        "credit": row.asset.credit,
        "is_locked": row.is_locked,
        "candidates": row.candidates.count(),
        "music": project.music,
    }


def lines(project_id: str) -> dict[str, Any]:
    """Tell what stands in a project's script, its book and its versions."""
    project = Project.objects.get(pk=UUID(project_id))
    script = script_current(project)
    assert script is not None
    turns = [[turn.speaker, turn.text, turn.is_locked] for turn in script.turns.all()]
    return {
        "lines": turns,
        "proposals": script.proposals.count(),
        "versions": list(project.scripts.values_list("version", "origin")),
        "pronunciations": project.pronunciations,
        "tasks": list(project.tasks.filter(status=Task.Status.PENDING).values_list("task_type", flat=True)),
    }


def composable(cookie: str) -> dict[str, Any]:
    """Make a project of that browser with all media, ready to be composed."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    project = factories.ProjectFactory.create(session=session)
    factories.with_trends(project)
    script = factories.with_script(project)
    factories.with_media(project, script)
    script.scenes.filter(position=5).update(seconds=10.0)
    script.media_seconds = 30.0
    script.save(update_fields=["media_seconds"])
    return {"project": str(project.pk)}


def composer(project_id: str) -> dict[str, Any]:
    """Tell what the composer changed."""
    project = Project.objects.get(pk=UUID(project_id))
    fields = ("layout", "start", "seconds", "motion", "transition", "focus_x", "focus_y", "is_locked")
    rows = Scene.objects.filter(project=project).order_by("position").values_list(*fields)
    tasks = project.tasks.filter(status=Task.Status.PENDING).values_list("task_type", "input_data")
    return {
        "scenes": [dict(zip(fields, row, strict=True)) for row in rows],
        "caption": project.caption,
        "music": project.music,
        "aspect": project.aspect,
        "tasks": [list(task) for task in tasks],
    }


def large(cookie: str) -> dict[str, Any]:
    """Make 200 projects of that browser and a large one with a finished video."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    history_make(session)
    return {"project": str(project_large(session).pk)}


def states(cookie: str) -> dict[str, Any]:
    """Make a project of that browser for each state that a panel can be in; tells their names and ids."""
    session = factories.CreatorSessionFactory.create(cookie_hash=token_hash(cookie))
    return {name: str(project.pk) for name, project in projects_in_every_state(session).items()}


def staff(name: str, password: str) -> dict[str, Any]:
    """Make an operator who may use the admin."""
    get_user_model().objects.create_superuser(name, password=password)
    return {}


def queries(cookie: str, path: str) -> dict[str, Any]:
    """Tell how many queries a page asks when that browser opens it."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies["videoflow_creator"] = cookie
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    return {"queries": len(asked), "told": [query["sql"][:300] for query in asked]}


COMMANDS = {
    act.__name__: act
    for act in (
        work,
        running,
        progress,
        pictures,
        complete,
        status,
        finished,
        row,
        line,
        fail,
        written,
        lines,
        composable,
        composer,
        drawn,
        scene,
        large,
        states,
        staff,
        queries,
    )
}

if __name__ == "__main__":
    for asked in sys.stdin:
        name, *arguments = json.loads(asked)
        sys.stdout.write(json.dumps(COMMANDS[name](*arguments)) + "\n")
        sys.stdout.flush()
