#!/usr/bin/env python3
"""Is a studio after years of work as quick as a new one? List pages, claims and retention with full tables.

Starts a studio of its own (temporary data folder, stages that do nothing), writes 10,000 projects of one creator with a million
events, lets 1,000 tasks wait, and then asks for each list page again and again, claims, completes and submits beside the running
studio, and measures what retention deletes, how long pages and claims take meanwhile, and whether the room is used again.
Ends what it started. Loopback only.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
import psutil  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tasks.tests.noop.machine import Hand, Machine, NotReady  # noqa: E402
from videoflow.tests.page_waits import WARM_UP, page_waits  # noqa: E402

COOKIE = "scale-benchmark"
PAGE_P95_MS = 200.0
CLAIM_P95_MS = 10.0
QUEUED_SESSIONS = 400  # three tasks of a session run at once at the most
ENDED_PROJECTS = 100
REQUESTS_BESIDE = WARM_UP + 1  # asked besides those that are timed
PAGES = {
    "history": "/projects/",
    "history, page 200": "/projects/?page=200",
    "history, running": "/projects/?status=running",
    "history, failed": "/projects/?status=failed",
    "history, published": "/projects/?status=published",
    "history, deleted": "/projects/?status=deleted",
    "history, one word": "/projects/?q=weekend",
    "history, a word that is nowhere": "/projects/?q=zzz",
    "palette, one word": "/projects/find/?q=forest",
    "tasks": "/tasks/",
    "tasks, page 1,000": "/tasks/?page=1000",
    "tasks, failed": "/tasks/?status=failed",
    "start": "/",
    "progress, events at the end": "/progress/{session}/events?after={after}",
}
ADMIN = {"admin, tasks": "/admin/tasks/task/", "admin, waiting": "/admin/tasks/task/?status__exact=pending"}
ADMIN |= {"admin, projects": "/admin/pipeline/project/"}


def figures_of(waits: list[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of sorted waits."""
    return {"p50": waits[len(waits) // 2], "p95": waits[min(len(waits) - 1, int(0.95 * len(waits)))]}


def cpu_seconds(machine: Machine) -> float:
    """Return the processor time that the server has used; unlike a wait it does not grow with what else the machine does."""
    times = psutil.Process(machine.running["server"].pid).cpu_times()
    return float(times.user + times.system)


def forgetting(machine: Machine, hand: Hand, session: str, creator: dict[str, str]) -> dict[str, Any]:
    """Have all progress reports deleted, ask for pages and claim meanwhile, and write as many anew into the room that is left."""
    before = hand.ask("sizes")
    sweeper = Hand(machine.environment, "videoflow.pipeline.tests.full_studio")
    with ThreadPoolExecutor(1) as beside:
        try:
            swept = beside.submit(sweeper.ask, "reports_forget")
            pages: list[float] = []
            claimed: list[float] = []
            while not (pages and swept.done()):
                for path in ("/projects/", "/tasks/"):
                    pages += page_waits(f"http://127.0.0.1:{machine.port}", path, 3, cookies=creator)[0]
                claimed += hand.ask("claims", 10)["ms"]["claim"]
            told = swept.result()
        finally:
            sweeper.close()
    after = hand.ask("sizes")
    again = hand.ask("reports_again", session, before["events"])
    waits = {"pages": figures_of(sorted(pages)), "claims": figures_of(sorted(claimed)), "claim_most": max(claimed)}
    return told | {"waits_ms": waits, "sizes": [before, after, again]}


def measure(machine: Machine, hand: Hand, asked: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    facts = hand.ask("fill", COOKIE, asked.projects, asked.events)
    waiting = hand.ask("queue", asked.tasks, QUEUED_SESSIONS)["waiting"]
    short = hand.ask("fill", "short", ENDED_PROJECTS, ENDED_PROJECTS * asked.events // max(1, asked.projects))
    print(f"Filled in {time.monotonic() - began:.0f} s; {machine.data}", file=sys.stderr)
    url = f"http://127.0.0.1:{machine.port}"
    known = {"session": facts["session"], "after": max(0, facts["events"] - 150)}
    creator, operator = {"videoflow_creator": COOKIE}, hand.ask("staff", "operator")["cookies"]
    asking = [(name, path.format(**known), creator) for name, path in PAGES.items()]
    asking += [(name, path, operator) for name, path in ADMIN.items()]
    pages = {}
    for name, path, cookies in asking:
        used = cpu_seconds(machine)
        waits = page_waits(url, path, asked.times, cookies=cookies)[0]
        pages[name] = figures_of(waits) | {"cpu": (cpu_seconds(machine) - used) * 1000 / (asked.times + REQUESTS_BESIDE)}
    claimed = hand.ask("claims", asked.times * 5)
    return {
        "projects": facts["projects"],
        "events": facts["events"],
        "database": asked.database,
        "waiting": waiting,
        "pages_ms": pages,
        "tasks_ms": {name: figures_of(waits) for name, waits in claimed["ms"].items()},
        "session_end": hand.ask("session_end", short["session"]),
        "reports_forget": forgetting(machine, hand, facts["session"], creator) if asked.retention else None,
    }


def show(result: dict[str, Any], load: float) -> None:
    console = Console(width=110)
    sizes = f"{result['projects']:,} projects, {result['events']:,} events, {result['waiting']:,} waiting"
    title = f"{result['database']}: {sizes}; load {load:.1f}"
    table = Table("", "p50 ms", "p95 ms", "CPU ms", title=title)
    for name, figures in (result["pages_ms"] | result["tasks_ms"]).items():
        table.add_row(name, *(f"{figures[kind]:.1f}" if kind in figures else "" for kind in ("p50", "p95", "cpu")))
    console.print(table)
    for name, told in (("A session is over", result["session_end"]), ("Reports are forgotten", result["reports_forget"])):
        if told:
            console.print(f"{name}: {told['before']:,} events, then {told['after']:,}, within {told['seconds']:.1f} s")
    if told:
        waits = told["waits_ms"]
        pages, claimed = (f"{waits[kind]['p50']:.1f} and {waits[kind]['p95']:.1f} ms" for kind in ("pages", "claims"))
        console.print(f"Meanwhile pages took {pages} at p50 and p95, claims {claimed}, {waits['claim_most']:.1f} ms at the most")
        room = ", ".join(f"{size['events']:,} events in {size['bytes'] / 1e6:.0f} MB" for size in told["sizes"])
        console.print(f"Before, after, and with as many again: {room}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=10_000, choices=range(100, 20_001), metavar="100-20000")
    parser.add_argument("--events", type=int, default=1_000_000, choices=range(1000, 5_000_001), metavar="1000-5000000")
    parser.add_argument("--tasks", type=int, default=1000, choices=range(10, 1201), metavar="10-1200", help="tasks that wait")
    parser.add_argument("--times", type=int, default=60, choices=range(10, 501), metavar="10-500", help="requests for each page")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="postgresql: a server of its own")
    parser.add_argument("--retention", action="store_true", help="also delete all progress reports")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args()
    try:
        with Machine(workers=1, processes=2, serves=True, database=asked.database) as machine:
            hand = Hand(machine.environment, "videoflow.pipeline.tests.full_studio")
            try:
                result = measure(machine, hand, asked)
            finally:
                hand.close()
    except (NotReady, OSError, httpx.HTTPError) as error:
        sys.exit(f"The benchmark ended early: {error}")
    load = os.getloadavg()[0]
    show(result, load)
    result["pages_p95_ms"] = max(figures["p95"] for figures in result["pages_ms"].values())
    result["claim_p95_ms"] = result["tasks_ms"]["claim"]["p95"]
    if asked.json:
        print(json.dumps(result | {"load": load}))
    return 0 if result["pages_p95_ms"] <= PAGE_P95_MS and result["claim_p95_ms"] <= CLAIM_P95_MS else 1


if __name__ == "__main__":
    sys.exit(main())
