"""Keys, voices and the choice of services in a real Chromium, before a fake OpenAI on this machine."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from videoflow.pipeline.tests.axe import violations
from videoflow.providers.tests.fake_service import Asked, FakeService, Told
from videoflow.tests.browser import Studio, sign_in, wait_until

pytestmark = pytest.mark.browser
KEY = "sk-canary-0a1b2c3d4e5f"


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "reduced_motion": "reduce"}


@pytest.fixture(scope="module")
def openai() -> Iterator[FakeService]:
    """A fake OpenAI that knows one key."""

    def models(asked: Asked) -> Any:
        if asked.headers.get("authorization") == f"Bearer {KEY}":
            return {"data": [{"id": "small-2"}, {"id": "large-1"}]}
        return Told({"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}, 401)

    with FakeService() as fake:
        fake.route("GET", "/v1/models")(models)
        yield fake


@pytest.fixture(scope="module")
def studio(redis_server: str, openai: FakeService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio") / "data"
    running = Studio(folder, VIDEOFLOW_OPENAI_BASE_URL=f"{openai.url}/v1", VIDEOFLOW_GEMINI_API_KEY="gm-operator-7777")
    yield running
    running.close()


def test_keys_voices_and_choices(studio: Studio, context: BrowserContext, page: Page, complaints: list[str]) -> None:
    sign_in(context, studio, "services")
    project = studio.do("written", "services")["project"]
    page.goto(f"{studio.url}/settings/#service-openai")
    row = page.locator("#service-openai")
    expect(row).to_have_attribute("open", "")

    # a key that the service refuses is told in its place; the right one shows what the account can do
    row.get_by_label("Key", exact=True).fill("sk-wrong-0123456789")
    row.get_by_role("button", name="Save and test").click()
    expect(row.get_by_role("alert")).to_contain_text("OpenAI")
    row.get_by_label("Another key in its place").fill(KEY)
    row.get_by_label("Your word for it").fill("work")
    row.get_by_role("button", name="Save and test").click()
    expect(row).to_contain_text("and took the key")
    row.get_by_text("2 models").click()
    expect(row.get_by_text("large-1")).to_be_visible()
    expect(row.locator("summary .badge").first).to_contain_text("…4e5f")
    assert studio.do("row", project)["keys"] == {"openai": "4e5f"}
    assert KEY not in page.content()
    gemini = page.locator("#service-gemini")
    gemini.locator("summary").first.click()
    expect(gemini).to_contain_text("It goes before yours and cannot be changed here")
    expect(gemini.get_by_role("button", name="Save and test")).to_have_count(0)
    found = violations(page, "settings")

    # a voice is heard where it stands
    voice = page.locator("#voice-embedded-heart")
    voice.get_by_role("button").click()
    expect(voice.locator("audio")).to_be_attached(timeout=60_000)
    wait_until(page, lambda: bool(voice.locator("audio").evaluate("audio => audio.duration > 1")))
    page.locator("#voice-list").get_by_role("link", name="OpenAI").click()
    expect(page.locator("#voice-list")).to_contain_text("price not known")

    # the script is written by OpenAI from now on, with a model that it lists and a budget
    page.goto(f"{studio.url}/projects/{project}/?open=script_generation#panel-script_generation")
    made = page.locator("#made-script_generation")
    made.locator("summary").first.click()
    made.get_by_role("radio", name="OpenAI").check()
    expect(made.locator("summary b")).to_contain_text("OpenAI")
    wait_until(page, lambda: studio.do("row", project)["providers"].get("writer", {}).get("service") == "openai")
    made.get_by_role("button", name="Ask for its models").click()
    expect(made).to_contain_text("2 models to choose from")
    made.get_by_label("Model", exact=True).fill("large-1")
    made.get_by_label("Let the embedded one step in").check()
    made.get_by_role("button", name="Save", exact=True).click()
    expect(made).to_contain_text("Saved.")
    chosen = studio.do("row", project)["providers"]["writer"]
    assert (chosen["model"], chosen["fallback"]) == ("large-1", True)
    made.get_by_label("This project, in dollars").fill("lots")
    made.get_by_role("button", name="Save the budget").click()
    expect(made.get_by_role("alert")).to_contain_text("amount in dollars")
    made.get_by_label("This project, in dollars").fill("2,50")
    made.get_by_role("button", name="Save the budget").click()
    expect(made).to_contain_text("The budget is saved")
    assert studio.do("row", project)["budget_micros"] == 2_500_000
    found += violations(page, "made with")

    # without its key it says what is missing
    page.goto(f"{studio.url}/settings/#service-openai")
    row.get_by_text("Delete the key").click()
    row.get_by_role("button", name="Delete it").click()
    expect(row).to_contain_text("The key for OpenAI is deleted")
    assert studio.do("row", project)["keys"] == {}
    page.goto(f"{studio.url}/projects/{project}/?open=script_generation#panel-script_generation")
    made.locator("summary").first.click()
    expect(made).to_contain_text("OpenAI needs a key before this can start")
    refusals = [complaint for complaint in complaints if "422" not in complaint]
    assert not refusals
    assert not found, "\n".join(found)
