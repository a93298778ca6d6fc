"""Nothing typed is lost, nothing shown is stale: closed tabs, cut lines, frozen and restarted servers, two devices."""

import json
import os
import signal
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from videoflow.tests.browser import WAIT_MS, Studio, sign_in

pytestmark = pytest.mark.browser

EVENTS = 2_000
REFRESHES = 50


@pytest.fixture
def made(studio: Studio, context: BrowserContext, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A project of this browser with a script, and its media at work."""
    cookie = request.node.name
    sign_in(context, studio, cookie)
    return studio.do("running", cookie, "media_generation") | {"cookie": cookie}


def opened(context: BrowserContext, studio: Studio, made: dict[str, Any]) -> Page:
    page = context.new_page()
    page.goto(f"{studio.url}/projects/{made['project']}/#panel-script_generation")
    expect(page.locator("[data-pill]")).to_have_text("Live")
    expect(page.locator("#script-lines")).to_be_visible(timeout=WAIT_MS)  # the panel comes by a request of its own
    return page


def line_of(page: Page, studio: Studio, made: dict[str, Any], position: int = 0) -> tuple[Locator, Locator]:
    """Return a line's field and what its form says about saving."""
    key = studio.do("line", made["project"], str(position))["key"]
    return page.locator(f"#text-{key}"), page.locator(f"#state-{key}")


def text_of(studio: Studio, made: dict[str, Any], position: int = 0) -> str:
    return str(studio.do("line", made["project"], str(position))["text"])


def test_typed_text_is_on_the_server_before_a_second_tab_asks(
    studio: Studio, context: BrowserContext, made: dict[str, Any]
) -> None:
    page = opened(context, studio, made)
    field, state = line_of(page, studio, made)
    field.press("Control+End")
    page.keyboard.type(" And it grows.")
    expect(state).to_have_attribute("data-save-state", "saved")
    expect(field).to_be_focused()
    assert text_of(studio, made).endswith(" And it grows.")
    page.close()
    again = opened(context, studio, made)
    expect(line_of(again, studio, made)[0]).to_have_value(text_of(studio, made))


def test_text_typed_just_before_the_tab_is_closed_is_not_lost(
    studio: Studio, context: BrowserContext, made: dict[str, Any]
) -> None:
    page = opened(context, studio, made)
    field, _ = line_of(page, studio, made)
    field.fill("Closed right after this.")
    page.close(run_before_unload=False)
    again = opened(context, studio, made)
    expect(line_of(again, studio, made)[0]).to_have_value("Closed right after this.")
    expect(line_of(again, studio, made)[1]).not_to_have_attribute("data-save-state", "unsaved")
    assert text_of(studio, made) == "Closed right after this."


def test_cut_line_keeps_the_text_through_a_closed_tab_and_saves_it_later(
    studio: Studio, context: BrowserContext, made: dict[str, Any]
) -> None:
    page = opened(context, studio, made)
    field, state = line_of(page, studio, made)
    context.set_offline(True)
    field.fill("Written on the train.")
    expect(state).to_have_attribute("data-save-state", "offline")
    assert text_of(studio, made) != "Written on the train."
    page.close(run_before_unload=False)
    context.set_offline(False)
    again = opened(context, studio, made)
    field, state = line_of(again, studio, made)
    expect(field).to_have_value("Written on the train.")
    expect(state).to_have_attribute("data-save-state", "saved")
    assert text_of(studio, made) == "Written on the train."
    assert again.evaluate("Object.keys(localStorage).filter(key => key.startsWith('vf:draft:'))") == []


def test_restarted_server_gets_the_text_and_the_bars_move_on(
    studio: Studio, context: BrowserContext, made: dict[str, Any]
) -> None:
    page = opened(context, studio, made)
    field, state = line_of(page, studio, made)
    studio.stop()
    field.fill("Typed while the server was away.")
    expect(state).to_have_attribute("data-save-state", "offline")
    studio.do("progress", made["task"], "64", "Drawn meanwhile")
    studio.start()
    expect(state).to_have_attribute("data-save-state", "saved")
    assert text_of(studio, made) == "Typed while the server was away."
    expect(page.locator("#panel-media_generation .running-text")).to_have_text("Drawn meanwhile")
    expect(page.locator("[data-pill]")).to_have_text("Live")


def test_frozen_server_is_noticed_and_the_text_follows(studio: Studio, context: BrowserContext, made: dict[str, Any]) -> None:
    page = opened(context, studio, made)
    field, state = line_of(page, studio, made)
    os.kill(studio.server_pid, signal.SIGSTOP)
    try:
        field.fill("Typed before a frozen server.")
        expect(state).to_have_attribute("data-save-state", "saving")
        expect(state).to_have_attribute("data-save-state", "offline")
    finally:
        os.kill(studio.server_pid, signal.SIGCONT)
    expect(state).to_have_attribute("data-save-state", "saved")
    assert text_of(studio, made) == "Typed before a frozen server."
    expect(page.locator(".conflict")).to_have_count(0)


def test_two_devices_on_one_line_lose_nothing(studio: Studio, context: BrowserContext, made: dict[str, Any]) -> None:
    page = opened(context, studio, made)
    field, state = line_of(page, studio, made)
    before = text_of(studio, made)
    studio.do("line", made["project"], "0", f"Later: {before}")
    field.press("Control+End")
    page.keyboard.type(" At the end.")
    expect(state).to_have_attribute("data-save-state", "conflict")
    expect(page.locator(".conflict blockquote p")).to_have_text(f"Later: {before}")
    assert text_of(studio, made) == f"Later: {before}"
    page.get_by_role("button", name="Keep both changes").click()
    expect(state).to_have_attribute("data-save-state", "saved")
    assert text_of(studio, made) == f"Later: {before} At the end."


def test_session_that_ended_keeps_the_text_and_names_the_way_back(
    studio: Studio, context: BrowserContext, made: dict[str, Any]
) -> None:
    page = opened(context, studio, made)
    field, _ = line_of(page, studio, made)
    context.clear_cookies()
    field.fill("Nobody's any more.")
    dialog = page.locator("[data-gone]")
    expect(dialog).to_be_visible(timeout=WAIT_MS)
    expect(dialog.get_by_role("link", name="Sign in")).to_be_visible()
    dialog.get_by_role("button", name="Stay here").click()
    expect(field).to_have_value("Nobody's any more.")
    sign_in(context, studio, made["cookie"])  # the same creator again
    again = opened(context, studio, made)
    expect(line_of(again, studio, made)[0]).to_have_value("Nobody's any more.")
    expect(line_of(again, studio, made)[1]).to_have_attribute("data-save-state", "saved")
    assert text_of(studio, made) == "Nobody's any more."


def test_failure_card_stays_with_cause_cost_and_one_way_on(studio: Studio, context: BrowserContext, made: dict[str, Any]) -> None:
    page = opened(context, studio, made)
    page.locator("[data-log] > summary").click()
    expect(page.locator("[data-log-lines] li").first).to_be_visible()
    studio.do("fail", made["task"], "The disk is nearly full. Make room, then retry.")
    card = page.locator("#panel-media_generation .failure")
    expect(card).to_contain_text("The disk is nearly full. Make room, then retry.")
    expect(card).to_contain_text("Everything from the steps before is kept.")
    expect(card).to_contain_text("no money")
    expect(page.locator("[data-log-lines] li").last).to_contain_text("The disk is nearly full")
    page.get_by_label("Filter the log").fill("no such line")
    expect(page.locator("[data-log-lines] li:visible")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).last.click()
    assert "The disk is nearly full" in download.value.path().read_text()
    card.get_by_role("button", name="Retry from here").click()
    expect(page.locator("#panel-media_generation .badge").first).not_to_contain_text("Failed")
    assert studio.do("status", made["task"])["status"] == "retrying"
    expect(page.locator("#rail")).to_contain_text("No worker has reported for 40 s")


def test_many_events_and_refreshes_leave_nothing_behind(studio: Studio, context: BrowserContext, made: dict[str, Any]) -> None:
    page = context.new_page()
    sockets: list[Any] = []
    page.route_web_socket("**/ws/progress/**", lambda socket: sockets.append(socket))
    page.goto(f"{studio.url}/projects/{made['project']}/")
    expect(page.locator("#rail [data-bar]").first).to_be_attached()
    seq = int(page.locator("[data-workflow]").get_attribute("data-seq") or 0)
    hello = {"event_type": "hello", "session_id": "", "seq": seq, "reset": False, "tasks": [], "timestamp": ""}
    page.evaluate("() => 0")  # the socket is there once the modules have run
    send = sockets[-1].send
    send(json.dumps(hello))
    page.locator("[data-log] > summary").click()
    expect(page.locator("[data-log-lines] li").first).to_be_visible()

    def events(count: int) -> None:
        nonlocal seq
        for _ in range(count):
            seq += 1
            event = {"event_type": "progress_update", "seq": seq, "task_id": made["task"], "task_type": "media_generation"}
            facts = {"status": "in_progress", "progress": seq % 100, "message": f"Picture {seq}", "data": {"eta_seconds": 90}}
            send(json.dumps(event | facts | {"timestamp": "2026-11-22T12:00:00Z"}))
        expect(page.locator("[data-log-lines] li").last).to_contain_text(f"Picture {seq}")

    def refreshes(count: int) -> None:
        page.evaluate(
            """async (count) => {
              const names = [...document.querySelectorAll("[data-panel]")].map((panel) => panel.dataset.panel);
              for (let turn = 0; turn < count; turn += 1) {
                const name = names[turn % names.length];
                const target = document.getElementById(`panel-${name}`);
                await htmx.ajax("GET", `${location.pathname}panels/${name}/`, { source: target, target, swap: "outerHTML" });
              }
            }""",
            count,
        )

    client = context.new_cdp_session(page)
    client.send("Performance.enable")

    def measured() -> dict[str, float]:
        page.wait_for_timeout(1_500)  # what follows a swap is done, and the painter has painted
        for _ in range(3):
            client.send("HeapProfiler.collectGarbage")
        metrics = {row["name"]: row["value"] for row in client.send("Performance.getMetrics")["metrics"]}
        return {name: metrics[name] for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners")}

    events(250)
    refreshes(10)
    before = measured()
    events(EVENTS)
    refreshes(REFRESHES)
    after = measured()
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] <= 1_000_000, (before, after)
    assert after["Nodes"] <= before["Nodes"] * 1.1, (before, after)
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 5, (before, after)
    assert page.locator("[data-log-lines] li").count() == 200
