#!/usr/bin/env python3
"""Does a studio stay as small as it was? Mixed load with faults for an hour: memory, file handles, disk and rows over the time.

Starts a studio of its own (temporary data folder, stages that do nothing but keep files and start processes). A few creators at
once come, open live progress, save forms, run steps that succeed, fail or are cancelled, look at pages, and delete their session.
Meanwhile processes of the worker, the worker, the dispatcher and Redis are killed or frozen at random. What was made is deleted
again, so all that grows is a leak. With ``--scaled``: two worker hosts and one of pages that share a PostgreSQL, a Valkey and a
SeaweedFS; hosts are killed, and each loses the database, Redis or the storage for a while. Ends what it started. Loopback only.
"""

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
import psycopg  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.storage.tests.bucket_server import BUCKET  # noqa: E402
from videoflow.tasks.tests.noop.calls import Answer, Caller  # noqa: E402
from videoflow.tasks.tests.noop.fleet import SERVICES, Fleet, Host  # noqa: E402
from videoflow.tasks.tests.noop.machine import Machine, NotReady, wait_for  # noqa: E402
from videoflow.tasks.tests.noop.sockets import Refused, progress_socket  # noqa: E402

CREATORS = 6
STEPS: Sequence[dict[str, Any]] = (
    {"work_seconds": 0.3, "file": True},
    {"child_seconds": 0.3, "file": True},
    {"fails": 9},
    {"work_seconds": 30.0},  # is cancelled
)
PAGES = ("/", "/projects/", "/tasks/", "/settings/")
ENDED = {"completed", "failed", "cancelled"}
STEP_SECONDS = 120.0
LEAVE_SECONDS = 60.0
SAMPLE_SECONDS = 5.0
FAULT_SECONDS = (15.0, 45.0)
FREEZE_SECONDS = 5.0
AWAY_SECONDS = (2.0, 20.0)
FAULTS = ("refuse", "drop", "stall")
TABLES = ("creator_sessions_creatorsession", "pipeline_project", "tasks_task", "tasks_progressevent", "pipeline_asset")
COUNT = f"SELECT {' + '.join(f'(SELECT COUNT(*) FROM {table})' for table in TABLES)}"
WARM_UP = 0.25  # of the time: what is loaded and cached once
DRAIN_SECONDS = 240.0
# What may be there more at the end than after the warm-up, as a share and at least so much, before it counts as a leak
LIMITS = {"memory MB": (0.10, 15.0), "handles": (0.10, 15.0), "disk MB": (0.25, 10.0), "rows": (0.25, 500.0)}


@dataclass
class Series:
    """One figure over the time: (seconds since the start, value)."""

    points: list[tuple[float, float]] = field(default_factory=list)

    def after_warm_up(self) -> list[tuple[float, float]]:
        begin = self.points[-1][0] * WARM_UP if self.points else 0.0
        return [point for point in self.points if point[0] >= begin]

    def slope_per_hour(self) -> float:
        """Return the growth per hour: the median of the slopes between all pairs of points, which a few outliers do not move."""
        points = self.after_warm_up()
        step = max(1, len(points) // 120)
        points = points[::step]
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for index, a in enumerate(points) for b in points[index + 1 :]]
        return median(slopes) * 3600 if slopes else 0.0

    def ends(self) -> tuple[float, float]:
        """Return the medians of the first and the last quarter after the warm-up."""
        values = [value for _, value in self.after_warm_up()]
        quarter = max(1, len(values) // 4)
        return median(values[:quarter]), median(values[-quarter:])

    def is_leak(self, kind: str) -> bool:
        share, least = LIMITS[kind]
        first, last = self.ends()
        return last - first > max(share * first, least)


@dataclass(frozen=True)
class Subject:
    """What is watched and hurt: ``hurts`` by name, each as long as it takes and with what fell started again."""

    port: int
    pids: Callable[[], dict[str, int]]
    folders: Sequence[Path]
    rows: Callable[[], int]
    shared_bytes: Callable[[], dict[str, int]]
    """What the services that hosts share keep, by the service's name."""
    hurts: dict[str, Callable[[Random], None]]
    drained: Callable[[], bool]


class Watch:
    """Samples a studio from outside."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.began = time.monotonic()
        self.series: dict[tuple[str, str], Series] = {}

    def sample(self) -> None:
        for name, pid in self.subject.pids().items():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                self._add("memory MB", name, process.memory_info().rss / 1e6)
                self._add("handles", name, process.num_fds())
        for folder in self.subject.folders:
            self._add("disk MB", folder.name if len(self.subject.folders) > 1 else "data folder", _disk_bytes(folder) / 1e6)
        for name, size in self.subject.shared_bytes().items():
            self._add("disk MB", name, size / 1e6)
        self._add("rows", "database", self.subject.rows())

    def _add(self, kind: str, name: str, value: float) -> None:
        self.series.setdefault((kind, name), Series()).points.append((time.monotonic() - self.began, value))


def _disk_bytes(folder: Path) -> int:
    """Return what files take, without the processes' output, which the supervisor bounds in a real studio."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() and path.suffix != ".log" else 0
    return total


def _of_machine(machine: Machine) -> Subject:
    def rows() -> int:
        with closing(sqlite3.connect(f"file:{machine.data / 'videoflow.sqlite3'}?mode=ro", uri=True, timeout=20)) as database:
            return int(database.execute(COUNT).fetchone()[0])

    def hurting(kind: str) -> Callable[[Random], None]:
        return lambda dice: hurt(machine, kind, dice)

    watched = {"server", "dispatcher", "worker0", "redis"}
    return Subject(
        port=machine.port,
        pids=lambda: {name: process.pid for name, process in machine.running.items() if name in watched},
        folders=[machine.data],
        rows=rows,
        shared_bytes=dict,
        hurts={kind: hurting(kind) for kind in ("child", "worker0", "dispatcher", "redis", "freeze")},
        drained=machine.drained,
    )


def _of_fleet(fleet: Fleet) -> Subject:
    """Return two worker hosts and the pages of a fleet, started."""
    port = int(fleet.web_start().rpartition(":")[2])
    workers = [fleet.host("host0"), fleet.host("host1")]
    for host in workers:
        host.work()

    def tend() -> None:
        for host in fleet.hosts.values():
            host.tend()

    def away(host: Host, service: str) -> Callable[[Random], None]:
        def take(dice: Random) -> None:
            host.fail(service, dice.choice(FAULTS))
            time.sleep(dice.uniform(*AWAY_SECONDS))
            host.heal(service)
            tend()

        return take

    def killed(host: Host) -> Callable[[Random], None]:
        def kill(_dice: Random) -> None:
            host.end(signal.SIGKILL)
            host.work()

        return kill

    def rows() -> int:
        with psycopg.connect(fleet.database_url, connect_timeout=60) as database:
            found = database.execute(COUNT).fetchone()
            return int(found[0]) if found else 0

    def shared_bytes() -> dict[str, int]:
        pages = fleet.bucket.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        kept = sum(item["Size"] for page in pages for item in page.get("Contents", []))
        with psycopg.connect(fleet.database_url, connect_timeout=60) as database:
            found = database.execute("SELECT pg_database_size(current_database())").fetchone()
        return {"bucket": kept, "database": int(found[0]) if found else 0}

    def drained() -> bool:
        assert fleet.hand
        tend()
        return not {"pending", "retrying", "in_progress"} & set(fleet.hand.ask("counts"))

    hurts = {f"{host.name} without {service}": away(host, service) for host in (*workers, fleet.web) for service in SERVICES}
    return Subject(
        port=port,
        pids=lambda: {f"{h.name} {part}": process.pid for h in fleet.hosts.values() for part, process in h.running.items()},
        folders=[host.data for host in fleet.hosts.values()],
        rows=rows,
        shared_bytes=shared_bytes,
        hurts=hurts | {f"{host.name} killed": killed(host) for host in workers},
        drained=drained,
    )


async def creator(caller: Caller, dice: Random, end: float, done: Counter[str]) -> None:
    """Come as one creator after the other until the time is over; what a fault spoils is counted and left."""
    while time.monotonic() < end:
        try:
            await visit(caller, dice, done)
            done["visits"] += 1
        except (OSError, TimeoutError, Refused, NotReady) as error:
            done[f"spoiled by {type(error).__name__}"] += 1
            await asyncio.sleep(1)


async def visit(caller: Caller, dice: Random, done: Counter[str]) -> None:
    made = await expected(caller, "POST", "/api/sessions", {}, {}, 201)
    session, bearer = made.json()["session_id"], {"Authorization": f"Bearer {made.json()['access_token']}"}
    try:
        await stay(caller, dice, made, session, bearer, done)
    finally:
        await leave(caller, session, bearer)


async def leave(caller: Caller, session: str, bearer: dict[str, str]) -> None:
    """Delete the session, as soon as that can be done."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            await expected(caller, "DELETE", f"/api/sessions/{session}", None, bearer, 204)
            return
        except (OSError, TimeoutError, NotReady):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


async def stay(caller: Caller, dice: Random, made: Answer, session: str, bearer: dict[str, str], done: Counter[str]) -> None:
    """Do what creators do: look, save, run steps."""
    cookie = {"Cookie": f"videoflow_creator={made.cookies['videoflow_creator']}"}
    token = made.json()["access_token"]

    def hear(_payload: bytes, _at: float) -> None:
        done["messages"] += 1

    socket = await progress_socket(port=caller.port, session_id=session, bearer=token, hear=hear)
    try:
        for number in range(3):
            state = {"form_data": {"topic": f"Moss {number}"}}
            await expected(caller, "PUT", f"/api/sessions/{session}/ui-state/script_generator", state, bearer, 200)
        for step in dice.sample(STEPS, k=3):
            await run(caller, session, bearer, step, done)
        for path in PAGES:
            await expected(caller, "GET", path, None, cookie, 200)
            done["pages"] += 1
    finally:
        socket.close()


async def run(caller: Caller, session: str, bearer: dict[str, str], step: dict[str, Any], done: Counter[str]) -> None:
    """Submit a step and wait for its end; a long one is cancelled, one that waits to be tried again, too."""
    body = {"session_id": session, "input_data": step}
    task = (await expected(caller, "POST", "/api/tasks/submit/trending_analysis", body, bearer, 201)).json()
    deadline = time.monotonic() + STEP_SECONDS
    while time.monotonic() < deadline:
        status = (await expected(caller, "GET", f"/api/tasks/{task['task_id']}", None, bearer, 200)).json()["status"]
        if status in ENDED:
            done[status] += 1
            return
        if (step.get("work_seconds", 0) > 1 and status == "in_progress") or status == "retrying":
            await caller.call("DELETE", f"/api/tasks/{task['task_id']}", None, bearer)
        await asyncio.sleep(0.3)
    raise NotReady(f"a step did not end within {STEP_SECONDS:g} s")


async def expected(caller: Caller, method: str, path: str, body: Any, headers: dict[str, str], status: int) -> Answer:
    answer = await caller.call(method, path, body, headers)
    if answer.status != status:
        raise NotReady(f"{method} {path.split('?')[0]} answered {answer.status}: {answer.body[:200]!r}")
    return answer


def hurt(machine: Machine, kind: str, dice: Random) -> None:
    """Do one fault, and start again what fell, as the studio's supervisor does."""
    if kind == "freeze":
        machine.halt("worker0")
        time.sleep(FREEZE_SECONDS)
        machine.go_on("worker0")
    elif kind == "child":
        children = machine.pool_children("worker0")
        if children:
            dice.choice(children).send_signal(signal.SIGKILL)
    else:
        machine.kill(kind)
        time.sleep(dice.uniform(0.2, 2.0))
    for name in machine.fallen():
        machine.restart(name)


def endure(subject: Subject, minutes: float) -> tuple[Watch, Counter[str], Counter[str]]:
    watch, done, faults = Watch(subject), Counter[str](), Counter[str]()
    end = time.monotonic() + minutes * 60

    def load() -> None:
        async def all_creators() -> None:
            callers = [Caller(subject.port) for _ in range(CREATORS)]
            await asyncio.gather(*(creator(caller, Random(number), end, done) for number, caller in enumerate(callers)))
            for caller in callers:
                caller.close()

        asyncio.run(all_creators())

    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    dice, kinds = Random(5), list(subject.hurts)
    next_fault = time.monotonic() + FAULT_SECONDS[1]
    while time.monotonic() < end:
        watch.sample()
        if time.monotonic() > next_fault and end - time.monotonic() > FAULT_SECONDS[1]:
            kind = dice.choice(kinds)
            with suppress(psutil.Error):
                subject.hurts[kind](dice)
                faults[kind] += 1
            next_fault = time.monotonic() + dice.uniform(*FAULT_SECONDS)
        time.sleep(min(SAMPLE_SECONDS, max(0.0, end - time.monotonic())))
    loading.join(STEP_SECONDS + 60)
    if loading.is_alive():
        raise NotReady("the load did not end")
    wait_for(subject.drained, seconds=DRAIN_SECONDS, what="all steps ended", every=1.0)
    return watch, done, faults


def left_behind(machine: Machine) -> dict[str, int]:
    """Return the files that stay though nobody needs them, after the housekeeping."""
    machine.hand.ask("tend")
    named = {asset["path"] for asset in machine.hand.ask("facts")["assets"]}
    media = machine.data / "media"
    stray = [path for path in media.rglob("*") if path.is_file() and str(path.relative_to(media)) not in named]
    return {"files without a row": len(stray), "scratch": len(list((machine.data / "work").glob("*")))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="1 to 1440")
    parser.add_argument("--scaled", action="store_true", help="on three hosts that share a database, Redis and storage")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args()
    if not 1 <= asked.minutes <= 1440:
        parser.error("--minutes takes 1 to 1440")
    try:
        if asked.scaled:
            with Fleet({"VIDEOFLOW_RATE_LIMITS": "0"}) as fleet:
                watch, done, faults = endure(_of_fleet(fleet), asked.minutes)
                left: dict[str, int] = {}  # files without a row, and what killed hosts left, stay an hour before they are swept
        else:
            with Machine(workers=1, processes=2, serves=True) as machine:
                watch, done, faults = endure(_of_machine(machine), asked.minutes)
                left = left_behind(machine)
    except (NotReady, OSError) as error:
        sys.exit(f"The test ended early: {error}")
    console = Console(width=110)
    table = Table(
        "", "", "first quarter", "last quarter", "per hour", title=f"{asked.minutes:g} min; load {os.getloadavg()[0]:.1f}"
    )
    leaks, figures = [], {}
    for (kind, name), series in sorted(watch.series.items()):
        first, last = series.ends()
        slope = series.slope_per_hour()
        figures[f"{kind}, {name}"] = {"first": round(first, 1), "last": round(last, 1), "per_hour": round(slope, 1)}
        table.add_row(kind, name, f"{first:,.1f}", f"{last:,.1f}", f"{slope:+,.1f}")
        if series.is_leak(kind):
            leaks.append(f"{kind}, {name}")
    console.print(table)
    console.print(f"Done: {dict(done)}")
    console.print(f"Faults: {dict(faults)}; left behind: {left}")
    console.print(f"Grew: {', '.join(leaks) or 'nothing'}")
    if asked.json:
        print(json.dumps({"figures": figures, "done": done, "faults": faults, "left": left, "leaks": leaks}))
    return 1 if leaks or any(left.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
