import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import pytest

from videoflow.errors import BadInput, Cancelled
from videoflow.providers.base import ProviderError
from videoflow.providers.crew import abreast

WAIT_SECONDS = 240
named: ContextVar[str] = ContextVar("named", default="")


def going_on() -> bool:
    return False


class Gathering:
    """Holds jobs until so many are there together."""

    def __init__(self, count: int) -> None:
        self.barrier = threading.Barrier(count, timeout=WAIT_SECONDS)
        self.begun: list[int] = []

    def __call__(self, job: int) -> int:
        self.begun.append(job)
        self.barrier.wait()
        return job * job


def results(jobs: Sequence[int], act: Callable[[int], int], *, most: int = 4) -> list[int]:
    return [result for result, _ in abreast(jobs, act, most=most, cancelled=going_on)]


class TestAbreast:
    def test_ok(self):
        gathering = Gathering(4)
        first: list[Sequence[int]] = []
        made = [
            (square, tuple(under_way))
            for square, under_way in abreast(range(8), gathering, most=4, cancelled=going_on, begun=first.append)
        ]
        assert sorted(square for square, _ in made) == [number * number for number in range(8)]
        assert first == [[0, 1, 2, 3]]
        assert set(gathering.begun[:4]) == {0, 1, 2, 3}, "begun in their order"
        assert made[-1][1] == ()

    def test_each_is_handed_over_while_others_go_on(self):
        slow = threading.Event()

        def act(job: int) -> int:
            assert job or slow.wait(WAIT_SECONDS)
            return job

        taken = []
        for result, under_way in abreast(range(4), act, most=2, cancelled=going_on):
            taken.append((result, tuple(under_way)))
            if result == 3:
                slow.set()
        assert taken == [(1, (0, 2)), (2, (0, 3)), (3, (0,)), (0, ())]

    def test_one_at_once_stays_in_the_callers_thread(self):
        threads = set(results(range(3), lambda job: threading.get_ident(), most=1))
        assert threads | set(results([1], lambda job: threading.get_ident())) == {threading.get_ident()}

    def test_each_has_a_room_and_knows_for_whom_it_works(self):
        named.set("task 12")
        rooms: list[str] = []

        @contextmanager
        def room() -> Iterator[None]:
            yield
            rooms.append(threading.current_thread().name)

        heard = [name for name, _ in abreast(range(5), lambda job: named.get(), most=2, cancelled=going_on, room=room)]
        assert heard == ["task 12"] * 5
        assert len(rooms) == 5 and all(name.startswith("call") for name in rooms)


class TestFailure:
    def test_no_other_is_begun_and_what_is_under_way_is_kept(self):
        together, failing = threading.Barrier(3, timeout=WAIT_SECONDS), threading.Event()
        begun: list[int] = []

        def act(job: int) -> int:
            begun.append(job)
            if job < 3:
                together.wait()
            if job == 1:
                failing.set()
                raise BadInput("No money is left.")
            assert failing.wait(WAIT_SECONDS)
            return job

        taken = []
        with pytest.raises(BadInput, match="No money"):
            for result, _ in abreast(range(500), act, most=3, cancelled=going_on):
                taken.append(result)
        assert sorted(taken) == sorted({*begun} - {1})
        assert {0, 2} <= set(taken) and len(begun) < 500

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_what_a_person_must_see_to_is_raised_first(self, order):
        errors = (ProviderError("Busy.", retryable=True), BadInput("No money is left."), ProviderError("The key is wrong."))
        together = threading.Barrier(3, timeout=WAIT_SECONDS)

        def fail(job: int) -> int:
            together.wait()
            raise errors[job]

        with pytest.raises(BadInput):
            results(order, fail)
        together = threading.Barrier(2, timeout=WAIT_SECONDS)
        with pytest.raises(ProviderError, match="key is wrong"):
            results([job for job in order if job != 1], fail)

    def test_whoever_takes_no_more_waits_for_what_is_under_way(self):
        ended: list[int] = []
        under_way = threading.Event()

        def act(job: int) -> int:
            if job == 1:
                under_way.set()
            elif job == 0:
                assert under_way.wait(WAIT_SECONDS)
            ended.append(job)
            return job

        made = abreast(range(20), act, most=2, cancelled=going_on)
        next(made)
        made.close()  # type: ignore[attr-defined]  # a generator
        assert {0, 1} <= set(ended) and len(ended) <= 4

    def test_cancelled(self):
        stop = threading.Event()

        def act(job: int) -> int:
            stop.set()
            return job

        taken = []
        with pytest.raises(Cancelled):
            for result, _ in abreast(range(50), act, most=3, cancelled=stop.is_set):
                taken.append(result)
        assert 1 <= len(taken) <= 3, "what was begun is handed over"
