#!/usr/bin/env python3
"""What one video costs: processor time, memory and wall time by step, and the rows, events, writes and bytes it leaves.

Makes the sample video in a data folder of its own (``manage.py make_video``) and watches it from outside. The figures feed
``scripts/capacity_model.py``.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
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

from videoflow.tasks.tests.noop.machine import clean_environment  # noqa: E402

SAMPLE_SECONDS = 0.25
START = "start"


def used(process: psutil.Process) -> tuple[float, int]:
    """Return the processor time of a process with all it has started so far, ended or not, and the memory of those alive."""
    times = process.cpu_times()
    cpu, memory = times.user + times.system + times.children_user + times.children_system, process.memory_info().rss
    for child in process.children(recursive=True):
        try:
            times, rss = child.cpu_times(), child.memory_info().rss
        except psutil.Error:
            continue  # has just ended: its time is its parent's from now on
        cpu += times.user + times.system + times.children_user + times.children_system
        memory += rss
    return cpu, memory


def running_stage(database: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as rows:
            found = rows.execute("SELECT task_type FROM tasks_task WHERE status = 'in_progress' ORDER BY started_at").fetchone()
    except sqlite3.OperationalError:
        return START  # not there yet
    return str(found[0]) if found else START


def rows_left(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as rows:
        tables = [name for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        ours = [name for name in tables if name.startswith(("creator_sessions_", "tasks_", "pipeline_"))]
        counts = {name: int(rows.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]) for name in ours}
    return {name: count for name, count in counts.items() if count}


def database_bytes(database: Path) -> int:
    with closing(sqlite3.connect(database)) as rows:
        pages, page_bytes = (rows.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
    return int(pages * page_bytes)


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def facts_of(database: Path, media: Path) -> dict[str, Any]:
    """Return what stands in the database once the video is there."""
    with closing(sqlite3.connect(database)) as rows:
        span = "(julianday(completed_at) - julianday(started_at)) * 86400"
        walls = rows.execute(f"SELECT task_type, {span} FROM tasks_task WHERE status = 'completed'").fetchall()
        kinds = rows.execute("SELECT kind, COUNT(*), SUM(size_bytes) FROM pipeline_asset GROUP BY kind").fetchall()
        (seconds,) = rows.execute("SELECT MAX(COALESCE(media_seconds, measured_seconds)) FROM pipeline_script").fetchone()
    return {
        "video_seconds": round(seconds or 0.0, 1),
        "wall_seconds": {stage: round(wall, 1) for stage, wall in walls},
        "files": {kind: {"count": count, "bytes": size} for kind, count, size in kinds},
        "media_bytes": bytes_of(media),
        "rows": rows_left(database),
        "database_bytes": database_bytes(database),
    }


def measure(minutes: float) -> dict[str, Any]:
    data = Path(tempfile.mkdtemp(prefix="vf-cost-"))
    command = [sys.executable, str(ROOT / "manage.py"), "make_video", "--trends", "sample", "--seed", "7"]
    environment = clean_environment(data)
    try:
        subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"], env=environment, check=True, timeout=300)
        empty = database_bytes(data / "videoflow.sqlite3")
        with (data / "log").open("wb") as log:
            making = subprocess.Popen([*command, "--out", str(data / "video.mp4")], env=environment, stdout=log, stderr=log)
        try:
            cpu: dict[str, float] = defaultdict(float)
            memory: dict[str, int] = defaultdict(int)
            process, last, deadline = psutil.Process(making.pid), 0.0, time.monotonic() + minutes * 60
            while making.poll() is None:
                if time.monotonic() > deadline:
                    making.send_signal(signal.SIGINT)
                    break
                stage = running_stage(data / "videoflow.sqlite3")
                try:
                    now, rss = used(process)
                except psutil.Error:
                    break
                cpu[stage] += max(0.0, now - last)
                last, memory[stage] = max(last, now), max(memory[stage], rss)
                time.sleep(SAMPLE_SECONDS)
        finally:
            if making.poll() is None and time.monotonic() < deadline:
                making.terminate()
            making.wait(60)
        is_late = time.monotonic() > deadline
        if making.returncode and not is_late:
            raise RuntimeError((data / "log").read_text(errors="replace")[-800:])
        return {
            "is_whole": not is_late,
            "cpu_seconds": {stage: round(seconds, 1) for stage, seconds in cpu.items()},
            "peak_mb": {stage: round(size / 1e6) for stage, size in memory.items()},
            **facts_of(data / "videoflow.sqlite3", data / "media"),
            "empty_database_bytes": empty,
        }
    finally:
        shutil.rmtree(data, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="stop after so long and tell what was measured")
    parser.add_argument("--json", action="store_true", help="one JSON object with the figures as the last line")
    asked = parser.parse_args()
    try:
        cost = measure(asked.minutes)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"The measurement ended early: {error}")
    table = Table(
        "step", "CPU s", "wall s", "peak MB", title=f"{cost['video_seconds']} s of video; load {os.getloadavg()[0]:.1f}"
    )
    for stage, seconds in cost["cpu_seconds"].items():
        table.add_row(stage, str(seconds), str(cost["wall_seconds"].get(stage, "")), str(cost["peak_mb"][stage]))
    console = Console(width=110)
    console.print(table)
    for kind, files in cost["files"].items():
        console.print(f"{kind}: {files['count']} files, {files['bytes'] / 1e6:.1f} MB")
    console.print(f"media {cost['media_bytes'] / 1e6:.1f} MB; {sum(cost['rows'].values())} rows: {cost['rows']}")
    if asked.json:
        print(json.dumps(cost))
    return 0 if cost["is_whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
