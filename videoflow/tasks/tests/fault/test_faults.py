"""Real processes, real Redis, a real database file, and what can happen to them. Run with ``pytest -m fault``."""

import random
import signal
import time
from collections import Counter
from contextlib import suppress
from functools import partial

import psutil
import pytest

from videoflow.tasks.tests.fault.checker import violations
from videoflow.tasks.tests.noop.machine import Machine, wait_for

pytestmark = pytest.mark.fault

STAGE = "trending_analysis"
LEASE_SECONDS = 3.0
DRAIN_SECONDS = 120.0
# As real stages: some quick, some with scratch files, some with a process of their own.
MIXED = [
    {"work_seconds": 0.05},
    {"work_seconds": 0.3, "file": True},
    {"work_seconds": 0.6},
    {"file": True},
    {"child_seconds": 0.4, "file": True},
]


def flood(machine: Machine, count: int, inputs: list[dict[str, object]], *, sessions: int = 10) -> int:
    made = machine.hand.ask("sessions", "token", sessions)["sessions"]
    return int(machine.hand.ask("flood", made, -(-count // sessions), STAGE, inputs, count)["submitted"])


def drain(machine: Machine) -> None:
    """Wait until nothing is open, restarting what has fallen, as the supervisor does."""

    def is_done() -> bool:
        for name in machine.fallen():
            machine.restart(name)
        return machine.drained()

    wait_for(is_done, seconds=DRAIN_SECONDS, what="all tasks ended", every=0.3)


def running_ids(machine: Machine) -> list[str]:
    return [task["task"] for task in machine.hand.ask("facts")["tasks"] if task["status"] == "in_progress"]


def _has_pool(machine: Machine, worker: str) -> bool:
    for name in machine.fallen():  # a worker whose pool was killed while it started gives up
        machine.restart(name)
    return bool(machine.pool_children(worker))


def test_workers_are_killed_at_random(plan):
    kills = 24
    faults = plan(child_killed=12, worker_killed=5, dispatcher_killed=2, recovered=3)
    dice = random.Random(3)
    with Machine(workers=2, processes=2, lease_seconds=LEASE_SECONDS) as machine:
        submitted = flood(machine, 240, MIXED)
        for number in range(kills):
            time.sleep(dice.uniform(0.2, 0.9))
            for name in machine.fallen():
                machine.restart(name)
            kind = ("child", "worker", "child", "dispatcher", "child", "worker")[number % 6] if number < 12 else "child"
            if number in (13, 17, 21):
                kind = "worker"
            worker = dice.choice(("worker0", "worker1"))
            if kind == "child":
                wait_for(partial(_has_pool, machine, worker), seconds=30, what="a pool to hurt")
                with suppress(psutil.NoSuchProcess, IndexError):
                    machine.pool_children(worker)[0].kill()
                    faults.saw("child_killed")
            else:
                machine.kill(worker if kind == "worker" else "dispatcher")
                faults.saw(f"{kind}_killed")
        drain(machine)
        tasks = machine.hand.ask("facts")["tasks"]
        faults.saw("recovered", sum(task["recoveries"] for task in tasks))
        assert violations(machine, submitted=submitted) == []


def test_wakeups_come_many_times(plan):
    faults = plan(rung_again=200)
    with Machine(workers=2, processes=2, lease_seconds=LEASE_SECONDS) as machine:
        submitted = flood(machine, 60, [{"work_seconds": 0.2}])
        faults.saw("rung_again", machine.hand.ask("rewake", 5)["rung"])
        drain(machine)
        assert {task["attempt"] for task in machine.hand.ask("facts")["tasks"]} == {1}
        assert violations(machine, submitted=submitted) == []


def test_a_worker_freezes_past_its_lease(plan):
    faults = plan(frozen_past_lease=2, taken_over=2, late_writer_refused=2)
    with Machine(workers=2, processes=1, lease_seconds=LEASE_SECONDS) as machine:
        submitted = 2
        for _ in range(2):
            flood(machine, 1, [{"work_seconds": 1.5, "file": True}], sessions=1)
            wait_for(lambda: bool(running_ids(machine)), seconds=20, what="a running task", every=0.05)
            (task_id,) = running_ids(machine)
            pid = int(machine.hand.ask("holder", task_id)["worker_id"].rpartition(":")[2])
            frozen = psutil.Process(pid)
            frozen.suspend()
            try:
                wait_for(machine.drained, seconds=30, what="another worker's completion", every=0.2)
                faults.saw("frozen_past_lease")
            finally:
                frozen.resume()
        # The thawed worker finds out, writes nothing and is free again.
        wait_for(lambda: _refusals(machine) >= 2, seconds=15, what="the late writer's refusal", every=0.2)
        faults.saw("late_writer_refused", _refusals(machine))
        faults.saw("taken_over", sum(task["recoveries"] for task in machine.hand.ask("facts")["tasks"]))
        assert violations(machine, submitted=submitted) == []


def _refusals(machine: Machine) -> int:
    return sum(machine.log(f"worker{number}").count("not ours any more") for number in range(machine.workers))


def test_redis_is_killed_and_frozen(plan):
    faults = plan(redis_killed=5, redis_frozen=1, run_without_redis=1)
    dice = random.Random(5)
    with Machine(workers=1, processes=2, lease_seconds=LEASE_SECONDS) as machine:
        submitted = flood(machine, 100, MIXED)
        for _ in range(5):
            time.sleep(dice.uniform(0.3, 1.2))
            machine.kill("redis")  # nothing was on its disk: every wake-up is gone
            faults.saw("redis_killed")
            submitted += flood(machine, 3, [{}], sessions=1)
            time.sleep(dice.uniform(0.2, 0.8))
            machine.restart("redis")
        drain(machine)
        machine.signal("redis", signal.SIGSTOP)
        faults.saw("redis_frozen")
        submitted += flood(machine, 10, [{"work_seconds": 0.2}], sessions=5)
        try:
            wait_for(machine.drained, seconds=DRAIN_SECONDS, what="all tasks ended while Redis is frozen", every=0.3)
        finally:
            machine.signal("redis", signal.SIGCONT)
        kinds = Counter(task["worker_id"].split(":")[1] for task in machine.hand.ask("facts")["tasks"])
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
        assert violations(machine, submitted=submitted) == []


def test_a_task_kills_whoever_runs_it(plan):
    faults = plan(runner_died=4)
    with Machine(workers=1, processes=2, lease_seconds=1.5) as machine:
        submitted = flood(machine, 1, [{"poison": True}], sessions=1) + flood(machine, 20, MIXED)
        drain(machine)
        (poisoned,) = [task for task in machine.hand.ask("facts")["tasks"] if task["status"] == "failed"]
        faults.saw("runner_died", poisoned["attempt"])
        assert (poisoned["attempt"], poisoned["error_code"]) == (4, "WORKER_LOST")
        assert violations(machine, submitted=submitted, failing=1) == []


def test_the_database_is_locked(plan):
    faults = plan(lock_held=2, writer_refused=1)
    with Machine(workers=1, processes=2, lease_seconds=LEASE_SECONDS, database_seconds=1.0) as machine:
        submitted = flood(machine, 30, [{"work_seconds": 0.6, "file": True}])
        for _ in range(2):
            wait_for(lambda: bool(running_ids(machine)), seconds=20, what="a running task", every=0.05)
            machine.hand.ask("hold", 2.5)  # longer than anybody waits for it
            faults.saw("lock_held")
        drain(machine)
        logs = machine.log("worker0") + machine.log("dispatcher")
        faults.saw("writer_refused", logs.count("OperationalError: database is locked"))
        assert violations(machine, submitted=submitted) == []


def test_the_workers_are_replaced_one_by_one(plan):
    faults = plan(told_to_end=6, given_back=3)
    with Machine(workers=2, processes=2, lease_seconds=12.0) as machine:
        submitted = flood(machine, 60, [{"work_seconds": 0.8}, {"child_seconds": 0.6, "file": True}])
        for number in range(6):
            time.sleep(0.7)
            name = f"worker{number % 2}"
            machine.signal(name, signal.SIGTERM)
            machine.running[name].wait(10)
            faults.saw("told_to_end")
            machine.restart(name)
            machine.wait_until_ready()
        drain(machine)
        facts = machine.hand.ask("facts")
        assert sum(task["recoveries"] for task in facts["tasks"]) == 0  # nobody had to be taken for dead
        faults.saw("given_back", sum(task["attempt"] - 1 for task in facts["tasks"]))
        assert violations(machine, submitted=submitted) == []
