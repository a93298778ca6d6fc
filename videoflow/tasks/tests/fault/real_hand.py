"""Runs the real stages on tiny media: one command a line, one JSON reply each.

Run as ``python -m videoflow.tasks.tests.fault.real_hand`` with a data folder of its own. This process never opens a database: a
forked child does each command in the folder it is given, so that a child can die and modules are loaded once.
"""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import psutil
import psycopg
from psycopg import sql

django.setup()

from django.conf import settings  # noqa: E402 - Django first
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from videoflow import redis, render  # noqa: E402, F401 - loaded before the fork
from videoflow.crash_points import crash_arm  # noqa: E402
from videoflow.pipeline import housekeeping, runner, stages  # noqa: E402
from videoflow.pipeline.models import Asset, Project, Publication, Scene, Script, Speech, Theme, TrendReport, Turn, Video  # noqa: E402
from videoflow.pipeline.services import project_create, stage_start  # noqa: E402
from videoflow.providers import aligner  # noqa: E402, F401
from videoflow.sessions.services import session_create  # noqa: E402
from videoflow.tasks.models import ProgressEvent, Task  # noqa: E402
from videoflow.tasks.services import leases_reap, task_cancel, task_claim  # noqa: E402
from videoflow.tasks.tests.noop.machine import wait_for  # noqa: E402
from videoflow.tests.own_rows import database_name  # noqa: E402

SCRIPT = "# Cats\n\nAna: Cats purr.\nBen: Why is that?\nAna: Nobody knows.\nBen: Good cats!\n"
INPUTS: dict[str, dict[str, Any]] = {
    "trending_analysis": {"continue": True},
    "script_generation": {"continue": True, "input_type": "script", "script_text": SCRIPT},
    "media_generation": {"continue": True},
    "video_composition": {"continue": True},
    "youtube_upload": {},
}
Project.SIZES = {"1:1": (240, 240)}
Project.FPS = 10


def _enter(folder: Path) -> None:
    """Work in this data folder, and without Redis: the rows are what is tested."""
    os.environ["VIDEOFLOW_DATA"] = str(folder)  # children of stages are told apart by it
    settings.VIDEOFLOW_DATA = folder
    settings.MEDIA_ROOT = folder / "media"
    is_file = connection.vendor == "sqlite"
    connection.settings_dict["NAME"] = str(folder / "videoflow.sqlite3") if is_file else database_name(folder)
    redis.breaker.allows = lambda: False  # type: ignore[method-assign]


def _fork(folder: str, act: Callable[[], dict[str, Any]]) -> tuple[int, int]:
    """Begin something in a child; return its pid and the pipe that will bring what it returned."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _enter(Path(folder))
        code = 1
        try:
            answer = json.dumps(act())
            connection.close()
            with os.fdopen(writing, "w") as pipe:
                pipe.write(answer)
            code = 0
        except Exception:  # the exit code tells the parent, which fails the test; this tells why
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    return pid, reading


def _answer(pid: int, reading: int) -> dict[str, Any]:
    """Wait for a child and return what it returned, with its exit code; all that a dead one leaves is the code."""
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    return {**(json.loads(answer) if answer else {}), "exit": os.waitstatus_to_exitcode(status)}


def _forked(folder: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return _answer(*_fork(folder, act))


def _link_or_copy(path: str, copy: str) -> None:
    shutil.copy2(path, copy) if ".sqlite3" in path else os.link(path, copy)


def folder_copy(source: str, target: str, cache: str = "") -> dict[str, Any]:
    """Copy a data folder: hard links for files, which are never written again under their names, and a copy of the database.

    ``cache`` names a data folder whose cache is taken instead, where it has one.
    """
    shutil.copytree(source, target, copy_function=_link_or_copy)
    if connection.vendor == "postgresql":
        names = [sql.Identifier(database_name(Path(folder))) for folder in (target, source)]
        with psycopg.connect(os.environ["DATABASE_URL"], dbname="postgres", autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    if Path(f"{cache}/cache").is_dir():
        shutil.rmtree(f"{target}/cache", ignore_errors=True)
        shutil.copytree(f"{cache}/cache", f"{target}/cache", copy_function=_link_or_copy)
    return {}


def chain(folder: str, snapshots: str) -> dict[str, Any]:
    """Make one project by all five stages; a copy of the folder is kept before each, its task queued, and after it."""
    _forked(folder, _begin)
    for name in INPUTS:
        _forked(folder, lambda name=name: _queue(name))  # type: ignore[misc]
        folder_copy(folder, f"{snapshots}/{name}")
        done = _forked(folder, lambda name=name: _run(name))  # type: ignore[misc]
        if done.get("status") != "completed":
            raise RuntimeError(f"{name} did not complete: {done}")
        folder_copy(folder, f"{snapshots}/after-{name}")
    return {}


def _begin() -> dict[str, Any]:
    call_command("migrate", interactive=False, verbosity=0)
    project_create(session=session_create(), title="Cats", aspect="1:1", seed=7, minimum_seconds=20)
    return {}


def _queue(name: str) -> dict[str, Any]:
    """Queue the stage; the one before has queued it already, without this input."""
    if not Task.objects.filter(task_type=name).update(input_data=INPUTS[name]):
        stage_start(project=Project.objects.get(), task_type=name, input_data=INPUTS[name])
    return {}


def _run(name: str) -> dict[str, Any]:
    claim = task_claim(queue=stages.get(name).queue, worker_id=runner.worker_id_make("test"))
    if claim:
        runner.task_run(claim=claim)
    task = Task.objects.filter(task_type=name).latest("created_at")
    return {"status": task.status, "message": task.message}


def crash(folder: str, name: str, where: str) -> dict[str, Any]:
    """Run the stage's task in a process that dies at a point."""

    def act() -> dict[str, Any]:
        crash_arm(where)
        return _run(name)

    return _forked(folder, act)


def run_without_room(folder: str, name: str, limit_bytes: int) -> dict[str, Any]:
    """Run the stage's task while the processes that it starts cannot write a file larger than this."""

    def act() -> dict[str, Any]:
        free, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

        class Limited(subprocess.Popen):  # type: ignore[type-arg]
            def __init__(self, *arguments: Any, **options: Any) -> None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
                try:
                    super().__init__(*arguments, **options)
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (free, hard))

        subprocess.Popen = Limited  # type: ignore[misc]
        return _due_run(name)

    return _forked(folder, act)


def run(folder: str, name: str) -> dict[str, Any]:
    """Run the stage's task, though it would wait a while after a failure."""
    return _forked(folder, lambda: _due_run(name))


def _due_run(name: str) -> dict[str, Any]:
    Task.objects.filter(task_type=name).update(not_before=None)
    return _run(name)


def recover(folder: str, name: str) -> dict[str, Any]:
    """Let the lease run out and the task be done by somebody else; a task that ended before is left alone."""

    def act() -> dict[str, Any]:
        Task.objects.filter(status=Task.Status.IN_PROGRESS).update(lease_until=timezone.now() - timedelta(seconds=1))
        reaped = leases_reap()
        if reaped:
            _run(name)
        return {"reaped": reaped}

    return _forked(folder, act)


def facts(folder: str, name: str) -> dict[str, Any]:
    """All that is judged: the task and its events, what the stages made, and every file with its inode."""
    return _forked(folder, lambda: {**_task_facts(name), "made": _made(), "orphans": _orphans(), "files": _files()})


def cancel(folder: str, name: str) -> dict[str, Any]:
    """Cancel the stage's task instead."""

    def act() -> dict[str, Any]:
        task_cancel(task_id=Task.objects.get(task_type=name).pk)
        return {}

    return _forked(folder, act)


def cancel_amid(folder: str, name: str) -> dict[str, Any]:
    """Cancel the stage's task once processes work for it; return how many did, and after how long all were gone."""
    pid, reading = _fork(folder, lambda: _run(name))
    workers: set[int] = set()

    def is_at_work() -> bool:
        workers.update(child.pid for child in psutil.Process(pid).children())
        return bool(workers)

    wait_for(is_at_work, seconds=30, what="processes at work")
    cancel(folder, name)
    begun = time.monotonic()
    answer = _answer(pid, reading)
    wait_for(lambda: not any(psutil.pid_exists(worker) for worker in workers), seconds=30, what="the end of the work", every=0.02)
    return {**answer, "workers": len(workers), "gone_after_seconds": round(time.monotonic() - begun, 2)}


def tend(folder: str) -> dict[str, Any]:
    """Do the hourly housekeeping as if everything were old."""

    def act() -> dict[str, Any]:
        housekeeping.UNTOUCHED_SECONDS = -60.0
        housekeeping.housekeeping()
        return {}

    return _forked(folder, act)


def _task_facts(name: str) -> dict[str, Any]:
    task = Task.objects.filter(task_type=name).latest("created_at")
    kinds = Counter(ProgressEvent.objects.filter(task=task).values_list("event_type", flat=True))
    following = Counter(Task.objects.filter(created_at__gt=task.created_at).values_list("task_type", flat=True))
    return {
        "status": task.status,
        "attempt": task.attempt,
        "recoveries": task.recoveries,
        "completions": kinds["completion"],
        "errors": kinds["error"],
        "error_code": (task.error or {}).get("error_code"),
        "seqs": list(ProgressEvent.objects.order_by("seq").values_list("seq", flat=True)),
        "head": task.session.head_seq,
        "following": dict(following),
    }


def _made() -> dict[str, Any]:
    """What a creator would see, whenever it was made."""
    return {
        "reports": TrendReport.objects.count(),
        "themes": list(Theme.objects.order_by("id").values_list("label", flat=True)),
        "scripts": list(Script.objects.order_by("version").values_list("version", "title")),
        "turns": list(Turn.objects.order_by("position").values_list("position", "text")),
        "speech": list(Speech.objects.order_by("turn__position").values_list("turn__position", "asset__sha256")),
        "scenes": list(Scene.objects.order_by("position").values_list("position", "start", "asset__sha256")),
        "assets": dict(Counter(Asset.objects.values_list("kind", flat=True))),
        "videos": [round(seconds, 2) for seconds in Video.objects.values_list("seconds", flat=True)],
        "publications": list(Publication.objects.values_list("location", flat=True)),
        "wrong_files": [path for path, sha256 in Asset.objects.values_list("path", "sha256") if _sha256(path) != sha256],
    }


def _orphans() -> list[str]:
    """Return stored files that no row names."""
    root = Path(settings.MEDIA_ROOT)
    stored = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    return sorted(stored - set(Asset.objects.values_list("path", flat=True)))


def _sha256(relative: str) -> str:
    path = Path(settings.MEDIA_ROOT) / relative
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def _files() -> dict[str, int]:
    """Return the inode of every file but the database's: a file that was made again has another one."""
    root = Path(settings.VIDEOFLOW_DATA)
    found = [path for path in root.rglob("*") if path.is_file() and ".sqlite3" not in path.name]
    return {str(path.relative_to(root)): path.stat().st_ino for path in found}


COMMANDS = {
    act.__name__: act for act in (chain, folder_copy, crash, run_without_room, run, recover, cancel, cancel_amid, facts, tend)
}

if __name__ == "__main__":
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(COMMANDS[command](*arguments)) + "\n")
        sys.stdout.flush()
