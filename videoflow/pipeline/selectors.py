"""What the pages and the API read; everything starts from the sessions of the one who asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from videoflow.pipeline.models import Asset, Project, Publication, Video
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task

Sessions = QuerySet[CreatorSession]


def projects_of(sessions: Sessions) -> QuerySet[Project]:
    """Return the projects of these sessions, the ones last worked on first."""
    return Project.objects.filter(session__in=sessions).order_by("-updated_at", "-created_at")


def assets_of(sessions: Sessions) -> QuerySet[Asset]:
    return Asset.objects.filter(project__session__in=sessions)


def publications_of(sessions: Sessions) -> QuerySet[Publication]:
    return Publication.objects.filter(video__project__session__in=sessions)


def tasks_latest(project: Project) -> dict[str, Task]:
    """Return the newest task of each stage of a project; one query."""
    newest: dict[str, Task] = {}
    for task in project.tasks.order_by("created_at"):
        newest[task.task_type] = task
    return newest


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """One project in the history."""

    project: Project
    tasks: dict[str, Task]
    thumbnail: Asset | None
    seconds: float | None

    @property
    def running(self) -> Task | None:
        return next((task for task in self.tasks.values() if task.status in Task.OPEN), None)

    @property
    def is_running(self) -> bool:
        return self.running is not None

    @property
    def has_failed(self) -> bool:
        return any(task.status == Task.Status.FAILED for task in self.tasks.values())


def project_cards(projects: Iterable[Project] | QuerySet[Project]) -> list[ProjectCard]:
    """Return a card for each project; three queries, however many there are."""
    rows = list(projects)
    by_project: dict[UUID, dict[str, Task]] = {row.pk: {} for row in rows}
    for task in Task.objects.filter(project__in=rows).order_by("created_at"):
        by_project[task.project_id][task.task_type] = task
    newest: dict[UUID, Video] = {}
    for video in Video.objects.filter(project__in=rows).select_related("thumbnail").order_by("created_at"):
        newest[video.project_id] = video
    pictures: dict[UUID, Asset] = {}
    waiting = [row.pk for row in rows if row.pk not in newest]
    for asset in Asset.objects.filter(project__in=waiting, kind=Asset.Kind.IMAGE).order_by("-created_at"):
        pictures[asset.project_id] = asset
    return [_card(row, by_project[row.pk], newest.get(row.pk), pictures.get(row.pk)) for row in rows]


def _card(project: Project, tasks: dict[str, Task], video: Video | None, picture: Asset | None) -> ProjectCard:
    return ProjectCard(project, tasks, video.thumbnail if video else picture, video.seconds if video else None)


def project_videos(project: Project) -> QuerySet[Video]:
    """Return the project's videos, newest first, with their files and publications."""
    published = Prefetch("publications", queryset=Publication.objects.order_by("-created_at"))
    return project.videos.select_related("file", "thumbnail", "srt", "vtt", "script").prefetch_related(published)
