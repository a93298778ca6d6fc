import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { follow, pill } from "../../static/js/progress.js";

let sockets;
let events;
let hellos;
let states;
let polls;
let answer; // what a poll gets: a body, a status, or nothing for a dead line
let end;
let open = 0;
let mostOpen = 0;

class FakeSocket extends EventTarget {
  static OPEN = 1;
  constructor(url) {
    super();
    this.url = url;
    this.readyState = 0;
    this.sent = [];
    sockets.push(this);
  }
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.readyState = 3;
  }
  say(message) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
  hello(facts = {}) {
    this.readyState = 1;
    this.say({ event_type: "hello", seq: 10, reset: false, tasks: [], ...facts });
  }
  event(seq) {
    this.say({ event_type: "progress_update", seq, task_id: "t" });
  }
  lose(code = 1006) {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const last = () => sockets.at(-1);
const seqs = () => events.map(({ seq }) => seq);
const tick = (ms) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  [sockets, events, hellos, states, polls] = [[], [], [], [], []];
  answer = undefined;
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", async (address, { signal }) => {
    polls.push(address);
    if (answer === "frozen") {
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      return new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(new Error("gave up")))).finally(() => (open -= 1));
    }
    if (answer === undefined) throw new TypeError("network");
    if (typeof answer === "number") return new Response("", { status: answer });
    return new Response(JSON.stringify(answer), { status: 200 });
  });
  end = follow({
    session: "s",
    seq: 5,
    onEvent: (event) => events.push(event),
    onHello: (hello) => hellos.push(hello),
    onState: (state, wait) => states.push([state, wait]),
  });
});

afterEach(() => {
  end();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the socket", () => {
  test("asks for what follows what the page shows, and gives each event once and in order", () => {
    expect(last().url).toMatch(/\/ws\/progress\/s\?language=en&after=5$/);
    last().hello();
    for (const seq of [6, 7, 7, 6, 8]) last().event(seq);
    expect(seqs()).toEqual([6, 7, 8]);
    expect(states.at(-1)[0]).toBe("live");
  });

  test("asks again from what it has after a gap", async () => {
    last().hello();
    last().event(6);
    last().event(8);
    expect(seqs()).toEqual([6]);
    await tick(700);
    expect(sockets.length).toBe(2);
    expect(last().url).toMatch(/after=6$/);
  });

  test("starts over where the server cannot go on from there", () => {
    last().hello({ seq: 90, reset: true });
    last().event(91);
    expect(seqs()).toEqual([91]);
    expect(hellos.at(-1).reset).toBe(true);
  });

  test("waits longer from try to try, and from the start again after a greeting, not after an opening", async () => {
    const waits = [];
    for (let round = 0; round < 5; round += 1) {
      last().dispatchEvent(new Event("open"));
      last().lose();
      waits.push(states.findLast(([state]) => state === "reconnecting")[1]);
      await tick(20_000);
    }
    expect(waits.slice(0, 3)).toEqual([600, 1200, 2400]);
    last().hello();
    last().lose();
    expect(states.at(-1)).toEqual(["reconnecting", 600]);
  });

  test("finds out that a line is dead though nobody closed it", async () => {
    last().hello();
    await tick(30_000);
    expect(last().sent.length).toBe(2);
    last().say({ event_type: "pong" });
    await tick(30_000);
    expect(sockets.length).toBe(1);
    await tick(16_000);
    expect(sockets.length).toBe(2);
  });

  test("tries at once when the line is back", async () => {
    for (let round = 0; round < 4; round += 1) {
      last().lose();
      await tick(5_000);
    }
    const before = sockets.length;
    last().lose();
    dispatchEvent(new Event("online"));
    expect(sockets.length).toBe(before + 1);
  });

  test("ends with everything it holds", async () => {
    last().hello();
    end();
    last().event(6);
    await tick(120_000);
    expect(events).toEqual([]);
    expect(sockets.length).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("without a socket", () => {
  const greeting = (seq, rows = []) => ({ hello: { event_type: "hello", seq, reset: false, tasks: [] }, events: rows });

  test("polls after three failures, with the same events, and ends that with a greeting", async () => {
    answer = greeting(7, [{ seq: 6 }, { seq: 7 }]);
    for (let round = 0; round < 3; round += 1) {
      last().lose();
      await tick(2_500);
    }
    expect(polls[0]).toBe("/progress/s/events?after=5");
    expect(seqs()).toEqual([6, 7]);
    expect(states.at(-1)[0]).toBe("polling");
    last().hello();
    const before = polls.length;
    await tick(20_000);
    expect(polls.length).toBe(before);
    expect(states.at(-1)[0]).toBe("live");
  });

  test("a sixth page, refused though the session is ours, polls every 5 s and seldom asks for a socket", async () => {
    answer = greeting(5);
    const isRefused = setInterval(() => sockets.filter((socket) => socket.readyState === 0).forEach((socket) => socket.lose()), 10);
    await tick(30_000);
    expect(states.at(-1)[0]).toBe("polling");
    const before = [sockets.length, polls.length];
    await tick(120_000);
    expect(sockets.length - before[0]).toBeLessThanOrEqual(3);
    expect(polls.length - before[1]).toBeGreaterThanOrEqual(23);
    clearInterval(isRefused);
    await tick(60_000);
    last().hello();
    expect(states.at(-1)[0]).toBe("live");
  });

  test.each([1008, 1013])("closed with %i it polls at once and comes back a minute later", async (code) => {
    answer = greeting(6, [{ seq: 6 }]);
    last().hello();
    last().lose(code);
    await tick(0);
    expect(seqs()).toEqual([6]);
    expect(states.at(-1)[0]).toBe("polling");
    await tick(59_000);
    expect(sockets.length).toBe(1);
    await tick(1_100);
    expect(sockets.length).toBe(2);
    expect(last().url).toMatch(/after=6$/);
  });

  test("says that it is offline, and has one request at a time before a frozen server", async () => {
    answer = "frozen";
    for (let round = 0; round < 3; round += 1) {
      last().lose();
      await tick(2_500);
    }
    await tick(60_000);
    expect(states.filter(([state]) => state !== "reconnecting").at(-1)[0]).toBe("offline");
    expect(mostOpen).toBe(1);
    expect(polls.length).toBeGreaterThan(3);
  });

  test("is live again when the line comes back, though the socket outlived the break", async () => {
    last().hello();
    dispatchEvent(new Event("offline"));
    expect(states.at(-1)[0]).toBe("offline");
    dispatchEvent(new Event("online"));
    expect(sockets.length).toBe(2);
    last().hello();
    expect(states.at(-1)[0]).toBe("live");
    await tick(30_000);
    expect(sockets.length).toBe(2);
  });

  test("a session that is not ours any more ends it", async () => {
    answer = 404;
    last().lose();
    await tick(60_000);
    expect(states.at(-1)[0]).toBe("gone");
    expect(sockets.length).toBe(1);
  });

  test("signed out elsewhere it says so", async () => {
    answer = 404;
    last().hello();
    last().lose(4401);
    await tick(60_000);
    expect(states.at(-1)[0]).toBe("signedOut");
  });
});

test("the pill counts down to the next try and says from when the figures are", async () => {
  document.body.innerHTML = '<span data-say-live="Läuft"></span>';
  const element = document.querySelector("span");
  const show = pill(element);
  vi.setSystemTime(new Date(2026, 10, 22, 12, 4));
  show("live");
  expect([element.textContent, element.dataset.state, element.title]).toEqual(["Läuft", "live", ""]);
  await tick(61_000);
  show("reconnecting", 4_000);
  expect(element.textContent).toBe("Reconnecting in 4 s");
  expect(element.title).toMatch(/12:04/);
  await tick(3_000);
  expect(element.textContent).toBe("Reconnecting");
  show("offline");
  await tick(5_000);
  expect(element.textContent).toBe("Offline");
});
