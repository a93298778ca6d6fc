"""The admin in a real Chromium: the pages' strict policy holds here too, and blocks nothing that the admin needs."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from videoflow.pipeline.tests.axe import violations
from videoflow.tests.browser import ROOT, Studio

pytestmark = pytest.mark.browser

LISTS = (
    *("tasks/worker", "creator_sessions/creatorsession", "auth/user", "pipeline/project", "pipeline/trendreport"),
    *("pipeline/script", "pipeline/asset", "pipeline/scene", "pipeline/video", "pipeline/publication", "pipeline/providercall"),
)

LOOKED_OVER = ("auth/user", "pipeline/script", "pipeline/scene")
"""Lists whose rows' pages have what the others have: fields, rows that belong to it, JSON."""


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}}


def staff_make(studio: Studio) -> None:
    arguments = ("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.org")
    environment = os.environ | studio.environment | {"DJANGO_SUPERUSER_PASSWORD": "a long word"}
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True, timeout=240)


class TestAdmin:
    def test_journey(self, studio: Studio, page: Page, tmp_path: Path) -> None:
        """Sign in, open every list and one row of each, cancel a task on its page and retry it from the list."""
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}") if message.type == "error" else None)
        staff_make(studio)
        (tmp_path / "video.mp4").write_bytes(bytes(5000))
        studio.do("finished", "cookie", str(tmp_path / "video.mp4"))
        task = studio.do("running", "another", "media_generation")["task"]
        studio.do("progress", task, "40", "Drawing scene 4 of 9")

        page.goto(f"{studio.url}/admin/")
        page.locator("[name=username]").fill("ada")
        page.locator("[name=password]").fill("a long word")
        page.locator("[name=password]").press("Enter")
        expect(page.locator("#user-tools")).to_contain_text("ada")
        found: list[str] = []
        for path in LISTS:
            page.goto(f"{studio.url}/admin/{path}/")
            row = page.locator("#result_list tbody th a").first
            if row.count():
                row.click()
                expect(page).to_have_url(re.compile("/change/"))  # the list has a heading, too
                expect(page.locator("#content h1")).to_be_visible()
                if path in LOOKED_OVER:
                    beside = page.context.new_page()  # axe itself sets styles that the policy blocks and the console names
                    beside.goto(page.url)
                    found += violations(beside, path)
                    beside.close()
        assert found == []

        page.goto(f"{studio.url}/admin/tasks/task/{task}/change/")
        timeline = page.get_by_role("region", name="Timeline")
        expect(timeline).to_contain_text("Drawing scene 4 of 9")
        pill = timeline.locator(".vf-status").first
        assert pill.evaluate("element => getComputedStyle(element).borderRadius") == "16px"  # our style sheet is in force
        page.get_by_role("button", name="Cancel this task").click()
        expect(page.locator(".messagelist .success")).to_have_text("Cancelled.")
        assert studio.do("status", task)["status"] == "cancelled"

        page.goto(f"{studio.url}/admin/tasks/task/?status__exact=cancelled")
        page.locator("#result_list .action-select").check()
        page.get_by_label("Action:").select_option(label="Retry the selected tasks")
        page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
        expect(page.locator(".messagelist .success")).to_have_text("1 task waiting for a worker again.")
        assert studio.do("status", task)["status"] == "retrying"
        assert complaints == []
