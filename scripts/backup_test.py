#!/usr/bin/env python3
"""Back a studio up, make another one of the backup, and compare: every row, every byte of the media, every stored key.

Fills a studio of its own (temporary data folders) with projects, does it once at rest and once while another process makes and
deletes projects, and prints what it found. With DATABASE_URL the rows of the first studio are there; then name an empty database
for the restored one in RESTORED_DATABASE_URL.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tasks.tests.noop.machine import clean_environment  # noqa: E402

HAND = "videoflow.health.tests.backup_studio"
SECONDS = 900
CHURN_SECONDS = 20


def environment(data: Path, database: str = "") -> dict[str, str]:
    return {**clean_environment(data), **({"DATABASE_URL": database} if database else {})}


def manage(given: dict[str, str], *arguments: str) -> tuple[str, float]:
    """Run a command of the studio; return what it said and its seconds."""
    began = time.monotonic()
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout.strip(), time.monotonic() - began


def hand(given: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", HAND, *arguments]
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout


def state(given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(hand(given, "state"))
    return body


def media(data: Path) -> dict[str, str]:
    """Return the SHA-256 of each media file."""
    found = {}
    for path in sorted((data / "media").rglob("*")):
        if path.is_file():
            with path.open("rb") as reader:
                found[str(path.relative_to(data))] = hashlib.file_digest(reader, "sha256").hexdigest()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vf-backup-"))
    console, failed = Console(), []
    table = Table("check", "figure", "well")

    def check(what: str, figure: str, *, well: bool) -> None:
        table.add_row(what, figure, "yes" if well else "NO")
        if not well:
            failed.append(what)

    try:
        source = environment(folder / "source", os.environ.get("DATABASE_URL", ""))
        before = json.loads(hand(source, "fill", str(options.projects)))
        _, backup_seconds = manage(source, "backup", str(folder / "rest.tar"))
        archive = folder / "rest.tar"
        _, check_seconds = manage(source, "backup", "--check", str(archive))
        restored = environment(folder / "restored", os.environ.get("RESTORED_DATABASE_URL", ""))
        said, restore_seconds = manage(restored, "restore", str(archive))
        after = state(restored)
        files, copies = media(folder / "source"), media(folder / "restored")
        rows = sum(map(len, before["tables"].values()))
        check("rows equal", f"{rows} rows of {len(before['tables'])} tables", well=before["tables"] == after["tables"])
        check("media equal", f"{len(files)} files, {archive.stat().st_size / 1e6:.0f} MB", well=bool(files) and files == copies)
        check("keys usable", f"{len(after['keys'])} opened", well=len(after["keys"]) == 3 and after["keys"] == before["keys"])
        check("mode of the archive", oct(archive.stat().st_mode & 0o777), well=archive.stat().st_mode & 0o777 == 0o600)
        check("backup, check, restore", f"{backup_seconds:.1f} s, {check_seconds:.1f} s, {restore_seconds:.1f} s", well=True)

        if "RESTORED_DATABASE_URL" not in os.environ:
            churning = subprocess.Popen(
                [sys.executable, "-m", HAND, "churn", str(CHURN_SECONDS)], env=source, cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            assert churning.stdout is not None
            churning.stdout.readline()
            manage(source, "backup", str(folder / "busy.tar"))
            is_churning = churning.poll() is None
            made = churning.communicate(timeout=CHURN_SECONDS * 6)[0].strip()
            second = environment(folder / "second")
            manage(second, "restore", str(folder / "busy.tar"))
            missing = state(second)["missing"]
            check("while projects come and go", f"{made}, {len(missing)} files missing", well=is_churning and not missing)
        console.print(table)
        console.print(said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if failed:
        raise SystemExit(f"Not well: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
