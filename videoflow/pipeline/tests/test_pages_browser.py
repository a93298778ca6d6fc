"""The pages in a real Chromium, before a real server."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[3]
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 15_000


class Studio:
    """A server with a data folder of its own, and a hand in its database."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {"VIDEOFLOW_DATA": str(folder), "PYTHONUNBUFFERED": "1"}
        (folder / "tmp").mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._manage("migrate", "--verbosity", "0")
        self._hand = subprocess.Popen(
            [sys.executable, "-m", "videoflow.pipeline.tests.studio_hand"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    def _manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=True, timeout=60)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 40
        while True:
            try:
                httpx.get(f"{self.url}/settings/", timeout=5)
                return
            except httpx.TransportError:
                assert self._server.poll() is None and time.monotonic() < deadline, self.log.read_text()

    @property
    def server_pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def stop(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait(timeout=10)

    def do(self, *command: str) -> dict[str, Any]:
        assert self._hand.stdin is not None
        assert self._hand.stdout is not None
        self._hand.stdin.write(json.dumps(command) + "\n")
        self._hand.stdin.flush()
        reply = self._hand.stdout.readline()
        assert reply, f"{command} failed"
        result: dict[str, Any] = json.loads(reply)
        return result

    def close(self) -> None:
        assert self._hand.stdin is not None
        self._hand.stdin.close()
        self._hand.wait(timeout=10)
        self.stop()


@pytest.fixture(scope="module")
def studio(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    running = Studio(tmp_path_factory.mktemp("studio") / "data")
    yield running
    running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "The browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console said in anger; a test of a healthy page asserts that it stayed empty."""
    return []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(WAIT_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    return opened


def sign_in(context: BrowserContext, studio: Studio, cookie: str) -> None:
    context.add_cookies([{"name": "videoflow_creator", "value": cookie, "url": studio.url}])


def test_sample_from_the_start_page_to_themes_without_a_reload(studio: Studio, page: Page, complaints: list[str]) -> None:
    page.goto(studio.url)
    page.get_by_role("button", name="Try it with the sample").click()
    page.wait_for_url("**/projects/*/")
    expect(page.locator("[data-pill]")).to_have_text("Live", timeout=WAIT_MS)
    page.evaluate("window.wasHere = true")
    assert studio.do("work", "io")["status"] == "completed"
    panel = page.locator("#panel-trending_analysis")
    expect(panel.locator(".badge").first).to_contain_text("Done", timeout=WAIT_MS)
    expect(panel.locator("input[name=theme_ids]")).to_have_count(15)
    assert page.evaluate("window.wasHere"), "the page was loaded anew"
    assert complaints == []


def test_file_that_is_too_large_is_refused_before_it_travels(studio: Studio, page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(300_000_001)  # a sparse file: it takes no room
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.goto(studio.url)
    page.locator("#id_file").set_input_files(large)
    page.get_by_role("button", name="Find the themes").click()
    assert page.locator("#id_file").evaluate("input => input.validationMessage") == "This file has 301 MB; 300 MB are the most."
    page.locator("#id_file").set_input_files([])
    page.get_by_role("button", name="Find the themes").click()
    expect(page.locator(".error")).to_contain_text("Choose a file first")
    assert sent.count("POST") == 1


def test_refusal_without_scripts_keeps_what_was_typed(studio: Studio, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{studio.url}/?way=topic")
    page.get_by_label("Topic", exact=True).fill("Tiny forests")
    page.get_by_role("button", name="Make the video").click()
    assert page.locator(".error").count() == 1
    assert page.get_by_label("Topic", exact=True).input_value() == "Tiny forests"
    plain.close()


def test_figures_move_and_tiles_appear_as_they_are_made(
    studio: Studio, context: BrowserContext, page: Page, complaints: list[str]
) -> None:
    sign_in(context, studio, "figures")
    made = studio.do("running", "figures", "media_generation")
    page.goto(f"{studio.url}/projects/{made['project']}/")
    expect(page.locator("[data-pill]")).to_have_text("Live")
    studio.do("progress", made["task"], "42", "Picture 3 of 8")
    panel = page.locator("#panel-media_generation")
    expect(panel.locator(".running-text")).to_have_text("Picture 3 of 8")
    expect(panel.locator("progress.bar").first).to_have_js_property("value", 42)
    expect(page).to_have_title("47 % · Why everyone watches tiny forests · videoflow")
    studio.do("pictures", made["project"], "3")
    studio.do("progress", made["task"], "50", "Picture 4 of 8", "scenes")
    expect(panel.locator(".tile:not(.tile-coming)")).to_have_count(3)
    studio.do("complete", made["task"], "8 scenes")
    expect(page.locator("#panel-video_composition .badge").first).to_contain_text("Ready to start")
    assert complaints == []


def test_restarted_server_is_found_again_and_nothing_is_missed(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "restart")
    made = studio.do("running", "restart", "media_generation")
    page.goto(f"{studio.url}/projects/{made['project']}/")
    pill = page.locator("[data-pill]")
    expect(pill).to_have_text("Live")
    page.locator("#panel-script_generation > summary").click()
    studio.stop()
    expect(pill).not_to_have_text("Live")
    studio.do("progress", made["task"], "61", "While nobody listened")
    studio.start()
    expect(pill).to_have_text("Live", timeout=30_000)
    expect(page.locator("#panel-media_generation .running-text")).to_have_text("While nobody listened")
    expect(page.locator("#panel-script_generation")).to_have_attribute("open", "")


def test_sockets_refused_are_replaced_by_the_poll(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "poll")
    made = studio.do("running", "poll", "media_generation")
    page.route_web_socket("**/ws/progress/**", lambda socket: socket.close(code=1011))
    page.goto(f"{studio.url}/projects/{made['project']}/")
    studio.do("progress", made["task"], "33", "Through the poll")
    expect(page.locator("#panel-media_generation .running-text")).to_have_text("Through the poll", timeout=30_000)
    expect(page.locator("[data-pill]")).to_contain_text("every 5 s", timeout=30_000)


def test_cancel_stays_on_the_page(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "cancel")
    made = studio.do("running", "cancel", "media_generation")
    page.goto(f"{studio.url}/projects/{made['project']}/")
    page.locator("#panel-media_generation").get_by_role("button", name="Cancel").click()
    expect(page.locator("#panel-media_generation .badge").first).to_contain_text("Cancelled")
    assert studio.do("status", made["task"])["status"] == "cancelled"
    expect(page.locator("#panel-media_generation").get_by_role("button", name="Retry", exact=True)).to_be_visible()


def test_video_plays_and_chapters_seek(studio: Studio, context: BrowserContext, page: Page, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=10:d=130"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *codec, str(video)], check=True, timeout=60)
    sign_in(context, studio, "video")
    made = studio.do("finished", "video", str(video))
    page.goto(f"{studio.url}/projects/{made['project']}/")
    player = page.locator("#player")
    page.locator(".chapter").nth(2).click()
    expect(page.locator(".chapter").nth(2)).to_have_attribute("aria-current", "true")
    assert player.evaluate("video => video.currentTime") >= 122
    assert player.evaluate("video => video.seekable.end(0)") > 125
    assert player.evaluate("video => video.readyState") >= 1


def test_theme_switch_needs_no_reload_and_lasts(studio: Studio, page: Page) -> None:
    page.goto(studio.url)
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("width_px", [360, 2560])
def test_no_page_scrolls_sideways(studio: Studio, context: BrowserContext, page: Page, width_px: int, tmp_path: Path) -> None:
    sign_in(context, studio, f"width{width_px}")
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"\0" * 2000)
    made = studio.do("finished", f"width{width_px}", str(empty))
    page.set_viewport_size({"width": width_px, "height": 800})
    for path in ("/", "/?way=topic", "/projects/", "/tasks/", "/settings/", f"/projects/{made['project']}/"):
        page.goto(studio.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width_px, path
