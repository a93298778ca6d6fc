// The composer: what was chosen stays chosen, pictures are dragged, cuts are pulled, the focus is clicked. Every act is a form's.

const timeline = () => document.getElementById("composer-timeline");
const strip = () => timeline()?.querySelector("[data-strip]");
const isTimeline = (element) => element?.id === "composer-timeline";
const SCENES = "#composer-scenes"; // stays while the timeline in it is drawn anew: an answer for an element that is gone would be lost

let chosen = ""; // key of the scene that the creator looks at
let place = 0; // and where in the strip it was: another is there when it is gone
let scrolled = 0; // where the strip stood

// ---- Fragments

// A field in which something newer stands than the answer knows is not swapped away: its own answer draws everything. Nor is what a
// later request has drawn swapped for the answer to an earlier one, which may not know of it: both are asked for once more.
let edits = 0;
let isBehind = false; // an answer was left out
let sent = 0;
let drawn = 0; // number of the request whose answer is to be seen
const sentAt = new WeakMap(); // request -> its number and the edits that it knows of
const inspector = () => document.getElementById("scene-inspector");
const isTyping = () => {
  const field = document.activeElement;
  return Boolean(inspector()?.contains(field)) && field.matches("input") && field.value !== field.defaultValue;
};
document.addEventListener("change", ({ target }) => inspector()?.contains(target) && (edits += 1));
document.body.addEventListener("htmx:beforeRequest", ({ detail }) => detail.target.matches(SCENES) && sentAt.set(detail.xhr, { edits, number: (sent += 1) }));

// A refused edit is answered with the scenes as they are and why: that is to be seen.
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.target.matches(SCENES)) return;
  const request = sentAt.get(detail.xhr);
  if ([409, 422].includes(detail.xhr.status)) {
    detail.shouldSwap = true;
    detail.isError = false;
    return;
  }
  if (request.number < drawn) {
    detail.shouldSwap = false;
    isBehind = true;
    catchUp();
    return;
  }
  if (edits === request.edits && !isTyping()) {
    isBehind = false;
    drawn = request.number;
    return;
  }
  const fresh = new DOMParser().parseFromString(detail.serverResponse, "text/html").getElementById("composer-timeline");
  if (fresh?.dataset.chosen !== timeline().dataset.chosen) return;
  timeline().querySelector("#scene-form [name=revision]").value = fresh.querySelector("#scene-form [name=revision]").value;
  detail.shouldSwap = false;
  isBehind = true;
});
const CATCH_UP_MS = 600;
function catchUp() {
  setTimeout(() => {
    const link = isBehind && !isTyping() && document.getElementById(`cell-${timeline()?.dataset.chosen}`);
    if (link) htmx.ajax("GET", link.href, { source: link, target: SCENES, swap: "innerHTML" });
  }, CATCH_UP_MS);
}
document.addEventListener("focusout", ({ target }) => {
  if (isBehind && inspector()?.contains(target)) catchUp();
});
document.addEventListener("scroll", ({ target }) => target.matches?.("[data-strip]") && (scrolled = target.scrollLeft), true);

function settle() {
  const now = timeline();
  if (!now) return;
  const line = strip();
  if (line && scrolled) line.scrollLeft = scrolled;
  const inView = line?.querySelector("[aria-current]")?.parentElement;
  // The first scene is in view at the beginning; to ask for its place would lay the page out before it is complete.
  if (inView && (scrolled || inView.previousElementSibling) && (inView.offsetLeft < line.scrollLeft || inView.offsetLeft + inView.offsetWidth > line.scrollLeft + line.clientWidth)) {
    line.scrollLeft = inView.offsetLeft - line.clientWidth / 2 + inView.offsetWidth / 2;
  }
  trimDraw(now.querySelector("[data-trim]"));
  const focus = now.querySelector("[data-focus-pick]");
  if (focus) focusDraw(focus, Number(focus.dataset.x), Number(focus.dataset.y));
  remadeDraw();
}

function choose() {
  chosen = timeline()?.dataset.chosen ?? "";
  place = [...(strip()?.children ?? [])].findIndex((cell) => cell.dataset.cell === chosen);
}

document.body.addEventListener("htmx:load", ({ detail }) => {
  const fragment = detail.elt;
  const fresh = isTimeline(fragment) ? fragment : fragment.querySelector?.("#composer-timeline");
  if (fragment.id === "compose-state") remadeDraw();
  if (!fresh) return;
  if (isTimeline(fragment)) choose(); // asked for: by a click or an edit
  else if (chosen && fresh.dataset.chosen !== chosen) {
    // The panel was drawn anew with its first scene: back to the one that was looked at.
    const cells = strip()?.querySelectorAll(".cell-link") ?? [];
    const link = document.getElementById(`cell-${chosen}`) ?? cells[Math.min(place, cells.length - 1)];
    if (link) htmx.ajax("GET", link.href, { source: link, target: SCENES, swap: "innerHTML" });
  }
  settle();
});

// What composing would encode again is marked on its scene.
function remadeDraw() {
  const state = document.getElementById("compose-state");
  const places = new Set((state?.dataset.remade ?? "").split(",").filter(Boolean));
  const word = state?.dataset.word ?? "";
  for (const cell of document.querySelectorAll("[data-cell]")) {
    const mark = cell.querySelector(".cell-state");
    if (places.has(cell.dataset.place) && word) mark.dataset.remade = word;
    else delete mark.dataset.remade;
  }
}

// ---- Moving

function move(key, values) {
  const form = timeline().querySelector("[data-move]");
  const path = form.getAttribute("action").replace(timeline().dataset.chosen, key);
  const csrfmiddlewaretoken = form.elements.csrfmiddlewaretoken.value;
  htmx.ajax("POST", path, { source: form, target: SCENES, swap: "innerHTML", values: { csrfmiddlewaretoken, ...values } });
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("[data-cell]");
  if (!cell || !event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  event.preventDefault();
  move(cell.dataset.cell, { by: event.key === "ArrowLeft" ? -1 : 1 });
});

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-cell]") ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.place);
  dragged.setAttribute("data-dragged", "");
});
function overDraw(cell) {
  for (const other of document.querySelectorAll("[data-over][data-cell]")) if (other !== cell) other.removeAttribute("data-over");
  if (cell && cell !== dragged) cell.dataset.over = Number(cell.dataset.place) > Number(dragged.dataset.place) ? "after" : "before";
}
document.addEventListener("dragover", (event) => {
  const cell = dragged && event.target.closest?.("[data-cell]");
  if (!cell) return;
  event.preventDefault();
  overDraw(cell);
});
document.addEventListener("drop", (event) => {
  const cell = dragged && event.target.closest?.("[data-cell]");
  if (!cell) return;
  event.preventDefault();
  if (cell !== dragged) move(dragged.dataset.cell, { to: cell.dataset.place });
});
document.addEventListener("dragend", () => {
  dragged?.removeAttribute("data-dragged");
  dragged = null;
  overDraw(null);
});

// ---- Splitting and deleting

let acted = false; // the next answer is to an act on a scene that may be gone with the focus on it
document.addEventListener("submit", ({ target }) => target.matches("[data-split], [data-delete]") && (acted = true), true);
document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (!acted || !detail.target.matches(SCENES)) return;
  acted = false;
  if (document.activeElement === document.body) document.getElementById(`cell-${chosen}`)?.focus({ preventScroll: true });
});

const actOf = ({ key, ctrlKey, metaKey, shiftKey, altKey }) => {
  if (key === "Delete" && !ctrlKey && !metaKey && !altKey && !shiftKey) return "delete";
  return key === "Enter" && shiftKey && (ctrlKey || metaKey) ? "split" : "";
};
document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("[data-cell]");
  const act = cell && actOf(event);
  if (!act) return;
  event.preventDefault();
  if (event.repeat) return;
  const form = timeline().querySelector(`[data-${act}]`);
  if (cell.dataset.cell === timeline().dataset.chosen) {
    form.querySelector("button").click();
    return;
  }
  acted = true;
  const path = form.getAttribute("action").replace(timeline().dataset.chosen, cell.dataset.cell);
  const values = { csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value };
  htmx.ajax("POST", path, { source: cell.querySelector("a"), target: SCENES, swap: "innerHTML", values });
});

// The place to split follows the playhead. A preview begins with the way in from the scene before, and ends where its scene ends.
document.addEventListener("timeupdate", ({ target }) => {
  const field = target.closest?.("#scene-stage") && document.getElementById("split-at");
  if (!field || field.disabled || field === document.activeElement || !target.currentTime || !Number.isFinite(target.duration)) return;
  const time = Number(field.form.dataset.end) - target.duration + target.currentTime;
  field.value = clamp(time, Number(field.min), Number(field.max)).toFixed(2);
}, true);

// ---- Cuts

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

function trimDraw(form) {
  if (!form) return;
  const { from, until } = form.dataset;
  const field = (name, fallback) => (form.elements[name].disabled ? Number(fallback) : Number(form.elements[name].value));
  const start = field("start", form.dataset.start);
  const end = field("end", form.dataset.end);
  const share = (time) => ((time - from) / (until - from)) * 100;
  const track = form.querySelector(".trim-track");
  for (const [part, seconds] of [["before", start - from], ["this", end - start], ["after", until - end]]) {
    const element = track.querySelector(`[data-part="${part}"]`);
    if (element) element.style.flex = `${Math.max(0.01, seconds)} 1 0`;
  }
  for (const [name, time] of [["start", start], ["end", end]]) {
    const handle = track.querySelector(`[data-handle="${name}"]`);
    if (handle) handle.style.insetInlineStart = `${share(time)}%`;
  }
  track.setAttribute("data-ready", "");
}

document.addEventListener("input", ({ target }) => trimDraw(target.closest?.("[data-trim]")));

let pulled = null;
document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-handle]");
  if (!handle || event.button) return;
  event.preventDefault();
  pulled = handle;
  handle.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  if (!pulled) return;
  const form = pulled.closest("[data-trim]");
  const input = form.elements[pulled.dataset.handle];
  const box = pulled.parentElement.getBoundingClientRect();
  const time = Number(form.dataset.from) + clamp((event.clientX - box.left) / box.width, 0, 1) * (form.dataset.until - form.dataset.from);
  input.value = clamp(time, Number(input.min), Number(input.max)).toFixed(2);
  trimDraw(form);
});
for (const kind of ["pointerup", "pointercancel"]) {
  document.addEventListener(kind, () => {
    const input = pulled?.closest("[data-trim]").elements[pulled.dataset.handle];
    pulled = null;
    if (input && input.value !== input.defaultValue) input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// ---- Focus

function focusDraw(pick, x, y) {
  const mark = pick.querySelector(".focus-mark");
  mark.style.left = `${x}%`;
  mark.style.top = `${y}%`;
  mark.setAttribute("data-placed", "");
}
document.addEventListener("click", (event) => {
  const pick = event.target.closest?.("[data-focus-pick]");
  if (!pick) return;
  const box = pick.getBoundingClientRect();
  const form = pick.closest("form");
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((share) => Math.round(clamp(share, 0, 1) * 100));
  form.elements.focus_x.value = x;
  form.elements.focus_y.value = y;
  focusDraw(pick, x, y);
  form.elements.focus_x.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("#scene-form");
  if (form && target.name.startsWith("focus_")) focusDraw(form.querySelector("[data-focus-pick]"), form.elements.focus_x.value, form.elements.focus_y.value);
});

// ---- Captions and music

document.addEventListener("input", ({ target }) => {
  const output = target.type === "range" && target.id && document.querySelector(`[data-output-for="${CSS.escape(target.id)}"]`);
  if (output) output.textContent = `${Number(target.value)}${target.dataset.unit ?? ""}`;
});

settle();
choose();
