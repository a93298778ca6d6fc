"""A project for each state that a panel of the workflow page can be in."""

from collections.abc import Callable

from django.conf import settings

from videoflow.pipeline.models import Project
from videoflow.pipeline.tests import factories
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task

Make = Callable[[Project], object]


def _trends(project: Project) -> None:
    factories.with_trends(project)


def _script(project: Project) -> None:
    _trends(project)
    factories.with_script(project)


def _media(project: Project) -> None:
    _script(project)
    factories.with_media(project, project.scripts.get())


def _video(project: Project) -> None:
    _media(project)
    factories.with_video(project, project.scripts.get())


def _published(project: Project) -> None:
    _video(project)
    factories.with_publication(project, project.videos.get(), settings.VIDEOFLOW_DATA)


BEFORE: dict[str, Make] = {
    "trending_analysis": lambda project: None,
    "script_generation": _trends,
    "media_generation": _script,
    "video_composition": _media,
    "youtube_upload": _video,
}
"""What a project has before each stage."""


def _running(project: Project, stage: str) -> None:
    factories.task_running(project, stage, 37, "Picture 3 of 8", estimated_seconds_remaining=170)


def _failed(project: Project, stage: str) -> None:
    factories.task_failed(project, stage, "The disk is nearly full: 200 MB are left, 900 MB are needed.")


def _cancelled(project: Project, stage: str) -> None:
    task = factories.task_failed(project, stage, "Cancelled")
    task.status, task.error = Task.Status.CANCELLED, None
    task.save(update_fields=["status", "error"])


ENDS: dict[str, Callable[[Project, str], None]] = {"running": _running, "failed": _failed, "cancelled": _cancelled}
"""What its newest task is."""
STATES = ("empty", *(f"{stage} {state}" for stage in BEFORE for state in ("ready", *ENDS)), "done")
"""The names of the projects."""


def projects_in_every_state(session: CreatorSession, *states: str) -> dict[str, Project]:
    """Return projects by name: ``empty``, ``done``, and ``<stage> <state>``: ready, running, failed or cancelled.

    With ``states`` only those.
    """
    projects: dict[str, Project] = {}
    for name in STATES:
        stage, _space, state = name.rpartition(" ")
        if states and state not in states:
            continue
        project = factories.ProjectFactory.create(session=session, title=f"{name.replace('_', ' ').capitalize()} forests")
        projects[name] = project
        if stage:
            BEFORE[stage](project)
        if state == "done":
            _published(project)
        if state in ENDS:
            ENDS[state](project, stage)
    return projects
