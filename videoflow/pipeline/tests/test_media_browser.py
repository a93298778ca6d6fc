"""The media panel in a real Chromium: every control, and what it does to the database."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from videoflow.tests.browser import Studio, sign_in

pytestmark = pytest.mark.browser
SLOW_MS = 40_000
"""Drawing and looking at files start a process, on a machine with other things to do."""


def opened(studio: Studio, context: BrowserContext, page: Page, cookie: str) -> str:
    sign_in(context, studio, cookie)
    project: str = studio.do("drawn", cookie)["project"]
    page.goto(f"{studio.url}/projects/{project}/#panel-media_generation")
    expect(page.locator("#scene-tiles .scene-tile")).to_have_count(6)
    return project


def photo(folder: Path, name: str, size: tuple[int, int]) -> Path:
    path = folder / name
    Image.effect_noise(size, 90).convert("RGB").save(path, "PNG")
    return path


def test_a_scenes_picture(studio: Studio, context: BrowserContext, page: Page, complaints: list[str]) -> None:
    project = opened(studio, context, page, "scene")

    def now() -> dict[str, Any]:
        return studio.do("scene", project, "1")

    tile = page.locator("#scene-tiles > li").nth(1)
    tile.get_by_role("button", name="Lock scene 2").press("Enter")
    expect(tile.locator(".scene-state")).to_contain_text("Locked")
    expect(tile.get_by_role("button", name="Lock scene 2")).to_be_focused()
    assert now()["is_locked"]
    tile.get_by_role("button", name="Another picture for scene 2").click()
    expect(tile.locator(".scene-edit .num")).to_have_text("· 2", timeout=SLOW_MS)
    drawn = now()
    assert drawn["asset"] != drawn["made"]

    tile.get_by_role("link", name="Edit scene 2").click()
    room = page.locator("dialog[open] .scene-room")
    expect(room.locator(".candidate")).to_have_count(2)
    room.locator(".candidate").first.click()
    expect(room.locator(".candidate").first).to_have_attribute("aria-current", "true")
    assert now()["asset"] == drawn["made"]
    room.locator(".candidate").last.click()
    room.get_by_role("button", name="Restore the first").click()
    expect(room.get_by_role("button", name="Restore the first")).to_have_count(0)
    assert now()["asset"] == drawn["made"]
    room.get_by_label("What it shows").fill("Trees in a row")
    expect(room.locator("[data-save-state]")).to_contain_text("Saved")
    assert now()["alt"] == "Trees in a row"
    room.get_by_role("link", name="From the library").click()
    room.locator(".library .candidate").nth(3).click()
    expect(room.locator(".library")).to_have_count(0)
    assert now()["asset"] != drawn["made"]
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("#scene-tiles > li").nth(1).locator("[id^=tile-open]")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#steps [role=status]")).to_contain_text("Undone")
    assert now()["asset"] == drawn["made"]
    # htmx speaks of elements that were drawn anew, and requests given up, before the answer came; 422 is ours.
    spoken = ("htmx:afterRequest", "htmx:sendAbort")
    assert [line for line in complaints if "422" not in line and not line.startswith(spoken)] == []


def test_own_file_goes_on_after_the_line_broke_and_after_a_reload(
    studio: Studio,
    context: BrowserContext,
    page: Page,
    tmp_path: Path,
) -> None:
    project = opened(studio, context, page, "own")
    file = photo(tmp_path, "holiday.png", (2000, 2200))  # 13 MB: four pieces
    pieces: list[str] = []

    def cut(route: Route) -> None:
        if route.request.method == "PATCH":
            pieces.append(route.request.headers["upload-offset"])
            if len(pieces) >= 2:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/uploads/*/", cut)
    page.locator("#scene-tiles [data-scene-open]").first.click()
    page.locator("dialog [data-upload] input[type=file]").set_input_files(file)
    expect(page.locator(".coming-said")).to_contain_text("The line broke", timeout=SLOW_MS)
    page.reload()
    page.unroute("**/uploads/*/")
    page.locator("#scene-tiles [data-scene-open]").first.click()
    expect(page.locator("dialog .bring-pending")).to_contain_text("holiday.png stopped at 4.2 MB")
    offsets: list[str] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            offsets.append(request.headers["upload-offset"])

    page.on("request", note)
    page.locator("dialog [data-upload] input[type=file]").set_input_files(file)
    room = page.locator("dialog[open] .scene-room")
    expect(room.locator(".provenance")).to_contain_text("holiday.jpg", timeout=SLOW_MS)
    assert offsets[0] == str(4 * 1024 * 1024)
    assert studio.do("scene", project, "0")["origin"] == "upload"
    room.get_by_label("Author and source").fill("Ada Lens")
    expect(room.locator("[data-save-state]")).to_contain_text("Saved")
    assert studio.do("scene", project, "0")["credit"] == "Ada Lens"
    wrong = tmp_path / "list.mp4"
    wrong.write_text("#EXTM3U\n/etc/passwd\n")
    room.locator("[data-upload] input[type=file]").set_input_files(wrong)
    expect(page.locator(".coming-file[data-state=refused]")).to_contain_text("“list.mp4” is neither a picture", timeout=SLOW_MS)


def test_music_and_recordings(studio: Studio, context: BrowserContext, page: Page) -> None:
    project = opened(studio, context, page, "sound")
    music = page.locator("#media-music")
    music.locator("#media-music-level").fill("-12")
    expect(music.locator("[data-save-state]")).to_contain_text("Saved")
    assert studio.do("scene", project, "0")["music"]["level_db"] == -12
    music.get_by_label("Mood").select_option("warm")
    music.get_by_role("button", name="Use this mood").click()
    expect(music.locator(".wave-bars")).to_have_attribute("d", re.compile(r"(M[^M]*){100}"), timeout=SLOW_MS)
    assert studio.do("scene", project, "0")["music"]["mood"] == "warm"
    music.get_by_label("Under the voices").uncheck()
    expect(music.locator("[data-save-state]")).to_contain_text("Saved")
    assert not studio.do("scene", project, "0")["music"]["is_on"]
    page.locator("#fold-recordings > summary").click()
    first = page.locator(".recording").first
    first.get_by_role("button").click()
    expect(first.locator("[data-words] span")).to_have_count(len(first.locator("[data-words]").inner_text().split()))
