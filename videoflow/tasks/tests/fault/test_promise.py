"""The promise: 1,000 tasks under 50 random kill -9, each completed exactly once and taken up again within 45 s (p95).

With the studio's own lease, heartbeat and rounds of the reaper: nothing is shortened.
"""

import time
from functools import partial
from random import Random
from statistics import median

import pytest

from videoflow.tasks.tests.fault.checker import violations
from videoflow.tasks.tests.fault.driving import MIXED, Killer, drain, flood, mend
from videoflow.tasks.tests.noop.machine import Machine, wait_for

pytestmark = [pytest.mark.fault, pytest.mark.rows]

TASKS = 1000
KILLS = {"child": 35, "worker": 10, "dispatcher": 5}
REDIS_KILLS = 10
LOST_AT_LEAST = 20
RECOVERY_P95_SECONDS = 45.0


@pytest.mark.parametrize("redis_kills", [0, REDIS_KILLS], ids=["redis_stays", "redis_killed"])
def test_a_thousand_tasks_end_once(plan, redis_kills):
    name = f"{TASKS:,} tasks, kill -9" + (" and Redis killed" if redis_kills else "")
    planned = {f"{kind}_killed": count for kind, count in KILLS.items()}
    if redis_kills:
        planned["redis_killed"] = redis_kills
    faults = plan(name, **planned, task_lost_its_process=LOST_AT_LEAST, completed_once=TASKS)
    dice = Random(50)
    kinds = [kind for kind, count in KILLS.items() for _ in range(count)] + ["redis"] * redis_kills
    dice.shuffle(kinds)
    # A dead process's task holds its slot until the lease ends; with as many slots as kills the queue goes on meanwhile.
    with Machine(workers=2, processes=2, slots=4 + 2 * len(kinds)) as machine:
        killer = Killer(machine, dice)
        submitted = flood(machine, TASKS, MIXED, sessions=50)  # three tasks of a session run at once, dead ones counted in
        begun = time.monotonic()
        # Children are killed on until enough tasks have lost theirs.
        while kinds or (len(killer.lost) < LOST_AT_LEAST and not machine.drained()):
            kind = kinds.pop() if kinds else "child"
            # Spread over the whole run: the next kill comes when its share of the tasks has ended, and a moment later.
            share = 1 - len(kinds) / (sum(KILLS.values()) + redis_kills)
            wait_for(partial(_is_due, machine, share), seconds=120, what="the next kill", every=0.05)
            time.sleep(dice.uniform(0.0, 0.2))
            if kind == "redis":
                machine.kill("redis")  # nothing was on its disk: every wake-up is gone
                time.sleep(dice.uniform(0.2, 1.0))
            else:
                killer.kill(kind)
            faults.saw(f"{kind}_killed")
        drain(machine)
        took_seconds = time.monotonic() - begun
        assert violations(machine, submitted=submitted) == []
        faults.saw("task_lost_its_process", len(killer.lost))
        faults.saw("completed_once", sum(task["effects"] == 1 for task in machine.hand.ask("facts")["tasks"]))
        waits = killer.recoveries()
        p95 = waits[int(0.95 * (len(waits) - 1))]
        faults.figures.append(
            f"{name}: {len(waits)} tasks lost their process and were taken up again after p50 {median(waits):.1f} s, "
            f"p95 {p95:.1f} s, max {waits[-1]:.1f} s; {took_seconds:.0f} s in all"
        )
        assert p95 <= RECOVERY_P95_SECONDS


def _is_due(machine: Machine, share: float) -> bool:
    mend(machine)
    return machine.hand.ask("counts").get("completed", 0) >= min(share, 1.0) * TASKS * 0.9
