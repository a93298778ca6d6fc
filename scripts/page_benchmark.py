#!/usr/bin/env python3
"""How long the pages take the server, how many queries they ask, and how many bytes of ours travel before any media.

Starts a studio of its own (temporary data folder), fills it with 200 projects and a finished one of 40 scenes, asks for each page
again and again from this machine, opens the workflow page in Chromium for the bytes, and ends the studio. Loopback only.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from videoflow.tests.page_waits import page_waits  # noqa: E402
from videoflow.tests.whole_studio import whole_studio  # noqa: E402

COOKIE = "page-benchmark"
TARGET_P95_MS = 150.0
TARGET_BYTES = 150_000
MEDIA = ("Media", "Image")


def travelled(url: str, path: str, shot: Path | None) -> dict[str, int]:
    """Return the bytes on the wire by kind of resource, until the page has come to rest, with an empty cache."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("This needs Chromium. On Debian and Ubuntu install it with: apt install chromium")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1440, "height": 1000})
        context.add_cookies([{"name": "videoflow_creator", "value": COOKIE, "url": url}])
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))

        def finished(event: dict[str, Any]) -> None:
            kind = kinds.get(event["requestId"], "Other")
            sizes[kind] = sizes.get(kind, 0) + int(event["encodedDataLength"])

        session.on("Network.loadingFinished", finished)
        page.goto(url + path)
        page.wait_for_timeout(3000)
        if shot:
            page.screenshot(path=shot)
        browser.close()
    return sizes


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=60, choices=range(10, 501), metavar="10-500", help="requests for each page")
    options.add_argument("--shot", type=Path, help="where to keep a screenshot of the workflow page")
    asked = options.parse_args()
    console = Console(width=110)
    with whole_studio() as (url, hand):
        project = hand.ask("large", COOKIE)["project"]
        pages = {"workflow": f"/projects/{project}/", "history": "/projects/", "start": "/"}
        panels = ("trending_analysis", "script_generation", "media_generation", "video_composition", "youtube_upload")
        pages |= {f"panel {name}": f"/projects/{project}/panels/{name}/" for name in panels}
        table = Table(title=f"{asked.times} requests each; load {os.getloadavg()[0]:.1f}")
        for column in ("page", "p50 ms", "p95 ms", "queries", "KB sent", "KB unpacked"):
            table.add_column(column, justify="left" if column == "page" else "right")
        p95 = 0.0
        for name, path in pages.items():
            waits, sent, whole = page_waits(url, path, asked.times, cookies={"videoflow_creator": COOKIE})
            slow = waits[int(0.95 * len(waits))]
            p95 = slow if name == "workflow" else p95
            queries = hand.ask("queries", COOKIE, path)["queries"]
            table.add_row(
                name, f"{waits[len(waits) // 2]:.0f}", f"{slow:.0f}", str(queries), f"{sent / 1000:.1f}", f"{whole / 1000:.1f}"
            )
        console.print(table)
        sizes = travelled(url, pages["workflow"], asked.shot)
    ours = sum(size for kind, size in sizes.items() if kind not in MEDIA)
    told = ", ".join(f"{kind} {size / 1000:.1f}" for kind, size in sorted(sizes.items()))
    console.print(
        f"Workflow page: p95 {p95:.0f} ms (at most {TARGET_P95_MS:.0f}); before media {ours / 1000:.1f} KB (at most 150): {told}"
    )
    return 0 if p95 <= TARGET_P95_MS and ours <= TARGET_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
