import { afterEach, beforeEach, expect, test, vi } from "vitest";

const LINES = (text) => `<div id="script-lines"><form id="turn-1" data-turn="1" data-autosave action="/turns/1/">
  <input type="hidden" name="csrfmiddlewaretoken" value="token"><input class="line-text" name="text" value="${text}"><span data-save-state></span></form></div>`;

const tick = () => new Promise((done) => setTimeout(done));

let answered; // lets the body of the answer come

beforeEach(async () => {
  vi.resetModules();
  document.body.innerHTML = LINES("As it was.");
  const body = new Promise((done) => (answered = () => done(LINES("As it is now."))));
  const headers = new Headers({ "content-type": "text/html" });
  vi.stubGlobal("fetch", async () => ({ ok: true, status: 200, headers, text: () => body }));
  vi.stubGlobal("htmx", { swap: (list, lines) => (list.outerHTML = lines) });
  vi.stubGlobal("CSS", { supports: () => true });
  await import("../../static/js/script.js");
});

afterEach(() => vi.unstubAllGlobals());

test("the lines of an answer go into the list that is there when it has come", async () => {
  document.querySelector(".line-text").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", altKey: true, bubbles: true }));
  await tick();
  document.getElementById("script-lines").outerHTML = LINES("Drawn anew meanwhile.");
  answered();
  await tick();
  await tick();
  expect(document.querySelector(".line-text").value).toBe("As it is now.");
});
