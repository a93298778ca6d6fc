"""A studio of its own for each module of browser tests, and a real Chromium before it. A plugin of the tests.

Both live as long as the module: Playwright's loop stands in the way of asyncio's while its browser is open.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from videoflow.tests.own_rows import rows_drop, rows_of, tables_make
from videoflow.tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--expose-gc",
]
WAIT_MS = 90_000
"""A shared machine may be slow; whatever is waited for ends the wait as soon as it is there."""


expect.set_options(timeout=WAIT_MS)


class Studio:
    """A server with a data folder of its own, and a hand in its database."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = os.environ | {"VIDEOFLOW_DATA": str(folder), "PYTHONUNBUFFERED": "1"} | rows_of(folder) | environment
        (folder / "tmp").mkdir(parents=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        tables_make(folder)
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

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 240
        while True:
            try:
                httpx.get(f"{self.url}/settings/", timeout=120)
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
        self._server.wait(timeout=60)

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
        self._hand.wait(timeout=120)  # it says good-bye to the database, on a machine with other things to do
        self.stop()
        rows_drop(self.folder)


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
        opened = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS, timeout=WAIT_MS)
        yield opened
        opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console said in anger; a test of a healthy page asserts that it stayed empty."""
    return []


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    """How the module's browser is set up; a module with a fixture of this name sets up its own."""
    return {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB"}


@pytest.fixture
def context(browser: Browser, browsing: dict[str, Any]) -> Iterator[BrowserContext]:
    opened = browser.new_context(**browsing)
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


def wait_until(
    page: Page, holds: Callable[[], bool], told: Callable[[], object] = lambda: "it did not reach the database"
) -> None:
    """Wait until something holds that the page does not show; ``told`` says what there is instead."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while not holds():
        assert time.monotonic() < deadline, told()
        page.wait_for_timeout(100)
