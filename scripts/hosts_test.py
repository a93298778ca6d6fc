#!/usr/bin/env python3
"""One video by several hosts: who makes which part, what does sharing cost, is it the same film, and what if a host dies?

Starts a PostgreSQL, a Valkey and a bucket of its own, and worker hosts with names and data folders of their own that share
nothing else; each has one slot and one process that paints and codes. Has them compose a film of designed and photograph-like
pictures: one host alone, then all, and with --kill all with one of them killed in the middle. Ends what it
started. Loopback only.
"""

import argparse
import atexit
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import av  # noqa: E402
import django  # noqa: E402
import psutil  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from scripts.render_material import pictures_make, timeline_make  # noqa: E402
from videoflow.health.embedded_redis import redis_command  # noqa: E402
from videoflow.render import Format, Timeline  # noqa: E402
from videoflow.storage.tests.bucket_server import BUCKET, KEY_ID, SECRET, BucketServer  # noqa: E402
from videoflow.storage.url import bucket_address, storage_settings  # noqa: E402
from videoflow.tests.postgresql import Cluster, NoPostgresql, folder_make  # noqa: E402

FOLDER = Path(tempfile.mkdtemp(prefix="vf-hosts-"))
CLUSTER = Cluster(folder_make())
for _folder in (FOLDER, CLUSTER.folder):
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith(("VIDEOFLOW_", "VF_"))]:
    del os.environ[_name]
os.environ.update(
    DJANGO_SETTINGS_MODULE="videoflow.settings",
    VIDEOFLOW_DATA=str(FOLDER / "hand"),
    VIDEOFLOW_ENV_FILE=str(FOLDER / "no.env"),
    VIDEOFLOW_SECRET_KEY="only-for-this-test",
    VIDEOFLOW_CPU_SLOTS="1",
    VIDEOFLOW_COMPOSE_PROCESSES="1",
    VIDEOFLOW_STORAGE_KEY_ID=KEY_ID,
    VIDEOFLOW_STORAGE_SECRET=SECRET,
    DATABASE_URL=CLUSTER.url("hosts"),
    REDIS_URL=f"unix://{FOLDER / 'valkey.sock'}",
)
django.setup()

from django.core.management import call_command  # noqa: E402 - Django first
from django.db import connections  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from videoflow.pipeline.models import SharedSegment, Video  # noqa: E402
from videoflow.pipeline.services import stage_start  # noqa: E402
from videoflow.pipeline.store import asset_file  # noqa: E402
from videoflow.pipeline.tests.film_project import film_project  # noqa: E402
from videoflow.tasks.models import Task, TaskPart, Worker  # noqa: E402

START_SECONDS = 240.0
LOOK_SECONDS = 0.2
OVERHEAD_MOST = 0.10


@dataclass(frozen=True, slots=True)
class Run:
    """One film; ``cpu_seconds`` of the hosts that lived to its end."""

    what: str
    parts: dict[str, int]
    wall_seconds: float
    cpu_seconds: float
    twice: int
    held: int
    """Parts in hand of a host when it was killed."""
    videos: int
    frames: str
    """Hash of the decoded frames."""


class Host:
    """A worker with a data folder of its own, in a session of its own."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str], *command: str) -> None:
        self.name = name
        data = folder / name
        data.mkdir(exist_ok=True)
        with (data / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "videoflow.health.launch", str(os.getpid()), sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=environment | {"VIDEOFLOW_DATA": str(data), "VIDEOFLOW_HOST": name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def cpu_seconds(self) -> float:
        """What the worker, its pool and all encoders that ended took so far; an encoder that still runs counts when it ends."""
        total = 0.0
        with suppress(psutil.NoSuchProcess):
            worker = psutil.Process(self.process.pid)
            for process in (worker, *worker.children()):
                total += sum(process.cpu_times()[:4])
        return total

    def kill(self) -> None:
        """Take the whole host away at once."""
        with suppress(psutil.NoSuchProcess):
            worker = psutil.Process(self.process.pid)
            for process in (*worker.children(recursive=True), worker):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait(60)

    def end(self) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.kill()


@contextmanager
def services() -> Iterator[str]:
    """Run what the hosts share; gives the bucket server's address."""
    with ExitStack() as undo:
        undo.callback(CLUSTER.stop)
        CLUSTER.start()
        CLUSTER.database_make("hosts")
        bucket = BucketServer(FOLDER / "bucket")
        bucket.folder.mkdir()
        undo.callback(bucket.stop)
        bucket.start()
        (FOLDER / "valkey").mkdir()
        command = [sys.executable, "-m", "videoflow.health.launch", str(os.getpid())]
        command += redis_command(socket=FOLDER / "valkey.sock", folder=FOLDER / "valkey", keep=False)
        valkey = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        undo.callback(valkey.wait, 60)
        undo.callback(valkey.kill)
        yield bucket.url


def wait_for(condition: Any, *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds:g} s")
        time.sleep(LOOK_SECONDS)


class Film:
    """Has a film composed again and again, each time in an empty folder of the bucket by hosts that have nothing yet."""

    def __init__(self, bucket_url: str, timeline: Timeline, seconds_most: float) -> None:
        self.bucket_url, self.timeline, self.seconds_most = bucket_url, timeline, seconds_most
        self.number = 0

    def run(self, what: str, count: int, kill: str = "") -> Run:
        """Compose the film by so many hosts; ``kill``: ``helping`` or ``composing``, amid the work."""
        self.number += 1
        folder = FOLDER / f"run-{self.number}"
        folder.mkdir()
        url = f"s3://{BUCKET}/run-{self.number}?endpoint={self.bucket_url}"
        address = bucket_address(url)
        stored = {"default": storage_settings(address, key_id=KEY_ID, secret=SECRET)}
        here = {"VIDEOFLOW_DATA": folder, "MEDIA_ROOT": folder / "media"}
        with override_settings(STORAGES=stored, **here), ExitStack() as undo:
            try:
                return self._made(what, count, kill, folder, dict(os.environ) | {"VIDEOFLOW_STORAGE_URL": url}, undo)
            except RuntimeError:
                for log in sorted(folder.glob("*/log")):
                    sys.stderr.write(f"--- the end of {log.parent.name}\n{log.read_text(errors='replace')[-3000:]}\n")
                raise

    def _made(self, what: str, count: int, kill: str, folder: Path, environment: dict[str, str], undo: ExitStack) -> Run:
        SharedSegment.objects.all().delete()
        Worker.objects.all().delete()
        project = film_project(self.timeline)
        dispatcher = Host("dispatcher", folder, environment, "run_dispatcher", "--no-tasks")
        undo.callback(dispatcher.end)
        hosts = []
        for number in range(count):
            hosts.append(Host(f"host-{'abcdefgh'[number]}", folder, environment, "run_worker", "--queues", "cpu"))
            undo.callback(hosts[-1].end)
        names = {host.name for host in hosts}
        wait_for(
            lambda: names == set(Worker.objects.filter(kind="celery").values_list("host", flat=True)),
            seconds=START_SECONDS,
            what="workers ready",
        )
        before = {host.name: host.cpu_seconds() for host in hosts}
        began = time.monotonic()
        task = stage_start(project=project, task_type="video_composition", input_data={})
        held = 0
        if kill:
            held = self._kill(kill, hosts, task.pk)

        def ended() -> bool:
            task.refresh_from_db()
            if task.status == Task.Status.FAILED:
                raise RuntimeError(f"the composition failed: {task.error}")
            return task.status == Task.Status.COMPLETED

        wait_for(ended, seconds=self.seconds_most, what="the film")
        wall = time.monotonic() - began
        wait_for(lambda: not any(_encoders(host) for host in hosts), seconds=60, what="the encoders' end")
        cpu = sum(host.cpu_seconds() - before[host.name] for host in hosts if host.process.poll() is None)
        parts = TaskPart.objects.filter(task=task)
        makers = Counter(worker.partition(":")[0] for worker in parts.filter(state="done").values_list("worker_id", flat=True))
        videos = Video.objects.filter(project=project)
        return Run(
            what,
            {name: makers[name] for name in sorted(names)},
            round(wall, 1),
            round(cpu, 1),
            sum(attempts - 1 for attempts in parts.values_list("attempts", flat=True)),
            held,
            videos.count(),
            frames_hash(asset_file(videos.get().file)),
        )

    def _kill(self, which: str, hosts: Sequence[Host], task_id: Any) -> int:
        """Kill one host once half of the parts are done and it is at one; return how many parts it had in hand."""
        parts = TaskPart.objects.filter(task_id=task_id)
        held: dict[str, int] = {}

        def is_time() -> bool:
            composing = Task.objects.values_list("worker_id", flat=True).get(pk=task_id).partition(":")[0]
            states = list(parts.values_list("state", "worker_id"))
            done = sum(state == "done" for state, _ in states)
            if not states or done * 2 < len(states):
                return False
            at_work = Counter(worker.partition(":")[0] for state, worker in states if state == "claimed")
            fit = [name for name in at_work if (name == composing) == (which == "composing")]
            held.update({fit[0]: at_work[fit[0]]} if fit else {})
            return bool(held)

        wait_for(is_time, seconds=self.seconds_most, what="a host amid its parts")
        name = next(iter(held))
        next(host for host in hosts if host.name == name).kill()
        return parts.filter(state="claimed", worker_id__startswith=f"{name}:").count()


def _encoders(host: Host) -> list[psutil.Process]:
    """Return a host's processes that paint and code; they count once they have ended."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(host.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "videoflow.render.segment_worker" in process.cmdline():
                    found.append(process)
    return found


def frames_hash(film: Path) -> str:
    digest = hashlib.sha256()
    with av.open(film) as container:
        for frame in container.decode(video=0):
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def measure(seconds: float, hosts: int, *, kill: bool, minutes: float) -> list[Run]:
    with services() as bucket_url:
        call_command("migrate", verbosity=0)
        form, material = Format(1920, 1080, 30), FOLDER / "material"
        material.mkdir()
        film = Film(bucket_url, timeline_make(material, pictures_make(material, 8, form), seconds, form), minutes * 60)
        runs = [film.run("one host", 1), film.run(f"{hosts} hosts", hosts)]
        if kill:
            runs.append(film.run(f"{hosts} hosts, a helping one killed", hosts, "helping"))
            runs.append(film.run(f"{hosts} hosts, the composing one killed", hosts, "composing"))
        connections.close_all()
        return runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="length of the film")
    parser.add_argument("--hosts", type=int, default=3, choices=range(2, 9), metavar="2-8")
    parser.add_argument("--kill", action="store_true", help="twice more, with a host killed in the middle")
    parser.add_argument("--minutes", type=float, default=20, help="give a film up after so long")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The test was ended."))
    try:
        runs = measure(asked.seconds, asked.hosts, kill=asked.kill, minutes=asked.minutes)
    except (RuntimeError, OSError, NoPostgresql, subprocess.SubprocessError) as error:
        sys.exit(f"The test ended early: {error}")
    alone, together = runs[:2]
    overhead, speedup = together.cpu_seconds / alone.cpu_seconds - 1, alone.wall_seconds / together.wall_seconds
    same = len({run.frames for run in runs}) == 1
    table = Table("run", "parts by host", "wall s", "CPU s", "made twice", "held", "videos", "frames")
    for run in runs:
        shown = " ".join(str(number) for number in run.parts.values())
        figures = (f"{run.wall_seconds:.1f}", f"{run.cpu_seconds:.1f}", str(run.twice), str(run.held), str(run.videos))
        table.add_row(run.what, shown, *figures, "the same" if run.frames == alone.frames else "OTHERS")
    console = Console(width=130)
    console.print(f"A film of {asked.seconds:g} s on {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    console.print(table)
    aim = f"aim: below {OVERHEAD_MOST * 100:.0f}"
    console.print(f"Fan-out costs {overhead * 100:+.1f} % CPU ({aim}); {speedup:.2f} times as quick.")
    if asked.json:
        print(json.dumps({"runs": [asdict(run) for run in runs], "overhead": round(overhead, 4), "speedup": round(speedup, 3)}))
    is_well = same and all(run.videos == 1 and run.twice == run.held for run in runs)
    is_spread = all(number > 0 for number in together.parts.values())
    return 0 if is_well and is_spread and overhead < OVERHEAD_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
