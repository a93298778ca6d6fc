"""History, palette, shortcuts, settings and the strict policy in a real Chromium."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from videoflow.tests.browser import Studio, sign_in, wait_until

pytestmark = pytest.mark.browser

COOKIE = "shell"
INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)|<[^>]+\s(?:style|on[a-z]+)=")


@pytest.fixture(autouse=True)
def signed_in(context: BrowserContext, studio: Studio) -> None:
    sign_in(context, studio, COOKIE)


@pytest.fixture(scope="module")
def project(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> str:
    video = tmp_path_factory.mktemp("video") / "video.mp4"
    video.write_bytes(b"\0" * 5000)
    return str(studio.do("finished", COOKIE, str(video))["project"])


def test_no_page_breaks_its_own_policy(studio: Studio, project: str, page: Page) -> None:
    angry: list[str] = []
    page.on("console", lambda said: angry.append(f"{page.url}: {said.text}") if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: angry.append(f"{page.url}: {error}"))
    pages = ("/", "/?way=topic", "/?way=script", "/projects/", "/projects/?q=forests", "/tasks/", "/settings/")
    own = (f"/projects/{project}/", f"/projects/{project}/delete/", "/sign-in/", "/sign-up/", "/nowhere/", "/open/x/")
    for address in (*pages, *own):
        answer = page.goto(studio.url + address)
        assert answer is not None
        policy = answer.headers.get("content-security-policy", "")
        assert "default-src 'self'" in policy and "unsafe" not in policy, address
        assert INLINE.search(answer.text()) is None, address
    assert angry == []


def test_the_policy_is_there_to_stop_something(studio: Studio, page: Page) -> None:
    page.goto(f"{studio.url}/settings/")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}));"
        "document.body.insertAdjacentHTML('beforeend', '<p id=odd style=\"color: rgb(1, 2, 3)\">x</p>')"
    )
    assert page.evaluate("[window.ran, getComputedStyle(document.getElementById('odd')).color]") != [True, "rgb(1, 2, 3)"]
    assert page.evaluate("window.ran") is None


def test_search_and_filter_without_a_reload(studio: Studio, project: str, page: Page) -> None:
    page.goto(f"{studio.url}/projects/")
    page.evaluate("window.wasHere = true")
    field = page.get_by_role("searchbox", name="Search titles and scripts")
    field.press_sequentially("gardening")
    expect(page.locator(".found")).to_contain_text("gardening films")
    expect(page).to_have_url(f"{studio.url}/projects/?q=gardening")
    expect(field).to_be_focused()
    page.get_by_role("link", name="Finished").click()
    expect(page.get_by_role("link", name="Finished")).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(f"{studio.url}/projects/?q=gardening&status=finished")
    field.fill("zebra")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    assert "status=finished" in page.url, "the filter stays while one types"
    assert page.evaluate("window.wasHere")
    page.go_back()
    expect(page.locator(".project")).to_have_count(1)
    expect(page.locator("h1")).to_have_text("Projects")


def test_archive_delete_and_undo(studio: Studio, project: str, page: Page) -> None:
    title = studio.do("row", project)["title"]
    page.goto(f"{studio.url}/projects/")
    page.get_by_role("button", name=f"Archive {title}").click()
    expect(page.locator(".project")).to_have_count(0)
    assert studio.do("row", project)["is_archived"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".project")).to_have_count(1)
    page.get_by_role("button", name=f"Delete {title}").click()
    expect(page.locator(".notice")).to_contain_text("was deleted")
    assert studio.do("row", project)["is_deleted"]
    page.get_by_role("link", name="Deleted").click()
    page.get_by_role("button", name="Restore").click()
    wait_until(page, lambda: not studio.do("row", project)["is_deleted"])
    expect(page.locator(".project")).to_have_count(1)


def test_palette_by_keyboard_alone(studio: Studio, project: str, page: Page) -> None:
    page.goto(f"{studio.url}/projects/{project}/")
    opener = page.get_by_role("link", name="Search and commands")
    opener.focus()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search commands and projects")
    expect(field).to_be_focused()
    chosen = page.locator("#palette [aria-selected=true]")
    expect(chosen).to_have_count(1)
    first = chosen.inner_text()
    page.keyboard.press("ArrowDown")
    expect(chosen).not_to_have_text(first)
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(opener).to_be_focused()

    page.keyboard.press("Control+k")
    page.keyboard.type("publish")
    page.keyboard.press("Enter")
    expect(page.locator("#panel-youtube_upload")).to_have_attribute("open", "")

    page.keyboard.press("Control+k")
    page.keyboard.type("gardening films")
    expect(chosen).to_contain_text(studio.do("row", project)["title"])
    page.keyboard.type(" zebra")
    expect(page.get_by_text("Nothing fits.")).to_be_visible()
    field.fill("settings")
    expect(chosen).to_have_text("Settings")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/")


def test_theme_from_the_palette(studio: Studio, page: Page) -> None:
    page.goto(f"{studio.url}/settings/")
    page.get_by_role("link", name="Search and commands").click()
    page.keyboard.type("dark theme")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_shortcuts_and_how_to_switch_the_single_keys_off(studio: Studio, project: str, page: Page) -> None:
    page.goto(f"{studio.url}/projects/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("?")
    expect(page.locator("#shortcuts")).to_be_hidden()

    page.goto(f"{studio.url}/settings/")
    page.get_by_label("Shortcuts of one key").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice-good")).to_contain_text("saved")
    assert studio.do("row", project)["preferences"]["single_keys"] is False
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_saving_while_typing_can_be_switched_off(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "patient")
    project = studio.do("written", "patient")["project"]
    page.goto(f"{studio.url}/settings/")
    page.get_by_label("Save while I type").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice-good")).to_contain_text("saved")
    page.goto(f"{studio.url}/projects/{project}/#panel-script_generation")
    first = page.locator("#script-lines [data-turn]").first
    before = studio.do("lines", project)["lines"]
    first.locator(".line-text").fill("Nobody saves this before its time.")
    expect(first.locator("[data-save-state]")).to_have_text("Unsaved")
    page.wait_for_timeout(1_500)  # saving while typing would have taken 0.8 s
    assert studio.do("lines", project)["lines"] == before
    page.locator("#script-lines [data-turn]").nth(1).locator(".line-text").focus()
    expect(first.locator("[data-save-state]")).to_contain_text("Saved")
    assert studio.do("lines", project)["lines"][0][1] == "Nobody saves this before its time."


def test_language_of_the_settings_wins_over_the_browsers(studio: Studio, project: str, page: Page) -> None:
    page.goto(f"{studio.url}/settings/")
    page.get_by_label("Language of the pages").select_option("de")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("h1")).to_have_text("Einstellungen")
    expect(page.locator(".notice-good")).to_contain_text("gespeichert")
    assert studio.do("row", project)["preferences"]["language"] == "de"


def test_without_scripts_everything_in_the_history_works(studio: Studio, project: str, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False, locale="en-GB")
    sign_in(plain, studio, COOKIE)
    page = plain.new_page()
    page.goto(f"{studio.url}/projects/")
    page.get_by_role("searchbox").fill("forests")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".project")).to_have_count(1)
    title = studio.do("row", project)["title"]
    page.get_by_role("button", name=f"Duplicate {title}").click()
    expect(page.locator("h1")).to_have_text(f"{title} (copy)")
    assert studio.do("row", project)["copies"] == 1
    page.goto(f"{studio.url}/projects/")
    page.get_by_role("button", name=f"Delete {title} (copy)").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".project")).to_have_count(2)
    plain.close()


@pytest.mark.parametrize("width", [360, 768, 2560])
def test_nothing_sticks_out(studio: Studio, project: str, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", "/projects/", "/settings/", "/tasks/"):
        page.goto(studio.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
