"""A worker with nothing due and a free slot makes parts of videos that other workers compose."""

import logging
import os
from collections.abc import Callable, Collection
from functools import cache
from uuid import UUID, uuid4

from django.conf import settings

from videoflow.children import Job, Result, children_feed
from videoflow.crash_points import crash_point
from videoflow.errors import Cancelled, VideoflowError
from videoflow.logs import NOTHING, current_request_id, current_task_id
from videoflow.pipeline.part_work import PartHands
from videoflow.pipeline.store import cache_dir, work_dir, work_dirs_remove
from videoflow.render import can_make
from videoflow.render.making import WORKER_MODULE, parts_aside
from videoflow.storage.base import StorageFault, media_storage
from videoflow.tasks.models import Task
from videoflow.tasks.parts import PartClaim, needs_waiting, part_claim_helping, part_wanted
from videoflow.tasks.services import tasks_due

BROKE_OFF = "The worker that helped broke off."

logger = logging.getLogger(__name__)


def parts_help(*, queue: str, worker_id: str, stopped: Callable[[], bool]) -> bool:
    """Make parts of one composition that waits for hands, until none is left or a task is due; say whether any was made."""
    if not media_storage().is_remote or stopped():
        return False
    needs = {needed for needed in needs_waiting(queue=queue) if can_make(needed)}
    task_id = part_wanted(queue=queue, needs=needs) if needs else None
    if task_id is None or tasks_due(queue=queue).exists():
        return False
    named = current_task_id.set(str(task_id))
    current_request_id.set(Task.objects.values_list("request_id", flat=True).filter(pk=task_id).first() or NOTHING)
    try:
        return _Helper(task_id, queue, worker_id, needs, stopped).run() > 0
    finally:
        current_request_id.set(NOTHING)
        current_task_id.reset(named)


class _Helper:
    def __init__(self, task_id: UUID, queue: str, worker_id: str, needs: Collection[str], stopped: Callable[[], bool]) -> None:
        self._task_id, self._queue, self._worker_id, self._needs, self._stopped = task_id, queue, worker_id, needs, stopped
        self._jobs: list[PartClaim] = []
        self._is_over = self._is_lost = False
        self._scratch = cache(lambda: work_dir(f"help-{os.getpid()}-{uuid4().hex[:12]}"))
        folder = cache_dir("render")
        (folder / "segments").mkdir(exist_ok=True)
        self._hands = PartHands(folder, holder=self._scratch, cancelled=stopped)
        self._folder = folder

    def run(self) -> int:
        """Return how many parts were made; what cannot be made here is left to the composing worker."""
        logger.info("helping")
        try:
            with self._hands, parts_aside(self._folder, self._hands.owner):
                self._hands.problem = BROKE_OFF  # unless it turns out otherwise
                self._feed()
        finally:
            if self._scratch.cache_info().currsize:
                work_dirs_remove(self._scratch().name)
        logger.info("helped parts=%s", self._hands.made)
        return self._hands.made

    def _feed(self) -> None:
        try:
            children_feed(
                WORKER_MODULE,
                self._take,
                workers=settings.VIDEOFLOW_COMPOSE_PROCESSES,
                cancelled=self._look,
                is_over=lambda: self._is_over and self._hands.is_empty,
                on_result=self._on_result,
                on_progress=lambda number, share: self._hands.progressed(self._jobs[number], share),
            )
            self._hands.problem = ""
        except Cancelled:
            self._hands.problem = ""
        except StorageFault as fault:
            self._hands.problem = ""
            self._hands.made = 0
            logger.warning("cannot help: %s", fault)
        except VideoflowError as error:
            self._hands.problem = str(error)
            self._hands.made = 0
            logger.warning("cannot help code=%s details=%s: %s", error.code, error.details, error)

    def _take(self) -> Job | None:
        if self._is_over or tasks_due(queue=self._queue).exists():
            self._is_over = True
            return None
        claim = part_claim_helping(task_id=self._task_id, queue=self._queue, worker_id=self._worker_id, needs=self._needs)
        if claim is None:
            self._is_over = True
            return None
        job = self._hands.begin(claim)
        if job is not None:
            self._jobs.append(claim)
        return job

    def _on_result(self, number: int, result: Result) -> None:
        crash_point("video_composition", "segments_made")
        self._hands.finish(self._jobs[number])

    def _look(self) -> bool:
        """Say whether to stop at once: this process ends, or a part is not ours any more."""
        for _ in self._hands.look():
            self._is_lost = True
        return self._is_lost or self._stopped()
