// The live stream of one session: a socket that continues where it stopped, and a poll when sockets do not get through.

const PING_MS = 15_000;
const DEAD_MS = 35_000;
const POLL_MS = 5_000;
const LONGEST_WAIT_MS = 15_000;
const FAILURES_BEFORE_POLL = 3;
const SIGNED_OUT = 4401;

/**
 * Follow the events of a session after `seq`.
 * `onEvent(event)` gets each event once and in order, `onHello(hello)` the state of things at each connection (`hello.reset`: start over),
 * `onState(state, waitMs)` one of live, polling, reconnecting, offline, gone, signedOut.
 * Returns a function that ends it.
 */
export function follow({ session, seq, onEvent, onHello, onState }) {
  const ending = new AbortController();
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;
  let failures = 0;
  let heardAt = 0;
  let retryTimer = 0;
  let pollTimer = 0;
  let beatTimer = 0;
  let isOver = false;
  let isSignedOut = false;

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
    const mine = new WebSocket(`${scheme}//${location.host}/ws/progress/${session}?after=${seq}`);
    let opened = false;
    socket = mine;
    heardAt = Date.now();
    mine.addEventListener("message", ({ data }) => {
      if (mine !== socket) return;
      heardAt = Date.now();
      const message = JSON.parse(data);
      if (message.event_type === "hello") {
        opened = true;
        isSignedOut = false;
        failures = 0;
        clearInterval(pollTimer);
        pollTimer = 0;
        take(message);
        onState("live");
      } else if (message.event_type !== "pong" && !event(message)) {
        lost(mine); // a gap: ask again from what we have
      }
    });
    mine.addEventListener("close", ({ code }) => {
      isSignedOut ||= code === SIGNED_OUT;
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
    const wait = Math.random() * Math.min(LONGEST_WAIT_MS, 300 * 2 ** failures);
    if (!pollTimer) onState(navigator.onLine ? "reconnecting" : "offline", wait);
    if (!opened) poll(); // a refused handshake looks like a broken line: ask whether the session is still ours
    if (failures >= FAILURES_BEFORE_POLL && !pollTimer) pollTimer = setInterval(poll, POLL_MS);
    retryTimer = setTimeout(connect, wait);
  }

  async function poll() {
    if (isOver || (socket && socket.readyState === WebSocket.OPEN)) return;
    try {
      const asked = seq;
      const response = await fetch(`/progress/${session}/events?after=${asked}`, { signal: ending.signal, headers: { Accept: "application/json" } });
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
    } catch {
      if (!isOver && pollTimer) onState("offline");
    }
  }

  function beat() {
    if (!socket) return;
    if (Date.now() - heardAt > DEAD_MS) lost(socket);
    else if (socket.readyState === WebSocket.OPEN) socket.send('{"type": "ping"}');
  }

  function now() {
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
    clearInterval(pollTimer);
    clearInterval(beatTimer);
    ending.abort();
    close();
  }

  const options = { signal: ending.signal };
  addEventListener("online", now, options);
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
  offline: "Offline",
  gone: "Session ended",
  signedOut: "Signed out",
};

/** Show the connection's state in a pill; the hint of an outage says from when the figures are. */
export function pill(element) {
  let liveAt = new Date();
  return (state) => {
    if (!element) return;
    const isLive = state === "live" || state === "polling";
    if (isLive) liveAt = new Date();
    const shown = isLive ? "live" : state === "gone" || state === "signedOut" ? "offline" : state;
    if (element.dataset.state === shown && element.textContent === WORDS[state]) return;
    element.dataset.state = shown;
    element.textContent = WORDS[state];
    element.title = isLive ? "" : `Showing what was known at ${liveAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  };
}
