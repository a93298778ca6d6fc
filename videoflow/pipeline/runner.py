"""The one way a task runs: claim, keep the lease, run the stage, commit under the fence, start what follows."""

import contextlib
import contextvars
import functools
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, OperationalError, close_old_connections, connection, transaction

from videoflow.crash_points import crash_point
from videoflow.errors import Cancelled, VideoflowError, disk_full_read
from videoflow.logs import NOTHING, current_request_id, current_stage, current_task_id
from videoflow.pipeline import stages
from videoflow.pipeline.fan_out import SharedComposition
from videoflow.pipeline.helping import parts_help
from videoflow.pipeline.reach import storage_reach
from videoflow.pipeline.services import input_validate, stage_start
from videoflow.pipeline.stages.base import Stage, StageContext
from videoflow.pipeline.store import work_dir, work_dirs_remove
from videoflow.sentences import Sentence
from videoflow.storage.base import media_storage
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
    """Set when this process was asked to end, by the handlers of signals."""

    closing = threading.Event()
    """No other task is begun."""
    requested = threading.Event()
    """What runs is given back."""


def shutdown_request() -> None:
    """Ask the running task to give itself back and end."""
    _Shutdown.closing.set()
    _Shutdown.requested.set()


def drain_request() -> None:
    """Begin no other task; the running one goes on to its end."""
    _Shutdown.closing.set()


def worker_id_make(kind: str) -> str:
    """Return ``host:kind:pid``."""
    return f"{settings.VIDEOFLOW_HOST}:{kind}:{os.getpid()}"


class _Lease:
    """One claim being kept alive; ``lost`` is set once it is known that the task is not ours any more."""

    def __init__(self, claim: Claim, look: Callable[[], None]) -> None:
        self.claim = claim
        self.look = look
        self.lost = threading.Event()
        self.beat_at = time.monotonic() + HEARTBEAT_SECONDS
        self.context = contextvars.copy_context()  # what is logged about it names the task too

    def stopped(self) -> bool:
        return self.lost.is_set() or _Shutdown.requested.is_set()

    def keep(self) -> None:
        """Look whether the task is still ours, renew the lease when it is time, and call ``look``."""
        try:
            if time.monotonic() >= self.beat_at:
                alive = task_heartbeat(claim=self.claim)
                self.beat_at = time.monotonic() + HEARTBEAT_SECONDS
            else:
                alive = task_is_ours(claim=self.claim)
            if alive:
                self.look()
        except LeaseLost:
            alive = False
        except Exception:  # of whatever kind: this thread keeps every other lease of the process too
            # A database that cannot be asked is not a lost lease; the fence decides at the next write.
            logger.exception("lease could not be checked")
            close_old_connections()
            return
        if not alive:
            self.lost.set()


class _Keeper:
    """Keeps this process's leases from one lasting thread with a connection of its own, closed while there is nothing to keep.

    A thread for each task would cost a short task as much as its own work.
    """

    def __init__(self) -> None:
        self._leases: list[_Lease] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def keeping(self, lease: _Lease) -> Iterator[_Lease]:
        with self._changed:
            self._leases.append(lease)
            self._changed.notify()
            if self._thread is None or not self._thread.is_alive():  # a fork takes no threads along
                self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)
                self._thread.start()
        try:
            yield lease
        finally:
            with self._changed:
                self._leases.remove(lease)

    def _keep(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._changed:
                if not self._leases:
                    connection.close()
                    self._changed.wait_for(lambda: self._leases)
                    continue
                leases = [lease for lease in self._leases if not lease.lost.is_set()]
            for lease in leases:
                lease.context.run(lease.keep)


_keeper = _Keeper()


class _Reporter:
    """Turns a stage's reports into progress rows, two a second at the most, with an estimate of the time left."""

    def __init__(self, claim: Claim, task: Task, watch: Watcher | None) -> None:
        self.claim, self.task, self.watch = claim, task, watch
        self.started = time.monotonic()
        self.written_at = 0.0
        self.eta_seconds = math.inf
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
            if self.share >= ETA_AFTER_SHARE:
                self.eta_seconds = min(self.eta_seconds, elapsed * (1 - self.share) / self.share)  # what was said never grows
            eta_seconds = round(self.eta_seconds) if self.eta_seconds < math.inf else None
            data = {"changed": sorted(self.changed)} if self.changed else {}
            self.changed.clear()
            percent = int(self.share * 100)
        task_progress(claim=self.claim, percent=percent, message=message, eta_seconds=eta_seconds, data=data)


def wakeup_answer(*, task_id: UUID, worker_id: str) -> None:
    """Run what is due in the queue of the task that rang."""
    queue = Task.objects.filter(pk=task_id).values_list("queue", flat=True).first()
    if queue is not None:
        queue_drain(queue=queue, worker_id=worker_id)


def queue_drain(*, queue: str, worker_id: str) -> int:
    """Run due tasks of a queue until none is left or the process is to end, and with a free slot help others with theirs.

    Return how many ran.
    """

    def claim_next() -> Claim | None:
        if _Shutdown.closing.is_set() or not storage_reach.is_good():
            return None
        return task_claim(queue=queue, worker_id=worker_id)

    ran = 0
    while True:
        claim = claim_next()
        while claim is not None:
            _, claimed = _run(claim, claim_next=claim_next)
            ran += 1
            claim = claimed or claim_next()
        if not parts_help(queue=queue, worker_id=worker_id, stopped=_Shutdown.closing.is_set):
            return ran


def task_run(*, claim: Claim, watch: Watcher | None = None) -> Task:
    """Run a claimed task to its end and return its row; ``watch`` hears each report (for progress bars).

    Nothing of the stage's own failing is raised: it stands in the row. A lost lease ends quietly, with nothing written.
    """
    completed, _ = _run(claim, watch=watch)
    return completed or Task.objects.get(pk=claim.task_id)


def _run(
    claim: Claim, *, watch: Watcher | None = None, claim_next: Callable[[], Claim | None] = lambda: None
) -> tuple[Task | None, Claim | None]:
    """Run a claimed task; return its row if it was completed, and what was claimed in the commit that completed it."""
    named = current_task_id.set(str(claim.task_id))
    scratch = functools.cache(lambda: work_dir(f"{claim.task_id}-{claim.fence}"))  # made when a stage asks for it
    try:
        task = claim.task or Task.objects.get(pk=claim.task_id)
        stage = stages.get(task.task_type)
        current_stage.set(stage.name)
        current_request_id.set(task.request_id or NOTHING)
        logger.info("started stage=%s attempt=%s", stage.name, task.attempt)
        if task.attempt > 1:
            work_dirs_remove(f"{task.pk}-")  # what attempts before this one left when they were killed
        reporter = _Reporter(claim, task, watch)
        with _keeper.keeping(_Lease(claim, reporter.flush)) as lease:
            return _stage_run(stage, task, claim, lease, reporter, scratch, claim_next)
    finally:
        if scratch.cache_info().currsize:
            work_dirs_remove(scratch().name)
        current_stage.set(NOTHING)
        current_request_id.set(NOTHING)
        current_task_id.reset(named)


def _stage_run(
    stage: Stage,
    task: Task,
    claim: Claim,
    lease: _Lease,
    reporter: _Reporter,
    scratch: Callable[[], Path],
    claim_next: Callable[[], Claim | None],
) -> tuple[Task | None, Claim | None]:
    try:
        context = StageContext(
            project=task.project,
            task=task,
            input=input_validate(stage.name, task.input_data),
            scratch=scratch,
            report=reporter,
            cancelled=lease.stopped,
            fenced=lambda: _fenced(claim),
            sharing=_sharing(claim, task, lease, scratch),
        )
        crash_point(stage.name, "claimed")
        output = stage.run(context)
        crash_point(stage.name, "worked")
        with transaction.atomic():
            result = dict(output.save())
            crash_point(stage.name, "rows_written")
            completed = task_complete(claim=claim, message=output.message, result_data=result)
            crash_point(stage.name, "completed")
            _follow(stage, task)
            crash_point(stage.name, "followed")
            # The disk's flush is the price of a commit, so one serves both. With many writers this could end in a deadlock of two
            # sessions' event numbers, and they share their flushes anyway.
            claimed = claim_next() if connection.vendor == "sqlite" else None
        crash_point(stage.name, "committed")
        logger.info("completed")
        return completed, claimed
    except Cancelled:
        if _Shutdown.requested.is_set():
            with contextlib.suppress(LeaseLost):
                task_release(claim=claim)
            logger.info("released: this process ends")
        else:
            logger.info("not ours any more")
    except VideoflowError as error:
        logger.warning("refused code=%s details=%s: %s", error.code, error.details, error)
        storage_reach.hear(error)
        _fail(claim, error)
    except OperationalError as error:
        logger.exception("the database refused")
        busy = VideoflowError("The database was busy for too long.", code="DATABASE_BUSY", retryable=True)
        _fail(claim, disk_full_read(error) or busy)
    except Exception as error:
        logger.exception("failed unexpectedly")
        sentence = Sentence(
            "Something unexpected went wrong in this step. What was made before is kept. Retry it; the log has the details."
        )
        _fail(claim, disk_full_read(error) or VideoflowError(sentence, details={"kind": type(error).__name__}))
    return None, None


def _sharing(claim: Claim, task: Task, lease: _Lease, scratch: Callable[[], Path]) -> SharedComposition | None:
    """Return how a task's parts are made by all hosts; None where they have no storage in common."""
    if not media_storage().is_remote:
        return None
    return SharedComposition(claim, queue=task.queue, holder=scratch, cancelled=lease.stopped)


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
        stage_start(
            project=task.project,
            task_type=following.name,
            input_data={"continue": True},
            priority=task.priority,
            asked_for=False,
        )
