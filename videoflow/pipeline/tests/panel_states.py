"""A project for each state that a panel of the workflow page can be in."""

from collections.abc import Callable

from django.conf import settings

from videoflow.pipeline.models import Project
from videoflow.pipeline.tests import factories
from videoflow.sessions.models import CreatorSession

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


def projects_in_every_state(session: CreatorSession) -> dict[str, Project]:
    """Return projects by name: ``empty``, ``done``, and ``<stage> <state>``: ready, running, failed or cancelled."""
    projects: dict[str, Project] = {}

    def made(name: str, before: Make) -> Project:
        projects[name] = factories.ProjectFactory.create(session=session, title=f"{name.replace('_', ' ').capitalize()} forests")
        before(projects[name])
        return projects[name]

    made("empty", BEFORE["trending_analysis"])
    for stage, before in BEFORE.items():
        made(f"{stage} ready", before)
        factories.task_running(made(f"{stage} running", before), stage, 37, "Picture 3 of 8", estimated_seconds_remaining=170)
        factories.task_failed(
            made(f"{stage} failed", before), stage, "The disk is nearly full: 200 MB are left, 900 MB are needed."
        )
        cancelled = factories.task_failed(made(f"{stage} cancelled", before), stage, "Cancelled")
        cancelled.status, cancelled.error = "cancelled", None
        cancelled.save(update_fields=["status", "error"])
    made("done", _published)
    return projects
