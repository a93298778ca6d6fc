import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { isDirty, merged, start } from "../../static/js/autosave.js";

let stop;
let requests;
const answers = [];

const json = (status, body) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const form = () => document.querySelector("form");
const field = () => document.querySelector("textarea");
const state = () => document.querySelector("[data-save-state]").dataset.saveState;
const drafts = () => Object.keys(localStorage).filter((key) => key.startsWith("vf:draft:"));
const texts = () => requests.map(({ body }) => body.get("text"));

function page(text = "one", revision = 3) {
  document.body.innerHTML = `<form id="turn-1" method="post" action="/save/" data-autosave>
    <input type="hidden" name="csrfmiddlewaretoken" value="old"><input type="hidden" name="revision" value="${revision}">
    <textarea name="text">${text}</textarea><span data-save-state></span><button>Save</button><button name="act" value="delete">Delete</button></form>`;
}

function type(text) {
  field().value = text;
  field().dispatchEvent(new Event("input", { bubbles: true }));
}

function hide(isHidden) {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** A request that is answered when the test says so. */
function held() {
  let answer;
  answers.push(new Promise((resolve) => (answer = resolve)));
  return answer;
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  requests = [];
  answers.length = 0;
  document.cookie = "csrftoken=old";
  vi.stubGlobal("fetch", async (address, options) => {
    requests.push({ address, ...options });
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("network");
    return answer;
  });
  page();
  stop = start(document);
});

afterEach(() => {
  stop();
  hide(false);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("saving", () => {
  test("waits for a pause, sends the revision and takes the new one", async () => {
    answers.push(json(200, { revision: 4, changed: ["media_generation"] }));
    const saved = vi.fn();
    document.addEventListener("vf:saved", ({ detail }) => saved(detail.changed), { once: true });
    type("one t");
    await vi.advanceTimersByTimeAsync(700);
    type("one two");
    await vi.advanceTimersByTimeAsync(700);
    expect(requests).toEqual([]);
    expect(state()).toBe("unsaved");
    await vi.advanceTimersByTimeAsync(100);
    expect(texts()).toEqual(["one two"]);
    expect(requests[0].body.get("revision")).toBe("3");
    expect(requests[0].keepalive).toBe(true);
    expect(form().elements.revision.value).toBe("4");
    expect(state()).toBe("saved");
    expect(isDirty(form())).toBe(false);
    expect(drafts()).toEqual([]);
    expect(saved).toHaveBeenCalledWith(["media_generation"]);
  });

  test("sends one request at a time, and the last text wins", async () => {
    const first = held();
    answers.push(json(200, { revision: 5 }));
    type("a");
    await vi.advanceTimersByTimeAsync(800);
    type("ab");
    await vi.advanceTimersByTimeAsync(800);
    type("abc");
    await vi.advanceTimersByTimeAsync(800);
    expect(texts()).toEqual(["a"]);
    expect(state()).toBe("unsaved");
    first(json(200, { revision: 4 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["a", "abc"]);
    expect(requests[1].body.get("revision")).toBe("4");
    expect(state()).toBe("saved");
  });

  test("says that it saves only when that takes a while", async () => {
    const answer = held();
    type("slow");
    await vi.advanceTimersByTimeAsync(1_050);
    expect(state()).toBe("unsaved");
    await vi.advanceTimersByTimeAsync(100);
    expect(state()).toBe("saving");
    answer(json(200, { revision: 4 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(state()).toBe("saved");
  });

  test("sends nothing for a text that came back to what it was", async () => {
    type("two");
    type("one");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(requests).toEqual([]);
    expect(drafts()).toEqual([]);
  });

  test("leaves focus and caret alone", async () => {
    answers.push(json(200, { revision: 4 }));
    field().focus();
    type("one two three");
    field().setSelectionRange(4, 7);
    await vi.advanceTimersByTimeAsync(900);
    expect(state()).toBe("saved");
    expect(document.activeElement).toBe(field());
    expect([field().selectionStart, field().selectionEnd]).toEqual([4, 7]);
  });

  test("sends again with the new token after a sign-in elsewhere", async () => {
    answers.push(new Response("", { status: 403 }), json(200, { revision: 4 }));
    type("two");
    await vi.advanceTimersByTimeAsync(799);
    document.cookie = "csrftoken=new";
    await vi.advanceTimersByTimeAsync(1);
    expect(requests.map(({ body, headers }) => [body.get("csrfmiddlewaretoken"), headers["X-CSRFToken"]])).toEqual([["new", "new"], ["new", "new"]]);
    expect(state()).toBe("saved");
  });

  test("shows a refusal, and keeps the text", async () => {
    answers.push(json(422, { errors: { text: "A line has at most 600 characters." } }));
    type("too long");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests.length).toBe(1);
    expect(document.querySelector("[data-save-state]").textContent).toBe("A line has at most 600 characters.");
    expect(field().value).toBe("too long");
    answers.push(json(200, { revision: 4 }));
    type("short");
    await vi.advanceTimersByTimeAsync(800);
    expect(state()).toBe("saved");
  });

  test("goes at once when the page is hidden", async () => {
    answers.push(json(200, { revision: 4 }));
    type("last words");
    hide(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["last words"]);
    expect(state()).toBe("saved");
  });

  test("does not send a second request beside the first when the page is hidden", async () => {
    const first = held();
    answers.push(json(200, { revision: 5 }));
    type("a");
    await vi.advanceTimersByTimeAsync(800);
    type("ab");
    hide(true);
    expect(texts()).toEqual(["a"]);
    first(json(200, { revision: 4 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["a", "ab"]);
  });

  test("asks before leaving while something is unsaved, not when a button takes the text along", () => {
    const leave = () => dispatchEvent(new Event("beforeunload", { cancelable: true }));
    expect(leave()).toBe(true);
    type("two");
    expect(leave()).toBe(false);
    const button = document.querySelector("button[name]");
    form().dispatchEvent(new SubmitEvent("submit", { submitter: button, bubbles: true, cancelable: true }));
    expect(leave()).toBe(true);
  });
});

describe("without a line", () => {
  test("keeps the text in this browser and sends it when the line is back", async () => {
    type("kept");
    await vi.advanceTimersByTimeAsync(800);
    expect(state()).toBe("offline");
    expect(drafts()).toEqual(["vf:draft:turn-1:3"]);
    answers.push(json(200, { revision: 4 }));
    dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(["kept", "kept"]);
    expect(drafts()).toEqual([]);
    expect(state()).toBe("saved");
  });

  test("tries again by itself, a little later each time", async () => {
    type("kept");
    await vi.advanceTimersByTimeAsync(800 + 2_000);
    expect(requests.length).toBe(2);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(requests.length).toBeGreaterThan(15);
    expect(requests.length).toBeLessThan(50);
  });

  test("brings a draft of this revision back and saves it", async () => {
    stop();
    localStorage.setItem("vf:draft:turn-1:3", JSON.stringify({ at: Date.now(), values: { text: "written offline" } }));
    answers.push(json(200, { revision: 4 }));
    page();
    stop = start(document);
    expect(field().value).toBe("written offline");
    document.body.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: document.body } }));
    expect(drafts()).toEqual(["vf:draft:turn-1:3"]); // until the server has it
    await vi.advanceTimersByTimeAsync(800);
    expect(texts()).toEqual(["written offline"]);
    expect(drafts()).toEqual([]);
  });

  test("shows a draft of an earlier revision beside what stands there now", async () => {
    stop();
    localStorage.setItem("vf:draft:turn-1:2", JSON.stringify({ at: Date.now(), values: { text: "written before" } }));
    page("changed since");
    stop = start(document);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(requests).toEqual([]);
    expect(field().value).toBe("written before");
    expect(document.querySelector(".conflict blockquote p").textContent).toBe("changed since");
    expect([...document.querySelectorAll(".conflict button")].map((button) => button.textContent)).toEqual(["Keep mine", "Take theirs"]);
  });

  test("forgets a draft that says what is there, and drafts of long ago", () => {
    stop();
    localStorage.setItem("vf:draft:turn-1:2", JSON.stringify({ at: Date.now(), values: { text: "one" } }));
    localStorage.setItem("vf:draft:other:1", JSON.stringify({ at: Date.now() - 40 * 86_400_000, values: { text: "x" } }));
    stop = start(document);
    expect(drafts()).toEqual([]);
  });

  test("a text whose answer was lost is not a conflict with itself", async () => {
    type("a"); // arrives, but the answer does not
    await vi.advanceTimersByTimeAsync(800);
    type("ab");
    answers.push(json(409, { revision: 4, theirs: { text: "a" } }), json(200, { revision: 5 }));
    await vi.advanceTimersByTimeAsync(801);
    expect(document.querySelector(".conflict")).toBeNull();
    expect(requests.at(-1).body.get("revision")).toBe("4");
    expect(texts()).toEqual(["a", "ab", "ab"]);
    expect(state()).toBe("saved");
  });

  test("the same text stored already counts as saved", async () => {
    answers.push(json(409, { revision: 9, theirs: { text: "two" } }));
    type("two");
    await vi.advanceTimersByTimeAsync(800);
    expect(state()).toBe("saved");
    expect(form().elements.revision.value).toBe("9");
  });
});

describe("a conflict", () => {
  const press = (label) => [...document.querySelectorAll(".conflict button")].find((button) => button.textContent === label).click();

  beforeEach(async () => {
    stop();
    page("the quick brown fox jumps over the dog");
    stop = start(document);
    answers.push(json(409, { revision: 7, theirs: { text: "the quick brown fox jumps over the lazy dog" }, message: "Changed elsewhere." }));
    type("the slow brown fox jumps over the dog");
    await vi.advanceTimersByTimeAsync(800);
    requests.length = 0;
  });

  test("shows both, sends nothing and keeps the text in this browser", async () => {
    expect(state()).toBe("conflict");
    expect(field().value).toContain("slow");
    expect(document.querySelector(".conflict blockquote p").textContent).toContain("lazy");
    type("the slow brown fox, still");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests).toEqual([]);
    expect(drafts().length).toBe(1);
  });

  test.each([
    ["Keep mine", ["the slow brown fox jumps over the dog"], "the slow brown fox jumps over the dog"],
    ["Take theirs", [], "the quick brown fox jumps over the lazy dog"],
    ["Keep both changes", ["the slow brown fox jumps over the lazy dog"], "the slow brown fox jumps over the lazy dog"],
  ])("%s", async (label, sent, shown) => {
    answers.push(json(200, { revision: 8 }));
    press(label);
    await vi.advanceTimersByTimeAsync(0);
    expect(texts()).toEqual(sent);
    if (sent.length) expect(requests[0].body.get("revision")).toBe("7");
    expect(field().value).toBe(shown);
    expect(document.querySelector(".conflict")).toBeNull();
    expect(state()).toBe("saved");
    expect(drafts()).toEqual([]);
    expect(document.activeElement).toBe(field());
  });

  test("is not put together where the same words changed", () => {
    expect(merged("a b c", "a x c", "a y c")).toBeNull();
    expect(merged("a b c", "x b c", "a b y")).toBe("x b y");
    expect(merged("a b c", "a b c d", "a b c e")).toBeNull();
  });
});

test("a session that is gone stops the saving, and coming back goes on", async () => {
  const heard = vi.fn();
  document.addEventListener("vf:gone", heard, { once: true });
  answers.push(new Response("", { status: 404 }));
  type("two");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests.length).toBe(1);
  expect(heard).toHaveBeenCalled();
  expect(drafts().length).toBe(1);
  answers.push(json(200, { revision: 4 }));
  hide(true);
  hide(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(state()).toBe("saved");
});

test("boxes and choices are saved, kept and compared as well", async () => {
  stop();
  document.body.innerHTML = `<form id="look" action="/save/" data-autosave><input type="hidden" name="revision" value="1">
    <input type="checkbox" name="music" checked><input type="radio" name="style" value="word" checked><input type="radio" name="style" value="none">
    <select name="font"><option value="inter" selected>Inter</option><option value="mono">Mono</option></select><span data-save-state></span></form>`;
  stop = start(document);
  const [none] = form().querySelectorAll("[value=none]");
  none.checked = true;
  form().elements.font.value = "mono";
  answers.push(json(409, { revision: 2, theirs: { music: true, style: "word", font: "sans" } }));
  none.dispatchEvent(new Event("input", { bubbles: true }));
  await vi.advanceTimersByTimeAsync(800);
  expect(state()).toBe("conflict");
  expect(document.querySelector("blockquote p").textContent).toBe("sans");
  expect(JSON.parse(localStorage.getItem("vf:draft:look:1")).values).toEqual({ music: true, "style=word": false, "style=none": true, font: "mono" });
});
