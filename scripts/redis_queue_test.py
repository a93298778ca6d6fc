#!/usr/bin/env python3
"""How many tasks a second go through the durable chain, from the submit to the committed completion, and does any get lost?

Starts a studio of its own (temporary data folder, stages that do nothing) and ends it; beside it the same number of bare Celery
messages on the same broker, and the wait from submit to start of single tasks when nothing else runs. With --url a running studio
is used, through its API, with sample tasks in many sessions. Loopback only.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
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
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tasks.tests.noop.machine import Machine, NotReady, wait_for  # noqa: E402

MOST_TASKS = 20_000
MOST_WORKERS = 32
MOST_SAMPLE_TASKS = 50  # a running studio does real work for each
MOST_SECONDS = 600.0
IDLE_TASKS = 40
SESSIONS = 50
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ENDED = {"completed", "failed", "cancelled"}


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def judge(tasks: list[dict[str, Any]], completions: Counter[str], submitted: int) -> dict[str, Any]:
    """``p50_ms`` and ``p95_ms``: from the writing of the task to its completion, the wait for a free worker included."""
    done = [task for task in tasks if task["status"] == "completed"]
    spans_ms = [(task["completed_at"] - task["created_at"]) * 1000 for task in done]
    first, last = min(task["created_at"] for task in tasks), max((task["completed_at"] for task in done), default=0.0)
    return {
        "tasks": submitted,
        "completed": len(done),
        "lost": submitted - len(done),
        "doubled": sum(count - 1 for count in completions.values() if count > 1),
        "tasks_per_second": round(len(done) / (last - first), 1) if last > first else 0.0,
        "p50_ms": percentile(spans_ms, 0.50),
        "p95_ms": percentile(spans_ms, 0.95),
    }


def own_studio(count: int, workers: int) -> dict[str, Any]:
    with Machine(workers=1, processes=workers) as machine:
        sessions = machine.hand.ask("sessions", secrets.token_urlsafe(16), SESSIONS)["sessions"]
        started_ms = []
        for number in range(IDLE_TASKS):
            before = machine.hand.ask("submit", sessions[number % SESSIONS], "trending_analysis", {})
            wait_for(machine.drained, seconds=30, what="a single task done", every=0.02)
            started_ms.append((machine.hand.ask("started", before["task"])["at"] - before["committed_at"]) * 1000)
        idle = {task["task"] for task in machine.hand.ask("facts")["tasks"]}

        # Written first, with the worker away, so that the rate is the chain's and not the submitter's.
        machine.halt("worker0")
        submit_from = time.monotonic()
        machine.hand.ask("flood", sessions, -(-count // SESSIONS), "trending_analysis", [{}], count)
        submit_seconds = time.monotonic() - submit_from
        machine.go_on("worker0")
        from_at = time.time()
        wait_for(machine.drained, seconds=MOST_SECONDS, what="all tasks done", every=0.5)
        facts = machine.hand.ask("facts")
        tasks = [task for task in facts["tasks"] if task["task"] not in idle]
        completions = Counter(event["task_id"] for event in facts["events"] if event["event_type"] == "completion")
        result = judge(tasks, completions, count)
        last = max(task["completed_at"] for task in tasks if task["completed_at"])
        result |= {
            "tasks_per_second": round(result["completed"] / (last - from_at), 1),
            "submits_per_second": round(count / submit_seconds, 1),
            "effects": sum(task["effects"] for task in tasks),
            "idle_start_p50_ms": percentile(started_ms, 0.50),
            "idle_start_p95_ms": percentile(started_ms, 0.95),
        }
        machine.kill("worker0")
        bare = bare_celery(machine, count, workers)
        return {**result, "bare_celery_per_second": bare, "share_of_bare_celery": round(result["tasks_per_second"] / bare, 3)}


def bare_celery(machine: Machine, count: int, workers: int) -> float:
    """Messages a second through Celery alone on the same Redis, one INCR each, results ignored."""
    command = [sys.executable, "-m", "videoflow.tasks.tests.noop.bare", str(machine.socket), str(count), str(workers)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode:
        raise NotReady(f"bare Celery did not run: {ended.stderr[-400:]}")
    return float(ended.stdout.splitlines()[-1])


async def running_studio(url: str, count: int) -> dict[str, Any]:
    """Sample tasks, each in a session of its own, of a studio that runs already; at most ``MOST_SAMPLE_TASKS``."""
    count = min(count, MOST_SAMPLE_TASKS)
    ended: list[dict[str, Any]] = []
    completions: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        owners: dict[str, tuple[str, str]] = {}
        for _ in range(count):
            session = expect(await client.post("/api/sessions", json={}), 201)
            client.cookies.clear()  # the token stands for the session; a cookie would want its CSRF token too
            bearer = {"Authorization": f"Bearer {session['access_token']}"}
            body = {"session_id": session["session_id"], "input_data": {"source": "sample"}}
            task = expect(await client.post("/api/tasks/submit/trending_analysis", json=body, headers=bearer), 201)
            owners[task["task_id"]] = (session["session_id"], session["access_token"])
        deadline = time.monotonic() + MOST_SECONDS
        waiting = dict(owners)
        while waiting and time.monotonic() < deadline:
            for task_id, (_, token) in list(waiting.items()):
                task = expect(await client.get(f"/api/tasks/{task_id}", headers={"Authorization": f"Bearer {token}"}), 200)
                if task["status"] in ENDED:
                    del waiting[task_id]
                    times = {name: moment(task[name]) for name in ("created_at", "completed_at")}
                    ended.append({"task": task_id, "status": task["status"], **times})
                    completions[task_id] += task["status"] == "completed"
            await asyncio.sleep(0.25)
        for session_id, token in owners.values():
            await client.delete(f"/api/sessions/{session_id}", headers={"Authorization": f"Bearer {token}"})
    if not ended:
        raise NotReady(f"no task ended within {MOST_SECONDS:g} s")
    return judge(ended, completions, count)


def expect(response: httpx.Response, status: int) -> dict[str, Any]:
    if response.status_code != status:
        raise NotReady(f"{response.request.method} {response.request.url.path} answered {response.status_code}")
    return dict(response.json())


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2, help="Processes that run tasks; own studio only.")
    parser.add_argument("--url", help="A running studio on this machine, for example http://127.0.0.1:8000")
    parser.add_argument("--json", action="store_true", help="One JSON object with the figures as the last line.")
    options = parser.parse_args()
    if not 1 <= options.tasks <= MOST_TASKS or not 1 <= options.workers <= MOST_WORKERS:
        parser.error(f"at most {MOST_TASKS} tasks and {MOST_WORKERS} workers")
    if options.url and urlsplit(options.url).hostname not in LOOPBACK:
        parser.error("--url must name this machine: http://127.0.0.1:PORT")
    try:
        if options.url:
            result = asyncio.run(running_studio(options.url, options.tasks))
        else:
            result = own_studio(options.tasks, options.workers)
    except (NotReady, OSError, httpx.HTTPError) as error:
        sys.exit(f"The load test ended early: {error}")
    table = Table("figure", "value", title="Tasks through the queue")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console().print(table)
    if options.json:
        print(json.dumps(result))
    return 1 if result["lost"] or result["doubled"] else 0


if __name__ == "__main__":
    sys.exit(main())
