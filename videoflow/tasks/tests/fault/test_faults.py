"""Real processes, real Redis, a real database file, and what can happen to them. Run with ``pytest -m fault``."""

import signal
import time
from collections import Counter
from functools import partial

import psutil
import pytest

from videoflow.tasks.tests.fault.checker import violations
from videoflow.tasks.tests.fault.driving import DRAIN_SECONDS, MIXED, drain, flood, running_ids
from videoflow.tasks.tests.noop.machine import Machine, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.rows]

LEASE_SECONDS = 3.0


def test_wakeups_come_many_times(plan):
    faults = plan("wake-ups come many times", rung_again=200)
    with Machine(workers=2, processes=2, lease_seconds=LEASE_SECONDS) as machine:
        submitted = flood(machine, 60, [{"work_seconds": 0.5}])
        while faults.seen.get("rung_again", 0) < 200 and not machine.drained():
            faults.saw("rung_again", machine.hand.ask("rewake", 5)["rung"])
        drain(machine)
        assert {task["attempt"] for task in machine.hand.ask("facts")["tasks"]} == {1}
        assert violations(machine, submitted=submitted) == []


def test_a_worker_freezes_past_its_lease(plan):
    faults = plan("a worker freezes past its lease", frozen=2, taken_over=2, late_writer_refused=2)
    with Machine(workers=2, processes=1, lease_seconds=LEASE_SECONDS) as machine:
        submitted = 2
        for _ in range(2):
            flood(machine, 1, [{"work_seconds": 1.5, "file": True}], sessions=1)
            wait_for(lambda: bool(running_ids(machine)), seconds=60, what="a running task", every=0.05)
            (task_id,) = running_ids(machine)
            pid = int(machine.hand.ask("holder", task_id)["worker_id"].rpartition(":")[2])
            frozen = psutil.Process(pid)
            frozen.suspend()
            try:
                wait_for(machine.drained, seconds=30, what="another worker's completion", every=0.2)
                faults.saw("frozen")
            finally:
                frozen.resume()
        # The thawed worker finds out, writes nothing and is free again.
        wait_for(lambda: _refusals(machine) >= 2, seconds=60, what="the late writer's refusal", every=0.2)
        faults.saw("late_writer_refused", _refusals(machine))
        faults.saw("taken_over", sum(task["recoveries"] for task in machine.hand.ask("facts")["tasks"]))
        assert violations(machine, submitted=submitted) == []


def _refusals(machine: Machine) -> int:
    return sum(machine.log(f"worker{number}").count("not ours any more") for number in range(machine.workers))


def test_redis_freezes(plan):
    faults = plan("Redis freezes", frozen=1, run_without_redis=1, carried_by_workers_again=1)
    with Machine(workers=1, processes=2, lease_seconds=LEASE_SECONDS) as machine:
        submitted = flood(machine, 20, MIXED)
        machine.signal("redis", signal.SIGSTOP)
        faults.saw("frozen")
        try:
            for _ in range(6):  # the workers may have wake-ups in hand still
                submitted += flood(machine, 10, [{"work_seconds": 0.2}], sessions=5)
                wait_for(machine.drained, seconds=DRAIN_SECONDS, what="all tasks ended while Redis is frozen", every=0.3)
                kinds = Counter(task["worker_id"].split(":")[1] for task in machine.hand.ask("facts")["tasks"])
                if kinds["poller"]:
                    break
        finally:
            machine.signal("redis", signal.SIGCONT)
        faults.saw("run_without_redis", kinds["poller"])
        assert violations(machine, submitted=submitted) == []

        # Redis is back: within a minute the workers themselves carry the work again, without a restart.
        before = kinds["celery"]

        def carried() -> bool:
            nonlocal submitted
            submitted += flood(machine, 1, [{}], sessions=1)
            drain(machine)
            return sum(":celery:" in task["worker_id"] for task in machine.hand.ask("facts")["tasks"]) > before

        wait_for(carried, seconds=90, what="the workers' own claims after Redis came back", every=1.0)
        faults.saw("carried_by_workers_again")
        assert violations(machine, submitted=submitted) == []


def test_a_task_kills_whoever_runs_it(plan):
    faults = plan("a task kills whoever runs it", runner_died=4)
    with Machine(workers=1, processes=2, lease_seconds=1.5) as machine:
        submitted = flood(machine, 1, [{"poison": True}], sessions=1) + flood(machine, 20, MIXED)
        drain(machine)
        (poisoned,) = [task for task in machine.hand.ask("facts")["tasks"] if task["status"] == "failed"]
        faults.saw("runner_died", poisoned["attempt"])
        assert (poisoned["attempt"], poisoned["error_code"]) == (4, "WORKER_LOST")
        assert violations(machine, submitted=submitted, failing=1) == []


@pytest.mark.sqlite
def test_the_database_is_locked(plan):
    faults = plan("the database is locked", lock_held=2, writer_refused=1)
    with Machine(workers=1, processes=2, lease_seconds=LEASE_SECONDS, database_seconds=1.0) as machine:
        submitted = flood(machine, 30, [{"work_seconds": 0.6, "file": True}])
        for _ in range(2):
            wait_for(lambda: bool(running_ids(machine)), seconds=60, what="a running task", every=0.05)
            machine.hand.ask("hold", 2.5)  # longer than anybody waits for it
            faults.saw("lock_held")
        drain(machine)
        logs = machine.log("worker0") + machine.log("dispatcher")
        faults.saw("writer_refused", logs.count("OperationalError: database is locked"))
        assert violations(machine, submitted=submitted) == []


def test_the_workers_are_replaced_one_by_one(plan):
    faults = plan("workers are replaced one by one", told_to_end=6, given_back=3)
    with Machine(workers=2, processes=2) as machine:  # with the studio's own lease
        submitted = 0
        for number in range(6):
            submitted += flood(machine, 12, [{"work_seconds": 0.8}, {"child_seconds": 0.6, "file": True}])
            name = f"worker{number % 2}"
            wait_for(partial(_is_at_work, machine, name), seconds=30, what=f"{name} at work", every=0.05)
            machine.signal(name, signal.SIGTERM)
            machine.running[name].wait(20)
            faults.saw("told_to_end")
            machine.restart(name)
            machine.wait_until_ready()
        drain(machine)
        facts = machine.hand.ask("facts")
        assert sum(task["recoveries"] for task in facts["tasks"]) == 0  # nobody had to be taken for dead
        faults.saw("given_back", sum(task["attempt"] - 1 for task in facts["tasks"]))
        assert violations(machine, submitted=submitted) == []


def _is_at_work(machine: Machine, name: str) -> bool:
    return bool(machine.hand.ask("held", [child.pid for child in machine.pool_children(name)])["tasks"])


def test_the_clock_jumps(plan):
    faults = plan("the clock jumps", ahead=2, back=1, live_lease_taken=1, dead_lease_from_the_future=1)
    hour = 3600.0
    with Machine(workers=2, processes=2, lease_seconds=LEASE_SECONDS, moves_clock=True) as machine:
        submitted = flood(machine, 80, [{"work_seconds": 1.0, "file": True}])
        jumps = 0
        while jumps < 2 or (not _recovered(machine) and jumps < 10):
            wait_for(lambda: len(running_ids(machine)) >= 2, seconds=30, what="running tasks", every=0.05)
            jumps += 1
            machine.clock_move(jumps * hour)  # every lease looks long expired until its next heartbeat
            faults.saw("ahead")
            time.sleep(1.5)  # a round of the reaper
        faults.saw("live_lease_taken", _recovered(machine))

        wait_for(lambda: bool(running_ids(machine)), seconds=30, what="a running task", every=0.05)
        task_id = running_ids(machine)[0]
        pid = int(machine.hand.ask("holder", task_id)["worker_id"].rpartition(":")[2])
        frozen = psutil.Process(pid)
        frozen.suspend()  # or it would renew its lease by the new time
        held = machine.hand.ask("held", [pid])["tasks"]
        machine.clock_move(-6 * hour)
        faults.saw("back")
        frozen.kill()
        faults.saw("dead_lease_from_the_future", len(held))
        drain(machine)
        assert violations(machine, submitted=submitted) == []


def _recovered(machine: Machine) -> int:
    return sum(task["recoveries"] for task in machine.hand.ask("facts")["tasks"])
