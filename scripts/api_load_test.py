#!/usr/bin/env python3
"""How long the API lets its callers wait, how much it takes in, and what they notice when Redis stops or freezes.

Starts a studio of its own (temporary data folder, stages that do nothing, rate limits off) and ends it. Three parts:
50 clients at one request a second each, whatever becomes of the earlier ones (with --rendering N while N videos are composed);
then as many durable saves as it can take, in turns with the same saves under gunicorn; with --frozen S, S seconds of a frozen and
S seconds of a stopped Redis under mixed load. Loopback only.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tasks.tests.noop.calls import Answer, Caller  # noqa: E402
from videoflow.tasks.tests.noop.machine import Machine, NotReady, wait_for  # noqa: E402

MOST_CLIENTS = 500
MOST_SECONDS = 300.0
MOST_RENDERING = 4
SATURATING_CLIENTS = 16
SATURATED_TURNS = 8  # four for each server
SETTLE_SECONDS = 20.0
WARM_UP_SECONDS = 2.0
TARGETS = {  # the most, in milliseconds at the 95th percentile with 50 clients
    "create_p95_ms": 100.0,
    "save_p95_ms": 50.0,
    "submit_p95_ms": 200.0,
    "frozen_pages_p99_ms": 1500.0,
    "stopped_pages_p99_ms": 1500.0,
}
LEAST_SHARE_OF_GUNICORN = 0.60


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Client:
    """One creator: a session known by its token (API) and by its cookie (pages), and a project in it."""

    session: str
    token: str
    cookie: str
    project: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(slots=True)
class Tally:
    """What came back: milliseconds from when each request was due to its whole answer, and how many were not what was wanted."""

    waits_ms: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, wait_ms: float, answer: Answer | OSError) -> None:
        self.waits_ms.setdefault(kind, []).append(wait_ms)
        if isinstance(answer, OSError):
            self.failures[f"{kind}: {type(answer).__name__}"] += 1
            return
        self.statuses[str(answer.status)] += 1
        if not 200 <= answer.status < 300:
            self.failures[f"{kind}: {answer.status}"] += 1

    @property
    def server_errors(self) -> int:
        """Answers of 500 and above, and requests that got none."""
        return sum(count for failure, count in self.failures.items() if not failure.rpartition(" ")[2].startswith("4"))


Request = Callable[[Caller, Client, int], Awaitable[Answer]]


def save_body(number: int) -> dict[str, Any]:
    """About a kilobyte, as the form of the script panel has it."""
    return {
        "form_data": {"topic": f"Tiny forests {number}", "notes": "Moss, mice and mushrooms. " * 36},
        "ui_state": {"open": "notes"},
    }


async def create(caller: Caller, _: Client, __: int) -> Answer:
    return await caller.call("POST", "/api/sessions", {})


async def save(caller: Caller, client: Client, number: int) -> Answer:
    path = f"/api/sessions/{client.session}/ui-state/script_generator"
    return await caller.call("PUT", path, save_body(number), client.bearer)


async def submit(caller: Caller, client: Client, _: int) -> Answer:
    body = {"session_id": client.session, "input_data": {}}
    return await caller.call("POST", "/api/tasks/submit/trending_analysis", body, client.bearer)


async def page(caller: Caller, client: Client, number: int) -> Answer:
    path = ("/", f"/projects/{client.project}/", "/tasks/")[number % 3]
    return await caller.call("GET", path, headers={"Cookie": f"videoflow_creator={client.cookie}"})


ALONE: dict[str, Request] = {"create": create, "save": save, "submit": submit}
MIXED: dict[str, Request] = {"pages": page, **ALONE}


async def open_loop(caller: Caller, clients: list[Client], requests: dict[str, Request], *, seconds: float) -> Tally:
    """Have every client send a request a second, the kinds in turn, without waiting for answers to earlier ones."""
    tally, sent = Tally(), []
    begin = time.monotonic() + 0.1
    kinds = list(requests)

    async def one(kind: str, client: Client, number: int, due: float) -> None:
        answer: Answer | OSError
        try:
            answer = await requests[kind](caller, client, number)
        except OSError as error:  # TimeoutError is one
            answer = error
        tally.note(kind, (time.monotonic() - due) * 1000, answer)

    for tick in range(int(seconds * len(clients))):
        due = begin + tick / len(clients)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        turn, place = divmod(tick, len(clients))
        kind = kinds[(turn + place) % len(kinds)]
        sent.append(asyncio.create_task(one(kind, clients[place], turn + place, due)))
    await asyncio.gather(*sent)
    return tally


async def saturate(caller: Caller, clients: list[Client], *, seconds: float) -> float:
    """Saves a second of some clients, each sending its next as soon as the last is answered."""
    saved = 0
    begin = time.monotonic()
    end = begin + seconds

    async def one(client: Client) -> None:
        nonlocal saved
        while time.monotonic() < end:
            answer = await save(caller, client, saved)
            if answer.status != 200:
                raise NotReady(f"a save answered {answer.status}: {answer.body[:200].decode(errors='replace')}")
            saved += 1

    await asyncio.gather(*(one(client) for client in clients))
    return saved / (time.monotonic() - begin)


class ApiMachine(Machine):
    """The machine with, beside Daphne, the same project under one synchronous gunicorn worker, and videos being composed."""

    def __init__(self) -> None:
        super().__init__(workers=1, processes=2, serves=True)
        self.environment["VIDEOFLOW_RATE_LIMITS"] = "0"
        self.gunicorn_listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    @property
    def gunicorn_port(self) -> int:
        return int(self.gunicorn_listener.getsockname()[1])

    def start(self, name: str) -> None:
        if name == "gunicorn":
            descriptor = self.gunicorn_listener.fileno()
            server = ["-m", "gunicorn", "videoflow.wsgi:application", "--workers", "1", "--worker-class", "sync"]
            self._launch(name, [sys.executable, *server, "--bind", f"fd://{descriptor}"], descriptor)
        elif name.startswith("rendering"):
            folder = self.data / name
            folder.mkdir()
            self._launch(name, [sys.executable, "-m", "videoflow.tasks.tests.noop.rendering", str(folder)])
        else:
            super().start(name)

    def rendered_seconds(self, count: int) -> float:
        """Seconds of video that are composed so far."""
        notes = [self.data / f"rendering{number}" / "rendered" for number in range(count)]
        return sum(float(note.read_text()) for note in notes if note.exists())

    def stop(self) -> None:
        super().stop()
        self.gunicorn_listener.close()


async def clients_make(caller: Caller, count: int) -> list[Client]:
    clients = []
    for _ in range(count):
        made = await caller.call("POST", "/api/sessions", {})
        session = made.json()
        bearer = {"Authorization": f"Bearer {session['access_token']}"}
        body = {"session_id": session["session_id"], "input_data": {}}
        task = await caller.call("POST", "/api/tasks/submit/trending_analysis", body, bearer)
        if (made.status, task.status) != (201, 201):
            raise NotReady(f"a client could not begin: {made.status}, {task.status}")
        facts = session["session_id"], session["access_token"], made.cookies["videoflow_creator"], task.json()["project_id"]
        clients.append(Client(*facts))
    return clients


async def waits(machine: ApiMachine, caller: Caller, clients: list[Client], *, seconds: float, rendering: int) -> dict[str, Any]:
    for number in range(rendering):
        machine.start(f"rendering{number}")
    if rendering:
        ready = "frames from every video"
        await asyncio.to_thread(
            wait_for,
            lambda: all(
                machine.rendered_seconds(number + 1) > machine.rendered_seconds(number) + 2 for number in range(rendering)
            ),
            seconds=60,
            what=ready,
        )
    figures: dict[str, Any] = {}
    before, from_at = machine.rendered_seconds(rendering), time.monotonic()
    failures: Counter[str] = Counter()
    await open_loop(caller, clients, ALONE, seconds=WARM_UP_SECONDS)
    for kind, request in ALONE.items():
        tally = await open_loop(caller, clients, {kind: request}, seconds=seconds)
        for name, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
            figures[f"{kind}_{name}_ms"] = percentile(tally.waits_ms[kind], share)
        failures += tally.failures
    figures["failures"] = dict(failures)
    if rendering:
        figures["rendering"] = rendering
        figures["rendered_times_realtime"] = round(
            (machine.rendered_seconds(rendering) - before) / (time.monotonic() - from_at), 2
        )
        if fallen := [name for name in machine.fallen() if name.startswith("rendering")]:
            raise NotReady(f"{fallen[0]} fell: {machine.log(fallen[0])[-800:]}")
        for number in range(rendering):
            machine.kill(f"rendering{number}")
    return figures


async def shares(machine: ApiMachine, caller: Caller, clients: list[Client], *, seconds: float) -> dict[str, Any]:
    """Durable saves a second under Daphne and under gunicorn, taken in turns; a turn is ``seconds`` long."""
    machine.start("gunicorn")
    beside = Caller(machine.gunicorn_port)
    for server in (beside, caller):
        await saturate(server, clients, seconds=1.0)
    rates: dict[str, list[float]] = {"daphne": [], "gunicorn": []}
    for turn in range(SATURATED_TURNS):
        name = ("daphne", "gunicorn")[turn % 2]
        rates[name].append(await saturate(caller if name == "daphne" else beside, clients, seconds=seconds))
    beside.close()
    machine.kill("gunicorn")
    daphne, gunicorn = (sum(rates[name]) / len(rates[name]) for name in ("daphne", "gunicorn"))
    return {
        "saves_per_second": round(daphne),
        "gunicorn_saves_per_second": round(gunicorn),
        "share_of_gunicorn": round(daphne / gunicorn, 2),
        "shares_of_turns": [round(one / other, 2) for one, other in zip(rates["daphne"], rates["gunicorn"], strict=True)],
    }


async def without_redis(machine: ApiMachine, caller: Caller, clients: list[Client], *, seconds: float) -> dict[str, Any]:
    """Pages and API under mixed load, from the moment at which Redis is frozen, and again from that at which it is stopped."""
    redis = psutil.Process(machine.running["redis"].pid)
    figures: dict[str, Any] = {}
    for name in ("frozen", "stopped"):
        await open_loop(caller, clients, MIXED, seconds=WARM_UP_SECONDS)
        machine.signal("redis", signal.SIGSTOP) if name == "frozen" else machine.kill("redis")
        tally = await open_loop(caller, clients, MIXED, seconds=seconds)
        is_away = not redis.is_running() or redis.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
        if not is_away:
            raise NotReady(f"Redis was not {name} all the time")
        machine.signal("redis", signal.SIGCONT) if name == "frozen" else machine.restart("redis")
        for kind in ("pages", "create", "save", "submit"):
            figures[f"{name}_{kind}_p99_ms"] = percentile(tally.waits_ms[kind], 0.99)
        figures[f"{name}_requests"] = sum(tally.statuses.values())
        figures[f"{name}_server_errors"] = tally.server_errors
        figures[f"{name}_failures"] = dict(tally.failures)
        await asyncio.to_thread(wait_for, machine.drained, seconds=3 * SETTLE_SECONDS, what="all tasks done")
        await until_ok(caller)
    return figures


async def until_ok(caller: Caller) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (await caller.call("GET", "/health")).json()["checks"]["redis"] != "ok":
        if time.monotonic() > deadline:
            raise NotReady(f"/health does not see Redis again within {SETTLE_SECONDS:g} s")
        await asyncio.sleep(0.2)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    with ApiMachine() as machine:
        caller = Caller(machine.port)
        clients = await clients_make(caller, options.clients)
        result: dict[str, Any] = {"clients": options.clients, "seconds": options.duration}
        if options.duration:
            result |= await waits(machine, caller, clients, seconds=options.duration, rendering=options.rendering)
            await asyncio.to_thread(wait_for, machine.drained, seconds=SETTLE_SECONDS, what="all tasks done")
        if options.saturated:
            result |= await shares(machine, caller, clients[:SATURATING_CLIENTS], seconds=options.saturated)
        if options.frozen:
            result |= await without_redis(machine, caller, clients, seconds=options.frozen)
        caller.close()
        return result


def missed(result: dict[str, Any]) -> list[str]:
    """Say which figures are not what they should be."""
    found = [f"{name} is {result[name]}, not below {most:g}" for name, most in TARGETS.items() if result.get(name, 0.0) >= most]
    if result.get("share_of_gunicorn", 1.0) < LEAST_SHARE_OF_GUNICORN:
        found.append(f"share_of_gunicorn is {result['share_of_gunicorn']}, below {LEAST_SHARE_OF_GUNICORN}")
    if result.get("failures"):
        found.append(f"failed requests: {result['failures']}")
    return found + [f"{name} is {result[name]}" for name in ("frozen_server_errors", "stopped_server_errors") if result.get(name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=50, help="Each sends one request a second.")
    parser.add_argument(
        "--duration", type=float, default=20.0, help="Seconds for each of create, save and submit; 0 leaves them out."
    )
    parser.add_argument("--rendering", type=int, default=0, help="Videos that are composed meanwhile.")
    parser.add_argument("--saturated", type=float, default=3.0, help="Seconds for each turn beside gunicorn; 0 leaves it out.")
    parser.add_argument("--frozen", type=float, default=0.0, help="Seconds with Redis frozen, and again with Redis stopped.")
    parser.add_argument("--json", action="store_true", help="One JSON object with the figures as the last line.")
    options = parser.parse_args()
    if not 1 <= options.clients <= MOST_CLIENTS or not 0 <= options.rendering <= MOST_RENDERING:
        parser.error(f"at most {MOST_CLIENTS} clients and {MOST_RENDERING} videos")
    if not all(0 <= seconds <= MOST_SECONDS for seconds in (options.duration, options.saturated, options.frozen)):
        parser.error(f"at most {MOST_SECONDS:g} seconds")
    if options.saturated and importlib.util.find_spec("gunicorn") is None:
        parser.error(
            "the comparison needs gunicorn: install requirements-dev.txt (scripts/test does), or leave it out with --saturated 0"
        )
    try:
        result = asyncio.run(measure(options))
    except (NotReady, OSError) as error:
        sys.exit(f"The load test ended early: {error}")
    table = Table("figure", "value", title="The API under load")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console().print(table)
    failings = missed(result)
    for failing in failings:
        print(f"missed: {failing}")
    if options.json:
        print(json.dumps(result))
    return 1 if failings else 0


if __name__ == "__main__":
    sys.exit(main())
