#!/usr/bin/env python3
"""What happens when hosts that share nothing but database, Redis and storage are restarted, or lose one of the three?

Starts a PostgreSQL, a Valkey and a SeaweedFS of its own, and hosts with data folders, host names and ways of their own to each
(``--only`` chooses): ``queues`` real videos, each queue on a host of its own; ``rolling`` hosts are restarted one by one amid
work; ``outages`` a worker host, then the host of the pages, then all lose one service; ``upload`` the storage is cut off amid a
file; ``autoscale`` the reference autoscaler starts and stops hosts. Ends what it started. Loopback only.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.storage.tests.bucket_server import BUCKET  # noqa: E402
from videoflow.tasks.tests.noop.fleet import SERVICES, Fleet, Host  # noqa: E402
from videoflow.tasks.tests.noop.machine import NotReady, wait_for  # noqa: E402

PARTS = ("queues", "rolling", "outages", "upload", "autoscale")
SETTINGS = {"VIDEOFLOW_RATE_LIMITS": "0", "VIDEOFLOW_USER_WAITING": "10000", "VIDEOFLOW_METRICS": "1"}
SCRIPT = "# Cats\n\nAna: Cats purr.\nBen: Why is that?\nAna: Nobody knows.\nBen: Good cats!\n"
STEP_SECONDS = 8.0
LOOK_SECONDS = 1.0
DRAIN_SECONDS = 600.0
PLACES = ("worker", "pages", "all")
OUTAGES = [(service, fault) for service in SERVICES for fault in ("refuse", "drop", "stall")]
ENDED = {"completed", "failed", "cancelled"}
FILE_BYTES = 48_000_000  # three parts of an upload


class Creator:
    """A browser with its cookie, and a program with the token of the same session."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=90, trust_env=False)
        made = self.client.post("/api/sessions", json={}).raise_for_status().json()
        self.session, self.bearer = made["session_id"], {"Authorization": f"Bearer {made['access_token']}"}

    def submit(self, stage: str, **data: Any) -> dict[str, Any]:
        body = {"session_id": self.session, "input_data": data}
        answer = self.client.post(f"/api/tasks/submit/{stage}", json=body, headers=self.bearer)
        return dict(answer.raise_for_status().json())

    def tasks(self) -> list[dict[str, Any]]:
        answer = self.client.get("/api/tasks", params={"session_id": self.session, "limit": 100}, headers=self.bearer)
        return list(answer.raise_for_status().json()["tasks"])


@dataclass
class Lost:
    """What became of the work, from the rows."""

    tasks: int
    completed: int
    failed: int
    recoveries: int
    doubled: int
    attempts_broken_off: int
    seconds_lost: float


def lost_of(fleet: Fleet) -> Lost:
    """Return what was lost: an attempt that did not complete its task was in vain from its start to its end."""
    assert fleet.hand
    facts = fleet.hand.ask("facts")
    begun: dict[str, float] = {}
    broken, seconds = 0, 0.0
    for event in facts["events"]:
        if event["event_type"] == "progress_update":
            continue
        if event["status"] == "in_progress":
            begun[event["task_id"]] = event["created_at"]
        elif (began := begun.pop(event["task_id"], None)) is not None and event["status"] != "completed":
            broken += 1
            seconds += event["created_at"] - began
    tasks = facts["tasks"]
    return Lost(
        tasks=len(tasks),
        completed=sum(task["status"] == "completed" for task in tasks),
        failed=sum(task["status"] == "failed" for task in tasks),
        recoveries=sum(task["recoveries"] for task in tasks),
        doubled=sum(task["effects"] > 1 for task in tasks),
        attempts_broken_off=broken,
        seconds_lost=round(seconds, 1),
    )


def drained(fleet: Fleet) -> None:
    def is_drained() -> bool:
        assert fleet.hand
        for host in fleet.hosts.values():
            host.tend()
        return not {"pending", "retrying", "in_progress"} & set(fleet.hand.ask("counts"))

    wait_for(is_drained, seconds=DRAIN_SECONDS, what="all steps ended", every=0.5)


def beating(fleet: Fleet, hosts: Sequence[Host]) -> None:
    """Wait for a sign of life of each worker of these hosts."""

    def all_beat() -> bool:
        assert fleet.hand
        beats = set(fleet.hand.ask("beats")["pids"])
        for host in hosts:
            host.tend()
        return all(process.pid in beats for host in hosts for process in host.running.values())

    wait_for(all_beat, seconds=240, what="the hosts are ready", every=0.3)


def flood(fleet: Fleet, creators: int, tasks: int, stage: str = "trending_analysis", **data: Any) -> None:
    assert fleet.hand
    sessions = fleet.hand.ask("sessions", "load", creators)["sessions"]
    fleet.hand.ask("flood", sessions, tasks, stage, [data])


def queues() -> dict[str, Any]:
    """Make real videos where each queue has a host of its own."""
    with Fleet(SETTINGS | {"VIDEOFLOW_CPU_SLOTS": "1"}, is_noop=False) as fleet:
        hosts = [fleet.host(f"{queue}-host") for queue in ("io", "cpu", "upload")]
        for host in hosts:
            host.work(host.name.removesuffix("-host"), processes=1)
        creator = Creator(fleet.web_start())
        began = time.monotonic()
        creator.submit("trending_analysis", source="sample")
        made = creator.submit("script_generation", input_type="script", script_text=SCRIPT, **{"continue": True})

        def stages_done() -> list[str]:
            tasks = creator.tasks()
            wrong = [task for task in tasks if task["status"] in ENDED - {"completed"}]
            if wrong:
                raise NotReady(f"{wrong[0]['task_type']} ended as {wrong[0]['status']}: {wrong[0]['error']}")
            return [task["task_type"] for task in tasks if task["status"] == "completed"]

        wait_for(lambda: "video_composition" in stages_done(), seconds=1800, what="the video", every=2.0)
        creator.submit("youtube_upload", project_id=made["project_id"], target="folder", title="Cats")
        wait_for(lambda: len(stages_done()) == 5, seconds=600, what="the publication", every=1.0)
        logs = {host.name: host.log("worker") for host in hosts}
        ran = {name: [stage for stage in sorted(set(stages_done())) if f"started stage={stage} " in logs[name]] for name in logs}
        return {"seconds": round(time.monotonic() - began, 1), "stages by host": ran}


def rolling(drain_seconds: int) -> dict[str, Any]:
    """Restart three hosts one by one while two steps run on each and more wait."""
    with Fleet(SETTINGS | {"VIDEOFLOW_DRAIN_SECONDS": str(drain_seconds)}) as fleet:
        hosts = [fleet.host(f"host{number}") for number in range(3)]
        for host in hosts:
            host.work()
        beating(fleet, hosts)
        flood(fleet, creators=6, tasks=10, work_seconds=STEP_SECONDS, file=True)
        time.sleep(STEP_SECONDS / 2)
        took = []
        for host in hosts:
            took.append(round(host.end(), 1))
            host.work()
            beating(fleet, [host])
        drained(fleet)
        return {"seconds to end": took, **vars(lost_of(fleet))}


@dataclass
class Seen:
    """What was to be seen during an outage."""

    pages: Counter[str] = field(default_factory=Counter)
    page_seconds: list[float] = field(default_factory=list)
    health: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    metrics: dict[str, float] = field(default_factory=dict)


def watch(creator: Creator, seen: Seen, end: threading.Event) -> None:
    """Look at pages, health, metrics and what the tasks say, until the end."""
    while not end.is_set():
        for path in ("/projects/", "/tasks/", "/"):
            began = time.monotonic()
            seen.pages[_status(creator.client, path)] += 1
            seen.page_seconds.append(time.monotonic() - began)
        try:
            answer = creator.client.get("/readyz").json()
            for name, state in answer["checks"].items():
                if state != "ok":
                    seen.health[f"{name} {state}"] += 1
            for task in creator.tasks():
                if task["status"] not in ENDED:
                    seen.messages[_plain(task["message"])] += 1
            for line in creator.client.get("/metrics").text.splitlines():
                name, _, value = line.rpartition(" ")
                if name.startswith(("videoflow_lease", "videoflow_workers", "videoflow_check", "videoflow_queue_due")):
                    seen.metrics[name] = max(seen.metrics.get(name, 0.0), float(value))
        except (httpx.HTTPError, ValueError, KeyError) as error:
            seen.health[type(error).__name__] += 1
        end.wait(LOOK_SECONDS)


def _status(client: httpx.Client, path: str) -> str:
    try:
        return str(client.get(path).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__


def _plain(message: str) -> str:
    return "".join("…" if letter.isdigit() else letter for letter in message)


def outages(seconds: float, chosen: Sequence[tuple[str, str]], places: Sequence[str]) -> list[dict[str, Any]]:
    """Let a worker host, then the host of the pages, then all of them be without one service."""
    found = []
    with Fleet(SETTINGS | {"NOOP_SLOTS": "2"}) as fleet:
        assert fleet.hand
        whole, hurt = fleet.host("whole"), fleet.host("hurt")
        for host in (whole, hurt):
            host.work()
        creator = Creator(fleet.web_start())
        beating(fleet, [whole, hurt])
        hit = {"worker": ([hurt], seconds), "pages": ([fleet.web], seconds / 3), "all": ([whole, hurt, fleet.web], seconds)}
        for service, fault in chosen:
            for place in places:
                hosts, lasts = hit[place]
                before, seen, end = lost_of(fleet), Seen(), threading.Event()
                restarts = whole.restarts + hurt.restarts
                flood(fleet, creators=2, tasks=8, work_seconds=4.0, file=True)
                for _ in range(4):
                    creator.submit("trending_analysis", work_seconds=4.0, file=True)
                wait_for(lambda: _running(fleet) >= 3, seconds=240, what="work", every=0.2)
                watching = threading.Thread(target=watch, args=(creator, seen, end), daemon=True)
                for host in hosts:
                    host.fail(service, fault)
                watching.start()
                until = time.monotonic() + lasts
                while time.monotonic() < until:
                    time.sleep(LOOK_SECONDS)
                    for one in (whole, hurt):
                        one.tend()
                for host in hosts:
                    host.heal(service)
                healed = time.monotonic()
                end.set()
                watching.join(240)
                drained(fleet)
                beating(fleet, [whole, hurt])
                wait_for(lambda: _is_ready(creator), seconds=240, what="health", every=0.2)
                after = lost_of(fleet)
                found.append(
                    {
                        "hosts": place,
                        "without": service,
                        "fault": fault,
                        "seconds": round(lasts),
                        "all well after": round(time.monotonic() - healed, 1),
                        "pages": dict(seen.pages),
                        "page p50/max s": f"{median(seen.page_seconds):.2f}/{max(seen.page_seconds):.2f}",
                        "processes started again": whole.restarts + hurt.restarts - restarts,
                        "health": dict(seen.health),
                        "tasks say": dict(seen.messages.most_common(6)),
                        "metrics": {name: value for name, value in seen.metrics.items() if "lease" in name or "workers" in name},
                        **{name: getattr(after, name) - getattr(before, name) for name in vars(after)},
                    }
                )
                print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    return found


def _running(fleet: Fleet) -> int:
    assert fleet.hand
    return int(fleet.hand.ask("counts").get("in_progress", 0))


def _is_ready(creator: Creator) -> bool:
    try:
        return bool(creator.client.get("/readyz").json()["status"] == "ok")
    except (httpx.HTTPError, ValueError):
        return False


def upload() -> dict[str, Any]:
    """Cut the storage off in the middle of a large file that a step keeps, twice: for a moment and for longer than it tries."""
    return {"cut once": _upload_cut(away_seconds=0), "cut, then away for 60 s": _upload_cut(away_seconds=60)}


def _upload_cut(*, away_seconds: float) -> dict[str, Any]:
    with Fleet(SETTINGS) as fleet:
        host = fleet.host("host")
        host.work()
        beating(fleet, [host])
        way = host.ways["storage"]
        way.cut_after(FILE_BYTES // 2)
        flood(fleet, creators=1, tasks=1, file=True, file_bytes=FILE_BYTES)
        wait_for(lambda: way.cuts == 1, seconds=240, what="the cut", every=0.02)
        if away_seconds:
            way.fail("refuse")
            time.sleep(away_seconds)
            way.heal()
        drained(fleet)
        assert fleet.hand
        assets = fleet.hand.ask("facts")["assets"]
        listed = fleet.bucket.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        unfinished = fleet.bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return {
            **vars(lost_of(fleet)),
            "megabytes sent": round(way.sent_bytes / 1e6, 1),
            "sizes of rows": [asset["size_bytes"] for asset in assets],
            "sizes in the bucket": [one["Size"] for one in listed],
            "unfinished uploads": len(unfinished),
        }


def autoscale() -> dict[str, Any]:
    """Let the reference autoscaler of ``deploy/`` run two more hosts while there is a backlog, and none of them after it."""
    with Fleet(SETTINGS | {"VIDEOFLOW_DRAIN_SECONDS": "60", "NOOP_SLOTS": "1"}) as fleet:
        wanted = fleet.folder / "wanted"
        wanted.mkdir()
        url = fleet.web_start()
        hosts = [fleet.host(f"host{number}") for number in range(3)]
        command = [sys.executable, str(ROOT / "deploy" / "autoscale.py"), f"{url}/metrics", "--queue", "io"]
        command += ["--least", "1", "--most", "3", "--slots", "1", "--wait-seconds", "20", "--idle-seconds", "10", "--every", "2"]
        command += ["--start", f"touch {wanted}/{{number}}", "--stop", f"rm {wanted}/{{number}}"]
        began, line, ended = time.monotonic(), [], threading.Event()
        moment: Callable[[], float] = lambda: round(time.monotonic() - began, 1)  # noqa: E731

        def keep() -> None:
            """Do what an orchestrator does: run the hosts that are wanted."""
            while not ended.wait(0.3):
                for number, host in enumerate(hosts):
                    is_wanted = (wanted / str(number + 1)).exists()
                    if is_wanted and not host.running:
                        host.work("io", processes=1)
                        line.append((moment(), f"{host.name} starts"))
                    if not is_wanted and host.running:
                        line.append((moment(), f"{host.name} leaves"))
                        host.end()
                        line.append((moment(), f"{host.name} has gone"))

        keeper = threading.Thread(target=keep, daemon=True)
        keeper.start()
        scaler = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: bool(hosts[0].running), seconds=240, what="the first host", every=0.1)
            beating(fleet, hosts[:1])
            flood(fleet, creators=4, tasks=6, work_seconds=STEP_SECONDS, file=True)
            line.append((moment(), "24 steps of 8 s are submitted"))
            drained(fleet)
            line.append((moment(), "the backlog is gone"))
            wait_for(lambda: sum(bool(host.running) for host in hosts) == 1, seconds=300, what="the others leave", every=0.2)
        finally:
            scaler.send_signal(signal.SIGTERM)
            scaler.wait(60)
            ended.set()
            keeper.join(300)
        return {"time line": line, **vars(lost_of(fleet))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given more than once; default: all")
    parser.add_argument("--seconds", type=float, default=60, help="without a service; for the pages a third of it")
    parser.add_argument("--service", choices=SERVICES, help="of the outages, this service's alone")
    parser.add_argument("--place", choices=PLACES, action="append", help="of the outages, where; default: each in turn")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args()
    chosen = [outage for outage in OUTAGES if asked.service in (None, outage[0])]
    parts: dict[str, Callable[[], Any]] = {
        "queues": queues,
        "rolling": lambda: {"stopped at once": rolling(0), "drained": rolling(60)},
        "outages": lambda: outages(asked.seconds, chosen, asked.place or PLACES),
        "upload": upload,
        "autoscale": autoscale,
    }
    found, console = {}, Console(width=140)
    for name in asked.only or PARTS:
        try:
            found[name] = parts[name]()
        except (NotReady, OSError, httpx.HTTPError, subprocess.SubprocessError) as error:
            sys.exit(f"{name} ended early: {error}")
        table = Table("", "", title=f"{name}; load {os.getloadavg()[0]:.1f}")
        rows = found[name] if isinstance(found[name], list) else [found[name]]
        for row in rows:
            for key, value in row.items():
                table.add_row(key, str(value))
            table.add_section()
        console.print(table)
    if asked.json:
        print(json.dumps(found))
    return 0 if is_well(found) else 1


def is_well(found: object) -> bool:
    """Say whether nothing failed or was done twice, anywhere in these figures."""
    if isinstance(found, dict):
        return not found.get("failed") and not found.get("doubled") and all(map(is_well, found.values()))
    return all(map(is_well, found)) if isinstance(found, list) else True


if __name__ == "__main__":
    sys.exit(main())
