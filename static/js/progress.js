// The live stream of one session: a socket that continues where it stopped, and a poll when sockets do not get through.

const PING_MS = 15_000;
const DEAD_MS = 35_000;
const POLL_MS = 5_000;
const LONGEST_WAIT_MS = 15_000;
const FAILURES_BEFORE_POLL = 3;
const POLL_WITHIN_MS = 10_000;
const REFUSED_WAIT_MS = 60_000; // a sixth page of a session has no socket to itself; one may be free by then
const TOO_MANY_MESSAGES = 1008;
const TOO_SLOW = 1013;
const SIGNED_OUT = 4401;

/**
 * Follow the events of a session after `seq`.
 * `onEvent(event)` gets each event once and in order, `onHello(hello)` the state of things at each connection (`hello.reset`: start over),
 * `onState(state, waitMs)` one of live, polling, reconnecting, offline, gone, signedOut. Closed with 1008 or 1013, or refused though
 * the session is ours, it polls, and asks for a socket again later.
 * Returns a function that ends it.
 */
export function follow({ session, seq, onEvent, onHello, onState }) {
  const ending = new AbortController();
  const language = document.documentElement.lang || "en";
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let failures = 0;
  let heardAt = 0;
  let retryTimer = 0;
  let pollTimer = 0;
  let beatTimer = 0;
  let isOver = false;
  let isSignedOut = false;
  let isPolling = false;
  let isTurnedAway = false; // the server is there, and wants us to poll

  function take(hello) {
    if (hello.reset) seq = hello.seq;
    onHello(hello);
  }

  function event(message) {
    if (message.seq <= seq) return true;
    if (message.seq !== seq + 1) return false;
    seq = message.seq;
    onEvent(message);
    return true;
  }

  function connect() {
    clearTimeout(retryTimer);
    if (isOver || socket) return;
    const mine = new WebSocket(`${scheme}//${location.host}/ws/progress/${session}?language=${language}&after=${seq}`);
    let opened = false;
    socket = mine;
    heardAt = Date.now();
    mine.addEventListener("message", ({ data }) => {
      if (mine !== socket) return;
      heardAt = Date.now();
      const message = JSON.parse(data);
      if (message.event_type === "hello") {
        opened = true;
        isSignedOut = isTurnedAway = false;
        failures = 0;
        pollEnd();
        take(message);
        onState("live");
      } else if (message.event_type !== "pong" && !event(message)) {
        lost(mine); // a gap: ask again from what we have
      }
    });
    mine.addEventListener("close", ({ code }) => {
      isSignedOut ||= code === SIGNED_OUT;
      isTurnedAway ||= code === TOO_MANY_MESSAGES || code === TOO_SLOW;
      lost(mine, opened && code !== SIGNED_OUT); // this browser may have signed in anew meanwhile: ask
    });
    mine.addEventListener("error", () => lost(mine, opened));
  }

  function lost(mine, opened = true) {
    if (mine !== socket) return;
    socket = null;
    mine.close();
    if (isOver) return;
    failures += 1;
    const jitter = Math.random();
    const wait = isTurnedAway ? REFUSED_WAIT_MS * (0.5 + jitter / 2) : jitter * Math.min(LONGEST_WAIT_MS, 300 * 2 ** failures);
    if (!pollTimer && !isTurnedAway) onState(navigator.onLine ? "reconnecting" : "offline", wait);
    const starts = !pollTimer && (isTurnedAway || failures >= FAILURES_BEFORE_POLL);
    if (starts) pollTimer = setInterval(poll, POLL_MS);
    if (!opened || starts) poll(); // a refused handshake looks like a broken line: ask whether the session is still ours
    retryTimer = setTimeout(connect, wait);
  }

  function pollEnd() {
    clearInterval(pollTimer);
    pollTimer = 0;
  }

  async function poll() {
    if (isOver || isPolling || (socket && socket.readyState === WebSocket.OPEN)) return;
    isPolling = true;
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), POLL_WITHIN_MS); // a frozen server never answers
    ending.signal.addEventListener("abort", () => giveUp.abort(), { signal: giveUp.signal });
    try {
      const asked = seq;
      const response = await fetch(`/progress/${session}/events?after=${asked}`, { signal: giveUp.signal, headers: { Accept: "application/json" } });
      if (response.status === 404) {
        end();
        onState(isSignedOut ? "signedOut" : "gone");
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      const { hello, events } = await response.json();
      if (isOver || asked !== seq) return;
      take(hello);
      events.forEach(event);
      if (pollTimer) onState("polling");
      // The server answers here and refuses sockets: it is not the line. Ask for one again, but seldom.
      if (failures > FAILURES_BEFORE_POLL) isTurnedAway = true;
    } catch {
      if (!isOver && pollTimer) onState("offline");
    } finally {
      clearTimeout(timer);
      giveUp.abort(); // takes its listener along
      isPolling = false;
    }
  }

  function beat() {
    if (!socket) return;
    if (Date.now() - heardAt > DEAD_MS) lost(socket);
    else if (socket.readyState === WebSocket.OPEN) socket.send('{"type": "ping"}');
  }

  function now() {
    isTurnedAway = false;
    if (socket && Date.now() - heardAt > PING_MS * 1.5) lost(socket);
    if (!socket) connect();
  }

  function close() {
    clearTimeout(retryTimer);
    const mine = socket;
    socket = null;
    mine?.close();
  }

  function end() {
    isOver = true;
    pollEnd();
    clearInterval(beatTimer);
    ending.abort();
    close();
  }

  function returned() {
    if (socket) lost(socket); // one that outlived the break says nothing by itself; the new one's hello says "live"
    now();
  }

  const options = { signal: ending.signal };
  addEventListener("online", returned, options);
  addEventListener("offline", () => onState("offline"), options);
  addEventListener("pagehide", close, options);
  addEventListener("pageshow", (shown) => shown.persisted && connect(), options);
  document.addEventListener("visibilitychange", () => !document.hidden && now(), options);
  beatTimer = setInterval(beat, PING_MS);
  connect();
  return end;
}

const WORDS = {
  live: "Live",
  polling: "Live, every 5 s",
  reconnecting: "Reconnecting",
  reconnectingIn: "Reconnecting in {n} s",
  offline: "Offline",
  gone: "Session ended",
  signedOut: "Signed out",
  since: "Showing what was known at {time}",
};

/**
 * Show the connection's state in a pill: how long until the next try, and in its hint from when the figures are.
 * Other words come from its `data-say-live`, `data-say-reconnecting-in` … .
 */
export function pill(element) {
  let liveAt = new Date();
  let timer = 0;
  const word = (state) => element.dataset[`say${state[0].toUpperCase()}${state.slice(1)}`] ?? WORDS[state];
  const write = (text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  return (state, waitMs = 0) => {
    if (!element) return;
    clearInterval(timer);
    const isLive = state === "live" || state === "polling";
    if (isLive) liveAt = new Date();
    element.dataset.state = isLive ? "live" : state === "gone" || state === "signedOut" ? "offline" : state;
    element.title = isLive ? "" : word("since").replace("{time}", liveAt.toLocaleTimeString(document.documentElement.lang || "en", { hour: "2-digit", minute: "2-digit" }));
    const until = Date.now() + waitMs;
    const count = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      write(seconds > 1 ? word("reconnectingIn").replace("{n}", String(seconds)) : word(state));
      element.setAttribute("aria-live", seconds > 1 ? "off" : "polite"); // nobody wants to hear the seconds
      if (seconds <= 1) clearInterval(timer);
    };
    if (state === "reconnecting" && waitMs > 2_000) timer = setInterval(count, 1_000);
    if (state === "reconnecting") count();
    else write(word(state));
  };
}
