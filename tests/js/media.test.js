import { afterEach, beforeEach, expect, test, vi } from "vitest";

vi.mock("../../static/js/upload.js", () => ({ start: () => {} }));

let answers; // ends each request, drawing what was asked for where the page meant it to stand

const tick = () => new Promise((done) => setTimeout(done));
const shown = () => document.querySelector("dialog .scene-room")?.dataset.scene;

beforeEach(async () => {
  vi.resetModules();
  answers = [];
  document.body.innerHTML = `<div data-workflow><a id="one" href="/scenes/1/" data-scene-open>1</a><a id="two" href="/scenes/2/" data-scene-open>2</a></div>`;
  HTMLDialogElement.prototype.showModal = function () {
    this.setAttribute("open", ""); // jsdom knows none
  };
  const ajax = (_, address, { target }) =>
    new Promise((done) => {
      const draw = () => {
        target.outerHTML = `<div class="scene-room" data-scene="${new URL(address).pathname}"></div>`;
        done();
      };
      answers.push(draw);
    });
  vi.stubGlobal("htmx", { ajax });
  await import("../../static/js/media.js");
});

afterEach(() => vi.unstubAllGlobals());

test("of two scenes that are opened at once the last is shown", async () => {
  document.getElementById("one").click();
  document.getElementById("two").click();
  for (let round = 0; round < 4; round += 1) {
    await tick();
    for (const answer of answers.splice(0)) answer();
  }
  await tick();
  expect(shown()).toBe("/scenes/2/");
});
