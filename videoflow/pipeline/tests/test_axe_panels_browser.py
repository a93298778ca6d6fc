"""Every panel of the workflow page in every state, looked over by axe."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from videoflow.pipeline.tests.axe import VIEWS, violations
from videoflow.pipeline.tests.panel_states import BEFORE, STATES
from videoflow.tests.browser import WAIT_MS, Studio, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def states(studio: Studio) -> dict[str, str]:
    """Ids of a browser's projects by the state that they are in."""
    return {name: str(project) for name, project in studio.do("states", "axe").items()}


@pytest.fixture(scope="module")
def mine(studio: Studio, browser: Browser, browsing: dict[str, Any]) -> Iterator[Page]:
    """One page of that browser for all tests: what it has loaded once it need not load again."""
    context = browser.new_context(**browsing)
    context.set_default_timeout(WAIT_MS)
    sign_in(context, studio, "axe")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", [name for name in STATES if name != "done"])
def test_one_panel(studio: Studio, states: dict[str, str], mine: Page, name: str) -> None:
    stage = name.split()[0] if " " in name else next(iter(BEFORE))
    mine.goto(f"{studio.url}/projects/{states[name]}/?open={stage}")
    found = violations(mine, name, parts=f"#panel-{stage}")
    assert not found, "\n".join(found)


def test_all_panels_with_all_folds_open(studio: Studio, states: dict[str, str], mine: Page) -> None:
    mine.goto(f"{studio.url}/projects/{states['done']}/?{'&'.join(f'open={stage}' for stage in BEFORE)}")
    mine.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    found = violations(mine, "done", views=len(VIEWS))
    assert not found, "\n".join(found)
