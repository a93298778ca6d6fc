// The workflow page, live: figures come as events and are painted in place; where structure changed, the fragment is fetched again.

import { isChanged } from "./autosave.js";
import { follow, pill } from "./progress.js";

const FETCH_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 20_000;
const page = document.querySelector("[data-workflow]");
const base = page.dataset.base;
const pending = new Map(); // stage -> newest event not painted yet
const fetched = new Map(); // address -> time of the last fetch
const waiting = new Map(); // address -> timer
const foreign = new Set(); // tasks of other projects
const unknown = new Set(); // tasks of which the rail will tell whose they are
const estimates = new Map(); // stage -> the least time left that was shown, and of which task
const choices = new Map(); // panel -> open or closed, as the reader left it
const asked = new Map(); // part -> when its request left that is still to be answered
let frame = 0;

const each = (selector, act) => page.querySelectorAll(selector).forEach(act);

function stageOf(taskId) {
  const known = document.getElementById("rail").dataset.tasks;
  const entry = known.split(" ").find((pair) => pair.startsWith(taskId));
  return entry && entry.split(":")[1];
}

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

function about(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 50) return ` · ${page.dataset.sayUnder ?? "under a minute left"}`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  const [sentence, count] = minutes < 90 ? [page.dataset.sayMinutes ?? "about {n} min left", minutes] : [page.dataset.sayHours ?? "about {n} h left", Math.round(minutes / 60)];
  return ` · ${sentence.replace("{n}", String(count))}`;
}

// What is said to be left never grows: a clock that runs backwards is not believed again.
function left(stage, taskId, seconds) {
  const before = estimates.get(stage);
  const shown = before?.taskId === taskId ? Math.min(before.seconds, seconds) : seconds;
  estimates.set(stage, { taskId, seconds: shown });
  return shown;
}

function text(selector, value) {
  each(selector, (element) => {
    if (element.textContent !== value) element.textContent = value;
  });
}

function overall() {
  let sum = 0;
  let count = 0;
  each("#rail [data-counts='1'], #rail [data-done]", (element) => {
    sum += element.dataset.done === undefined ? element.value : Number(element.dataset.done);
    count += 1;
  });
  const percent = count ? Math.floor(sum / count) : 0;
  text("[data-overall]", String(percent));
  each("[data-overall-bar]", (bar) => (bar.value = percent));
  const isBusy = document.getElementById("rail").dataset.busy;
  document.title = `${isBusy ? `${percent} % · ` : ""}${page.dataset.title} · videoflow`;
}

function paint() {
  frame = 0;
  for (const [stage, event] of pending) {
    each(`[data-bar="${stage}"]`, (bar) => (bar.value = event.progress));
    text(`[data-percent="${stage}"]`, String(event.progress));
    if (event.message) text(`[data-message="${stage}"]`, event.message);
    if ("eta_seconds" in event.data && event.data.eta_seconds !== null) text(`[data-eta="${stage}"]`, about(left(stage, event.task_id, event.data.eta_seconds)));
  }
  pending.clear();
  overall();
}

function schedulePaint() {
  if (frame) return;
  // A hidden page gets no frames, but its title in the row of tabs should still count up.
  frame = document.hidden ? setTimeout(paint, 1000) : requestAnimationFrame(paint);
}

const statusWord = (status) => page.dataset[`sayStatus${status[0].toUpperCase()}${status.slice(1)}`] ?? status.replace("_", " ");

function announce(sentence) {
  page.querySelector("[data-announce]").textContent = sentence;
}

// A panel in which something was picked, typed or is playing is left alone until that is over.
function isInUse(panel) {
  const focused = document.activeElement;
  if (panel.contains(focused) && focused.matches("input:not([type=hidden]), textarea, select")) return true;
  if ([...panel.querySelectorAll("input, textarea, select[name]:not([method=get] *)")].some(isChanged)) return true;
  return [...panel.querySelectorAll("video[controls], audio")].some((media) => !media.paused && !media.ended);
}

const isPart = (name) => ["rail", "first-look"].includes(name);

function refetch(name) {
  if (waiting.has(name)) return;
  const wait = Math.max(0, (fetched.get(name) ?? 0) + FETCH_EVERY_MS - Date.now());
  waiting.set(
    name,
    setTimeout(() => {
      waiting.delete(name);
      const target = document.getElementById(isPart(name) ? name : `panel-${name}`);
      if (!target) return;
      fetched.set(name, Date.now());
      if (isOnItsWay(name) || (name !== "rail" && isInUse(target))) refetch(name);
      else fetchPart(name, target);
    }, wait),
  );
}

// What moves these panels is brought before what is inside a closed one, which may open with the answer; an open one has it from
// the page's head.
const MODULES = { trending_analysis: "./trends.js", script_generation: "./script.js", media_generation: "./media.js", youtube_upload: "./publish.js" };

// A part that is asked for again before it came would show the older answer for good: the swap takes along the element that asks.
const isOnItsWay = (name) => asked.has(name) && Date.now() - asked.get(name).at < ANSWER_WITHIN_MS;

// A closed panel is asked for without what is inside; that comes once somebody opens it.
function fetchPart(name, target, isWhole = target.open) {
  const query = new URLSearchParams(location.search);
  query.delete("open"); // the page's own word for a browser without scripts
  if (!isPart(name) && !isWhole) query.set("head", "1");
  const address = isPart(name) ? `${base}${name}/` : `${base}panels/${name}/${query.size ? `?${query}` : ""}`;
  const mine = { at: Date.now() };
  if (asked.has(name)) htmx.trigger(target, "htmx:abort");
  asked.set(name, mine);
  // Its own source: requests of one element queue behind each other and only the last would be sent.
  const ask = () => htmx.ajax("GET", address, { source: target, target, swap: "outerHTML" });
  const answer = name in MODULES && target.hasAttribute("data-lazy") ? import(MODULES[name]).catch(() => {}).then(ask) : ask();
  return answer.catch(() => {}).finally(() => asked.get(name) === mine && asked.delete(name));
}

page.addEventListener("toggle", ({ target }) => {
  if (!target.matches("[data-panel][data-lazy]") || !target.open) return;
  choices.set(target.dataset.panel, true);
  fetched.set(target.dataset.panel, Date.now());
  fetchPart(target.dataset.panel, target);
}, true);

function everything() {
  refetch("rail");
  refetch("first-look");
  each("[data-panel]", (panel) => refetch(panel.dataset.panel));
}

function take(event) {
  logAdd(event);
  if (foreign.has(event.task_id)) return;
  const stage = stageOf(event.task_id);
  if (!stage) {
    unknown.add(event.task_id); // ours that has just begun, or another project's
    refetch("rail");
    return;
  }
  if (event.event_type === "progress_update") {
    const bar = page.querySelector(`#rail [data-bar="${stage}"]`);
    const before = pending.get(stage)?.progress ?? bar?.value ?? 0;
    if (Math.floor(event.progress / 25) > Math.floor(before / 25)) announce(`${event.progress} %: ${event.message}`);
    pending.set(stage, { ...pending.get(stage), ...event });
    schedulePaint();
    if (event.data.changed?.includes("first_look")) refetch("first-look");
    if (event.data.changed) refetch(stage);
  } else {
    pending.delete(stage);
    announce(`${page.querySelector(`#panel-${stage} h2`)?.textContent ?? ""}: ${event.message || statusWord(event.status)}`);
    everything(); // a stage began or ended: those after it may be ready now
    notify(event, stage);
  }
}

// The log: what happened to this project, the newest line last, at most 200 of them. It is fetched when it is opened first.

const LOG_LINES = 200;
const log = () => page.querySelector("[data-log-lines]");

function logAdd(event) {
  const list = log();
  if (!list || foreign.has(event.task_id) || !stageOf(event.task_id)) return;
  const line = document.createElement("li");
  const when = new Date(event.timestamp);
  const label = page.querySelector(`#panel-${event.task_type} h2`)?.textContent ?? event.task_type;
  line.dataset.seq = event.seq;
  line.textContent = `${when.toLocaleTimeString("en-GB")}  ${label}  ${event.progress} %  ${event.event_type === "progress_update" ? "" : `${statusWord(event.status)}: `}${event.message}`;
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  list.append(line);
  while (list.children.length > LOG_LINES) list.firstElementChild.remove();
  logFilter();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function logFilter() {
  const wanted = (page.querySelector("[data-log-filter]")?.value ?? "").toLowerCase();
  for (const line of log()?.children ?? []) line.hidden = !line.textContent.toLowerCase().includes(wanted);
}

page.addEventListener("input", ({ target }) => target.matches("[data-log-filter]") && logFilter());
page.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-log-copy]");
  if (!button) return;
  const lines = [...log().children].filter((line) => !line.hidden).map((line) => line.textContent);
  try {
    await navigator.clipboard.writeText(lines.join("\n"));
    announce(button.dataset.said);
  } catch {
    getSelection().selectAllChildren(log()); // without the permission it is selected for the keyboard
  }
});
page.addEventListener("toggle", ({ target }) => {
  if (!target.matches("[data-log]") || !target.open) return;
  htmx.ajax("GET", `${base}log/`, { source: target, target: target.querySelector("[data-log-body]"), swap: "innerHTML" }).then(() => {
    const list = log();
    if (list) list.scrollTop = list.scrollHeight;
  }, () => {});
}, true);

// A word of the system when the work has ended and nobody looks; asked for by a press of the button only.

const NOTIFY = "vf:notify";
const mayNotify = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(NOTIFY) === "1";

function notifyButton() {
  const button = page.querySelector("[data-notify]");
  if (button) button.hidden = !("Notification" in window) || Notification.permission === "denied" || mayNotify();
}

function notify(event, stage) {
  const isEnd = event.status === "failed" || (event.status === "completed" && stage === "video_composition");
  if (!isEnd || !document.hidden || !mayNotify()) return;
  const shown = new Notification(page.dataset.title, { body: event.message, tag: page.dataset.project });
  shown.addEventListener("click", () => {
    window.focus();
    shown.close();
  });
}

page.addEventListener("click", async ({ target }) => {
  if (!target.closest("[data-notify]")) return;
  if ((await Notification.requestPermission()) === "granted") localStorage.setItem(NOTIFY, "1");
  notifyButton();
});
notifyButton();

// A session that ended, or somebody who signed out elsewhere: what was typed is kept, and the way back is named.

function gone() {
  const dialog = document.querySelector("[data-gone]");
  if (dialog && !dialog.open) dialog.showModal();
}
document.addEventListener("vf:gone", gone);

function hello(message) {
  for (const task of message.tasks) {
    if (task.project_id !== page.dataset.project) foreign.add(task.task_id);
  }
  if (message.reset) everything();
}

// Any device goes on from the panel that was opened last.
function remember(panel) {
  history.replaceState(null, "", `#panel-${panel}`);
  const token = page.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  fetch(`${base}panel/`, { method: "POST", body: new URLSearchParams({ panel }), headers: { "X-CSRFToken": token }, keepalive: true }).catch(() => {});
}

document.addEventListener("click", (event) => {
  const summary = event.target.closest("[data-panel] > summary");
  if (summary) {
    const panel = summary.parentElement;
    choices.set(panel.dataset.panel, !panel.open);
    if (!panel.open) remember(panel.dataset.panel);
    else if (location.hash === `#${panel.id}`) history.replaceState(null, "", location.pathname);
  }
  const link = event.target.closest("[data-open-panel]");
  if (link) {
    const panel = document.querySelector(link.hash);
    panel.open = true;
    choices.set(panel.dataset.panel, true);
    remember(panel.dataset.panel);
  }
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "rail" || !unknown.size) return;
  const ours = [...unknown].filter(stageOf);
  for (const task of unknown) if (!ours.includes(task)) foreign.add(task);
  unknown.clear();
  if (ours.length) everything();
});

// The script names the project, so the page's own title comes with the rail.
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "rail") return;
  notifyButton();
  each("#rail [data-eta-seconds]", (element) => {
    text(`[data-eta="${element.dataset.eta}"]`, about(left(element.dataset.eta, element.dataset.task, Number(element.dataset.etaSeconds))));
  });
  page.dataset.title = document.getElementById("rail").dataset.title;
  text("[data-project-title]", page.dataset.title);
  overall();
});

// Opening by itself above the panel that the reader opened would push that away from under their eyes; the rail says how it stands.
const isAboveChosen = (panel) =>
  [...page.querySelectorAll("[data-panel][open]")].some((other) => choices.get(other.dataset.panel) && panel.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

// A fetched panel opens as the server says, unless the reader decided otherwise; folds inside stay as they were.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const panel = event.detail.target.closest?.("[data-panel]");
  if (!panel) return;
  if (event.detail.target === panel && isInUse(panel)) {
    event.detail.shouldSwap = false; // somebody began to type while the answer was on its way
    refetch(panel.dataset.panel);
    return;
  }
  const open = [...panel.querySelectorAll("details")].map((fold) => fold.open);
  const name = panel.dataset.panel;
  const wasOpen = panel.open;
  const isOnHead = document.activeElement === panel.querySelector("summary");
  document.body.addEventListener(
    "htmx:afterSwap",
    () => {
      const fresh = document.getElementById(`panel-${name}`);
      if (choices.has(name)) fresh.open = choices.get(name);
      else if (!wasOpen && isAboveChosen(fresh)) fresh.open = false;
      if (isOnHead) fresh.querySelector("summary").focus({ preventScroll: true });
      const folds = [...fresh.querySelectorAll("details")];
      if (folds.length === open.length) folds.forEach((fold, index) => (fold.open = open[index]));
      schedulePaint();
    },
    { once: true },
  );
});
document.body.addEventListener("vf:changed", everything);
document.body.addEventListener("vf:edited", ({ detail }) => {
  for (const name of detail.panels ?? []) refetch(name);
});
document.addEventListener("visibilitychange", schedulePaint);

function openFromHash() {
  const panel = location.hash.startsWith("#panel-") && document.querySelector(location.hash);
  if (panel) {
    panel.open = true;
    choices.set(panel.dataset.panel, true);
    panel.scrollIntoView({ block: "start" });
  }
}
addEventListener("hashchange", openFromHash);
openFromHash();
if (new URLSearchParams(location.search).has("open")) history.replaceState(null, "", `${location.pathname}${location.hash}`); // for browsers without scripts

// Text of this browser that was never saved is offered once its field is there, so then no panel waits to be opened.
if (Object.keys(localStorage).some((key) => key.startsWith("vf:draft:"))) {
  each("[data-panel][data-lazy]:not([open])", (panel) => fetchPart(panel.dataset.panel, panel, true));
}

// A refused form is answered with the page from its top: go to what is wrong.
document.querySelector(".panel .error:not([hidden]), .panel [role=alert]")?.scrollIntoView({ block: "center" });

function countPicked() {
  const boxes = [...page.querySelectorAll("input[name=theme_ids]")];
  const picked = boxes.filter((box) => box.checked).length;
  text("[data-picked]", (page.dataset[["sayNone", "sayOne"][picked] ?? "sayMany"] ?? "").replace("{n}", String(picked)));
}
page.addEventListener("change", countPicked);
document.body.addEventListener("htmx:afterSwap", countPicked);
countPicked();

setInterval(() => {
  if (document.hidden) return;
  each("[data-elapsed]", (element) => {
    const started = Date.parse(element.dataset.elapsed);
    if (started) element.textContent = span((Date.now() - started) / 1000);
  });
}, 1000);

const showConnection = pill(document.querySelector("[data-pill]"));
follow({
  session: page.dataset.session,
  seq: Number(page.dataset.seq),
  onEvent: take,
  onHello: hello,
  onState: (state, waitMs) => {
    showConnection(state, waitMs);
    if (state === "gone" || state === "signedOut") gone();
  },
});
