"""Several calls to a service at once, in threads: bounded, handed over as each is finished, and ended without losing one."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import TypeVar

from videoflow.errors import Cancelled, VideoflowError
from videoflow.providers.base import CancelCheck, ProviderError

Job = TypeVar("Job")
Result = TypeVar("Result")
Room = Callable[[], AbstractContextManager[None]]


def abreast(
    jobs: Sequence[Job],
    act: Callable[[Job], Result],
    *,
    most: int,
    cancelled: CancelCheck,
    room: Room = nullcontext,
    begun: Callable[[Sequence[Job]], None] = lambda jobs: None,
) -> Iterator[tuple[Result, Sequence[Job]]]:
    """Yield what ``act`` makes of each job, as they are finished, and the jobs that are under way meanwhile.

    ``most`` are at once, begun in their order, each in a thread and a ``room``; ``begun`` hears of the first ones. Once one fails
    no other is begun; those under way are waited for, and what they brought is handed over before the failure is raised. Whoever
    stops taking results ends the work in the same way. With one at once all happens in the caller's thread, and nobody hears of
    anything under way.

    Raises:
        Cancelled: ``cancelled`` said so before all were begun.
        Exception: what ``act`` raised; of several, what a person must see to before what is worth another try.
    """
    if min(most, len(jobs)) <= 1:
        for job in jobs:
            if cancelled():
                raise Cancelled("The work was cancelled.")
            yield act(job), ()
        return
    left = list(enumerate(jobs))[::-1]
    busy: dict[Future[Result], tuple[int, Job]] = {}
    failures: list[tuple[int, BaseException]] = []

    def fill() -> list[Job]:
        while left and len(busy) < most and not failures and not cancelled():
            index, job = left.pop()
            busy[pool.submit(copy_context().run, _work, act, job, room)] = index, job
        return [job for _, job in busy.values()]

    with ThreadPoolExecutor(most, thread_name_prefix="call") as pool:
        begun(fill())
        while busy:
            finished, _ = wait(busy, return_when=FIRST_COMPLETED)
            ended = sorted((busy.pop(future)[0], future) for future in finished)
            failures += [(index, error) for index, future in ended if (error := future.exception()) is not None]
            under_way = fill()  # before the results are taken care of, which takes its time
            for _, future in ended:
                if future.exception() is None:
                    yield future.result(), under_way
    if failures:
        raise min(failures, key=_urgency)[1]
    if left:
        raise Cancelled("The work was cancelled.")


def _work(act: Callable[[Job], Result], job: Job, room: Room) -> Result:
    with room():
        return act(job)


def _urgency(failure: tuple[int, BaseException]) -> tuple[bool, bool, int]:
    """Order failures: those that are not a service's, then what no other try mends, then by their place."""
    index, error = failure
    return isinstance(error, ProviderError), isinstance(error, VideoflowError) and error.retryable, index
