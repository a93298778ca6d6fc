"""The uploader and the board of trends in a real Chromium: every control, its effect read from the database."""

import json
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from videoflow.pipeline.tests.factories import image_bytes
from videoflow.tests.browser import Studio, sign_in, wait_until
from videoflow.tests.own_rows import rows_ask

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browsing() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 1000}, "timezone_id": "America/New_York"}


def read(studio: Studio, column: str, table: str) -> Any:
    """Return what a JSON column has in the first row of a table of the studio's database."""
    return json.loads(rows_ask(studio.environment, f"SELECT CAST({column} AS text) FROM {table}")[0][0] or "null")


def film(folder: Path) -> Path:
    out = folder / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=4", "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, str(out)], check=True, timeout=240)
    return out


def test_every_field_of_the_uploader_reaches_the_draft(
    studio: Studio, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    sign_in(context, studio, "uploader")
    made = studio.do("finished", "uploader", str(film(tmp_path)))
    page.goto(f"{studio.url}/projects/{made['project']}/#panel-youtube_upload")
    panel = page.locator("#panel-youtube_upload")

    panel.locator("#publish_title").fill("A < B")
    for name in ("audience", "synthetic", "paid", "playlist", "privacy", "notify"):
        expect(panel.locator(f"#publish_{name}")).to_be_hidden()  # a folder asks for none of it
    expect(panel.locator("[data-angles=title]")).to_be_visible()
    expect(panel.locator("#publish-checks")).to_have_attribute("data-blocked", "1")
    panel.get_by_label("YouTube", exact=True).check(force=True)
    panel.locator("#publish_title").fill("Tiny 😀")
    expect(panel.locator("[data-tally=title]")).to_have_text("6 / 100")
    expect(panel.locator("[data-listing-title]")).to_have_text("Tiny 😀")
    panel.locator("#publish_description").fill("é\n0:00 One\n1:00 Two\n2:00 Three")
    expect(panel.locator("[data-tally=description]")).to_have_text("31 / 5,000 bytes")
    expect(panel.locator("[data-chapters] li")).to_have_count(3)
    panel.locator("#publish_tags").fill("one, two words,")
    expect(panel.locator("[data-tally=tags]")).to_have_text("15 / 500")
    panel.locator("input[name=thumb_base][value=frame-2]").check(force=True)
    panel.locator("#publish_thumb_text").fill("Look")
    panel.locator("#publish_thumb_position").select_option("top-right")
    panel.locator("#publish_thumb_colour").fill("#ffd23f")
    panel.get_by_label("No, it is not made for kids").check(force=True)
    panel.locator("#publish_synthetic").uncheck()
    panel.locator("#publish_notify").uncheck()
    panel.get_by_text("Playlist, category, language, licence, day of recording").click()
    panel.locator("#publish_playlist").fill("Forests")
    panel.locator("#publish_category").select_option("27")
    panel.locator("#publish_language").select_option("de")
    panel.locator("#publish_licence").select_option("creativeCommon")
    panel.locator("#publish_recorded_on").fill("2026-01-31")
    panel.locator("#publish_paid").check()
    panel.get_by_label("Unlisted").check(force=True)
    panel.locator("#publish_publish_at").fill("2031-01-05T18:00")
    panel.get_by_text("Title and description in other languages").click()
    for code, title in (("es", "Bosques"), ("fr", "Forêts")):
        panel.locator("[data-translation-new]").select_option(code)
        panel.locator("[data-translation-add]").click()
        panel.locator(f"#publish_title_{code}").fill(title)
    panel.locator("[data-translation=fr] [data-translation-drop]").click()

    expected = {
        "target": "youtube", "title_es": "Bosques", "title": "Tiny 😀", "tags": "one, two words,",
        "description": "é\n0:00 One\n1:00 Two\n2:00 Three",
        "thumb_base": "frame-2", "thumb_text": "Look", "thumb_position": "top-right", "thumb_colour": "#ffd23f",
        "audience": "general", "synthetic": False, "notify": False, "playlist": "Forests", "category": "27", "language": "de",
        "licence": "creativeCommon", "recorded_on": "2026-01-31", "paid": True, "privacy": "unlisted",
        "publish_at": "2031-01-05T23:00:00+00:00",
    }  # fmt: skip
    wait_until(page, lambda: read(studio, "publish_draft", "pipeline_project") == expected)
    expect(panel.locator("#publish-checks")).to_contain_text("has to be private until then")

    page.reload()
    expect(panel.locator("#publish_publish_at")).to_have_value("2031-01-05T18:00")
    for view in ("mobile", "search", "desktop"):
        panel.locator(f"[data-listing-view={view}]").click()
        expect(panel.locator("[data-listing]")).to_have_attribute("data-view", view)
    panel.locator("[data-listing-look=dark]").click()
    expect(panel.locator("[data-listing]")).to_have_attribute("data-look", "dark")

    own = tmp_path / "own.png"
    own.write_bytes(image_bytes(1280, 720, "#204060", "Mine", "PNG"))
    panel.locator("[data-picture-file]").set_input_files(own)
    expect(panel.locator("input[name=thumb_base]:checked")).not_to_have_value("frame-2")
    wait_until(page, lambda: read(studio, "publish_draft", "pipeline_project")["thumb_base"] != "frame-2")
    panel.get_by_role("button", name="Write the video's own").click()
    wait_until(page, lambda: "0:00 The hook" in read(studio, "publish_draft", "pipeline_project")["description"])

    panel.get_by_label("A folder of this machine").check(force=True)
    expect(panel.locator("#publish_audience")).to_be_hidden()
    panel.get_by_role("button", name="Publish to a folder").click()
    wait_until(page, lambda: studio.do("work", "upload")["status"] == "completed")
    expect(panel.get_by_text("Published to the folder")).to_be_visible()
    chosen = read(studio, "metadata", "pipeline_publication")
    assert (chosen["privacy"], chosen["playlist"], chosen["made_for_kids"]) == ("unlisted", "Forests", False)


def test_board_filters_in_the_address_and_ticks_outlive_them(studio: Studio, context: BrowserContext, page: Page) -> None:
    page.goto(studio.url)
    page.get_by_role("button", name="Try it with the sample").click()
    page.wait_for_url("**/projects/*/**")
    assert studio.do("work", "io")["status"] == "completed"
    panel = page.locator("#panel-trending_analysis")
    expect(panel.locator(".theme-card")).to_have_count(15)
    page.goto(f"{page.url.split('#')[0]}#panel-trending_analysis")
    page.reload()
    expect(panel.locator(".theme-card")).to_have_count(15)
    first, last = panel.locator("input[name=theme_ids]").first, panel.locator("input[name=theme_ids]").last
    tick = int(first.get_attribute("value") or "0")
    expect(page.locator("[data-pill]")).to_have_text("Live")  # the modules are there, and nothing is being fetched
    page.wait_for_load_state("networkidle")
    first.check()
    wait_until(page, lambda: read(studio, "picks", "pipeline_trendreport ORDER BY id DESC LIMIT 1") == [tick])
    last.check()
    panel.locator("input[name=q]").fill("no such word")
    expect(panel.locator(".theme-card:visible")).to_have_count(2)
    panel.locator("input[name=q]").fill("")
    panel.locator("select[name=views]").select_option("10000000")
    panel.locator("select[name=sort]").select_option("views")
    panel.locator("input[name=hide]").check()
    expect(panel.locator(".theme-group:visible")).to_have_count(1)
    page.reload()
    assert "views=10000000&sort=views&hide=1" in page.url
    expect(panel.locator("select[name=sort]")).to_have_value("views")
    wait_until(page, lambda: len(read(studio, "picks", "pipeline_trendreport ORDER BY id DESC LIMIT 1")) == 2)
    expect(panel.locator("input[name=theme_ids]:checked")).to_have_count(2)
