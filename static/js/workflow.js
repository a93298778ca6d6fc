// The workflow page, live: figures come as events and are painted in place; where structure changed, the fragment is fetched again.

import { follow, pill } from "./progress.js";

const FETCH_EVERY_MS = 2_000;
const page = document.querySelector("[data-workflow]");
const base = page.dataset.base;
const pending = new Map(); // stage -> newest event not painted yet
const fetched = new Map(); // address -> time of the last fetch
const waiting = new Map(); // address -> timer
const foreign = new Set(); // tasks of other projects
const unknown = new Set(); // tasks of which the rail will tell whose they are
const choices = new Map(); // panel -> open or closed, as the reader left it
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
  if (seconds < 50) return " · under a minute left";
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 90 ? ` · about ${minutes} min left` : ` · about ${Math.round(minutes / 60)} h left`;
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
    if ("eta_seconds" in event.data && event.data.eta_seconds !== null) text(`[data-eta="${stage}"]`, about(event.data.eta_seconds));
  }
  pending.clear();
  overall();
}

function schedulePaint() {
  if (frame) return;
  // A hidden page gets no frames, but its title in the row of tabs should still count up.
  frame = document.hidden ? setTimeout(paint, 1000) : requestAnimationFrame(paint);
}

function announce(sentence) {
  page.querySelector("[data-announce]").textContent = sentence;
}

// A panel in which something was picked, typed or is playing is left alone until that is over.
function isInUse(panel) {
  const focused = document.activeElement;
  if (panel.contains(focused) && focused.matches("input:not([type=hidden]), textarea, select")) return true;
  const isTouched = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  if ([...panel.querySelectorAll("input, textarea")].some(isTouched)) return true;
  return [...panel.querySelectorAll("video[controls], audio")].some((media) => !media.paused && !media.ended);
}

function refetch(name) {
  if (waiting.has(name)) return;
  const wait = Math.max(0, (fetched.get(name) ?? 0) + FETCH_EVERY_MS - Date.now());
  waiting.set(
    name,
    setTimeout(() => {
      waiting.delete(name);
      const target = document.getElementById(name === "rail" ? "rail" : `panel-${name}`);
      if (!target) return;
      if (name !== "rail" && isInUse(target)) {
        fetched.set(name, Date.now());
        refetch(name);
        return;
      }
      fetched.set(name, Date.now());
      const address = name === "rail" ? `${base}rail/` : `${base}panels/${name}/`;
      // Its own source: requests of one element queue behind each other and only the last would be sent.
      htmx.ajax("GET", address, { source: target, target, swap: "outerHTML" }).catch(() => {});
    }, wait),
  );
}

function everything() {
  refetch("rail");
  each("[data-panel]", (panel) => refetch(panel.dataset.panel));
}

function take(event) {
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
    if (Math.floor(event.progress / 25) > Math.floor(before / 25)) announce(`${event.progress} per cent: ${event.message}`);
    pending.set(stage, { ...pending.get(stage), ...event });
    schedulePaint();
    if (event.data.changed) refetch(stage);
  } else {
    pending.delete(stage);
    announce(`${page.querySelector(`#panel-${stage} h2`)?.textContent ?? ""}: ${event.message || event.status.replace("_", " ")}`);
    everything(); // a stage began or ended: those after it may be ready now
  }
}

function hello(message) {
  for (const task of message.tasks) {
    if (task.project_id !== page.dataset.project) foreign.add(task.task_id);
  }
  if (message.reset) everything();
}

document.addEventListener("click", (event) => {
  const summary = event.target.closest("[data-panel] > summary");
  if (summary) choices.set(summary.parentElement.dataset.panel, !summary.parentElement.open);
  const link = event.target.closest("[data-open-panel]");
  if (link) {
    const panel = document.querySelector(link.hash);
    panel.open = true;
    choices.set(panel.dataset.panel, true);
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
  page.dataset.title = document.getElementById("rail").dataset.title;
  text("[data-project-title]", page.dataset.title);
  overall();
});

// A fetched panel opens as the server says, unless the reader decided otherwise; folds inside stay as they were.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const panel = event.detail.target.closest?.("[data-panel]");
  if (!panel) return;
  const open = [...panel.querySelectorAll("details")].map((fold) => fold.open);
  const name = panel.dataset.panel;
  document.body.addEventListener(
    "htmx:afterSwap",
    () => {
      const fresh = document.getElementById(`panel-${name}`);
      if (choices.has(name)) fresh.open = choices.get(name);
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

// A refused form is answered with the page from its top: go to what is wrong.
document.querySelector(".panel .error, .panel [role=alert]")?.scrollIntoView({ block: "center" });

function countPicked() {
  const boxes = [...page.querySelectorAll("input[name=theme_ids]")];
  const picked = boxes.filter((box) => box.checked).length;
  text("[data-picked]", picked ? `${picked} theme${picked === 1 ? "" : "s"} picked.` : "Nothing picked yet.");
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

follow({ session: page.dataset.session, seq: Number(page.dataset.seq), onEvent: take, onHello: hello, onState: pill(document.querySelector("[data-pill]")) });
