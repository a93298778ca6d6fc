import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const TASK = "task-1";
let given; // what the page told the stream's client
let fetches; // addresses of the fragments that were asked for
let posts;
let gone; // ends the listeners that the module leaves on the document, as a closed page does

vi.mock("../../static/js/progress.js", () => ({
  follow: (options) => {
    given = options;
    return () => {};
  },
  pill: () => () => {},
}));

const event = (facts = {}) => ({
  event_type: "progress_update",
  seq: 1,
  task_id: TASK,
  task_type: "media_generation",
  status: "in_progress",
  progress: 30,
  message: "Picture 3 of 9",
  timestamp: "2026-11-22T12:00:00Z",
  data: {},
  ...facts,
});

const $ = (selector) => document.querySelector(selector);
const tick = (ms) => vi.advanceTimersByTimeAsync(ms);
const panels = () => fetches.filter((address) => address.includes("/panels/"));

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  [fetches, posts, gone] = [[], [], new AbortController()];
  for (const target of [document, document.body, window]) {
    const listen = target.addEventListener;
    vi.spyOn(target, "addEventListener").mockImplementation((kind, act, options) => {
      listen.call(target, kind, act, { ...(typeof options === "object" ? options : { capture: Boolean(options) }), signal: gone.signal });
    });
  }
  history.replaceState(null, "", "/projects/p/");
  document.body.innerHTML = `<div data-workflow data-project="p" data-session="s" data-seq="0" data-title="Forests" data-base="/projects/p/">
    <input name="csrfmiddlewaretoken" type="hidden" value="token"><p data-announce></p>
    <aside id="rail" data-title="Forests" data-tasks="${TASK}:media_generation " data-busy="1"><b data-overall>0</b><progress data-overall-bar max="100" value="0"></progress>
      <progress max="100" value="20" data-bar="media_generation" data-counts="1"></progress><i data-percent="media_generation"></i><i data-message="media_generation"></i><i data-eta="media_generation"></i>
      <i data-done="100"></i></aside>
    <section id="first-look"></section>
    <details id="panel-script_generation" data-panel="script_generation"><summary><h2>Script</h2></summary><textarea>one</textarea></details>
    <details id="panel-media_generation" data-panel="media_generation" open><summary><h2>Media</h2></summary></details>
    <details data-log><ol data-log-lines></ol><input data-log-filter></details>
    <dialog data-gone></dialog></div>`;
  vi.stubGlobal("requestAnimationFrame", (act) => setTimeout(act, 16));
  vi.stubGlobal("htmx", {
    ajax: async (_, address) => {
      fetches.push(address);
    },
  });
  vi.stubGlobal("fetch", async (address, options) => posts.push([address, String(options.body)]));
  await import("../../static/js/workflow.js");
});

afterEach(() => {
  gone.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("figures", () => {
  test("of an event are painted in place, the newest once for each frame", async () => {
    given.onEvent(event({ seq: 1, progress: 30 }));
    given.onEvent(event({ seq: 2, progress: 44, message: "Picture 4 of 9" }));
    expect($("[data-percent]").textContent).toBe("");
    await tick(20);
    expect([$("[data-bar]").value, $("[data-percent]").textContent, $("[data-message]").textContent]).toEqual([44, "44", "Picture 4 of 9"]);
    expect($("[data-overall]").textContent).toBe("72");
    expect(document.title).toBe("72 % · Forests · videoflow");
    expect(fetches).toEqual([]);
  });

  test("of the time that is left never grow", async () => {
    const left = [];
    for (const [seq, seconds] of [600, 900, 300, 310, 60].entries()) {
      given.onEvent(event({ seq, data: { eta_seconds: seconds } }));
      await tick(20);
      left.push($("[data-eta]").textContent.match(/\d+/)[0]);
    }
    expect(left).toEqual(["10", "10", "5", "5", "1"]);
  });

  test("are said aloud at each quarter only", async () => {
    given.onEvent(event({ progress: 24 }));
    expect($("[data-announce]").textContent).toBe("");
    given.onEvent(event({ progress: 26, message: "Picture 5 of 9" }));
    expect($("[data-announce]").textContent).toContain("26 %");
  });
});

test("a closed panel brings what moves it before the server may open it", async () => {
  const lazy = document.createElement("details");
  lazy.id = "panel-trending_analysis";
  lazy.dataset.panel = "trending_analysis";
  lazy.dataset.lazy = "";
  $("[data-workflow]").append(lazy);
  const brought = [];
  vi.doMock("../../static/js/trends.js", () => brought.push([...fetches]) && {});
  document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels: ["trending_analysis"] } }));
  await tick(10);
  await vi.waitFor(() => expect(fetches).toEqual(["/projects/p/panels/trending_analysis/?head=1"]), { timeout: 30_000 });
  expect(brought).toEqual([[]]);
});

describe("a panel that the server opens", () => {
  function swap(name, isOpen) {
    const target = $(`#panel-${name}`);
    const fresh = target.cloneNode(true);
    fresh.open = isOpen;
    document.body.dispatchEvent(new CustomEvent("htmx:beforeSwap", { detail: { target } }));
    target.replaceWith(fresh);
    document.body.dispatchEvent(new CustomEvent("htmx:afterSwap", { detail: { target: fresh } }));
    return $(`#panel-${name}`).open;
  }

  test("opens", () => expect(swap("script_generation", true)).toBe(true));

  test("stays shut above the one that the reader opened, and opens once that is shut", () => {
    const below = $("#panel-media_generation");
    below.open = false;
    below.querySelector("summary").click();
    expect(below.open).toBe(true);
    expect(swap("script_generation", true)).toBe(false);
    below.querySelector("summary").click();
    expect(swap("script_generation", true)).toBe(true);
  });

  test("stays open above it where it was open", () => {
    $("#panel-media_generation").open = false;
    $("#panel-media_generation summary").click();
    $("#panel-script_generation").open = true;
    expect(swap("script_generation", true)).toBe(true);
  });
});

describe("fragments", () => {
  test("are fetched where something new was made, at most every two seconds", async () => {
    for (let seq = 0; seq < 18; seq += 1) {
      given.onEvent(event({ seq, data: { changed: ["scenes"] } }));
      await tick(100);
    }
    expect(panels()).toEqual(["/projects/p/panels/media_generation/"]);
    await tick(2_100);
    expect(panels().length).toBe(2);
  });

  test("of all panels follow the end of a step", async () => {
    given.onEvent(event({ event_type: "completion", status: "completed", progress: 100, message: "9 scenes" }));
    await tick(10);
    expect(fetches.sort()).toEqual(["/projects/p/first-look/", "/projects/p/panels/media_generation/", "/projects/p/panels/script_generation/?head=1", "/projects/p/rail/"]);
    expect($("[data-announce]").textContent).toBe("Media: 9 scenes");
  });

  test("do not replace a panel in which somebody types", async () => {
    $("textarea").value = "one two";
    document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels: ["script_generation"] } }));
    await tick(10_000);
    expect(panels()).toEqual([]);
    $("textarea").defaultValue = "one two";
    await tick(2_100);
    expect(panels()).toEqual(["/projects/p/panels/script_generation/?head=1"]);
  });

  test("are asked for once more when there was news while the answer was on its way", async () => {
    const answers = [];
    const givenUp = [];
    htmx.ajax = (_, address) => {
      fetches.push(address);
      return new Promise((resolve) => answers.push(resolve));
    };
    htmx.trigger = (target, kind) => givenUp.push([target.id, kind]);
    given.onEvent(event({ seq: 1, data: { changed: ["scenes"] } }));
    await tick(10);
    given.onEvent(event({ seq: 2, data: { changed: ["scenes"] } }));
    await tick(10_000);
    expect(panels().length).toBe(1);
    answers[0]();
    await tick(2_100);
    expect([panels().length, givenUp]).toEqual([2, []]);

    given.onEvent(event({ seq: 3, data: { changed: ["scenes"] } })); // the second answer never comes
    await tick(22_100);
    expect([panels().length, givenUp]).toEqual([3, [["panel-media_generation", "htmx:abort"]]]);
  });

  test("bring what is inside a closed panel once it is opened", async () => {
    const panel = $("#panel-script_generation");
    panel.dataset.lazy = "";
    vi.doMock("../../static/js/script.js", () => ({}));
    panel.open = true; // which it says with an event of its own
    await vi.waitFor(() => expect(panels()).toEqual(["/projects/p/panels/script_generation/"]), { timeout: 30_000 });
  });

  test("show the first look as soon as it is there", async () => {
    given.onEvent(event({ data: { changed: ["first_look", "scenes"] } }));
    await tick(10);
    expect(fetches).toContain("/projects/p/first-look/");
  });

  test("are not fetched for a project that is not shown", async () => {
    given.onHello({ reset: false, tasks: [{ task_id: "other", project_id: "q" }] });
    given.onEvent(event({ task_id: "other" }));
    await tick(5_000);
    expect(fetches).toEqual([]);
  });

  test("are all fetched after a gap that cannot be closed", async () => {
    given.onHello({ reset: true, tasks: [] });
    await tick(10);
    expect(fetches.length).toBe(4);
  });
});

test("the log keeps two hundred lines, filtered as asked", async () => {
  for (let seq = 0; seq < 250; seq += 1) given.onEvent(event({ seq, message: `Picture ${seq}` }));
  const lines = [...document.querySelectorAll("[data-log-lines] li")];
  expect(lines.length).toBe(200);
  expect(lines.at(-1).textContent).toMatch(/Media {2}30 % {2}Picture 249$/);
  $("[data-log-filter]").value = "picture 24";
  $("[data-log-filter]").dispatchEvent(new Event("input", { bubbles: true }));
  expect(lines.filter((line) => !line.hidden).length).toBe(10);
});

test("an opened panel is remembered for other devices and for a reload", () => {
  $("#panel-script_generation > summary").click();
  expect(posts).toEqual([["/projects/p/panel/", "panel=script_generation"]]);
  expect(location.hash).toBe("#panel-script_generation");
});

test("a session that ended opens the dialog that says so", () => {
  const shown = vi.fn();
  $("[data-gone]").showModal = shown;
  given.onState("signedOut", 0);
  expect(shown).toHaveBeenCalled();
});
