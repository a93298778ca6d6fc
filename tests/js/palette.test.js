import { afterEach, beforeEach, expect, test, vi } from "vitest";

let answers; // ends the body of each answer the palette asked for

const $ = (selector) => document.querySelector(selector);
const tick = () => new Promise((done) => setTimeout(done));
const press = (key) => $("#palette-input").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const chosen = () => $("[aria-selected=true]")?.id;
const row = (id) => `<a role="option" id="${id}" aria-selected="false" href="#">${id}</a>`;

beforeEach(async () => {
  vi.resetModules();
  answers = [];
  document.body.innerHTML = `<a href="#" data-palette-open>Search</a><dialog id="shortcuts"></dialog>
    <dialog id="palette" data-find="/find/"><input id="palette-input"><div data-group="here"><div data-rows></div></div>
    <div data-group="go"><div data-rows>${row("go-1")}${row("go-2")}</div></div><div data-group="found"><div data-rows></div></div>
    <p data-none></p><p data-palette-count data-one="One" data-many="%n"></p></dialog>`;
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.showModal = () => dialog.setAttribute("open", ""); // jsdom knows none
    dialog.close = () => dialog.removeAttribute("open");
  }
  vi.stubGlobal("fetch", async () => ({ ok: true, text: () => new Promise((done) => answers.push(done)) }));
  Element.prototype.scrollIntoView = () => {};
  Element.prototype.checkVisibility = () => true;
  await import("../../static/js/palette.js");
  $("[data-palette-open]").click();
  await tick();
});

afterEach(() => vi.unstubAllGlobals());

test("what was chosen while an answer came in stays chosen", async () => {
  expect(chosen()).toBe("go-1");
  press("ArrowDown");
  expect(chosen()).toBe("go-2");
  answers[0](row("found-1"));
  await tick();
  expect($("#found-1")).not.toBeNull();
  expect([chosen(), $("#palette-input").getAttribute("aria-activedescendant")]).toEqual(["go-2", "go-2"]);
});

test("an answer that comes after the palette was closed and opened again is not shown", async () => {
  $("#palette").close();
  $("#palette").dispatchEvent(new Event("close"));
  answers[0](row("found-1"));
  await tick();
  expect($("#found-1")).toBeNull();
});
