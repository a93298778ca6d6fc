#!/usr/bin/env python3
"""Twenty videos of three users on two slots: is there ever a third render, does each get their turn, do pages stay quick?

Starts a whole studio of its own (temporary data folder, two slots for heavy steps) and has it make real, short videos of a few
lines each: ten of one user, six of another, four of a third, submitted one user after the other. Meanwhile each user keeps
asking for pages. Ends what it started. Loopback only.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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

from videoflow.tests.whole_studio import whole_studio  # noqa: E402

SLOTS = 2
AT_ONCE = 3  # tasks of one user, as the queue has it
SHARES = (0.5, 0.3, 0.2)
HEAVY = ("script_generation", "media_generation", "video_composition")  # what stands in the queue "cpu"
ENDED = {"completed", "failed", "cancelled"}
SCRIPT = "# Cats\n\nAna: Cats purr.\nBen: Why is that?\nAna: Nobody knows.\nBen: Good cats!\n"
PAGES_P95_MS = 300.0
PAUSE_SECONDS = 0.4
SAMPLE_SECONDS = 0.5
TIE_SECONDS = 0.25  # what became due so shortly before a claim may not have been seen by it
ENCODER = "videoflow.render.segment_worker"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a step; times in seconds since the epoch."""

    user: int
    stage: str
    created: float
    started: float
    ended: float

    @property
    def is_heavy(self) -> bool:
        return self.stage in HEAVY


@dataclass(frozen=True, slots=True)
class Look:
    """A page that was asked for: when, in seconds since the epoch, and how long it took."""

    page: str
    at: float
    milliseconds: float


def spread(looks: Sequence[Look]) -> str:
    """Return the 50th, 95th and 99th percentile, and of how many."""
    waits = sorted(look.milliseconds for look in looks)
    figures = " / ".join(f"{waits[int(share * len(waits))]:.0f}" for share in (0.5, 0.95, 0.99)) if waits else "-"
    return f"{figures} ms of {len(waits)}"


def most_at_once(runs: Sequence[Run]) -> int:
    """Return how many of these ran at the same time at the most; one that begins as another ends counts after it."""
    moments = sorted([(run.started, 1) for run in runs] + [(run.ended, -1) for run in runs])
    running = most = 0
    for _, step in moments:
        running += step
        most = max(most, running)
    return most


def turns_missed(runs: Sequence[Run]) -> list[str]:
    """Return the heavy runs that began although it was somebody else's turn, or an older one of the same user waited.

    It is the turn of whoever's last heavy run began longest ago, or never did. Users with ``AT_ONCE`` running tasks wait.
    """
    missed = []
    heavy = sorted((run for run in runs if run.is_heavy), key=lambda run: run.started)
    last: dict[int, float] = {}
    for index, run in enumerate(heavy):
        waiting = [other for other in heavy[index + 1 :] if other.created < run.started - TIE_SECONDS]
        if any(other.user == run.user and other.created < run.created for other in waiting):
            missed.append(f"user {run.user}: {run.stage} began before an older one")
        for user in {other.user for other in waiting} - {run.user}:
            running = sum(other.user == user and other.started < run.started < other.ended for other in runs)
            if running < AT_ONCE and last.get(user, 0.0) < last.get(run.user, 0.0):
                missed.append(f"user {run.user}: {run.stage} began though user {user} had waited longer")
        last[run.user] = run.started
    return missed


class User:
    """A browser with its cookie and a program with the token of the same session."""

    def __init__(self, url: str, number: int) -> None:
        self.number = number
        self.client, self.program = (httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False) for _ in range(2))
        made = self.client.post("/api/sessions", json={}).raise_for_status().json()
        self.session, self.bearer = made["session_id"], {"Authorization": f"Bearer {made['access_token']}"}
        self.projects: list[str] = []
        self.program.headers.update(self.bearer)
        self.looks: list[Look] = []

    def submit(self) -> None:
        data = {"input_type": "script", "script_text": SCRIPT, "continue": True}
        body = {"session_id": self.session, "input_data": data}
        answer = self.program.post("/api/tasks/submit/script_generation", json=body)
        self.projects.append(answer.raise_for_status().json()["project_id"])

    def tasks(self) -> list[dict[str, Any]]:
        answer = self.program.get("/api/tasks", params={"session_id": self.session, "limit": 100})
        return list(answer.raise_for_status().json()["tasks"])

    def browse(self, end: threading.Event) -> None:
        """Look at pages, one after the other, until the end."""
        while not end.is_set():
            first, last = f"/projects/{self.projects[0]}/", f"/projects/{self.projects[-1]}/rail/"
            for name, path in (("history", "/projects/"), ("project", first), ("tasks", "/tasks/"), ("rail", last)):
                at, began = time.time(), time.perf_counter()
                self.client.get(path).raise_for_status()
                self.looks.append(Look(name, at, (time.perf_counter() - began) * 1000))
                if end.wait(PAUSE_SECONDS):
                    return


def encoding_now() -> int:
    """Return how many tasks have encoders at work: their processes' parents, which belong to this script's studio."""
    parents = set()
    for process in psutil.Process().children(recursive=True):
        try:
            if ENCODER in " ".join(process.cmdline()):
                parents.add(process.ppid())
        except psutil.Error:
            continue
    return len(parents)


def runs_of(users: Sequence[User]) -> list[Run]:
    def moment(text: str) -> float:
        return datetime.fromisoformat(text).timestamp()

    return [
        Run(user.number, task["task_type"], *(moment(task[name]) for name in ("created_at", "started_at", "completed_at")))
        for user in users
        for task in user.tasks()
    ]


def measure(videos: int, minutes: float) -> dict[str, Any]:
    with whole_studio(VIDEOFLOW_CPU_SLOTS=str(SLOTS), VIDEOFLOW_RATE_LIMITS="0") as (url, _hand):
        users = [User(url, number) for number in range(len(SHARES))]
        counts = [round(videos * share) for share in SHARES]
        counts[0] = videos - sum(counts[1:])
        for user, count in zip(users, counts, strict=True):
            for _ in range(count):
                user.submit()
        end = threading.Event()
        browsing = [threading.Thread(target=user.browse, args=[end], daemon=True) for user in users]
        for thread in browsing:
            thread.start()
        began, most_encoding, due = time.monotonic(), 0, 0.0
        ended = 0
        while ended < videos and time.monotonic() - began < minutes * 60:
            most_encoding = max(most_encoding, encoding_now())
            if time.monotonic() > due:
                tasks = [task for user in users for task in user.tasks()]
                failed = [task for task in tasks if task["status"] in ENDED - {"completed"}]
                if failed:
                    raise RuntimeError(f"{failed[0]['task_type']} ended as {failed[0]['status']}: {failed[0]['error']}")
                ended = sum(task["status"] == "completed" and task["task_type"] == "video_composition" for task in tasks)
                due = time.monotonic() + 4 * SAMPLE_SECONDS
            time.sleep(SAMPLE_SECONDS)
        end.set()
        for thread in browsing:
            thread.join(60)
        if ended < videos:
            raise RuntimeError(f"only {ended} of {videos} videos were made within {minutes:g} minutes")
        runs = runs_of(users)
        heavy = [run for run in runs if run.is_heavy]
        beside: dict[int, list[Look]] = {}
        looks = [look for user in users for look in user.looks]
        for look in looks:
            beside.setdefault(sum(run.started <= look.at < run.ended for run in heavy), []).append(look)
        waits = sorted(look.milliseconds for look in looks)
        first = min(run.started for run in heavy)
        return {
            "videos": ended,
            "seconds": round(time.monotonic() - began, 1),
            "most_at_once": most_at_once(heavy),
            "most_encoding_at_once": most_encoding,
            "turns_missed": turns_missed(runs),
            "first_done_seconds": [round(min(_done(runs, user.number)) - first, 1) for user in users],
            "last_done_seconds": [round(max(_done(runs, user.number)) - first, 1) for user in users],
            "order": "".join("ABC"[run.user] for run in sorted(heavy, key=lambda run: run.started)),
            "pages_p95_ms": round(waits[int(0.95 * len(waits))], 1),
            "pages, p50 / p95 / p99": spread(looks),
            **{f"pages beside {count} heavy steps": spread(beside[count]) for count in sorted(beside)},
            **{
                f"page {name}": spread([look for look in looks if look.page == name])
                for name in sorted({look.page for look in looks})
            },
        }


def _done(runs: Sequence[Run], user: int) -> list[float]:
    return [run.ended for run in runs if run.user == user and run.stage == "video_composition"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=20, choices=range(5, 51), metavar="5-50")
    parser.add_argument("--minutes", type=float, default=60, help="give up after so long")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args()
    try:
        result = measure(asked.videos, asked.minutes)
    except (RuntimeError, OSError, httpx.HTTPError, subprocess.SubprocessError) as error:
        sys.exit(f"The test ended early: {error}")
    table = Table("figure", "value", title=f"{result['videos']} videos, {SLOTS} slots; load {os.getloadavg()[0]:.1f}")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console(width=110).print(table)
    if asked.json:
        print(json.dumps(result))
    is_well = max(result["most_at_once"], result["most_encoding_at_once"]) <= SLOTS and not result["turns_missed"]
    return 0 if is_well and result["pages_p95_ms"] <= PAGES_P95_MS else 1


if __name__ == "__main__":
    sys.exit(main())
