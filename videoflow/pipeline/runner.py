"""The one way a task runs: claim, keep the lease, run the stage, commit under the fence, start what follows."""

import contextlib
import contextvars
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import DatabaseError, OperationalError, close_old_connections, connection, transaction

from videoflow.crash_points import crash_point
from videoflow.errors import Cancelled, VideoflowError, disk_full_read
from videoflow.logs import current_task_id
from videoflow.pipeline import stages
from videoflow.pipeline.services import input_validate, stage_start
from videoflow.pipeline.stages.base import Stage, StageContext
from videoflow.pipeline.store import work_dir, work_dirs_remove
from videoflow.tasks.models import Task
from videoflow.tasks.services import (
    Claim,
    LeaseLost,
    TaskConflict,
    task_claim,
    task_complete,
    task_fail,
    task_heartbeat,
    task_is_ours,
    task_progress,
    task_release,
)

HEARTBEAT_SECONDS = 10.0
LOOK_SECONDS = 0.5  # a cancel is seen this soon
REPORT_SECONDS = 0.5  # at most two progress rows a second and task
ETA_AFTER_SHARE = 0.08  # before that an estimate is a guess

logger = logging.getLogger(__name__)
Watcher = Callable[[Task, float, str], None]


class _Shutdown:
    """Set when this process was asked to end, by the handler of SIGTERM."""

    requested = threading.Event()


def shutdown_request() -> None:
    """Ask the running task to give itself back and end."""
    _Shutdown.requested.set()


def worker_id_make(kind: str) -> str:
    """Return ``host:kind:pid``."""
    return f"{socket.gethostname()[:60]}:{kind}:{os.getpid()}"


class _Lease:
    """Keeps a claim alive from a thread with its own connection, and knows at once when it is lost; calls ``look`` meanwhile."""

    def __init__(self, claim: Claim, look: Callable[[], None]) -> None:
        self.claim = claim
        self.look = look
        self.lost = threading.Event()
        self._end = threading.Event()
        run = contextvars.copy_context().run  # its lines name the task too
        self._thread = threading.Thread(target=run, args=(self._keep,), name=f"lease-{claim.task_id}", daemon=True)

    def __enter__(self) -> "_Lease":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(5)

    def stopped(self) -> bool:
        return self.lost.is_set() or _Shutdown.requested.is_set()

    def _keep(self) -> None:
        beat_at = time.monotonic() + HEARTBEAT_SECONDS
        try:
            while not self._end.wait(LOOK_SECONDS):
                try:
                    if time.monotonic() >= beat_at:
                        alive = task_heartbeat(claim=self.claim)
                        beat_at = time.monotonic() + HEARTBEAT_SECONDS
                    else:
                        alive = task_is_ours(claim=self.claim)
                    if alive:
                        self.look()
                except LeaseLost:
                    alive = False
                except Exception:
                    # A database that cannot be asked is not a lost lease; the fence decides at the next write.
                    logger.exception("lease could not be checked")
                    close_old_connections()
                    continue
                if not alive:
                    self.lost.set()
                    return
        finally:
            connection.close()


class _Reporter:
    """Turns a stage's reports into progress rows, two a second at the most, with an estimate of the time left."""

    def __init__(self, claim: Claim, task: Task, watch: Watcher | None) -> None:
        self.claim, self.task, self.watch = claim, task, watch
        self.started = time.monotonic()
        self.written_at = 0.0
        self.share = 0.0
        self.changed: set[str] = set()
        self._unwritten: str | None = None
        self._lock = threading.Lock()

    def __call__(self, share: float, message: str, *, changed: str = "") -> None:
        with self._lock:
            self.share = max(self.share, min(1.0, share))
            if changed:
                self.changed.add(changed)
            self._unwritten = message
        if self.watch:
            self.watch(self.task, self.share, message)
        self.flush()

    def flush(self) -> None:
        """Write the newest report unless one was written just now; called again and again, so that the last one is not lost."""
        with self._lock:
            now = time.monotonic()
            message = self._unwritten
            if message is None or now - self.written_at < REPORT_SECONDS:
                return
            self.written_at = now
            self._unwritten = None
            elapsed = now - self.started
            eta_seconds = round(elapsed * (1 - self.share) / self.share) if self.share >= ETA_AFTER_SHARE else None
            data = {"changed": sorted(self.changed)} if self.changed else {}
            self.changed.clear()
            percent = int(self.share * 100)
        task_progress(claim=self.claim, percent=percent, message=message, eta_seconds=eta_seconds, data=data)


def task_run_next(*, queue: str, worker_id: str) -> bool:
    """Claim the best due task of the queue and run it; False when there was none to run."""
    claim = task_claim(queue=queue, worker_id=worker_id)
    if claim is None:
        return False
    task_run(claim=claim)
    return True


def queue_drain(*, task_id: UUID, worker_id: str) -> int:
    """Answer a wake-up: run due tasks of the named task's queue until none is left. Return how many ran."""
    queue = Task.objects.filter(pk=task_id).values_list("queue", flat=True).first()
    ran = 0
    while queue and not _Shutdown.requested.is_set() and task_run_next(queue=queue, worker_id=worker_id):
        ran += 1
    return ran


def task_run(*, claim: Claim, watch: Watcher | None = None) -> Task:
    """Run a claimed task to its end and return its row; ``watch`` hears each report (for progress bars).

    Nothing of the stage's own failing is raised: it stands in the row. A lost lease ends quietly, with nothing written.
    """
    named = current_task_id.set(str(claim.task_id))
    try:
        task = Task.objects.select_related("project__session", "session").get(pk=claim.task_id)
        stage = stages.get(task.task_type)
        logger.info("started stage=%s attempt=%s", stage.name, task.attempt)
        work_dirs_remove(f"{task.pk}-")  # what attempts before this one left when they were killed
        reporter = _Reporter(claim, task, watch)
        with _Lease(claim, reporter.flush) as lease:
            _stage_run(stage, task, claim, lease, reporter)
        return Task.objects.get(pk=task.pk)
    finally:
        work_dirs_remove(f"{claim.task_id}-{claim.fence}")
        current_task_id.reset(named)


def _stage_run(stage: Stage, task: Task, claim: Claim, lease: _Lease, reporter: _Reporter) -> None:
    try:
        context = StageContext(
            project=task.project,
            task=task,
            input=input_validate(stage.name, task.input_data),
            work_dir=work_dir(f"{task.pk}-{claim.fence}"),
            report=reporter,
            cancelled=lease.stopped,
            fenced=lambda: _fenced(claim),
        )
        crash_point(stage.name, "claimed")
        output = stage.run(context)
        crash_point(stage.name, "worked")
        with transaction.atomic():
            result = dict(output.save())
            crash_point(stage.name, "rows_written")
            task_complete(claim=claim, message=output.message, result_data=result)
            crash_point(stage.name, "completed")
            _follow(stage, task)
            crash_point(stage.name, "followed")
        crash_point(stage.name, "committed")
        logger.info("completed")
    except Cancelled:
        if _Shutdown.requested.is_set():
            with contextlib.suppress(LeaseLost):
                task_release(claim=claim)
            logger.info("released: this process ends")
        else:
            logger.info("not ours any more")
    except VideoflowError as error:
        logger.warning("refused code=%s details=%s: %s", error.code, error.details, error)
        _fail(claim, error)
    except OperationalError as error:
        logger.exception("the database refused")
        busy = VideoflowError("The database was busy for too long.", code="DATABASE_BUSY", retryable=True)
        _fail(claim, disk_full_read(error) or busy)
    except Exception as error:
        logger.exception("failed unexpectedly")
        sentence = (
            "Something unexpected went wrong in this step. What was made before is kept. Retry it; the log has the details."
        )
        _fail(claim, disk_full_read(error) or VideoflowError(sentence, details={"kind": type(error).__name__}))


def _fail(claim: Claim, error: VideoflowError) -> None:
    """Write the failure down; where not even that can be written, the lease runs out and the task is taken up again."""
    error.details.pop("stderr", None)  # that was for the log: it names paths of this machine
    try:
        task_fail(claim=claim, error=error)
    except LeaseLost:
        logger.info("not ours any more")
    except DatabaseError:
        logger.exception("the failure could not be written")


@contextlib.contextmanager
def _fenced(claim: Claim) -> Iterator[None]:
    """Open a transaction that only commits while the task is ours."""
    with transaction.atomic():
        yield
        if not task_is_ours(claim=claim):
            raise LeaseLost("Another worker has taken this task over.")


def _follow(stage: Stage, task: Task) -> None:
    """Queue the next stage in the same transaction, when the task asked to continue."""
    following = stages.following(stage)
    if not task.input_data.get("continue") or following is None or not stage.follows_by_itself:
        return
    with contextlib.suppress(TaskConflict):  # the user has started it already
        stage_start(project=task.project, task_type=following.name, input_data={"continue": True}, priority=task.priority)
