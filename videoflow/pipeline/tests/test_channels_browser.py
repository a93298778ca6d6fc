"""A channel connected, published to and rescheduled in a real Chromium, before a fake of Google and YouTube on this machine."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from videoflow.pipeline.tests.test_publish_browser import film
from videoflow.providers.tests.fake_youtube import youtube
from videoflow.providers.tests.fake_youtube_world import World
from videoflow.tests.browser import Studio, sign_in, wait_until
from videoflow.tests.own_rows import rows_ask

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 1000}, "timezone_id": "Europe/Berlin", "locale": "en-GB"}


@pytest.fixture(scope="module")
def google() -> Iterator[tuple[World, str]]:
    with youtube(World()) as found:
        yield found


@pytest.fixture(scope="module")
def studio(redis_server: str, google: tuple[World, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    address = google[1]
    running = Studio(
        tmp_path_factory.mktemp("studio") / "data",
        VIDEOFLOW_YOUTUBE_BASE_URL=address,
        VIDEOFLOW_YOUTUBE_ANALYTICS_URL=address,
        VIDEOFLOW_GOOGLE_CLIENT_ID="fake-client-id",
        VIDEOFLOW_GOOGLE_CLIENT_SECRET="fake-client-secret",
        VIDEOFLOW_GOOGLE_AUTH_URL=f"{address}/auth",
        VIDEOFLOW_GOOGLE_TOKEN_URL=f"{address}/token",
        VIDEOFLOW_GOOGLE_REVOKE_URL=f"{address}/revoke",
    )
    yield running
    running.close()


def test_from_the_connection_to_another_day(
    studio: Studio, google: tuple[World, str], context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    sign_in(context, studio, "publisher")
    made = studio.do("finished", "publisher", str(film(tmp_path)))

    page.goto(f"{studio.url}/settings/#channels")
    page.get_by_role("button", name="Connect a channel").click()
    page.get_by_role("link", name="Go on to Google").click()
    expect(page.get_by_text("“Tiny forests” is connected.")).to_be_visible()
    channel = page.locator("article.channel")
    channel.get_by_text("Slots, time zone, missed times").click()
    expect(channel.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    channel.get_by_label("Fri", exact=True).check(force=True)
    channel.get_by_label("Times").fill("18:00")
    channel.get_by_role("button", name="Save").click()
    expect(channel).to_contain_text("1 slot a week")

    page.goto(f"{studio.url}/projects/{made['project']}/#panel-youtube_upload")
    panel = page.locator("#panel-youtube_upload")
    expect(panel.get_by_role("button", name="Publish to a folder")).to_be_visible()
    expect(panel.locator("[data-listing-view=desktop]")).to_be_visible()  # the panel's scripts listen
    panel.get_by_label("YouTube", exact=True).check(force=True)
    panel.get_by_label("No, it is not made for kids").check(force=True)
    day = (timezone.now().replace(day=1) + timedelta(days=32)).date().replace(day=10)  # next month, in the middle of its sheet
    panel.locator("#publish_publish_at").fill(f"{day}T18:30")
    expect(panel.locator("#publish-checks")).to_have_attribute("data-blocked", "0")
    google[0].polls_until_processed = 2
    panel.get_by_role("button", name="Publish to YouTube").click()
    wait_until(page, lambda: studio.do("work", "upload")["status"] == "retrying")
    expect(panel).to_contain_text("YouTube is processing the video, 40 of 100 parts")
    (video,) = google[0].videos.values()
    assert video["status"]["privacyStatus"] == "private"
    assert "publishAt" not in video["status"]
    rows_ask(studio.environment, "UPDATE tasks_task SET not_before = created_at")  # the wait is over
    wait_until(page, lambda: studio.do("work", "upload")["status"] == "completed")
    expect(panel.locator(".notice").get_by_text("Becomes public on")).to_be_visible()
    expect(panel.get_by_role("link", name=f"https://youtu.be/{video['id']}")).to_be_visible()
    assert video["status"]["privacyStatus"] == "private"

    page.goto(f"{studio.url}/calendar/?month={day:%Y-%m}")
    entry = page.locator("[data-entry]")
    expect(entry).to_have_attribute("data-at", f"{day}T18:30")
    entry.locator("summary").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("YouTube is told of the new time.")).to_be_visible()
    wait_until(page, lambda: studio.do("work", "upload")["status"] == "completed")
    following = day + timedelta(days=1)
    page.goto(f"{studio.url}/calendar/?month={following:%Y-%m}")
    expect(page.locator("[data-entry]")).to_have_attribute("data-at", f"{following}T18:30")
    assert google[0].videos[video["id"]]["status"]["publishAt"].startswith(f"{following}T")

    page.locator("[data-entry]").drag_to(page.locator(f"[data-day='{following + timedelta(days=1)}']").first)
    expect(page.get_by_text("YouTube is told of the new time.")).to_be_visible()
    wait_until(page, lambda: studio.do("work", "upload")["status"] == "completed")
    wanted = following + timedelta(days=1)
    assert re.fullmatch(f"{wanted}T1[67]:30:00Z", google[0].videos[video["id"]]["status"]["publishAt"])

    page.goto(f"{studio.url}/projects/{made['project']}/#panel-youtube_upload")
    expect(panel.locator("[data-listing-view=desktop]")).to_be_visible()  # the panel's scripts listen
    panel.get_by_label("Public", exact=True).check(force=True)
    expect(panel.locator("#publish-checks")).to_contain_text("has to be private until then")
    panel.locator("#publish_publish_at").fill("")
    expect(panel.locator("#publish-checks")).not_to_contain_text("has to be private until then")  # it is saved
    panel.get_by_role("button", name="Change the video on YouTube").click()
    wait_until(page, lambda: studio.do("work", "upload")["status"] == "completed")
    expect(panel.locator(".notice").get_by_text("· public")).to_be_visible()
    status = google[0].videos[video["id"]]["status"]
    assert (status["privacyStatus"], status.get("publishAt")) == ("public", None)
    assert not video["was_public_before_processed"]
    assert google[0].complaints == []
    assert len(google[0].videos) == 1
