"""What must hold after every fault: judged from the outside, from rows, files and processes alone."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videoflow.tasks.tests.noop.machine import Machine

CHILD_MODULE = "videoflow.tasks.tests.noop.child"


@dataclass
class Plan:
    """The faults of one test: how many of each kind it means to cause, and how many took effect."""

    name: str
    planned: Mapping[str, int]
    seen: dict[str, int] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)
    """Lines that are printed below the matrix."""

    def saw(self, kind: str, count: int = 1) -> None:
        self.seen[kind] = self.seen.get(kind, 0) + count

    def lacking(self) -> list[str]:
        """A fault that did not land proves nothing."""
        return [
            f"{kind}: planned {count}, seen {self.seen.get(kind, 0)}"
            for kind, count in self.planned.items()
            if self.seen.get(kind, 0) < count
        ]


def violations(machine: Machine, *, submitted: int, failing: int = 0) -> list[str]:
    """Return every broken promise, one line each; ``failing`` tasks are expected to end as failed, all others completed."""
    machine.hand.ask("tend")
    facts = machine.hand.ask("facts")
    return [
        *_tasks(facts, submitted=submitted, failing=failing),
        *_streams(facts),
        *_files(machine, facts),
        *_processes(machine),
    ]


def _tasks(facts: dict[str, Any], *, submitted: int, failing: int) -> list[str]:
    found = []
    if len(facts["tasks"]) != submitted:
        found.append(f"{submitted} tasks were submitted, {len(facts['tasks'])} are there")
    failed = sum(task["status"] == "failed" for task in facts["tasks"])
    if failed != failing:
        found.append(f"{failing} tasks should have failed, {failed} did")
    events = defaultdict(list)
    for event in facts["events"]:
        events[event["task_id"]].append(event)
    for task in facts["tasks"]:
        kinds = [event["event_type"] for event in events[task["task"]]]
        is_done = task["status"] == "completed"
        if task["status"] not in ("completed", "failed"):
            found.append(f"{task['task']} is {task['status']}")
        if kinds.count("completion") != int(is_done):
            found.append(f"{task['task']} is {task['status']} with {kinds.count('completion')} completions")
        if kinds.count("error") != int(task["status"] == "failed"):
            found.append(f"{task['task']} is {task['status']} with {kinds.count('error')} errors")
        if task["effects"] != int(is_done):
            found.append(f"{task['task']} is {task['status']} with {task['effects']} effects")
        if events[task["task"]][-1]["status"] != task["status"]:
            found.append(f"{task['task']}: the last event says {events[task['task']][-1]['status']}")
        found += _percents(events[task["task"]])
    return found


def _percents(events: list[dict[str, Any]]) -> list[str]:
    """Within an attempt the percentage never falls; a claim begins an attempt."""
    found, last = [], 0
    for event in events:
        begins = event["event_type"] == "status_change" and event["status"] == "in_progress"
        if event["progress"] < last and not begins:
            found.append(f"{event['task_id']}: {last} % then {event['progress']} %")
        last = event["progress"]
    return found


def _streams(facts: dict[str, Any]) -> list[str]:
    seqs = defaultdict(list)
    for event in facts["events"]:
        seqs[event["session_id"]].append(event["seq"])
    return [
        f"session {session}: head {head}, {len(seqs[session])} rows, not 1 to {head}"
        for session, head in facts["heads"].items()
        if seqs[session] != list(range(1, head + 1))
    ]


def _files(machine: Machine, facts: dict[str, Any]) -> list[str]:
    found = [f"stale {path.name}" for path in machine.data.rglob("*.part")]
    found += [f"scratch left behind: {path.name}" for path in (machine.data / "work").glob("*")]
    for asset in facts["assets"]:
        path = machine.data / "media" / asset["path"]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != asset["sha256"]:
            found.append(f"the file {asset['path']} is not what its row says")
    return found


def _processes(machine: Machine) -> list[str]:
    """No task is open any more, so nothing that a stage started may be left."""
    return [f"{process.pid} of a stage still runs" for process in machine.ours() if CHILD_MODULE in " ".join(process.cmdline())]
