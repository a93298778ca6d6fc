"""What the pages and the API read; everything starts from the sessions of the one who asks."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from videoflow.pipeline.models import Asset, Project, Publication, Script, Turn, Video
from videoflow.sessions.models import CreatorSession
from videoflow.tasks.models import Task

Sessions = QuerySet[CreatorSession] | Collection[UUID]
"""Lists that may be long are asked for by ids: of each the database knows about how many rows it has, of a query not."""
SEARCH_WORDS = 8
"""Of a search more are not looked at."""
DELETED = "deleted"
"""The history's filter for what can still be had back."""


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


def _among(rows: QuerySet[Task] | QuerySet[Video]) -> Q:
    """Return the condition that a project has one of these rows, which are found once and not for each project."""
    return Q(pk__in=rows.order_by().values("project"))


_NEWER = Task.objects.filter(
    project=OuterRef("project"), task_type=OuterRef("task_type"), created_at__gt=OuterRef("created_at")
).order_by()
ACTIVE = Q(archived_at__isnull=True, deleted_at__isnull=True)
"""What stands in the history unless something else is asked for."""


def history_states(sessions: Sessions) -> Mapping[str, Q]:
    """Return the history's filters; the empty one is what stands there unless another is asked for."""
    tasks = Task.objects.filter(session__in=sessions)
    videos = Video.objects.filter(project__session__in=sessions)
    return {
        "": ACTIVE,
        "running": ACTIVE & _among(tasks.filter(status__in=Task.OPEN)),
        "failed": ACTIVE & _among(tasks.filter(~Exists(_NEWER), status=Task.Status.FAILED)),
        "finished": ACTIVE & _among(videos),
        "published": ACTIVE & _among(videos.filter(publications__isnull=False)),
        "archived": Q(archived_at__isnull=False, deleted_at__isnull=True),
        DELETED: Q(deleted_at__isnull=False),
    }


def history_of(sessions: Sessions, search: str) -> QuerySet[Project]:
    """Return the projects, deleted ones too, with every word of the search in the title or the newest script."""
    projects = Project.objects.filter(session__in=sessions)
    for word in search.split()[:SEARCH_WORDS]:
        spoken = _turns_newest().filter(script__project__session__in=sessions, text__icontains=word)
        projects = projects.filter(Q(title__icontains=word) | Q(pk__in=spoken.order_by().values("script__project")))
    return projects


def _turns_newest() -> QuerySet[Turn]:
    """Return the turns of each project's newest script."""
    newer = Script.objects.filter(project=OuterRef("script__project"), version__gt=OuterRef("script__version"))
    return Turn.objects.filter(~Exists(newer.order_by()))


def history_counts(projects: QuerySet[Project], states: Mapping[str, Q]) -> dict[str, int]:
    """Return how many projects each of the history's filters would show; one query."""
    counted = {f"in_{name}": Count("pk", filter=state) for name, state in states.items()}
    totals = projects.order_by().aggregate(**counted)
    return {name: totals[f"in_{name}"] for name in states}


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
