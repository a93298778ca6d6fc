"""PostgreSQL stands still for a minute amid pages and work, connections open and packets taken. Run with ``pytest -m fault``."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from videoflow.tasks.tests.fault.checker import violations
from videoflow.tasks.tests.fault.driving import MIXED, drain, flood, running_ids
from videoflow.tasks.tests.noop.machine import Machine, wait_for
from videoflow.tests.postgresql import Cluster

pytestmark = [pytest.mark.fault, pytest.mark.rows]

FROZEN_SECONDS = 60.0
LONGEST_PAGE_SECONDS = 60.0  # a statement's 25 s, and a new connection's 5 s, on a machine that does much else
BEARER = "the-one-who-waits"


@contextmanager
def frozen(cluster: Cluster) -> Iterator[None]:
    """Halt the server with all that serve its connections."""
    assert cluster.process is not None
    server = psutil.Process(cluster.process.pid)
    server.suspend()
    halted = [server]
    try:
        for process in server.children(recursive=True):
            process.suspend()
            halted.append(process)
        yield
    finally:
        for process in reversed(halted):
            process.resume()


def test_the_database_freezes(plan):
    faults = plan("the database freezes", page_refused=1, page_after=1, taken_over=1)
    with Machine(workers=2, processes=2, lease_seconds=3.0, serves=True, database="postgresql") as machine:
        assert machine.cluster is not None
        machine.hand.ask("sessions", BEARER, 1)
        url, headers = f"http://127.0.0.1:{machine.port}", {"Authorization": f"Bearer {BEARER}"}
        with httpx.Client(base_url=url, headers=headers, timeout=LONGEST_PAGE_SECONDS, trust_env=False) as client:
            submitted = flood(machine, 60, MIXED) + flood(machine, 20, [{"work_seconds": 1.5, "file": True}])
            wait_for(lambda: len(running_ids(machine)) >= 2, seconds=240, what="running tasks", every=0.05)
            answers: Counter[int] = Counter()
            with frozen(machine.cluster):
                thaw = time.monotonic() + FROZEN_SECONDS
                while time.monotonic() < thaw:
                    answers[client.get("/projects/").status_code] += 1
            assert set(answers) == {503}
            faults.saw("page_refused", answers[503])
            wait_for(lambda: client.get("/projects/").status_code == 200, seconds=240, what="a page", every=0.5)
            faults.saw("page_after")
        drain(machine)
        faults.saw("taken_over", sum(task["recoveries"] for task in machine.hand.ask("facts")["tasks"]))
        assert violations(machine, submitted=submitted) == []
