from collections.abc import Callable, Iterator
from typing import Any

import pytest

from videoflow.tasks.tests.fault.checker import Plan
from videoflow.tasks.tests.fault.real_studio import RealStudio, real_studio_made

_plans: list[Plan] = []


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> Iterator[Callable[..., Plan]]:
    """Make the plan of a test's faults; it stands in the fault matrix, and faults that did not happen fail the test."""
    made: list[Plan] = []

    def make(name: str, **planned: int) -> Plan:
        made.append(Plan(name, planned))
        return made[-1]

    yield make
    _plans.extend(made)
    for one in made:
        assert not one.lacking(), one.lacking()


@pytest.fixture(scope="session")
def real_studio() -> Iterator[RealStudio]:
    """A project made by the real stages on tiny media, to be hurt in copies."""
    with real_studio_made() as studio:
        yield studio


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _plans:
        return
    rows: dict[tuple[str, str], list[int]] = {}
    for one in _plans:
        for kind, count in one.planned.items():
            row = rows.setdefault((one.name, kind.replace("_", " ")), [0, 0])
            row[0] += count
            row[1] += one.seen.get(kind, 0)
    terminalreporter.section("fault matrix")
    terminalreporter.write_line(f"{'fault':<46} {'effect':<26} {'planned':>8} {'seen':>8}")
    last = ""
    for (name, kind), (planned, seen) in rows.items():
        terminalreporter.write_line(f"{'' if name == last else name:<46} {kind:<26} {planned:>8} {seen:>8}")
        last = name
    for line in [figure for one in _plans for figure in one.figures]:
        terminalreporter.write_line(line)
