#!/usr/bin/env python
"""Time a newcomer's first run in a real Chromium: from the press of "Try it with the sample" to moving pictures.

Run it beside a studio that has no cache yet: ``scripts/first_run_test.py --url http://127.0.0.1:8000``. It prints the seconds
until the first look plays and, with ``--whole``, until the finished video does; it ends with 1 when the first look took too long.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
PLAYS = """async (selector) => {
  const video = document.querySelector(selector);
  if (!video) return false;
  video.muted = true;
  await video.play().catch(() => {});
  return video.currentTime > 0.3;
}"""


def plays_after(page: Page, selector: str, started: float, give_up_seconds: float) -> float:
    """Return the seconds from ``started`` until the player of that selector moves."""
    while time.monotonic() - started < give_up_seconds:
        if page.evaluate(PLAYS, selector):
            return time.monotonic() - started
        page.wait_for_timeout(250)
    raise SystemExit(f"Nothing played within {give_up_seconds:.0f} s.")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", default="http://127.0.0.1:8000")
    options.add_argument("--limit", type=float, default=60.0, help="seconds for the first look")
    options.add_argument("--whole", action="store_true", help="wait for the finished video too")
    options.add_argument("--shots", type=Path, help="folder for screenshots on the way")
    asked = options.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("This needs Chromium. On Debian and Ubuntu install it with: apt install chromium")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})

        def shot(name: str) -> None:
            if asked.shots:
                asked.shots.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=asked.shots / f"{name}.png")

        page.goto(asked.url)
        started = time.monotonic()
        page.locator("button[name=use][value=sample]").click()
        page.wait_for_url("**/projects/**")
        shot("1-begun")
        first = plays_after(page, "#first-look video", started, 600)
        shot("2-first-look")
        load = os.getloadavg()[0]
        print(f"The first look plays after {first:.1f} s; load {load:.1f}; {page.url}", flush=True)
        if asked.whole:
            whole = plays_after(page, "#player", started, 1800)
            shot("3-finished")
            print(f"The finished video plays after {whole:.1f} s; load {os.getloadavg()[0]:.1f}", flush=True)
        browser.close()
    return 0 if first <= asked.limit else 1


if __name__ == "__main__":
    sys.exit(main())
