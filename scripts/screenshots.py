#!/usr/bin/env python3
"""Make the pictures of the documentation from a real project: docs/workflow.png, docs/workflow-dark.png and docs/frames.jpg.

Starts a studio of its own (temporary data folder), presses "Try it with the sample" as a newcomer does, waits for the finished
video (three minutes of it take two to ten minutes), takes the pictures and ends the studio. Loopback only.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
if sys.prefix == sys.base_prefix and VENV.exists():
    os.execv(VENV, [str(VENV), *sys.argv])
sys.path.insert(0, str(ROOT))

import imageio_ffmpeg  # noqa: E402
from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402

from videoflow.tests.whole_studio import whole_studio  # noqa: E402

WIDTH_PX, HEIGHT_PX = 1440, 1640
COLUMNS, ROWS, FRAME_PX, GAP_PX = 4, 3, 400, 8
PATIENCE_MS = 30 * 60_000


def workflow(page: Page, url: str, folder: Path) -> None:
    """Make the sample's video and picture its page in both themes."""
    page.goto(url)
    page.locator("button[name=use][value=sample]").click()
    page.wait_for_url("**/projects/**")
    expect(page.locator("#player")).to_be_visible(timeout=PATIENCE_MS)
    page.goto(page.url.split("#")[0])  # as it stands for one who comes back
    expect(page.locator("[data-pill]")).to_have_text("Live")
    expect(page.locator("#compose-state [data-cost], #compose-state .good").first).to_be_visible()
    for theme, name in (("light", "workflow.png"), ("dark", "workflow-dark.png")):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / name)


def frames(page: Page, folder: Path) -> None:
    """Lay twelve frames of the finished video side by side."""
    player = page.locator("#player")
    address = player.evaluate("video => video.currentSrc")
    seconds = float(player.evaluate("video => video.duration"))
    with tempfile.TemporaryDirectory() as work:
        film = Path(work) / "video.mp4"
        answer = page.context.request.get(f"{address}?download=1", timeout=PATIENCE_MS)
        film.write_bytes(answer.body())
        count = COLUMNS * ROWS
        tiles = (
            f"fps={count}/{seconds:.2f},scale={FRAME_PX}:-2,tile={COLUMNS}x{ROWS}:padding={GAP_PX}:margin={GAP_PX}:color=white"
        )
        argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(film), "-vf", tiles, "-frames:v", "1"]
        subprocess.run([*argv, "-q:v", "3", str(folder / "frames.jpg")], check=True, timeout=300)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=ROOT / "docs", help="folder for the pictures")
    asked = options.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("This needs Chromium. On Debian and Ubuntu install it with: apt install chromium")
    with whole_studio() as (url, _hand), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="en-GB", reduced_motion="reduce")
        page.set_default_timeout(60_000)
        workflow(page, url, asked.out)
        frames(page, asked.out)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
