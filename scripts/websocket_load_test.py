#!/usr/bin/env python3
"""How long after its commit does an event reach the socket, and does any get lost? Many sockets, one server process.

Starts a studio of its own (temporary data folder, stages that do nothing) and ends it; with --url a running one is used, through
its API, with sample tasks in many sessions. Loopback only.
"""

import argparse
import asyncio
import json
import os
import resource
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
import psutil  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tasks.tests.noop.machine import Machine, NotReady, wait_for  # noqa: E402
from videoflow.tasks.tests.noop.sockets import ProgressSocket, Refused, progress_socket  # noqa: E402

MOST_CONNECTIONS = 10_000
MOST_SECONDS = 600.0
MOST_SAMPLE_TASKS = 20  # a running studio does real work for each
MOST_RENDERING = 4
OPENING_AT_ONCE = 50
SETTLE_SECONDS = 60.0
RENDER_START_SECONDS = 60.0
LADDER_SOCKETS = (1_000, 2_000, 4_000, 7_000, 10_000)  # at the usual rate of tasks
LADDER_TASKS_PER_SECOND = (20.0, 50.0, 100.0, 200.0, 400.0)  # at the usual number of sockets
PROMISE_MS = 10.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Ledger:
    """What arrived on the sockets: every event by session and number, with the time of its receipt."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, int], float] = {}
        self.stamps: dict[tuple[str, int], str] = {}
        self.tasks: dict[tuple[str, int], str] = {}
        self.hellos: Counter[str] = Counter()
        self.heads: dict[str, int] = {}
        self.doubled = 0
        self.out_of_order = 0
        self._last: dict[str, int] = {}

    def hear(self, session: str) -> Callable[[bytes, float], None]:
        def note(payload: bytes, received_at: float) -> None:
            message = json.loads(payload)
            if message["event_type"] == "hello":
                self.hellos[session] += 1
                self.heads[session] = self._last[session] = message["seq"]
                return
            key = (session, message["seq"])
            if key in self.seen:
                self.doubled += 1
                return
            self.out_of_order += message["seq"] != self._last[session] + 1
            self._last[session] = message["seq"]
            self.seen[key] = received_at
            self.stamps[key] = message["timestamp"]
            self.tasks[key] = message["task_id"]

        return note


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


async def connect_all(ledger: Ledger, sessions: list[str], bearers: list[str], *, host: str, port: int) -> list[ProgressSocket]:
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def connect(session: str, bearer: str) -> ProgressSocket:
        async with gate:
            return await progress_socket(host=host, port=port, session_id=session, bearer=bearer, hear=ledger.hear(session))

    sockets = await asyncio.gather(*(connect(session, bearer) for session, bearer in zip(sessions, bearers, strict=True)))
    await until(lambda: len(ledger.hellos) == len(sessions), what="a hello on every socket")
    return sockets


async def until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {SETTLE_SECONDS:g} s")
        await asyncio.sleep(0.05)


def commit_times(folder: Path) -> dict[tuple[str, int], float]:
    times = {}
    for path in folder.iterdir():
        for line in path.read_text().splitlines():
            session, seq, committed_at = line.split()
            times[session, int(seq)] = float(committed_at)
    return times


def figures(ledger: Ledger, expected: dict[str, int], latencies_ms: list[float], connections: int) -> dict[str, Any]:
    """``expected`` is the head of each session after the run."""
    wanted = sum(expected[session] - ledger.heads[session] for session in expected)
    return {
        "connections": connections,
        "delivered": len(ledger.seen),
        "lost": wanted - len(ledger.seen),
        "doubled": ledger.doubled,
        "out_of_order": ledger.out_of_order,
        "p50_ms": percentile(latencies_ms, 0.50),
        "p95_ms": percentile(latencies_ms, 0.95),
        "p99_ms": percentile(latencies_ms, 0.99),
    }


class SocketMachine(Machine):
    """The machine with rate limits off, and videos being composed beside it."""

    def __init__(self) -> None:
        super().__init__(workers=1, processes=2, serves=True, notes_commits=True)
        self.environment["VIDEOFLOW_RATE_LIMITS"] = "0"

    def start(self, name: str) -> None:
        if not name.startswith("rendering"):
            super().start(name)
            return
        folder = self.data / name
        folder.mkdir()
        self._launch(name, [sys.executable, "-m", "videoflow.tasks.tests.noop.rendering", str(folder)])
        wait_for((folder / "rendered").exists, seconds=RENDER_START_SECONDS, what=f"frames of {name}")


def cpu_seconds(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


async def own_studio(connections: int, seconds: float, tasks_per_second: float, rendering: int) -> dict[str, Any]:
    with SocketMachine() as machine:
        bearer = secrets.token_urlsafe(16)
        sessions = machine.hand.ask("sessions", bearer, connections)["sessions"]
        ledger = Ledger()
        server = psutil.Process(machine.running["server"].pid)
        before_bytes = server.memory_info().rss
        opened_at = time.monotonic()
        sockets = await connect_all(ledger, sessions, [bearer] * connections, host="127.0.0.1", port=machine.port)
        opening_seconds = time.monotonic() - opened_at
        idle_from = cpu_seconds(server)
        await asyncio.sleep(5)
        idle_share = (cpu_seconds(server) - idle_from) / 5
        socket_kb = (server.memory_info().rss - before_bytes) / 1024 / connections

        for number in range(rendering):
            await asyncio.to_thread(machine.start, f"rendering{number}")
        processes = {"server": server, "client": psutil.Process(), "redis": psutil.Process(machine.running["redis"].pid)}
        busy_from, from_at = {name: cpu_seconds(process) for name, process in processes.items()}, time.monotonic()
        machine.hand.tell("drip", sessions, seconds, tasks_per_second, "trending_analysis", {})
        drip = await asyncio.to_thread(machine.hand.reply)
        drip_seconds = time.monotonic() - from_at
        busy = {name: (cpu_seconds(process) - busy_from[name]) / drip_seconds for name, process in processes.items()}
        await asyncio.to_thread(wait_for, machine.drained, seconds=SETTLE_SECONDS, what="all tasks done")
        facts = await asyncio.to_thread(machine.hand.ask, "facts")
        try:
            await until(lambda: len(ledger.seen) >= sum(facts["heads"].values()), what="every event")
        except NotReady:
            pass  # what is missing is counted as lost
        committed = commit_times(machine.commits)
        owner = {task["task"]: task["session"] for task in facts["tasks"]}
        latencies_ms = [(ledger.seen[key] - at) * 1000 for key, at in committed.items() if key in ledger.seen]
        return {
            **figures(ledger, facts["heads"], latencies_ms, connections),
            "foreign": sum(owner[task] != session for (session, _), task in ledger.tasks.items()),
            "cut": sum(not one.is_open for one in sockets),
            "events_per_second": round(len(committed) / (max(committed.values()) - min(committed.values())), 1),
            "rendering": rendering,
            "load_average": round(os.getloadavg()[0], 1),
            "tasks_late_seconds": drip["late_seconds"],
            "opening_seconds": round(opening_seconds, 1),
            "idle_cpu_share": round(idle_share, 3),
            **{f"{name}_cpu_share": round(share, 2) for name, share in busy.items()},
            "kb_per_socket": round(socket_kb, 1),
            "clock": "commit of the event's row to its receipt",
        }


async def ladder(connections: int, seconds: float, tasks_per_second: float) -> dict[str, Any]:
    """Climb in sockets, then in tasks, each until the promise is broken; return the last step of each climb that held it."""
    climbs = {
        "sockets": [(count, tasks_per_second) for count in LADDER_SOCKETS],
        "tasks_per_second": [(connections, rate) for rate in LADDER_TASKS_PER_SECOND],
    }
    table = Table("sockets", "events/s", "p50 ms", "p95 ms", "p99 ms", "lost", "cut", "server CPU", "tasks late s", title="Steps")
    told: dict[str, Any] = {}
    for climb, steps in climbs.items():
        for count, rate in steps:
            try:
                step = await own_studio(count, seconds, rate, 0)
            except (NotReady, Refused, OSError) as error:
                told[f"{climb}_breaks"] = {"connections": count, "tasks_per_second": rate, "because": str(error)}
                break
            names = ("events_per_second", "p50_ms", "p95_ms", "p99_ms", "lost", "cut", "server_cpu_share", "tasks_late_seconds")
            table.add_row(str(count), *(str(step[name]) for name in names))
            if step["lost"] or step["doubled"] or step["cut"] or step["p95_ms"] > PROMISE_MS:
                told[f"{climb}_breaks"] = {name: step[name] for name in ("connections", *names)}
                break
            told[f"{climb}_hold"] = {name: step[name] for name in ("connections", *names)}
    Console().print(table)
    return told


async def running_studio(url: str, connections: int, seconds: float) -> dict[str, Any]:
    """Sample tasks in many sessions of a studio that runs already."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        made = []
        for _ in range(connections):
            made.append(await api(client.post("/api/sessions", json={})))
            client.cookies.clear()  # the token stands for the session; a cookie would want its CSRF token too
        ledger = Ledger()
        sessions, bearers = [one["session_id"] for one in made], [one["access_token"] for one in made]
        sockets = await connect_all(ledger, sessions, bearers, host=host, port=port)
        count = min(connections, MOST_SAMPLE_TASKS)
        for session, bearer in list(zip(sessions, bearers, strict=True))[:count]:
            body = {"session_id": session, "input_data": {"source": "sample"}}
            headers = {"Authorization": f"Bearer {bearer}"}
            await api(client.post("/api/tasks/submit/trending_analysis", json=body, headers=headers))
            await asyncio.sleep(seconds / count)
        heads: dict[str, int] = {}
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            late = Ledger()
            more = await connect_all(late, sessions, bearers, host=host, port=port)
            for socket in more:
                socket.close()
            is_quiet, heads = heads == late.heads, late.heads
            if is_quiet and sum(heads.values()) >= 3 * count:
                break
            await asyncio.sleep(2)
        for session, bearer in zip(sessions, bearers, strict=True):
            await client.delete(f"/api/sessions/{session}", headers={"Authorization": f"Bearer {bearer}"})
    latencies_ms = [(at - stamp(ledger.stamps[key])) * 1000 for key, at in ledger.seen.items()]
    return {
        **figures(ledger, heads, latencies_ms, connections),
        "cut": sum(not one.is_open for one in sockets),
        "clock": "writing of the event (before its commit) to its receipt",
    }


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def api(call: Awaitable[httpx.Response]) -> dict[str, Any]:
    response = await call
    if response.status_code != 201:
        raise NotReady(f"{response.request.method} {response.request.url.path} answered {response.status_code}")
    return dict(response.json())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--duration", type=float, default=20.0, help="Seconds during which tasks are submitted.")
    parser.add_argument("--tasks-per-second", type=float, default=20.0, help="Three events each; own studio only.")
    parser.add_argument("--rendering", type=int, default=0, help="Videos that are composed meanwhile; own studio only.")
    parser.add_argument("--url", help="A running studio on this machine, for example http://127.0.0.1:8000")
    parser.add_argument("--ladder", action="store_true", help="Climb until the promise of 10 ms breaks; minutes long.")
    parser.add_argument("--json", action="store_true", help="One JSON object with the figures as the last line.")
    options = parser.parse_args()
    if not 1 <= options.connections <= MOST_CONNECTIONS or not 0 < options.duration <= MOST_SECONDS:
        parser.error(f"at most {MOST_CONNECTIONS} connections and {MOST_SECONDS:g} seconds")
    if not 0 <= options.rendering <= MOST_RENDERING:
        parser.error(f"at most {MOST_RENDERING} videos")
    if options.url and urlsplit(options.url).hostname not in LOOPBACK:
        parser.error("--url must name this machine: http://127.0.0.1:PORT")
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    try:
        if options.ladder:
            result = asyncio.run(ladder(options.connections, options.duration, options.tasks_per_second))
            print(json.dumps(result, indent=None if options.json else 2))
            return 0
        run = (
            running_studio(options.url, options.connections, options.duration)
            if options.url
            else own_studio(options.connections, options.duration, options.tasks_per_second, options.rendering)
        )
        result = asyncio.run(run)
    except (NotReady, Refused, OSError, httpx.HTTPError) as error:
        sys.exit(f"The load test ended early: {error}")
    table = Table("figure", "value", title="Events to sockets")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console().print(table)
    if options.json:
        print(json.dumps(result))
    return 1 if result["lost"] or result["doubled"] or result.get("foreign") else 0


if __name__ == "__main__":
    sys.exit(main())
