from collections.abc import Callable, Iterator
from typing import Any

import pytest

from videoflow.tasks.tests.fault.checker import Plan

_plans: list[Plan] = []


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> Iterator[Callable[..., Plan]]:
    """Make the plan of a test's faults; it stands in the summary, and faults that did not happen fail the test."""
    made: list[Plan] = []

    def make(**planned: int) -> Plan:
        made.append(Plan(request.node.name, planned))
        return made[-1]

    yield make
    _plans.extend(made)
    for one in made:
        assert not one.lacking(), one.lacking()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _plans:
        terminalreporter.section("faults planned and seen")
        for one in _plans:
            parts = [f"{kind} {one.seen.get(kind, 0)}/{count}" for kind, count in one.planned.items()]
            terminalreporter.write_line(f"{one.name}: {', '.join(parts)}")
