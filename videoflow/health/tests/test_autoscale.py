"""The reference autoscaler in ``deploy/``: what it reads is what the studio says, and what it decides."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from videoflow.health.metrics import metrics_forget, metrics_text
from videoflow.tasks.tests.factories import task_make

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(settings.BASE_DIR) / "deploy" / "autoscale.py"))
Demand, demand_read, hosts_wanted = SCRIPT["Demand"], SCRIPT["demand_read"], SCRIPT["hosts_wanted"]
POLICY = SCRIPT["Policy"](least=1, most=4, slots=2, wait_seconds=300.0, idle_seconds=600.0)


@pytest.mark.django_db
def test_reads_what_the_studio_says() -> None:
    task_make(queue="cpu")
    task_make(queue="cpu")
    metrics_forget()
    demand = demand_read(metrics_text(), "cpu")
    assert demand.backlog == 120.0
    assert demand_read(metrics_text(), "upload") == Demand(0.0, 0.0)
    with pytest.raises(ValueError, match="queue gpu"):
        demand_read(metrics_text(), "gpu")


@pytest.mark.parametrize(
    ("backlog", "oldest", "hosts", "idle", "wanted"),
    [
        (0, 0, 0, 0, 1),  # never fewer than the least
        (500, 10, 1, 0, 1),  # one host has it done in time
        (1500, 10, 1, 0, 3),
        (9000, 10, 1, 0, 4),  # never more than the most
        (100, 301, 2, 0, 3),  # somebody waits too long, whatever the sum says
        (100, 301, 4, 0, 4),
        (0, 0, 3, 599, 3),  # not yet
        (0, 0, 3, 600, 2),  # one at a time
        (0, 0, 1, 9999, 1),
    ],
)
def test_decides(backlog: float, oldest: float, hosts: int, idle: float, wanted: int) -> None:
    assert hosts_wanted(Demand(backlog, oldest), hosts=hosts, idle_seconds=idle, policy=POLICY) == wanted
