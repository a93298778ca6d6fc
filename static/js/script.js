// The script panel: keys and acts on its lines. Every act is the line's own form; without this module the browser sends it.

import { isDirty, save } from "./autosave.js";

const WAIT_MS = 100;
const ROUNDS = 60;
const STUCK = ["conflict", "refused", "offline"];
const listOf = () => document.getElementById("script-lines");
const stateOf = (form) => form.querySelector("[data-save-state]");
const fieldOf = (form) => form?.querySelector(".line-text");

function complain(form, sentence) {
  const place = stateOf(form) ?? form.querySelector("[data-script-refusal]");
  place.dataset.saveState = "refused";
  place.setAttribute("role", "alert");
  place.textContent = sentence;
}

// The list is drawn anew by an act: what is typed elsewhere in it must be on the server first.
async function settled(but) {
  for (let round = 0; round < ROUNDS; round += 1) {
    const dirty = [...document.querySelectorAll("#script-lines form[data-autosave]")].filter((form) => form !== but && isDirty(form));
    if (!dirty.length) return true;
    const stuck = round && dirty.find((form) => STUCK.includes(stateOf(form)?.dataset.saveState));
    if (stuck) {
      fieldOf(stuck).focus();
      return false;
    }
    dirty.forEach(save);
    await new Promise((done) => setTimeout(done, WAIT_MS));
  }
  return false;
}

async function send(form, body) {
  const headers = { Accept: "text/html, application/json", "HX-Request": "true", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers, credentials: "same-origin" });
  const isJson = (response.headers.get("content-type") ?? "").includes("application/json");
  if (!response.ok) {
    const reply = isJson ? await response.json() : {};
    throw new Error(Object.values(reply.errors ?? {})[0] ?? reply.message ?? `The server answered ${response.status}. Try again.`);
  }
  const lines = await response.text();
  const list = listOf(); // looked up only now: what was there before the answer came may have been drawn anew
  htmx.swap(list, lines, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 }, { eventInfo: { target: list } });
  document.querySelectorAll("#script-lines .line-text").forEach(grow);
  const panels = JSON.parse(response.headers.get("HX-Trigger") ?? "{}")["vf:edited"]?.panels ?? [];
  document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels } }));
}

let isActing = false;

async function act(form, name, { caret = null, text = null } = {}) {
  if (isActing) return;
  isActing = true;
  form.setAttribute("aria-busy", "true");
  try {
    if (!(await settled(name === "delete" ? form : null))) return;
    const lines = [...document.querySelectorAll("#script-lines [data-turn]")];
    const at = lines.findIndex((line) => line.dataset.turn === form.dataset.turn);
    const length = fieldOf(form)?.value.length ?? 0;
    const wasField = document.activeElement === fieldOf(form);
    const body = new FormData(form);
    body.set("act", name);
    if (name === "split" && caret) body.set("at", String(caret));
    if (text !== null) body.set("new_text", text);
    await send(form, body);
    focusAfter(name, { at, key: form.dataset.turn, caret, length, wasField });
  } catch (error) {
    complain(text === null ? form : document.querySelector("[data-new-line]") ?? form, error.message);
  } finally {
    form.removeAttribute("aria-busy");
    isActing = false;
  }
}

// The keyboard goes on where the eye is: at the line that was changed, or at the one that is new.
function focusAfter(name, { at, key, caret, length, wasField }) {
  const lines = [...document.querySelectorAll("#script-lines [data-turn]")];
  const own = lines.find((line) => line.dataset.turn === key);
  const put = (line, place) => {
    const field = fieldOf(line);
    if (!field) return;
    field.focus();
    if (place !== null) field.setSelectionRange(place, place);
  };
  if (name === "split") put(lines[at + 1], 0);
  else if (name === "add") put(lines[at + 1], fieldOf(lines[at + 1])?.value.length ?? 0);
  else if (name === "merge") put(own, length);
  else if (name === "delete") put(lines[Math.min(at, lines.length - 1)], 0);
  else if (wasField || !own) put(own, caret);
  else {
    put(own, null); // a line shows its tools when its text has the focus
    own.querySelector(`.tool[value="${{ lock: "unlock", unlock: "lock" }[name] ?? name}"]`)?.focus();
  }
}

async function actOnAll(form, name) {
  if (isActing) return;
  isActing = true;
  form.querySelectorAll("button").forEach((button) => (button.disabled = true));
  const body = new FormData(form);
  body.set("act", name);
  try {
    if (await settled(null)) await send(form, body);
  } catch (error) {
    complain(form, error.message);
  } finally {
    form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    isActing = false;
  }
}

// A new line is written before it is there: an empty one cannot be spoken.
function compose(form) {
  document.querySelector("[data-new-line]")?.remove();
  const fresh = document.getElementById("line-new").content.firstElementChild.cloneNode(true);
  fresh.dataset.after = form.dataset.turn;
  form.after(fresh);
  fieldOf(fresh).focus();
}

function addComposed(fresh) {
  const text = fieldOf(fresh).value;
  const form = document.getElementById(`turn-${fresh.dataset.after}`);
  if (!text.trim()) return fieldOf(fresh).focus();
  return act(form, "add", { text });
}

function cancel(fresh) {
  const field = fieldOf(document.getElementById(`turn-${fresh.dataset.after}`));
  fresh.remove();
  field?.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const name = event.submitter?.name === "act" ? event.submitter.value : "";
  if (!name) return;
  if (form.matches("[data-turn]")) {
    event.preventDefault();
    if (name === "add") compose(form);
    else act(form, name, { caret: fieldOf(form).selectionStart });
  } else if (form.matches("[data-script-all]")) {
    event.preventDefault();
    actOnAll(form, name);
  } else if (form.matches("[data-new-line]")) {
    event.preventDefault();
    addComposed(form);
  }
});

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".line-text");
  if (!field || event.isComposing) return;
  const form = field.form;
  const isCommand = event.ctrlKey || event.metaKey;
  const done = (what) => {
    event.preventDefault();
    what();
  };
  if (form.matches("[data-new-line]")) {
    if (event.key === "Enter") done(() => addComposed(form));
    else if (event.key === "Escape") done(() => cancel(form));
    return;
  }
  const caret = field.selectionStart;
  if (event.key === "Enter" && isCommand && event.shiftKey) done(() => act(form, "split", { caret }));
  else if (event.key === "Enter" && isCommand) done(() => compose(form));
  else if (event.key === "Enter") {
    // A line is one line: the key goes on to the next.
    const lines = [...document.querySelectorAll("#script-lines [data-turn]")];
    done(() => (fieldOf(lines[lines.indexOf(form) + 1]) ?? field).focus());
  } else if (event.altKey && event.key === "ArrowUp") done(() => act(form, "up", { caret }));
  else if (event.altKey && event.key === "ArrowDown") done(() => act(form, "down", { caret }));
  else if (isCommand && event.key === "." && form.querySelector('.tool[value="propose"]')) done(() => act(form, "propose", { caret }));
});

document.addEventListener("click", (event) => {
  const fresh = event.target.closest("[data-new-line] [data-cancel]");
  if (fresh) cancel(fresh.closest("[data-new-line]"));
  const link = event.target.closest("[data-play]");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    play(link);
  }
});

document.addEventListener("vf:saved", ({ target, detail }) => {
  if (!target.matches?.("[data-turn]")) return;
  target.querySelector("[data-line-seconds]").textContent = detail.seconds;
  const say = target.closest("[data-say-many]").dataset;
  target.querySelector("[data-line-words]").textContent = (detail.words === 1 ? say.sayOne : say.sayMany).replace("{n}", detail.words);
  target.querySelector("[data-play]")?.remove(); // it says the words before
});

// Another tab or device may have edited meanwhile; what is being typed here is left alone.
document.addEventListener("visibilitychange", () => {
  const list = listOf();
  if (document.hidden || isActing || !list?.closest("details[open]")) return;
  const isTyping = list.contains(document.activeElement) || list.querySelector("[data-new-line]");
  if (isTyping || [...list.querySelectorAll("form[data-autosave]")].some(isDirty)) return;
  htmx.trigger(document.body, "vf:lines");
  document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels: [] } }));
});

// One recording at a time.
let player = null;
let playing = null;

function stop() {
  playing?.removeAttribute("data-playing");
  playing = null;
}

function play(link) {
  player ??= new Audio();
  player.onended = stop;
  const isSame = playing === link;
  player.pause();
  stop();
  if (isSame) return;
  player.src = link.href;
  playing = link;
  link.dataset.playing = "";
  player.play().catch(stop);
}

// A word of the pronunciation book, heard before it is kept.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-listen]");
  if (!button) return;
  event.preventDefault();
  event.stopPropagation();
  const form = button.form;
  const error = document.querySelector("#script-book [data-book-error]");
  error.hidden = true;
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    const body = new FormData(form);
    body.set("act", "listen");
    const headers = { Accept: "audio/wav, application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers, credentials: "same-origin" });
    if (!response.ok) {
      const isJson = (response.headers.get("content-type") ?? "").includes("application/json");
      throw new Error(isJson ? Object.values((await response.json()).errors ?? {})[0] : `The server answered ${response.status}. Try again.`);
    }
    const address = URL.createObjectURL(await response.blob());
    player ??= new Audio();
    stop();
    player.onended = () => URL.revokeObjectURL(address);
    player.src = address;
    await player.play();
  } catch (failure) {
    error.hidden = false;
    error.querySelector("span").textContent = failure.message;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}, true);

// Where the browser does not size a field by its content.
const sizesItself = CSS.supports("field-sizing", "content");

function grow(field) {
  if (sizesItself) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.(".line-text")) return;
  if (target.value.includes("\n")) {
    const caret = target.selectionStart;
    target.value = target.value.replaceAll("\n", " ");
    target.setSelectionRange(caret, caret);
  }
  grow(target);
});
document.querySelectorAll(".line-text").forEach(grow);
document.body.addEventListener("htmx:load", ({ detail }) => detail.elt.querySelectorAll?.(".line-text").forEach(grow));
