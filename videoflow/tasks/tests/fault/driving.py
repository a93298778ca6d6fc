"""What fault tests do to a machine: load it, hurt it at random, wait until all work has ended."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from time import time

import psutil

from videoflow.tasks.tests.noop.machine import Machine, wait_for

STAGE = "trending_analysis"
DRAIN_SECONDS = 180.0
# As real stages: some quick, some with scratch files, some with a process of their own.
MIXED = [
    {"work_seconds": 0.05},
    {"work_seconds": 0.3, "file": True},
    {"work_seconds": 0.6},
    {"file": True},
    {"child_seconds": 0.4, "file": True},
]


def flood(machine: Machine, count: int, inputs: list[dict[str, object]], *, sessions: int = 10) -> int:
    """Queue tasks, each of a project of its own; ``inputs`` are taken in turn. Return how many."""
    made = machine.hand.ask("sessions", "token", sessions)["sessions"]
    return int(machine.hand.ask("flood", made, -(-count // sessions), STAGE, inputs, count)["submitted"])


def mend(machine: Machine) -> None:
    """Start again what has fallen, as the studio's supervisor does."""
    for name in machine.fallen():
        machine.restart(name)


def drain(machine: Machine) -> None:
    """Wait until no task is open, starting again what falls."""

    def is_done() -> bool:
        mend(machine)
        return machine.drained()

    wait_for(is_done, seconds=DRAIN_SECONDS, what="all tasks ended", every=0.3)


def running_ids(machine: Machine) -> list[str]:
    return [task["task"] for task in machine.hand.ask("facts")["tasks"] if task["status"] == "in_progress"]


@dataclass
class Killer:
    """Kills processes of a machine at random and remembers which tasks died with them, and when."""

    machine: Machine
    dice: Random
    lost: list[tuple[str, int, float]] = field(default_factory=list)
    """(task, its attempt, time of the kill)"""

    def kill(self, kind: str) -> None:
        """Kill one child of a pool, a worker with its pool, or the dispatcher; who falls by itself does not count."""
        while True:
            name = "dispatcher" if kind == "dispatcher" else f"worker{self.dice.randrange(self.machine.workers)}"
            wait_for(partial(self._is_whole, name), seconds=60, what="somebody to hurt")
            with suppress(psutil.NoSuchProcess, IndexError):
                leader = psutil.Process(self.machine.running[name].pid)
                victim = self.dice.choice(leader.children()) if kind == "child" else leader
                pids = [victim.pid, *(process.pid for process in victim.children(recursive=True))]
                victim.kill()  # a pool dies with its worker, and a poller with its dispatcher
                break
        killed_at = time()
        wait_for(lambda: not _alive(pids), seconds=60, what="the end of those who were killed", every=0.02)
        self.lost += [(task, attempt, killed_at) for task, attempt in self.machine.hand.ask("held", pids)["tasks"]]

    def _is_whole(self, name: str) -> bool:
        mend(self.machine)  # a worker whose pool was killed while it started gives up
        return name == "dispatcher" or bool(self.machine.pool_children(name))

    def recoveries(self) -> list[float]:
        """Return, for each task that lost its process, the seconds until somebody had taken it up again."""
        claims: dict[str, list[float]] = {}
        for event in self.machine.hand.ask("facts")["events"]:
            if event["event_type"] == "status_change" and event["status"] == "in_progress":
                claims.setdefault(event["task_id"], []).append(event["created_at"])
        return sorted(claims[task][attempt] - killed_at for task, attempt, killed_at in self.lost)


def _alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found
