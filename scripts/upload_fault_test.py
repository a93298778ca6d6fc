#!/usr/bin/env python3
"""Is every video on YouTube exactly once, whatever breaks on the way?

The real stage publishes many videos through the real client to a server on this machine that follows YouTube's description of its
API and the rules of resumable uploads. Its answers are spoiled at random: connections cut at random bytes, 308 with less or no
range, storms of 5xx, expired sessions, lost final replies, permissions that run out, days that are used up. The process that
uploads is killed as by ``kill -9``, at named points and at random moments, and another goes on. Waits and back-offs are a setting
here, so that it takes minutes. Loopback only.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

from videoflow.crash_points import POINTS  # noqa: E402 - the path first
from videoflow.providers.tests.fake_youtube import youtube  # noqa: E402
from videoflow.providers.tests.fake_youtube_world import World  # noqa: E402
from videoflow.tests.own_django import own_django  # noqa: E402

GRANULE = 262_144
CHUNK_FAULTS = (
    *("cut", "cut", "cut", "short", "no-range", "500", "503:3", "502", "504", "401", "reset", "rate", "html", "expire", "gone"),
    *("lost", "lost", "lost-expire", "quota", "day", "upload-limit"),
)
RATES = {
    "chunk": 0.14,
    "ask": 0.1,
    "begin": 0.08,
    "playlistItems.list": 0.05,
    "videos.list": 0.04,
    "videos.update": 0.04,
    "token": 0.02,
}
OTHER_FAULTS = {
    "ask": ("500", "503", "401", "reset", "expire"),
    "begin": ("500", "503", "401", "reset", "quota", "upload-limit"),
    "playlistItems.list": ("500", "reset"),
    "videos.list": ("503", "reset"),
    "videos.update": ("500", "reset", "lost"),
    "token": ("503", "reset"),
}
CRASHES = (
    *(f"youtube:{point}" for point in POINTS["youtube"]),
    *("youtube_upload:worked", "youtube_upload:rows_written", "youtube_upload:completed"),
)
SECOND_PASSES = ("youtube:piece_left:6", "youtube:chunk_answered:2", "youtube:chunk_answered:3", "youtube:extra_sent:2")
"""In the middle of the second chunk, after it, after the last byte of three, and after the captions."""
CRASH_SHARE, KILL_SHARE = 0.15, 0.05
RUNS_MOST = 80
NEVER = ("doubled", "lost", "foreign", "public_before_seen", "requests_against_the_description")
"""Figures that are to be nothing."""


def serve(pipe: Pipe, ours: Pipe, seed: int) -> None:
    """Be YouTube until told to end, or until nobody is there to tell; answer questions about what it knows."""
    ours.close()
    dice = random.Random(seed)
    world = World(polls_until_processed=1)
    rates: dict[str, float] = {}

    def fault_of(operation: str) -> str:
        if dice.random() >= rates.get(operation, 0.0):
            return ""
        world.polls_until_listed = dice.choice((0, 0, 0, 1, 2))
        kind = dice.choice(CHUNK_FAULTS if operation == "chunk" else OTHER_FAULTS[operation])
        return f"{kind}:{dice.random():.4f}" if kind in ("cut", "short") else kind

    world.fault_of = fault_of
    with youtube(world) as (_, address):
        pipe.send(address)
        while (asked := heard(pipe)) is not None:
            name, value = asked
            if name == "rates":
                rates.clear()
                rates.update(value)
            elif name == "token":
                world.refresh_tokens[value] = world.channel
            elif name == "ids":
                pipe.send([video["id"] for video in world.videos.values() if video["fileDetails"]["fileName"] == value])
            elif name == "faults":
                world.faults.extend(value)
            elif name == "report":
                pipe.send(report_of(world))


def heard(pipe: Pipe) -> tuple[str, Any] | None:
    """Return the next question; nothing where the asker has ended."""
    try:
        question: tuple[str, Any] | None = pipe.recv()
    except EOFError:
        return None
    return question


def report_of(world: World) -> dict[str, Any]:
    return {
        "sha256": [video["sha256"] for video in world.videos.values()],
        "open": sum(video["was_public_before_processed"] for video in world.videos.values()),
        "privacy": Counter(video["status"]["privacyStatus"] for video in world.videos.values()),
        "faults": Counter(f"{operation} {kind.partition(':')[0]}" for operation, kind in world.landed),
        "body_bytes": world.body_bytes,
        "wire_bytes": world.wire_bytes,
        "sessions": len(world.sessions),
        "refused_for_the_day": sum(kind in ("quota", "day", "upload-limit") for _, kind in world.landed),
        "complaints": world.complaints[:20],
    }


fork = get_context("fork")
PIPE, THEIRS = fork.Pipe()
SEED = int(next((value for name, value in zip(sys.argv, sys.argv[1:], strict=False) if name == "--seed"), "1"))
server = fork.Process(target=serve, args=(THEIRS, PIPE, SEED), daemon=True)
server.start()
THEIRS.close()
ADDRESS: str = PIPE.recv()
DJANGO = own_django(
    "videoflow-uploads-",
    VIDEOFLOW_LOG_LEVEL="ERROR",
    VIDEOFLOW_YOUTUBE_BASE_URL=ADDRESS,
    VIDEOFLOW_GOOGLE_CLIENT_ID="fake-client-id",
    VIDEOFLOW_GOOGLE_CLIENT_SECRET="fake-client-secret",
    VIDEOFLOW_GOOGLE_TOKEN_URL=f"{ADDRESS}/token",
    VIDEOFLOW_YOUTUBE_QUOTA_UNITS="1000000000",
    VIDEOFLOW_YOUTUBE_QUOTA_UPLOADS="1000000000",
)

import httpx  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.crash_points import crash_arm  # noqa: E402
from videoflow.pipeline.channels import publishing  # noqa: E402
from videoflow.pipeline.channels.access import token_forget, token_keep  # noqa: E402
from videoflow.pipeline.channels.journal import unsure_decide  # noqa: E402
from videoflow.pipeline.models import Channel, QuotaUse, UploadNote, YouTubeUpload  # noqa: E402
from videoflow.pipeline.runner import task_run, worker_id_make  # noqa: E402
from videoflow.pipeline.services import stage_start  # noqa: E402
from videoflow.pipeline.store import asset_path  # noqa: E402
from videoflow.pipeline.tests import factories  # noqa: E402
from videoflow.pipeline.tests.youtube_hand import PACE  # noqa: E402
from videoflow.providers.youtube.metadata import marker_file_name  # noqa: E402
from videoflow.providers.youtube.oauth import SCOPE, Granted  # noqa: E402
from videoflow.sessions.services import session_create  # noqa: E402
from videoflow.tasks.models import Task  # noqa: E402
from videoflow.tasks.services import leases_reap, task_claim, task_retry  # noqa: E402


class Studio:
    """The studio's side: projects with a video each, published by children that may die."""

    def __init__(self, pipe: Pipe, address: str, *, size_bytes: int, seed: int) -> None:
        self.pipe, self.dice, self.size_bytes = pipe, random.Random(seed), size_bytes
        self.counts: Counter[str] = Counter()
        self.digests: list[str] = []
        self.bytes = 0
        self.run_seconds = 0.0

    def ask(self, name: str, value: Any = None) -> Any:
        self.pipe.send((name, value))
        return self.pipe.recv()

    def channel_make(self) -> None:
        session = session_create(cookie="fault test")
        self.session = session
        key = World().channel
        self.channel = Channel.objects.create(
            session=session, channel_id=key, title="Tests", uploads_playlist=f"UU{key[2:]}", scopes=[SCOPE]
        )
        refresh = f"1//0refresh-{self.channel.pk}"
        self.pipe.send(("token", refresh))
        token_keep(self.channel, Granted("ya29.stale", refresh, (SCOPE,), 0.0))
        token_forget(self.channel)

    def publish(self, *, size_bytes: int, privacy: str = "public", crashes: bool = True, dies_at: str = "") -> Task:
        """Publish one new video and return its task once it has ended; ``dies_at`` says where its first process is killed."""
        project = factories.ProjectFactory.create(session=self.session)
        content = self.dice.randbytes(size_bytes)
        video = factories.with_video(project, factories.ScriptFactory.create(project=project), file=content)
        self.digests.append(hashlib.sha256(content).hexdigest())
        self.bytes += size_bytes
        chosen = {"target": "youtube", "audience": "general", "privacy": privacy, "tags": ["trees"]}
        task = stage_start(project=project, task_type="youtube_upload", input_data=chosen)
        deaths = 0
        for _ in range(RUNS_MOST):
            crash = dies_at if not deaths else ""
            if crashes and deaths < 2 and self.dice.random() < CRASH_SHARE:
                crash = self.dice.choice(CRASHES)
            kill_after = (
                self.dice.random() * 0.4 if crashes and deaths < 2 and not crash and self.dice.random() < KILL_SHARE else None
            )
            began = time.perf_counter()
            code = child_run(task, crash, kill_after)
            self.run_seconds += time.perf_counter() - began
            task = Task.objects.get(pk=task.pk)
            if code:
                deaths += 1
                self.counts["killed at random" if kill_after is not None else f"killed at {crash}"] += 1
                Task.objects.filter(pk=task.pk, status=Task.Status.IN_PROGRESS).update(
                    lease_until=timezone.now() - timedelta(seconds=1)
                )
                leases_reap()
                continue
            if task.status == Task.Status.COMPLETED:
                break
            self._decide(task)
        else:
            self.counts["never ended"] += 1
        asset_path(video.file).unlink()
        return task

    def _decide(self, task: Task) -> None:
        """What a day's end, or a person, does about a task that waits or has failed."""
        code = (task.error or {}).get("error_code", "?")
        self.counts[f"{task.status}: {code}"] += 1
        if code == "QUOTA_SPENT":
            QuotaUse.objects.all().delete()  # midnight in California
        if task.status != Task.Status.FAILED:
            return
        if code == "UPLOAD_UNSURE":
            upload = YouTubeUpload.objects.get(task=task)
            if not self.ask("ids", marker_file_name(upload.marker)):
                unsure_decide(upload)
                self.counts["a person said: anew"] += 1
            else:
                self.counts["a person said: look again"] += 1
        task_retry(task_id=task.pk)


def child_run(task: Task, crash: str, kill_after: float | None) -> int:
    """Run a task in a process of its own and return how that ended; 0 is well."""
    connection.close()
    pid = os.fork()
    if pid == 0:
        try:
            crash_arm(crash)
            Task.objects.filter(pk=task.pk).update(not_before=None)
            claim = task_claim(queue="upload", worker_id=worker_id_make("test"), task_id=task.pk)
            if claim is not None:
                task_run(claim=claim)
        finally:
            os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def plain_put(address: str, content: bytes) -> float:
    """Return how long a bare PUT of the same bytes in one request takes: what the network and the server cost alone."""
    began = time.perf_counter()
    with httpx.Client(timeout=120) as client:
        client.put(f"{address}/upload/youtube/v3/none?upload_id=none", content=content, headers={"Content-Range": "bytes */0"})
    return time.perf_counter() - began


def journal_show(studio: Studio, console: Console) -> None:
    """Publish one video with five faults and print its journal."""
    studio.pipe.send(("rates", {}))
    faults = [("chunk", "cut:0.4"), ("ask", "401"), ("chunk", "503:2"), ("chunk", "no-range"), *[("chunk", "lost")] * 9]
    studio.pipe.send(("faults", faults))
    project = factories.ProjectFactory.create(session=studio.session)
    content = studio.dice.randbytes(GRANULE * 3 + 1000)
    factories.with_video(project, factories.ScriptFactory.create(project=project), file=content)
    studio.digests.append(hashlib.sha256(content).hexdigest())
    studio.bytes += len(content)
    chosen = {"target": "youtube", "audience": "general", "privacy": "public"}
    task = stage_start(project=project, task_type="youtube_upload", input_data=chosen)
    for _ in range(RUNS_MOST):
        child_run(task, "", None)
        if Task.objects.get(pk=task.pk).has_ended:
            break
    table = Table("at", "journal of one upload with five faults", box=None)
    for note in UploadNote.objects.filter(upload__video__project=project):
        table.add_row(f"{note.created_at:%H:%M:%S.%f}"[:-3], note.text)
    console.print(table)


def points_show(studio: Studio, console: Console, *, is_json: bool) -> int:
    """Kill a process at every point, publishing one video each, and print what is on YouTube then."""
    studio.pipe.send(("rates", {}))
    states: Counter[str] = Counter()
    for where in (*CRASHES, *SECOND_PASSES):
        states[studio.publish(size_bytes=GRANULE * 2 + 1000, crashes=False, dies_at=where).status] += 1
    found = studio.ask("report")
    there, wanted = Counter(found["sha256"]), Counter(studio.digests)
    figures = {
        "uploads": len(studio.digests),
        "completed": states["completed"],
        "on_youtube": sum(there.values()),
        "doubled": sum(count - 1 for count in there.values()),
        "lost": sum((wanted - there).values()),
        "public_before_seen": found["open"],
        "requests_against_the_description": len(found["complaints"]),
        "kills": sum(count for name, count in studio.counts.items() if name.startswith("killed at")),
        "resent_bytes": found["body_bytes"] - studio.bytes,
    }
    table = Table("figure", "value", box=None)
    for name, value in (*figures.items(), *sorted(studio.counts.items())):
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    if is_json:
        sys.stdout.write(json.dumps(figures) + "\n")
    right = figures["uploads"] == figures["completed"] == figures["on_youtube"] == figures["kills"]
    clean = not any(figures[name] for name in ("doubled", "lost", "public_before_seen", "requests_against_the_description"))
    return 0 if right and clean else 1


def uploads_show(studio: Studio, console: Console, options: argparse.Namespace) -> int:
    """Publish many videos while answers are spoiled, then a large one while none is, and print what came of it."""
    before = studio.ask("report")
    studio.pipe.send(("rates", RATES))
    states, seconds = spoiled_publish(studio, console, options.uploads)
    studio.pipe.send(("rates", {}))
    faulty = studio.ask("report")
    large = options.large * 1_000_000
    seconds_large = large_publish(studio, states, large)
    clean = studio.ask("report")
    seconds_bare = plain_put(ADDRESS, studio.dice.randbytes(large))
    figures = {
        "completed": states["completed"],
        **figures_of(studio, before, faulty, clean, of_files=studio.bytes - large),
        "overhead_percent_without_faults": round(100 * (clean["wire_bytes"] - faulty["wire_bytes"] - large) / large, 3),
        "megabytes_per_second": round(large / 1e6 / seconds_large, 1),
        "bare_put_megabytes_per_second": round(large / 1e6 / seconds_bare, 1),
        "seconds": round(seconds),
    }
    table = Table("figure", "value", box=None)
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    for name, count in sorted((*faulty["faults"].items(), *studio.counts.items())):
        table.add_row(f"  {name}", str(count))
    console.print(table)
    for complaint in clean["complaints"]:
        console.print(complaint)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    is_right = not any(figures[name] for name in NEVER)
    return 0 if is_right and figures["completed"] == options.uploads + 1 else 1


def spoiled_publish(studio: Studio, console: Console, count: int) -> tuple[Counter[str], float]:
    """Publish videos of different sizes; return how their tasks ended, and the seconds that it took."""
    began = time.monotonic()
    states: Counter[str] = Counter()
    for number in range(count):
        size = int(studio.size_bytes * studio.dice.uniform(0.3, 1.7))
        states[studio.publish(size_bytes=size).status] += 1
        if (number + 1) % 50 == 0:
            console.print(f"{number + 1} of {count}, {time.monotonic() - began:.0f} s", highlight=False)
    return states, time.monotonic() - began


def large_publish(studio: Studio, states: Counter[str], large: int) -> float:
    """Publish one large video in chunks as they are in use; return the seconds that it took."""
    settings.VIDEOFLOW_YOUTUBE_CHUNK_BYTES = 8 * 1024 * 1024
    pace_set(chunk_bytes=8 * 1024 * 1024)
    working = studio.run_seconds
    states[studio.publish(size_bytes=large, crashes=False).status] += 1
    return studio.run_seconds - working


def figures_of(
    studio: Studio, before: dict[str, Any], faulty: dict[str, Any], clean: dict[str, Any], *, of_files: int
) -> dict[str, int]:
    """Return what is on YouTube beside what was to be there, and what the faults cost."""
    found, wanted = Counter(clean["sha256"]), Counter(studio.digests)
    cuts = sum(count for name, count in faulty["faults"].items() if name.startswith("chunk "))
    resent = max(0, faulty["body_bytes"] - before["body_bytes"] - of_files)
    return {
        "uploads": sum(wanted.values()),
        "on_youtube": sum(found.values()),
        "doubled": sum(count - 1 for count in found.values()),
        "lost": sum((wanted - found).values()),
        "foreign": sum((found - wanted).values()),
        "public_before_seen": clean["open"],
        "requests_against_the_description": len(clean["complaints"]),
        "faults": sum(faulty["faults"].values()) - sum(before["faults"].values()),
        "kills": sum(count for name, count in studio.counts.items() if name.startswith("killed")),
        "resent_bytes_per_chunk_fault": round(resent / max(1, cuts)),
        "chunk_bytes": GRANULE,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=float, default=1.2, help="of each video, about")
    parser.add_argument(
        "--large", type=int, default=64, help="megabytes of the video that overhead and throughput are measured with"
    )
    parser.add_argument("--points", action="store_true", help="only kill a process at every named point, one video each")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    options = parser.parse_args()
    console = Console(width=120)
    call_command("migrate", verbosity=0)
    studio = Studio(PIPE, ADDRESS, size_bytes=int(options.megabytes * 1e6), seed=options.seed)
    studio.channel_make()
    if options.points:
        return points_show(studio, console, is_json=options.json)
    journal_show(studio, console)
    return uploads_show(studio, console, options)


def pace_set(**changes: Any) -> None:
    """Take the waits out of the uploads; children that are forked later do the same."""
    quick = replace(PACE, **changes)
    publishing.pace = lambda: quick


if __name__ == "__main__":
    pace_set()
    code = main()
    PIPE.send(None)
    server.join(10)
    sys.exit(code)
