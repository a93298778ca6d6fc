"""Every page and state looked over by axe, in both themes, wide and narrow."""

from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from videoflow.tests.browser import Studio, sign_in

pytestmark = pytest.mark.browser
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """(rules) => axe.run(document, { runOnly: rules, resultTypes: ["violations"] }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.any[0]?.message ?? ""}`)))"""
VIEWS = (("light", 1440), ("dark", 390), ("light", 390), ("dark", 1440))
STAGES = ("trending_analysis", "script_generation", "media_generation", "video_composition", "youtube_upload")


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def states(studio: Studio) -> dict[str, str]:
    """Ids of a browser's projects by the state that they are in."""
    return {name: str(project) for name, project in studio.do("states", "axe").items()}


@pytest.fixture
def mine(studio: Studio, context: BrowserContext, page: Page) -> Iterator[Page]:
    sign_in(context, studio, "axe")
    yield page


def seen(page: Page, place: str, views: int = len(VIEWS)) -> list[str]:
    """Return what axe finds on a page as it stands; each finding with its place, theme and width."""
    page.evaluate(AXE)
    found: list[str] = []
    for theme, width_px in VIEWS[:views]:
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.set_viewport_size({"width": width_px, "height": 900})
        found += [f"{place}, {theme}, {width_px} px: {finding}" for finding in page.evaluate(LOOK, RULES)]
    return found


def test_every_page(studio: Studio, states: dict[str, str], mine: Page) -> None:
    done = states["done"]
    addresses = ["/", "/?way=topic", "/?way=script", "/projects/", "/projects/?q=nothing-has-this", "/projects/?state=archived"]
    addresses += ["/tasks/", "/settings/", "/sign-in/", "/sign-up/", "/open/no-such-link/", "/no-such-page/"]
    addresses += [f"/projects/{done}/delete/", f"/projects/{done}/?{'&'.join(f'open={stage}' for stage in STAGES)}"]
    found: list[str] = []
    for address in addresses:
        mine.goto(studio.url + address)
        mine.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        found += seen(mine, address)
    mine.context.clear_cookies()
    for address in ("/", "/projects/", "/tasks/"):
        mine.goto(studio.url + address)
        found += seen(mine, f"{address} of a newcomer", 2)
    assert not found, "\n".join(found)


def test_every_panel_in_every_state(studio: Studio, states: dict[str, str], mine: Page) -> None:
    found: list[str] = []
    for name, project in states.items():
        mine.goto(f"{studio.url}/projects/{project}/?open={name.split()[0]}")
        found += seen(mine, name, 2)
    assert not found, "\n".join(found)


def test_every_dialog(studio: Studio, states: dict[str, str], mine: Page) -> None:
    found: list[str] = []
    mine.goto(f"{studio.url}/projects/")
    for key, dialog in (("Control+k", "#palette"), ("?", "#shortcuts")):
        mine.reload()
        mine.keyboard.press(key)
        expect(mine.locator(dialog)).to_be_visible()
        found += seen(mine, dialog)
    mine.goto(f"{studio.url}/projects/{states['done']}/?open=media_generation")
    mine.locator("#scene-tiles [data-scene-open]").first.click()
    expect(mine.locator("dialog[open] .scene-room")).to_be_visible()
    found += seen(mine, "scene")
    assert not found, "\n".join(found)


def test_refusals(studio: Studio, states: dict[str, str], mine: Page) -> None:
    found: list[str] = []
    mine.goto(f"{studio.url}/?way=topic")
    mine.get_by_role("button", name="Make the video").click()
    expect(mine.locator(".error").first).to_be_visible()
    found += seen(mine, "refused form")
    mine.goto(studio.url)
    mine.context.clear_cookies(name="csrftoken")
    mine.get_by_role("button", name="Try it with the sample").click()
    expect(mine.get_by_role("heading", level=1)).to_be_visible()
    found += seen(mine, "without its token")
    assert not found, "\n".join(found)
