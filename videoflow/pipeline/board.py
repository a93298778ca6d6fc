"""The workflow page as data: where each stage of a project stands, and what its panel shows when closed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Avg, F
from django.utils import timezone

from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.selectors import tasks_latest
from videoflow.pipeline.stages.base import Stage
from videoflow.tasks.models import Task
from videoflow.tasks.selectors import queue_position
from videoflow.tasks.services import MAX_USER_RETRIES

PAST_RUNS_MINIMUM = 3  # fewer do not make an estimate
ICONS = {
    "trending_analysis": "trending-up",
    "script_generation": "message-square-text",
    "media_generation": "image",
    "video_composition": "clapperboard",
    "youtube_upload": "send",
}


@dataclass(frozen=True, slots=True)
class StageState:
    """Where one stage of a project stands.

    ``state`` is the newest task's status, or ``idle`` (can be started), ``blocked`` (an earlier stage is missing) or ``skipped``
    (this project does not need it).
    """

    stage: Stage
    state: str
    task: Task | None
    percent: int
    message: str
    elapsed_seconds: float | None
    eta_seconds: float | None
    tasks_ahead: int
    has_result: bool
    """A run of this stage has completed at some time, whatever the newest one did."""
    failure: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.stage.name

    @property
    def icon(self) -> str:
        return ICONS.get(self.stage.name, "layers")

    @property
    def is_open_task(self) -> bool:
        return self.task is not None and self.task.status in Task.OPEN

    @property
    def is_running(self) -> bool:
        return self.state == Task.Status.IN_PROGRESS

    @property
    def counts(self) -> bool:
        """Whether the stage counts towards the finished video."""
        return self.stage.follows_by_itself and self.state != "skipped"

    @property
    def can_retry(self) -> bool:
        return (
            self.task is not None
            and self.task.status in (Task.Status.FAILED, Task.Status.CANCELLED)
            and self.task.retry_count < MAX_USER_RETRIES
        )

    @property
    def retries_left(self) -> int:
        return MAX_USER_RETRIES - self.task.retry_count if self.task else 0

    @property
    def started_at(self) -> datetime | None:
        return self.task.attempt_started_at if self.task and self.is_running else None


@dataclass(frozen=True, slots=True)
class Board:
    """All stages of a project, in their order, and what they add up to."""

    project: Project
    stages: tuple[StageState, ...]
    head_seq: int
    """Read before the rows, so that a page which follows the events from here misses nothing."""
    active: str
    """Name of the stage whose panel stands open."""

    @property
    def is_busy(self) -> bool:
        return any(state.is_open_task for state in self.stages)

    @property
    def has_failed(self) -> bool:
        return any(state.state == Task.Status.FAILED for state in self.stages)

    @property
    def percent(self) -> int:
        """How much of the video is there, every stage counting the same."""
        counted = [state.percent for state in self.stages if state.counts]
        return sum(counted) // len(counted) if counted else 0

    @property
    def running(self) -> StageState | None:
        return next((state for state in self.stages if state.is_open_task), None)

    def stage(self, name: str) -> StageState:
        return next(state for state in self.stages if state.name == name)


def project_board(project: Project) -> Board:
    """Return the board of a project; six queries at most while nothing waits."""
    head_seq = type(project.session).objects.values_list("head_seq", flat=True).get(pk=project.session_id)
    tasks = tasks_latest(project)
    completed = project.tasks.filter(status=Task.Status.COMPLETED).values_list("task_type", "input_data")
    done = {task_type for task_type, input_data in completed if not input_data.get("preview")}
    states: list[StageState] = []
    way_is_open = True  # everything before is done or not needed
    for stage in stages.load():
        state = _state(project, stage, tasks, done, way_is_open=way_is_open)
        way_is_open = way_is_open and (state.has_result or state.state == "skipped")
        states.append(state)
    return Board(project, tuple(states), head_seq, _active(states))


def _state(project: Project, stage: Stage, tasks: dict[str, Task], done: set[str], *, way_is_open: bool) -> StageState:
    task = tasks.get(stage.name)
    has_result = stage.name in done
    if task is None:
        state = "skipped" if _is_skipped(stage, tasks) else "idle" if way_is_open else "blocked"
        return StageState(stage, state, None, 0, "", None, None, 0, has_result)
    ended_well = task.status == Task.Status.COMPLETED
    return StageState(
        stage=stage,
        state=task.status,
        task=task,
        percent=100 if ended_well else task.progress,
        message=task.message,
        elapsed_seconds=_elapsed(task),
        eta_seconds=_eta(task) if task.status == Task.Status.IN_PROGRESS else None,
        tasks_ahead=queue_position(task=task) if task.status in Task.WAITING else 0,
        has_result=has_result,
        failure=task.error or {},
    )


def _is_skipped(stage: Stage, tasks: dict[str, Task]) -> bool:
    """A project that began with a topic or a finished script needs no trends."""
    script = tasks.get("script_generation")
    return stage.name == "trending_analysis" and script is not None and script.input_data.get("input_type") in ("topic", "script")


def _elapsed(task: Task) -> float | None:
    start = task.attempt_started_at or task.started_at
    if start is None:
        return None
    if task.status == Task.Status.IN_PROGRESS:
        return (timezone.now() - start).total_seconds()
    return (task.completed_at - start).total_seconds() if task.completed_at else None


def _eta(task: Task) -> float | None:
    """Return the stage's own estimate, else what past runs leave of their mean; None with fewer than three of them."""
    if task.estimated_seconds_remaining is not None:
        return float(task.estimated_seconds_remaining)
    past = Task.objects.filter(task_type=task.task_type, status=Task.Status.COMPLETED, attempt_started_at__isnull=False)
    past = past.filter(input_data__preview__isnull="preview" not in task.input_data)  # a preview takes a fraction of the time
    recent = past.order_by("-completed_at").values_list("pk", flat=True)[:20]
    if len(recent) < PAST_RUNS_MINIMUM:
        return None
    mean = Task.objects.filter(pk__in=list(recent)).aggregate(mean=Avg(F("completed_at") - F("attempt_started_at")))["mean"]
    return float(max(0.0, mean.total_seconds() * (1 - task.progress / 100))) if mean else None


def _active(states: list[StageState]) -> str:
    """Choose the panel to open: what runs, else what failed, else the next thing to do, else the last result."""
    wanted = [
        [state for state in states if state.is_open_task],
        [state for state in states if state.state == Task.Status.FAILED],
        [state for state in states if state.state == "idle" and state.stage.follows_by_itself],
        [state for state in reversed(states) if state.state == Task.Status.CANCELLED],
        [state for state in reversed(states) if state.has_result and state.stage.follows_by_itself],
    ]
    chosen = next((group[0] for group in wanted if group), states[0])
    if chosen.name == "script_generation" and chosen.state == "idle":
        return next((state.name for state in states if state.name == "trending_analysis" and state.has_result), chosen.name)
    return chosen.name
