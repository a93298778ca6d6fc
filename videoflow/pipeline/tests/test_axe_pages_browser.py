"""Every page, dialog and refusal, looked over by axe."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from videoflow.pipeline.tests.axe import BOTH, VIEWS, violations
from videoflow.tests.browser import WAIT_MS, Studio, sign_in

pytestmark = pytest.mark.browser
RICH = ("/", "/settings/", "/projects/")
"""Between them they have nearly every component, so these are seen in each theme at each width."""
PAGES = (
    *(*RICH, "/?way=topic", "/?way=script", "/projects/?q=nothing-has-this", "/projects/?state=archived"),
    *("/api/docs", "/tasks/", "/sign-in/", "/sign-up/", "/open/no-such-link/", "/no-such-page/"),
)
ERRORS = ("400.html", "403.html", "403_csrf.html", "500.html", "503.html")


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def done(studio: Studio) -> str:
    """The id of a browser's finished project, with others in every state beside it."""
    return str(studio.do("states", "axe")["done"])


@pytest.fixture(scope="module")
def mine(studio: Studio, done: str, browser: Browser, browsing: dict[str, Any]) -> Iterator[Page]:
    """One page of that browser for all tests: what it has loaded once it need not load again."""
    context = browser.new_context(**browsing)
    context.set_default_timeout(WAIT_MS)
    sign_in(context, studio, "axe")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("address", PAGES)
def test_one_page(studio: Studio, mine: Page, address: str) -> None:
    mine.goto(studio.url + address)
    mine.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    found = violations(mine, address, views=len(VIEWS) if address in RICH else BOTH)
    assert not found, "\n".join(found)


def test_question_before_a_project_is_deleted(studio: Studio, mine: Page, done: str) -> None:
    mine.goto(f"{studio.url}/projects/{done}/delete/")
    found = violations(mine, "delete")
    assert not found, "\n".join(found)


def test_what_a_newcomer_sees(studio: Studio, page: Page) -> None:
    found: list[str] = []
    for address in ("/", "/projects/", "/tasks/"):
        page.goto(studio.url + address)
        found += violations(page, f"{address} of a newcomer")
    assert not found, "\n".join(found)


def test_pages_of_errors(studio: Studio, page: Page) -> None:
    """What they say when they come from the server is tested elsewhere; here they are looked at."""

    def answer(route: Route) -> None:
        name = urlsplit(route.request.url).path.rpartition("/")[2]
        route.fulfill(status=500, body=render_to_string(name), content_type="text/html")

    page.route("**/error/*.html", answer)
    found: list[str] = []
    for name in ERRORS:
        page.goto(f"{studio.url}/error/{name}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found += violations(page, name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("key", "dialog"), [("Control+k", "#palette"), ("?", "#shortcuts")])
def test_one_dialog(studio: Studio, mine: Page, key: str, dialog: str) -> None:
    mine.goto(f"{studio.url}/tasks/")
    mine.keyboard.press(key)
    expect(mine.locator(dialog)).to_be_visible()
    found = violations(mine, dialog)
    assert not found, "\n".join(found)


def test_one_scene(studio: Studio, mine: Page, done: str) -> None:
    mine.goto(f"{studio.url}/projects/{done}/?open=media_generation")
    mine.locator("#scene-tiles [data-scene-open]").first.click()
    expect(mine.locator("dialog[open] .scene-room")).to_be_visible()
    found = violations(mine, "scene")
    assert not found, "\n".join(found)


def test_conflict_of_two_browsers(studio: Studio, mine: Page) -> None:
    project = studio.do("written", "axe")["project"]
    mine.goto(f"{studio.url}/projects/{project}/?open=script_generation")
    line = mine.locator("#script-lines [data-turn] .line-text").first
    line.wait_for()
    studio.do("line", project, "0", "Theirs, from another browser.")
    line.fill("Mine, typed here.")
    expect(mine.locator(".conflict")).to_be_visible()
    found = violations(mine, "conflict")
    assert not found, "\n".join(found)
    mine.get_by_role("button", name="Take theirs").click()
    expect(mine.locator(".conflict")).to_have_count(0)


def test_refusals(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "axe")
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(f"{studio.url}/?way=topic")
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator(".error").first).to_be_in_viewport()
    expect(page.locator("main [aria-invalid=true]").first).to_be_focused()
    found = violations(page, "refused form")
    assert not found, "\n".join(found)


def test_admin(studio: Studio, page: Page) -> None:
    """The operator's start page, lists with search and filters and one that can be changed, and one task with its timeline."""
    studio.do("staff", "axe-operator", "a long word")
    task = studio.do("running", "another", "media_generation")["task"]
    page.goto(f"{studio.url}/admin/")
    page.locator("[name=username]").fill("axe-operator")
    page.locator("[name=password]").fill("a long word")
    page.locator("[name=password]").press("Enter")
    expect(page.locator("#user-tools")).to_contain_text("axe-operator")
    found = violations(page, "admin")
    for rows in ("tasks/task", "creator_sessions/creatorsession", "pipeline/serviceprice"):
        page.goto(f"{studio.url}/admin/{rows}/")
        found += violations(page, f"{rows} in the admin")
    page.goto(f"{studio.url}/admin/tasks/task/{task}/change/")
    expect(page.get_by_role("region", name="Timeline")).to_be_visible()
    found += violations(page, "a task in the admin")
    assert not found, "\n".join(found)
