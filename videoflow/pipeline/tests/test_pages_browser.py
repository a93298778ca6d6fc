"""The pages in a real Chromium, before a real server."""

import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from videoflow.tests.browser import Studio, sign_in, wait_until

pytestmark = pytest.mark.browser


def test_sample_from_the_start_page_to_themes_without_a_reload(studio: Studio, page: Page, complaints: list[str]) -> None:
    window = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(studio.url)
    sample = page.get_by_role("button", name="Try it with the sample")
    box = sample.bounding_box()
    assert box and box["y"] + box["height"] < 844 - 64, "on a phone it is not in the first screen, above the bar of pages"
    first = page.locator("#start-form").evaluate("form => [...form.elements].find((each) => each.matches('button')).name")
    assert first == "", "Enter in a field of the form would begin the sample"
    if window:
        page.set_viewport_size(window)
    sample.click()
    page.wait_for_url("**/projects/*/")
    expect(page.locator("[data-pill]")).to_have_text("Live")
    page.evaluate("window.wasHere = true")
    assert studio.do("work", "io")["status"] == "completed"
    panel = page.locator("#panel-trending_analysis")
    expect(panel.locator(".badge").first).to_contain_text("Done")
    expect(panel.locator("input[name=theme_ids]")).to_have_count(15)
    assert page.evaluate("window.wasHere"), "the page was loaded anew"
    assert complaints == []


def test_file_that_is_too_large_is_refused_before_it_travels(studio: Studio, page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(300_000_001)  # a sparse file: it takes no room
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.goto(studio.url)
    page.locator("#id_file").set_input_files(large)
    page.get_by_role("button", name="Find the themes").click()
    assert page.locator("#id_file").evaluate("input => input.validationMessage") == "This file has 301 MB; 300 MB are the most."
    page.locator("#id_file").set_input_files([])
    page.get_by_role("button", name="Find the themes").click()
    expect(page.locator(".error")).to_contain_text("Choose a file first")
    assert sent.count("POST") == 1


def test_words_of_a_script_are_counted(studio: Studio, page: Page) -> None:
    page.goto(f"{studio.url}/?way=script")
    counter = page.locator("[data-words-for]")
    expect(counter).to_have_text("")
    page.get_by_label("Your script", exact=True).fill("Hello")
    expect(counter).to_have_text("1 word")
    page.get_by_label("Your script", exact=True).fill("Ana: " + "so " * 1_300)
    expect(counter).to_have_text("1,301 words")


def test_refusal_without_scripts_keeps_what_was_typed(studio: Studio, browser: Browser) -> None:
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{studio.url}/?way=topic")
    page.get_by_label("Topic", exact=True).fill("Tiny forests")
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator(".error")).to_have_count(1)
    expect(page.get_by_label("Topic", exact=True)).to_have_value("Tiny forests")
    plain.close()


def test_figures_move_and_tiles_appear_as_they_are_made(
    studio: Studio, context: BrowserContext, page: Page, complaints: list[str]
) -> None:
    sign_in(context, studio, "figures")
    made = studio.do("running", "figures", "media_generation")
    page.goto(f"{studio.url}/projects/{made['project']}/")
    expect(page.locator("[data-pill]")).to_have_text("Live")
    studio.do("progress", made["task"], "42", "Picture 3 of 8")
    panel = page.locator("#panel-media_generation")
    expect(panel.locator(".running-text")).to_have_text("Picture 3 of 8")
    expect(panel.locator("progress.bar").first).to_have_js_property("value", 42)
    expect(page).to_have_title("47 % · Why everyone watches tiny forests · videoflow")
    studio.do("pictures", made["project"], "3")
    studio.do("progress", made["task"], "50", "Picture 4 of 8", "scenes")
    expect(panel.locator(".tile:not(.tile-coming)")).to_have_count(3)
    studio.do("complete", made["task"], "8 scenes")
    expect(page.locator("#panel-video_composition .badge").first).to_contain_text("Ready to start")
    assert complaints == []


def test_restarted_server_is_found_again_and_nothing_is_missed(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "restart")
    made = studio.do("running", "restart", "media_generation")
    page.goto(f"{studio.url}/projects/{made['project']}/")
    pill = page.locator("[data-pill]")
    expect(pill).to_have_text("Live")
    page.locator("#panel-script_generation > summary").click()
    studio.stop()
    expect(pill).not_to_have_text("Live")
    studio.do("progress", made["task"], "61", "While nobody listened")
    studio.start()
    expect(pill).to_have_text("Live")
    expect(page.locator("#panel-media_generation .running-text")).to_have_text("While nobody listened")
    expect(page.locator("#panel-script_generation")).to_have_attribute("open", "")


def test_sockets_refused_are_replaced_by_the_poll(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "poll")
    made = studio.do("running", "poll", "media_generation")
    page.route_web_socket("**/ws/progress/**", lambda socket: socket.close(code=1011))
    page.goto(f"{studio.url}/projects/{made['project']}/")
    studio.do("progress", made["task"], "33", "Through the poll")
    expect(page.locator("#panel-media_generation .running-text")).to_have_text("Through the poll")
    expect(page.locator("[data-pill]")).to_contain_text("every 5 s")


def test_cancel_stays_on_the_page(studio: Studio, context: BrowserContext, page: Page) -> None:
    sign_in(context, studio, "cancel")
    made = studio.do("running", "cancel", "media_generation")
    page.goto(f"{studio.url}/projects/{made['project']}/")
    page.locator("#panel-media_generation").get_by_role("button", name="Cancel").click()
    expect(page.locator("#panel-media_generation .badge").first).to_contain_text("Cancelled")
    assert studio.do("status", made["task"])["status"] == "cancelled"
    expect(page.locator("#panel-media_generation").get_by_role("button", name="Retry", exact=True)).to_be_visible()


def test_video_plays_and_chapters_seek(studio: Studio, context: BrowserContext, page: Page, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=10:d=130"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *codec, str(video)], check=True, timeout=240)
    sign_in(context, studio, "video")
    made = studio.do("finished", "video", str(video))
    page.goto(f"{studio.url}/projects/{made['project']}/")
    player = page.locator("#player")
    page.locator(".chapter").nth(2).click()
    expect(page.locator(".chapter").nth(2)).to_have_attribute("aria-current", "true")
    there = "video => video.readyState >= 1 && video.currentTime >= 122 && video.seekable.end(0) > 125"
    wait_until(page, lambda: bool(player.evaluate(there)))


def test_chapters_are_typed_as_times_and_titles(studio: Studio, context: BrowserContext, page: Page, tmp_path: Path) -> None:
    sign_in(context, studio, "chapters")
    (tmp_path / "video.mp4").write_bytes(bytes(5000))
    made = studio.do("finished", "chapters", str(tmp_path / "video.mp4"), "200")
    address = f"{studio.url}/projects/{made['project']}/?open=youtube_upload"
    page.goto(address)
    description = page.locator("#publish_description")
    before = description.input_value()
    editor = page.locator("#publish-chapters")
    editor.get_by_role("link").click()
    title = editor.get_by_label("Title of chapter 2")
    title.fill("The figures")
    editor.get_by_label("Chapter 2 begins at").fill("0:05")
    editor.get_by_role("button", name="Save the chapters").click()
    expect(editor.get_by_role("alert")).to_contain_text("a chapter lasts 10 seconds at least")
    expect(title).to_have_value("The figures")
    expect(description).to_have_value(before)
    editor.get_by_label("Chapter 2 begins at").fill("0:50")
    title.press("Enter")
    expect(description).to_have_value(re.compile(r"0:00 .+\n0:50 The figures\n2:02 ", re.MULTILINE))
    expect(page.locator("[data-chapters] li").nth(1)).to_contain_text("The figures")
    page.goto(address)
    expect(description).to_have_value(re.compile("0:50 The figures"))


def test_theme_switch_needs_no_reload_and_lasts(studio: Studio, page: Page) -> None:
    page.goto(studio.url)
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("width_px", [360, 2560])
def test_no_page_scrolls_sideways(studio: Studio, context: BrowserContext, page: Page, width_px: int, tmp_path: Path) -> None:
    sign_in(context, studio, f"width{width_px}")
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"\0" * 2000)
    made = studio.do("finished", f"width{width_px}", str(empty))
    page.set_viewport_size({"width": width_px, "height": 800})
    for path in ("/", "/?way=topic", "/projects/", "/tasks/", "/settings/", f"/projects/{made['project']}/"):
        page.goto(studio.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width_px, path
