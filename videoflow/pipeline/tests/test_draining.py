import signal
from itertools import chain, repeat

from videoflow.pipeline.draining import NO_OTHER_TASK, drain


def drained(seconds: float, *busy: set[int], gone: int = 0) -> list[tuple[int, int]]:
    """Return what was sent by a drain that looks once a second at these busy processes, at the last ones again and again."""
    sent: list[tuple[int, int]] = []
    now = [100.0]
    looks = chain(busy, repeat(busy[-1]))

    def send(pid: int, number: int) -> None:
        if pid == gone:
            raise ProcessLookupError
        sent.append((pid, number))

    drain(seconds, lambda: next(looks), send=send, wait=lambda _: now.append(now[-1] + 1.0), clock=lambda: now[-1])
    return sent


def test_each_busy_process_is_told_once_also_one_that_became_busy_late() -> None:
    assert drained(3.0, {1}, {1, 2}, {2}, set()) == [(1, NO_OTHER_TASK), (2, NO_OTHER_TASK)]


def test_what_is_not_done_in_time_is_given_back() -> None:
    assert drained(2.0, {1, 2}, {2}) == [(1, NO_OTHER_TASK), (2, NO_OTHER_TASK), (2, signal.SIGTERM)]


def test_a_process_that_has_ended_meanwhile_holds_nobody_up() -> None:
    assert drained(1.0, {7}, {7, 8}, gone=7) == [(8, signal.SIGTERM)]
