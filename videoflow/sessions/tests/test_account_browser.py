"""An account in a real Chromium: two devices, and what an open page says when its browser signs out elsewhere."""

import pytest
from playwright.sync_api import Browser, Page, expect

from videoflow.tests.browser import Studio

pytestmark = pytest.mark.browser
PASSWORD = "seven green bicycles"


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.fill(f"[name={name}]", value)
    page.click("main button")


def test_a_page_says_that_its_browser_signed_out_and_the_other_device_goes_on(studio: Studio, browser: Browser) -> None:
    here, there = browser.new_context(), browser.new_context()
    page = here.new_page()
    page.goto(studio.url)
    page.click("main button:has-text('sample')")
    project = page.url
    page.goto(f"{studio.url}/sign-up/")
    expect(page.get_by_text("What was made in this browser becomes yours.")).to_be_visible()
    fill(page, username="ana", password1=PASSWORD, password2=PASSWORD)
    page.goto(project)
    expect(page.locator("[data-pill]")).to_have_text("Live")

    device = there.new_page()
    device.goto(f"{studio.url}/sign-in/?next={project.removeprefix(studio.url)}")
    fill(device, username="ana", password=PASSWORD)
    expect(device.locator("[data-pill]")).to_have_text("Live")

    other_tab = here.new_page()
    other_tab.goto(f"{studio.url}/settings/")
    menu = other_tab.locator("[data-account]")
    menu.locator("summary").click()
    menu.get_by_text("Sign out").click()
    expect(other_tab.get_by_text("You are signed out.")).to_be_visible()
    expect(page.locator("[data-pill]")).to_have_text("Signed out")
    expect(device.locator("[data-pill]")).to_have_text("Live")
    here.close()
    there.close()


def test_without_scripts(studio: Studio, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{studio.url}/sign-up/?next=/tasks/")
    fill(page, username="ben", password1=PASSWORD, password2=PASSWORD)
    assert page.url == f"{studio.url}/tasks/"
    page.locator("[data-account] summary").click()
    page.get_by_text("Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    context.close()
