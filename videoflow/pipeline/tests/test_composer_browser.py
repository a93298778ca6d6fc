"""The composer in a real Chromium: every control, and its effect in the database."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Route, expect

from videoflow.tests.browser import Studio, sign_in, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 1000}, "locale": "en-GB"}


class Room:
    """The open composer of a project, and what the database has of it."""

    def __init__(self, studio: Studio, context: BrowserContext, cookie: str) -> None:
        self.studio = studio
        sign_in(context, studio, cookie)
        self.project = studio.do("composable", cookie)["project"]
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{studio.url}/projects/{self.project}/#panel-video_composition")
        expect(self.page.locator("[data-pill]")).to_have_text("Live")
        expect(self.page.locator("[data-cost]")).to_contain_text("made anew")

    @property
    def stored(self) -> dict[str, Any]:
        return self.studio.do("composer", self.project)

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the database has what a control should have done."""
        wait_until(self.page, lambda: holds(self.stored), lambda: f"It never came to be: {self.stored}")
        return self.stored

    def hold(self, address: str) -> list[tuple[Route, APIResponse]]:
        """Return the list in which the next request to an address waits with its answer."""
        held: list[tuple[Route, APIResponse]] = []
        self.page.route(address, lambda route: held.append((route, route.fetch())), times=1)
        return held

    def choose(self, number: int) -> None:
        self.page.locator(".cell-link").nth(number - 1).click()
        expect(self.page.locator("#inspector-title")).to_contain_text(f"Scene {number} of 6")


@pytest.fixture
def room(studio: Studio, context: BrowserContext, request: pytest.FixtureRequest) -> Room:
    return Room(studio, context, request.node.name)


def test_a_scene_is_changed_by_every_control_and_taken_back(room: Room) -> None:
    page = room.page
    room.choose(3)
    page.locator("#scene-motion").select_option("pan_left")
    room.until(lambda stored: bool(stored["scenes"][2]["motion"] == "pan_left"))
    page.locator("#scene-transition").select_option("wipe")
    room.until(lambda stored: bool(stored["scenes"][2]["transition"] == "wipe"))
    page.locator("[data-focus-pick]").click(position={"x": 20, "y": 20})
    room.until(lambda stored: bool(stored["scenes"][2]["focus_x"] < 0.3 and stored["scenes"][2]["focus_y"] < 0.5))
    page.locator("#focus-y").fill("80")
    page.locator("#focus-y").press("Tab")
    room.until(lambda stored: bool(stored["scenes"][2]["focus_y"] == 0.8))
    page.locator("#scene-lock").click()
    room.until(lambda stored: bool(stored["scenes"][2]["is_locked"]))
    expect(page.locator("#scene-lock")).to_contain_text("Locked")
    page.locator("#trim-end").fill("13.25")
    page.locator("#trim-end").press("Tab")
    room.until(lambda stored: bool(stored["scenes"][3]["start"] == 13.25))
    page.locator("[data-undo] button").click()
    room.until(lambda stored: bool(stored["scenes"][3]["start"] == 12.0))
    expect(page.locator("#inspector-title")).to_contain_text("Scene 3 of 6")
    assert room.complaints == []


def test_an_answer_that_comes_late_does_not_hide_what_was_done_after(room: Room) -> None:
    page = room.page
    room.choose(3)
    held = room.hold("**/change/")
    page.locator("#scene-motion").select_option("pan_left")
    room.until(lambda stored: bool(stored["scenes"][2]["motion"] == "pan_left"))
    page.locator("#scene-lock").click()
    expect(page.locator("#scene-lock")).to_contain_text("Locked")
    wait_until(page, lambda: bool(held))
    route, early = held[0]
    with page.expect_response("**/composer/scenes/*/"):
        route.fulfill(response=early)
    expect(page.locator("#scene-lock")).to_contain_text("Locked")
    expect(page.locator("#scene-motion")).to_have_value("pan_left")
    assert room.complaints == []


def test_what_can_be_undone_knows_of_an_edit_made_while_it_was_asked_for(room: Room) -> None:
    page = room.page
    room.choose(3)
    held = room.hold("**/steps/")
    page.locator("#scene-motion").select_option("pan_left")
    wait_until(page, lambda: bool(held))
    page.locator("#scene-lock").click()
    expect(page.locator("#scene-lock")).to_contain_text("Locked")
    route, early = held[0]
    route.fulfill(response=early)
    expect(page.locator("[data-undo] button")).to_have_attribute("title", re.compile("Lock"))


def test_scenes_become_more_and_fewer_by_buttons_and_keys(room: Room) -> None:
    page = room.page
    title = page.locator("#inspector-title")
    room.choose(3)
    page.locator("#split-at").fill("9.5")
    page.locator("#scene-split").click()
    stored = room.until(lambda stored: len(stored["scenes"]) == 7)
    assert stored["scenes"][3]["start"] == 9.5
    expect(title).to_contain_text("Scene 4 of 7")
    page.locator(".cell-link[aria-current]").press("Delete")
    expect(title).to_contain_text("Scene 3 of 6")
    expect(page.locator(".cell-link[aria-current]")).to_be_focused()
    page.keyboard.press("Control+Shift+Enter")
    expect(title).to_contain_text("Scene 4 of 7")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#scene-delete").click()
    expect(title).to_contain_text("Scene 3 of 6")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#composer-timeline .notice").get_by_role("button", name="Undo").click()
    expect(title).to_contain_text("of 7")
    assert len(room.stored["scenes"]) == 7
    assert room.complaints == []


def test_a_cut_is_pulled_by_its_handle(room: Room) -> None:
    room.choose(2)
    track = room.page.locator(".trim-track")
    track.scroll_into_view_if_needed()
    box = room.page.locator("[data-handle=end]").bounding_box()
    whole = track.bounding_box()
    assert box is not None and whole is not None
    middle = box["y"] + box["height"] / 2
    room.page.mouse.move(box["x"] + box["width"] / 2, middle)
    room.page.mouse.down()
    room.page.mouse.move(whole["x"] + whole["width"] * 0.75, middle, steps=4)
    room.page.mouse.up()
    stored = room.until(lambda stored: bool(stored["scenes"][2]["start"] != 8.0))
    assert 8.8 < stored["scenes"][2]["start"] < 9.2  # three quarters of 12 s


def test_pictures_are_moved_by_keys_buttons_and_dragging(room: Room) -> None:
    page = room.page
    before = [scene["layout"] for scene in room.stored["scenes"]]
    room.choose(2)
    page.locator(".cell-link[aria-current]").focus()
    page.keyboard.press("Alt+ArrowRight")
    room.until(lambda stored: bool(stored["scenes"][2]["layout"] == before[1]))
    expect(page.locator("#inspector-title")).to_contain_text("Scene 3 of 6")
    page.locator("#move-earlier").click()
    room.until(lambda stored: bool(stored["scenes"][1]["layout"] == before[1]))
    expect(page.locator("#inspector-title")).to_contain_text("Scene 2 of 6")
    page.locator(".cell").nth(4).drag_to(page.locator(".cell").nth(2))
    stored = room.until(lambda stored: bool(stored["scenes"][2]["layout"] == before[4]))
    assert [scene["layout"] for scene in stored["scenes"]] == [before[index] for index in (0, 1, 4, 2, 3, 5)]


def test_another_tab_changed_the_scene_first(room: Room, context: BrowserContext) -> None:
    room.choose(2)
    other = context.new_page()
    other.goto(room.page.url)
    expect(other.locator("[data-pill]")).to_have_text("Live")
    other.wait_for_load_state("networkidle")
    other.locator(".cell-link").nth(1).click()
    expect(other.locator("#inspector-title")).to_contain_text("Scene 2 of 6")
    other.wait_for_load_state("networkidle")
    other.locator("#scene-motion").select_option("pull_out")
    room.until(lambda stored: bool(stored["scenes"][1]["motion"] == "pull_out"))
    room.page.locator("#scene-motion").select_option("push_in")
    expect(room.page.get_by_role("alert")).to_contain_text("changed elsewhere")
    assert room.stored["scenes"][1]["motion"] == "pull_out"
    room.page.get_by_role("button", name="Use mine").click()
    room.until(lambda stored: bool(stored["scenes"][1]["motion"] == "push_in"))


def test_what_is_chosen_as_soon_as_the_scene_is_shown_is_saved(room: Room) -> None:
    room.page.evaluate(
        """() => new MutationObserver((_, observer) => {
          observer.disconnect();
          const field = document.getElementById("scene-motion");
          field.value = "pull_out";
          field.dispatchEvent(new Event("change", { bubbles: true }));
        }).observe(document.getElementById("composer-scenes"), { childList: true })"""
    )
    room.choose(2)
    room.until(lambda stored: bool(stored["scenes"][1]["motion"] == "pull_out"))


def test_what_is_chosen_before_the_scripts_came_is_saved(room: Room, context: BrowserContext) -> None:
    early = context.new_page()
    held: list[Route] = []
    is_held = True

    def script(route: Route) -> None:
        if is_held:
            held.append(route)
        else:
            route.continue_()

    early.route("**/*.js", script)
    early.goto(room.page.url, wait_until="commit")
    early.locator("#scene-motion").select_option("pull_out")
    is_held = False
    for route in held:
        route.continue_()
    room.until(lambda stored: bool(stored["scenes"][0]["motion"] == "pull_out"))


def test_captions_music_and_format_are_chosen(room: Room) -> None:
    page = room.page
    page.locator("#fold-captions > summary").click()
    first = page.locator("#caption-shot img").get_attribute("src")
    page.locator("#caption-form").get_by_role("radio", name="Classic").check()
    page.locator("#caption-size").fill("3")
    expect(page.locator("#caption-shot img")).not_to_have_attribute("src", str(first))
    expect(page.locator("#caption-shot")).to_contain_text("hard to read on a phone")
    stored = room.until(lambda stored: bool(stored["caption"].get("size_share") == 0.03))
    assert stored["caption"]["name"] == "classic"
    expect(page.locator("#caption-state")).to_contain_text("Saved")
    page.locator("[data-safe]").check()
    expect(page.locator(".safe")).to_be_visible()
    page.locator("[data-safe]").uncheck()
    page.locator("#fold-music > summary").click()
    page.locator("#music-level").fill("-28")
    page.get_by_label("Music under the voices").uncheck()
    room.until(lambda stored: bool(stored["music"].get("level_db") == -28 and stored["music"]["is_on"] is False))
    page.locator("#fold-format > summary").click()
    page.get_by_role("button", name="9:16").click()
    page.wait_for_url("**/projects/*/**")
    room.until(lambda stored: bool(stored["aspect"] == "9:16"))
    expect(page.locator("#compose-state")).to_contain_text("6 pictures are drawn again")
    assert room.complaints == []


def test_quality_and_preview_go_with_the_button(room: Room) -> None:
    page = room.page
    page.locator("#fold-coding > summary").click()
    page.locator("select[name=quality]").select_option("draft")
    page.get_by_role("button", name="Quick preview").click()
    stored = room.until(lambda stored: bool(stored["tasks"]))
    assert stored["tasks"] == [["video_composition", {"quality": "draft", "codec": "h264", "preview": True}]]


def test_on_a_phone_the_strip_is_swiped_and_nothing_scrolls_sideways(room: Room) -> None:
    page = room.page
    page.set_viewport_size({"width": 360, "height": 780})
    page.evaluate("document.querySelectorAll('#panel-video_composition details').forEach(fold => fold.open = true)")
    strip = page.locator("[data-strip]")
    assert strip.evaluate("strip => strip.scrollWidth > strip.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_everything_works_without_scripts(studio: Studio, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False, locale="en-GB")
    sign_in(plain, studio, "composer-plain")
    project = studio.do("composable", "composer-plain")["project"]
    page = plain.new_page()
    page.goto(f"{studio.url}/projects/{project}/")
    page.locator("#panel-video_composition .cell-link").nth(1).click()
    page.get_by_label("Motion").select_option("pan_left")
    page.get_by_role("button", name="Save the scene").click()
    page.get_by_label("Ends at").fill("9")
    page.get_by_role("button", name="Move the cuts").click()
    page.get_by_role("button", name="Earlier").click()
    stored = studio.do("composer", project)
    assert stored["scenes"][0]["motion"] == "pan_left" and stored["scenes"][2]["start"] == 9.0
    plain.close()
