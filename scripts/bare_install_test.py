#!/usr/bin/env python3
"""Take the steps of the Containerfile one by one here, as root: files, packages, a user of its own, code it cannot write.

Copies what the recipe copies into a temporary folder that belongs to root, installs the packages there (--fresh; else it uses the
checkout's .venv), and, as a user without rights and without a home it can write to, checks the installation and makes a short
video. Then it starts web, workers and dispatcher by themselves, waits until they are ready, and ends them.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402

from videoflow.health.embedded_redis import redis_command  # noqa: E402
from videoflow.tests.ports import free_port  # noqa: E402

USER = 10001
SECONDS = 1800
SCRIPT = """A: Why do bridges hum in the wind?
B: Because the air behind each cable turns in small eddies, first on one side, then on the other.
A: And the cable follows them?
B: It swings a little with each one, and we hear that as a note.
"""


def copies() -> list[str]:
    """What the recipe copies."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    found: list[str] = []
    for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE):
        found += line.split()[:-1]
    return found


def as_user(arguments: list[str]) -> list[str]:
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", *arguments]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="Make the environment anew with pip, as the recipe does.")
    parser.add_argument(
        "--python", default=sys.executable, help="With --fresh: the interpreter; every user must be able to run it."
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("This takes the steps of a container's recipe and needs root, as that does.")
    folder = Path(tempfile.mkdtemp(prefix="vf-bare-", dir="/tmp"))
    folder.chmod(0o755)
    code, data = folder / "videoflow", folder / "data"
    code.mkdir()
    data.mkdir(mode=0o700)
    os.chown(data, USER, USER)
    ignored = shutil.ignore_patterns("__pycache__", "tests")
    try:
        for name in copies():
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, code / name, ignore=ignored)
            else:
                shutil.copy(source, code / name)
        if options.fresh:
            began = time.monotonic()
            subprocess.run([options.python, "-m", "venv", str(code / ".venv")], check=True, timeout=SECONDS)
            pip = [
                str(code / ".venv/bin/pip"),
                "install",
                "-q",
                "--disable-pip-version-check",
                "-r",
                str(code / "requirements.txt"),
            ]
            subprocess.run(pip, check=True, timeout=SECONDS)
            print(f"packages: installed in {time.monotonic() - began:.0f} s")
        else:
            (code / ".venv").symlink_to(ROOT / ".venv")
        python = str(code / ".venv" / "bin" / "python")
        subprocess.run([python, "-m", "compileall", "-q", str(code / "videoflow")], check=True, timeout=SECONDS)
        given = {
            "PATH": f"{code}/.venv/bin:/usr/bin:/bin",
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "VIDEOFLOW_DATA": str(data),
        }

        def manage(*arguments: str) -> str:
            began = time.monotonic()
            done = subprocess.run(
                as_user([python, "manage.py", *arguments]),
                cwd=code,
                env=given,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            print(f"{arguments[0]}: code {done.returncode}, {time.monotonic() - began:.0f} s")
            if done.returncode:
                raise SystemExit(f"{done.stdout}{done.stderr}"[-3000:])
            return done.stdout

        manage("migrate", "--no-input")
        manage("doctor")
        (data / "script.txt").write_text(SCRIPT, encoding="utf-8")
        (data / "script.txt").chmod(0o644)
        manage("make_video", "--script", str(data / "script.txt"), "--out", str(data / "film.mp4"))
        print(f"film.mp4: {(data / 'film.mp4').stat().st_size / 1e6:.1f} MB")
        parts(code, data, python, given)
        changed = [path for path in code.rglob("*") if path.is_file() and path.stat().st_uid == USER]
        print(f"files that the studio has written beside its data: {len(changed)}")
        if changed:
            raise SystemExit(1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parts(code: Path, data: Path, python: str, given: dict[str, str]) -> None:
    """Start the parts as compose.yaml does, until all of them are ready, and end them."""
    port = free_port()
    socket = data / "redis.sock"
    given = {**given, "REDIS_URL": f"unix://{socket}", "VIDEOFLOW_LOG_FORMAT": "JSON"}
    commands = {
        "redis": redis_command(socket=socket, folder=data, keep=False),
        "web": [python, "manage.py", "serve", "--port", str(port)],
        "worker-io": [python, "manage.py", "run_worker", "--queues", "io"],
        "worker-cpu": [python, "manage.py", "run_worker", "--queues", "cpu"],
        "worker-upload": [python, "manage.py", "run_worker", "--queues", "upload"],
        "dispatcher": [python, "manage.py", "run_dispatcher", "--no-tasks"],
    }
    with ExitStack() as stack:
        running = {}
        for name, command in commands.items():
            log = stack.enter_context((data / f"{name}.log").open("wb"))
            running[name] = subprocess.Popen(as_user(command), cwd=code, env=given, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 300
            answer = None
            while not answer or answer["status"] != "ok":
                fallen = [name for name, process in running.items() if process.poll() is not None]
                if fallen or time.monotonic() > deadline:
                    logs = "".join((data / f"{name}.log").read_text()[-1500:] for name in fallen)
                    raise SystemExit(f"Not ready: {json.dumps(answer)} {fallen} {logs}")
                time.sleep(0.5)
                with suppress(httpx.TransportError):
                    answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).json()
            print(f"parts: {json.dumps(answer['checks'])}")
        finally:
            for name in reversed(running):
                running[name].send_signal(signal.SIGTERM)
            for process in running.values():
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(60)
    print(f"ended: { ({name: process.returncode for name, process in running.items()}) }")


if __name__ == "__main__":
    main()
