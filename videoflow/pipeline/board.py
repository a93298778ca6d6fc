"""The workflow page as data: where each stage of a project stands, and what its panel shows when closed."""

from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from django.utils import timezone

from videoflow.pipeline import stages
from videoflow.pipeline.models import Project
from videoflow.pipeline.selectors import tasks_latest
from videoflow.pipeline.stages.base import Stage
from videoflow.pipeline.waiting import waiting_reason
from videoflow.tasks.models import Task
from videoflow.tasks.services import MAX_USER_RETRIES
from videoflow.translation import translated

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
    waits_for: str
    """Why it does not run yet, in a sentence."""
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
    def retry_seconds(self) -> float | None:
        """About how long a retry takes: what the runs before it took; None while there were too few."""
        return usual_seconds(self.task) if self.task is not None and self.can_retry else None

    @property
    def goes_on(self) -> bool:
        """Whether the steps after it start by themselves."""
        return self.task is not None and bool(self.task.input_data.get("continue"))

    @property
    def waited_seconds(self) -> float | None:
        """How long the first run of a task stood in the queue; None for one that was tried again, and for a moment."""
        task = self.task
        if task is None or task.attempt_started_at is None or task.attempt != 1 or task.retry_count:
            return None
        seconds = (task.attempt_started_at - task.created_at).total_seconds()
        return seconds if seconds >= 2 else None

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
    def was_stopped(self) -> bool:
        """Whether the next thing to do is a step that was cancelled."""
        return self.stage(self.active).state == Task.Status.CANCELLED

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
        state = _state(stage, tasks, done, way_is_open=way_is_open)
        way_is_open = way_is_open and (state.has_result or state.state == "skipped")
        states.append(state)
    return Board(project, tuple(states), head_seq, _active(states))


def _state(stage: Stage, tasks: dict[str, Task], done: set[str], *, way_is_open: bool) -> StageState:
    task = tasks.get(stage.name)
    has_result = stage.name in done
    if task is None:
        state = "skipped" if _is_skipped(stage, tasks) else "idle" if way_is_open else "blocked"
        return StageState(stage, state, None, 0, "", None, None, "", has_result)
    ended_well = task.status == Task.Status.COMPLETED
    return StageState(
        stage=stage,
        state=task.status,
        task=task,
        percent=100 if ended_well else task.progress,
        message=translated(task.message),
        elapsed_seconds=_elapsed(task),
        eta_seconds=_eta(task) if task.status == Task.Status.IN_PROGRESS else None,
        waits_for=waiting_reason(task) if task.status in Task.WAITING else "",
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
    """Return the stage's own estimate, else what is left of the past runs' median; None with fewer than three of them."""
    if task.estimated_seconds_remaining is not None:
        return float(task.estimated_seconds_remaining)
    usual = usual_seconds(task)
    return max(0.0, usual - (_elapsed(task) or 0.0)) if usual is not None else None


def usual_seconds(task: Task) -> float | None:
    """Return the median length of the last runs of such a task; None with fewer than three of them."""
    past = Task.objects.filter(task_type=task.task_type, status=Task.Status.COMPLETED, attempt_started_at__isnull=False)
    past = past.filter(input_data__preview__isnull="preview" not in task.input_data)  # a preview takes a fraction of the time
    spans = past.order_by("-completed_at").values_list("attempt_started_at", "completed_at")[:20]
    seconds = [(end - start).total_seconds() for start, end in spans if start and end]
    return median(seconds) if len(seconds) >= PAST_RUNS_MINIMUM else None


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
