"""What the pages and the API read; everything starts from the sessions of the one who asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from videoflow.pipeline.models import Asset, Project, Publication, Script, Turn, Video
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task

Sessions = QuerySet[CreatorSession]
SEARCH_WORDS = 8
"""Of a search more are not looked at."""


def projects_of(sessions: Sessions) -> QuerySet[Project]:
    """Return the projects of these sessions without the deleted ones, the ones last worked on first."""
    return Project.objects.filter(session__in=sessions, deleted_at__isnull=True).order_by("-updated_at", "-created_at")


def projects_deleted_of(sessions: Sessions) -> QuerySet[Project]:
    """Return what was deleted and can still be had back, newest first."""
    return Project.objects.filter(session__in=sessions, deleted_at__isnull=False).order_by("-deleted_at")


def assets_of(sessions: Sessions) -> QuerySet[Asset]:
    return Asset.objects.filter(project__session__in=sessions, project__deleted_at__isnull=True)


def publications_of(sessions: Sessions) -> QuerySet[Publication]:
    return Publication.objects.filter(video__project__session__in=sessions, video__project__deleted_at__isnull=True)


def _of(rows: QuerySet[Task] | QuerySet[Video]) -> Q:
    return Q(Exists(rows.order_by().filter(project=OuterRef("pk"))))


_NEWER = Task.objects.filter(
    project=OuterRef("project"), task_type=OuterRef("task_type"), created_at__gt=OuterRef("created_at")
).order_by()
# Compared as an expression, for which there is no index: SQLite looked at every failed task for each project instead of at the
# project's own few, and took a second for 10,000 projects.
_FAILED = Task.objects.alias(state=Coalesce("status", Value(""))).filter(~Exists(_NEWER), state=Task.Status.FAILED)
_ACTIVE = Q(archived_at__isnull=True)
HISTORY_STATES: Mapping[str, Q] = {
    "": _ACTIVE,
    "running": _ACTIVE & _of(Task.objects.filter(status__in=Task.OPEN)),
    "failed": _ACTIVE & _of(_FAILED),
    "finished": _ACTIVE & _of(Video.objects.all()),
    "published": _ACTIVE & _of(Video.objects.filter(publications__isnull=False)),
    "archived": Q(archived_at__isnull=False),
}
"""The history's filters; the empty one is what stands there unless another is asked for."""


def projects_searched(projects: QuerySet[Project], search: str) -> QuerySet[Project]:
    """Return the projects with every word of the search in the title or in the newest script."""
    for word in search.split()[:SEARCH_WORDS]:
        spoken = _turns_newest().filter(script__project=OuterRef("pk"), text__icontains=word)
        projects = projects.filter(Q(title__icontains=word) | Q(Exists(spoken.order_by())))
    return projects


def _turns_newest() -> QuerySet[Turn]:
    """Return the turns of each project's newest script."""
    newest = Script.objects.filter(project=OuterRef("script__project")).order_by("-version").values("pk")[:1]
    return Turn.objects.filter(script=Subquery(newest))


def history_counts(projects: QuerySet[Project]) -> dict[str, int]:
    """Return how many projects each of the history's filters would show; one query."""
    counted = {f"in_{name}": Count("pk", filter=state) for name, state in HISTORY_STATES.items()}
    totals = projects.order_by().aggregate(**counted)
    return {name: totals[f"in_{name}"] for name in HISTORY_STATES}


def tasks_latest(project: Project) -> dict[str, Task]:
    """Return the newest task of each stage of a project; one query."""
    newest: dict[str, Task] = {}
    for task in project.tasks.order_by("created_at"):
        if not is_past_preview(task):
            newest[task.task_type] = task
    return newest


def is_past_preview(task: Task) -> bool:
    """Say whether a task made a quick preview or proposals and is over: the stage stands where it stood before."""
    is_aside = bool(task.input_data.get("preview") or task.input_data.get("reword"))
    return task.status in (Task.Status.COMPLETED, Task.Status.CANCELLED) and is_aside


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """One project in the history."""

    project: Project
    tasks: dict[str, Task]
    thumbnail_id: UUID | None
    seconds: float | None
    """Length of its newest video; None while there is none."""
    is_published: bool
    found: str
    """The line of the script that a search found; empty when the title has the word itself."""

    @property
    def running(self) -> Task | None:
        return next((task for task in self.tasks.values() if task.status in Task.OPEN), None)

    @property
    def is_running(self) -> bool:
        return self.running is not None

    @property
    def has_failed(self) -> bool:
        return any(task.status == Task.Status.FAILED for task in self.tasks.values())

    @property
    def latest(self) -> Task | None:
        """The step that was worked on last."""
        return max(self.tasks.values(), key=lambda task: task.created_at, default=None)


def project_cards(projects: Iterable[Project] | QuerySet[Project], *, search: str = "") -> list[ProjectCard]:
    """Return a card for each project; four queries, however many there are, and one more for a search."""
    rows = list(projects)
    by_project: dict[UUID, dict[str, Task]] = {row.pk: {} for row in rows}
    shown = ("project_id", "task_type", "status", "progress", "message", "input_data", "created_at")
    for task in Task.objects.filter(project__in=rows).order_by("created_at").only(*shown):
        if not is_past_preview(task):
            by_project[task.project_id][task.task_type] = task
    videos = Video.objects.filter(project__in=rows).order_by("created_at")
    newest = {
        project: (thumbnail, seconds) for project, thumbnail, seconds in videos.values_list("project", "thumbnail", "seconds")
    }
    pictures = Asset.objects.filter(project__in=[row.pk for row in rows if row.pk not in newest], kind=Asset.Kind.IMAGE)
    first_pictures = dict(pictures.order_by("created_at").values_list("project", "pk"))
    published = set(Publication.objects.filter(video__project__in=rows).order_by().values_list("video__project", flat=True))
    found = _lines_found(rows, search)
    return [
        ProjectCard(
            project=row,
            tasks=by_project[row.pk],
            thumbnail_id=newest[row.pk][0] if row.pk in newest else first_pictures.get(row.pk),
            seconds=newest[row.pk][1] if row.pk in newest else None,
            is_published=row.pk in published,
            found=found.get(row.pk, ""),
        )
        for row in rows
    ]


def _lines_found(rows: list[Project], search: str) -> dict[UUID, str]:
    """Return for each project the first line with a word of the search that its title does not have."""
    found: dict[UUID, str] = {}
    for word in search.split()[:SEARCH_WORDS]:
        spoken = [row.pk for row in rows if word.lower() not in row.title.lower() and row.pk not in found]
        if spoken:
            turns = _turns_newest().filter(script__project__in=spoken, text__icontains=word)
            found |= dict(turns.order_by("-position").values_list("script__project", "text"))
    return found


def first_look_of(project: Project) -> Asset | None:
    """Return the first look while there is no video yet; one query."""
    looks = project.assets.filter(kind=Asset.Kind.PREVIEW, name="first-look.mp4", project__videos__isnull=True)
    return looks.order_by("-created_at").first()


def project_videos(project: Project) -> QuerySet[Video]:
    """Return the project's videos, newest first, with their files and publications."""
    published = Prefetch("publications", queryset=Publication.objects.order_by("-created_at"))
    return project.videos.select_related("file", "thumbnail", "srt", "vtt", "script").prefetch_related(published)
