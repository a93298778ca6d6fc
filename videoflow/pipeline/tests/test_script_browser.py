"""The script panel in a real Chromium: every control is used, and its effect is read from the database."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from videoflow.tests.browser import Studio, sign_in

pytestmark = pytest.mark.browser

Read = Callable[[], dict[str, Any]]


def open_script(studio: Studio, context: BrowserContext, page: Page, cookie: str) -> Read:
    sign_in(context, studio, cookie)
    project = studio.do("written", cookie)["project"]
    page.goto(f"{studio.url}/projects/{project}/#panel-script_generation")
    expect(page.locator("[data-pill]")).to_have_text("Live")
    return lambda: studio.do("lines", project)


def line(page: Page, number: int) -> Locator:
    return page.locator("#script-lines [data-turn]").nth(number)


def field(page: Page, number: int) -> Locator:
    return line(page, number).locator(".line-text")


def texts(read: Read) -> list[str]:
    return [text for _, text, _ in read()["lines"]]


def press(page: Page, number: int, act: str) -> None:
    """Press a tool of a line; its text shows them."""
    field(page, number).focus()
    line(page, number).locator(f".tool[value={act}]").click()


def test_lines_are_edited_with_the_keyboard_alone(studio: Studio, context: BrowserContext, page: Page) -> None:
    angry: list[str] = []
    page.on("pageerror", lambda error: angry.append(str(error)))
    read = open_script(studio, context, page, "keys")
    before = texts(read)
    count = len(before)

    field(page, 0).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("First things first. Then the reefs.")
    expect(line(page, 0).locator("[data-save-state]")).to_contain_text("Saved")
    expect(page.locator("#script-head")).to_contain_text("Update media: 1 line")
    expect(line(page, 0).locator("[data-line-seconds]")).to_contain_text("about")
    expect(line(page, 0).locator("[data-line-words]")).to_have_text("6 words")
    assert texts(read)[0] == "First things first. Then the reefs."

    page.keyboard.press("Home")
    for _ in range(len("First things first.")):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Shift+Enter")
    expect(field(page, 1)).to_be_focused()
    assert texts(read)[:2] == ["First things first.", "Then the reefs."]

    page.keyboard.press("Alt+ArrowUp")
    expect(field(page, 0)).to_have_value("Then the reefs.")
    expect(field(page, 0)).to_be_focused()
    assert texts(read)[:2] == ["Then the reefs.", "First things first."]

    page.keyboard.press("Control+Enter")
    page.keyboard.type("Never mind.")
    page.keyboard.press("Escape")
    expect(page.locator("[data-new-line]")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    page.keyboard.type("A line of its own.")
    page.keyboard.press("Enter")
    expect(field(page, 1)).to_have_value("A line of its own.")
    assert len(texts(read)) == count + 2

    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Z")
    expect(page.locator("#script-lines [data-turn]")).to_have_count(count + 1)
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator("#script-lines [data-turn]")).to_have_count(count + 2)
    assert texts(read)[1] == "A line of its own."
    assert angry == []


def test_every_tool_of_a_line(studio: Studio, context: BrowserContext, page: Page) -> None:
    read = open_script(studio, context, page, "tools")
    lines = read()["lines"]

    press(page, 0, "down")
    expect(field(page, 1)).to_have_value(lines[0][1])
    expect(line(page, 1).locator(".tool[value=down]")).to_be_focused()
    press(page, 1, "up")
    expect(field(page, 0)).to_have_value(lines[0][1])
    assert read()["lines"] == lines

    press(page, 0, "swap")
    expect(line(page, 0)).to_have_class("line line-b" if lines[0][0] == "A" else "line line-a")
    assert read()["lines"][0][0] != lines[0][0]

    press(page, 1, "lock")
    expect(line(page, 1).locator(".tool[value=unlock]")).to_be_focused()
    assert read()["lines"][1][2]
    press(page, 1, "unlock")
    expect(line(page, 1).locator(".tool[value=lock]")).to_be_focused()

    press(page, 2, "merge")
    expect(page.locator("#script-lines [data-turn]")).to_have_count(len(lines) - 1)
    assert texts(read)[2] == f"{lines[2][1]} {lines[3][1]}"
    press(page, 0, "delete")
    expect(page.locator("#script-lines [data-turn]")).to_have_count(len(lines) - 2)
    assert texts(read)[0] == lines[1][1]
    page.locator("[data-undo] button").click()
    expect(field(page, 0)).to_have_value(lines[0][1])

    field(page, 1).fill("")
    expect(line(page, 1).locator("[data-save-state]")).to_contain_text("needs words")
    assert texts(read)[1] == lines[1][1]


def test_other_words_are_proposed_accepted_and_refused(studio: Studio, context: BrowserContext, page: Page) -> None:
    read = open_script(studio, context, page, "words")
    before = texts(read)
    page.get_by_role("button", name="Propose other words for all").click()
    proposals = page.locator("#script-lines .proposal")
    expect(proposals.first).to_be_visible()
    count = proposals.count()
    assert read()["proposals"] == count >= 3 and texts(read) == before
    proposals.first.get_by_role("button", name="Accept").click()
    expect(proposals).to_have_count(count - 1)
    assert sum(one != other for one, other in zip(before, texts(read), strict=True)) == 1
    proposals.first.get_by_role("button", name="Refuse").click()
    expect(proposals).to_have_count(count - 2)
    page.get_by_role("button", name="Accept all").click()
    expect(proposals).to_have_count(0)
    after = read()
    assert sum(one != other for one, other in zip(before, texts(read), strict=True)) == count - 1 and after["proposals"] == 0
    assert after["versions"] == [[2, "Other words accepted"], [1, "Written"]]


def test_versions_book_and_update(studio: Studio, context: BrowserContext, page: Page) -> None:
    read = open_script(studio, context, page, "versions")
    before = texts(read)
    field(page, 0).fill("Quite other words.")
    expect(line(page, 0).locator("[data-save-state]")).to_contain_text("Saved")
    page.reload()
    page.locator("[data-fold=versions] > summary").click()
    page.get_by_role("link", name="Compare version 1").click()
    expect(page.locator("#version-view ol ins").first).to_contain_text("Quite")
    page.get_by_role("button", name="Restore version 1").click()
    expect(field(page, 0)).to_have_value(before[0])
    assert [origin for _, origin in read()["versions"]] == ["Version 1 restored", "Edited", "Written"]

    page.locator("[data-fold=book] > summary").click()
    page.get_by_label("Written", exact=True).fill("reefs")
    page.locator(".book-new").get_by_role("button", name="Listen").click()
    expect(page.locator("[data-book-error]")).to_contain_text("how it sounds")
    page.get_by_label("Spoken", exact=True).fill("riffs")
    page.locator(".book-new").get_by_role("button", name="Add").click()
    expect(page.locator(".book-list")).to_contain_text("riffs")
    assert read()["pronunciations"] == [["reefs", "riffs"]]
    expect(page.locator("#script-update")).to_contain_text("changed since the media were made")
    page.get_by_role("button", name="Remove reefs").click()
    expect(page.locator(".book-list")).to_have_count(0)
    assert read()["pronunciations"] == []

    field(page, 0).fill("Words that are new.")
    page.get_by_role("button", name="Update media: 1 line").click()
    page.wait_for_url("**#panel-media_generation")
    assert read()["tasks"] == ["media_generation"]


def test_a_line_changed_in_another_tab_is_shown_beside(studio: Studio, context: BrowserContext, page: Page) -> None:
    read = open_script(studio, context, page, "tabs")
    other = context.new_page()
    other.goto(page.url)
    field(other, 0).fill("Theirs.")
    expect(line(other, 0).locator("[data-save-state]")).to_contain_text("Saved")
    field(page, 0).fill("Mine.")
    expect(line(page, 0).locator(".conflict")).to_contain_text("Theirs.")
    expect(field(page, 0)).to_have_value("Mine.")
    line(page, 0).locator(".conflict").get_by_role("button", name="Keep mine").click()
    expect(line(page, 0).locator("[data-save-state]")).to_contain_text("Saved")
    assert texts(read)[0] == "Mine."
    other.evaluate("document.activeElement.blur(); document.dispatchEvent(new Event('visibilitychange'))")
    expect(field(other, 0)).to_have_value("Mine.")


def test_without_scripts_every_line_has_its_buttons(studio: Studio, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False)
    sign_in(plain, studio, "plain")
    project = studio.do("written", "plain")["project"]
    page = plain.new_page()
    page.goto(f"{studio.url}/projects/{project}/")
    page.locator("#panel-script_generation > summary").click()
    page.locator("#panel-script_generation").get_by_role("link", name="Show this step").click()
    before = [text for _, text, _ in studio.do("lines", project)["lines"]]
    field(page, 0).fill("Typed without scripts.")
    line(page, 0).get_by_role("button", name="Save").click()
    press(page, 1, "delete")  # the panel is open again
    assert [text for _, text, _ in studio.do("lines", project)["lines"]] == ["Typed without scripts.", *before[2:]]
    plain.close()
