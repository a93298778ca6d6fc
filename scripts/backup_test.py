#!/usr/bin/env python3
"""Back a studio up, make another one of the backup, compare every row, media file and stored key, and work in the new one.

Fills a studio of its own (temporary data folders) with projects, does it once at rest and once while another process makes and
deletes projects, starts the restored studio, looks through its history, plays a video and has a stored key used on a service of
this machine. Prints what it found, and ends what it started.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402
import imageio_ffmpeg  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.providers.tests.fake_service import Asked, FakeService, Told  # noqa: E402
from videoflow.tasks.tests.noop.machine import NotReady, clean_environment  # noqa: E402
from videoflow.tests.postgresql import own_cluster  # noqa: E402
from videoflow.tests.whole_studio import studio_run  # noqa: E402

HAND = "videoflow.health.tests.backup_studio"
COOKIE = "backup-test"
KEY = "sk-trial-0-0123456789abcdef"
SECONDS = 900
CHURN_SECONDS = 20
PARTS = 4
_FILM = re.compile(r"/media/[0-9a-f-]{36}/[^\"?]+\.mp4")
_PROJECT = re.compile(r'href="(/projects/[0-9a-f-]{36}/)[^"]*">([^<]+)</a></h3>')
_TOTAL = re.compile(r'role="status">(\d+) project')
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Findings:
    """What was looked at, what came of it, and what is not well."""

    table: Table = field(default_factory=lambda: Table("check", "figure", "well"))
    failed: list[str] = field(default_factory=list)

    def note(self, what: str, figure: str, *, well: bool) -> None:
        self.table.add_row(what, figure, "yes" if well else "NO")
        if not well:
            self.failed.append(what)


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


@contextmanager
def places(folder: Path, database: str) -> Iterator[dict[str, dict[str, str]]]:
    """Give the environments of three studios by name: a data folder each, and a database each where that is PostgreSQL."""
    given = {name: clean_environment(folder / name) for name in ("source", "restored", "second")}
    if database == "sqlite":
        yield given
        return
    with own_cluster() as cluster:
        yield {name: each | {"DATABASE_URL": cluster.database_make(name)} for name, each in given.items()}


def at_rest(given: dict[str, dict[str, str]], folder: Path, projects: int, found: Findings) -> None:
    """Back a studio up, restore it and compare the two."""
    before = json.loads(hand(given["source"], "fill", str(projects)))
    archive = folder / "rest.tar"
    _, backup_seconds = manage(given["source"], "backup", str(archive))
    _, check_seconds = manage(given["source"], "backup", "--check", str(archive))
    said, restore_seconds = manage(given["restored"], "restore", str(archive))
    print(said)
    after = state(given["restored"])
    files, copies = media(folder / "source"), media(folder / "restored")
    rows = sum(map(len, before["tables"].values()))
    found.note("rows equal", f"{rows} rows of {len(before['tables'])} tables", well=before["tables"] == after["tables"])
    found.note("media equal", f"{len(files)} files, {archive.stat().st_size / 1e6:.0f} MB", well=bool(files) and files == copies)
    found.note("keys usable", f"{len(after['keys'])} opened", well=len(after["keys"]) == 3 and after["keys"] == before["keys"])
    mode = archive.stat().st_mode & 0o777
    found.note("mode of the archive", oct(mode), well=mode == 0o600)
    found.note("backup, check, restore", f"{backup_seconds:.1f} s, {check_seconds:.1f} s, {restore_seconds:.1f} s", well=True)


def while_busy(given: dict[str, dict[str, str]], folder: Path, found: Findings) -> None:
    """Back the studio up while projects come and go, restore that, and look for the files that its rows name."""
    churning = subprocess.Popen(
        [sys.executable, "-m", HAND, "churn", str(CHURN_SECONDS)],
        env=given["source"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert churning.stdout is not None
    churning.stdout.readline()
    manage(given["source"], "backup", str(folder / "busy.tar"))
    is_churning = churning.poll() is None
    made = churning.communicate(timeout=CHURN_SECONDS * 6)[0].strip()
    manage(given["second"], "restore", str(folder / "busy.tar"))
    missing = state(given["second"])["missing"]
    found.note("while projects come and go", f"{made}, {len(missing)} files missing", well=is_churning and not missing)


def work_in(restored: dict[str, str], projects: int, found: Findings) -> None:
    """Start a restored studio and do in it what a creator does who comes back."""
    with FakeService() as fake:
        seen: list[str] = []

        @fake.route("GET", "/v1/models")
        def models(asked: Asked) -> Told:
            seen.append(asked.headers.get("authorization", ""))
            return Told({"object": "list", "data": [{"id": "trial-1", "object": "model"}]})

        given = restored | {"VIDEOFLOW_OPENAI_BASE_URL": f"{fake.url}/v1"}
        began = time.monotonic()
        with studio_run(given) as url, httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as client:
            found.note("the restored studio starts", f"{time.monotonic() - began:.0f} s", well=True)
            client.cookies.set("videoflow_creator", COOKIE)
            _history(client, projects // 3 + (projects % 3 > 0) + 1, found)
            _film(client, found)
            page = client.get("/settings/").text
            token = _CSRF.search(page)
            form = {"act": "test", "csrfmiddlewaretoken": token[1] if token else ""}
            answer = client.post("/settings/services/openai/", data=form, headers={"HX-Request": "true", "Referer": url})
            used = answer.status_code == 200 and seen == [f"Bearer {KEY}"]
            found.note("a stored key is used", f"{len(seen)} request with the key it was", well=used)


def _history(client: httpx.Client, expected: int, found: Findings) -> None:
    """Go through all pages of the history."""
    titles: list[str] = []
    page = client.get("/projects/")
    total = _TOTAL.search(page.text)
    for number in range(1, 2 + (int(total[1]) if total else 0) // 24):
        titles += [title for _, title in _PROJECT.findall(client.get(f"/projects/?page={number}").text)]
    well = page.status_code == 200 and len(titles) == expected
    found.note("projects of a creator listed", f"{len(titles)} of {expected}", well=well)


def _film(client: httpx.Client, found: Findings) -> None:
    """Open the project whose video plays, fetch it in ranges as a browser does, and decode every picture."""
    cards = {title: path for path, title in _PROJECT.findall(client.get("/projects/?q=plays").text)}
    film = _FILM.search(client.get(f"{cards.get('The one that plays', '/projects/')}panels/video_composition/").text)
    if film is None:
        found.note("a video plays", "the page has none", well=False)
        return
    whole = client.get(film[0]).content
    step = len(whole) // PARTS + 1
    parts = [client.get(film[0], headers={"Range": f"bytes={start}-{start + step - 1}"}) for start in range(0, len(whole), step)]
    is_whole = all(part.status_code == 206 for part in parts) and b"".join(part.content for part in parts) == whole
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-f", "framemd5", "pipe:1"]
    decoded = subprocess.run(command, input=whole, capture_output=True, timeout=SECONDS, check=False)
    pictures = sum(line[:1] == b"0" for line in decoded.stdout.splitlines())
    well = is_whole and decoded.returncode == 0 and not decoded.stderr and pictures == 100
    found.note("a video plays", f"{len(whole):,} bytes in {len(parts)} ranges, {pictures} pictures", well=well)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=100, choices=range(3, 1001), metavar="3-1000")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="postgresql: a server of its own")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vf-backup-"))
    found = Findings()
    found.table.title = f"{options.database}, {options.projects} projects; load {os.getloadavg()[0]:.1f}"
    try:
        with places(folder, options.database) as given:
            at_rest(given, folder, options.projects, found)
            while_busy(given, folder, found)
            work_in(given["restored"], options.projects, found)
        Console(width=110).print(found.table)
    except (NotReady, httpx.HTTPError) as error:
        Console(width=110).print(found.table)
        raise SystemExit(f"The test ended early: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found.failed:
        raise SystemExit(f"Not well: {', '.join(found.failed)}.")


if __name__ == "__main__":
    main()
