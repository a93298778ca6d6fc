// Auto-save for any `form[data-autosave]`: what was typed is on the server within a second, or kept in this browser until it can be.
//
// The form:    <form id="turn-KEY" method="post" action="…" data-autosave> with a hidden `revision` and, inside it or named by
//              `data-state="#id"`, an element `[data-save-state]`. It works without this module: then its button saves.
// The request: the form's own fields, `Accept: application/json`, `X-CSRFToken`; one at a time, the last text wins.
// The answer:  200 {revision, changed: [panels to draw anew], …}: `vf:saved` is dispatched on the form with it as detail.
//              409 {revision, theirs: {field: value}, message}: both versions are shown; the creator chooses.
//              422 {errors: {field: sentence}}: shown beside the form; the text stays.
//              403 and a new token in the cookie (somebody signed in): sent once more. Anything else: kept here, tried again.

const DEBOUNCE_MS = 800;
const SAVING_SHOWN_AFTER_MS = 300;
const RETRY_MS = [2_000, 5_000, 15_000, 30_000];
const DRAFT = "vf:draft:";

const states = new WeakMap(); // form -> what is known of it

const fields = (form) => [...form.elements].filter((field) => field.name && field.type !== "hidden" && field.type !== "submit" && field.type !== "file");
const valueOf = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked : field.value);
const defaultOf = (field) => {
  if (field.matches("[type=checkbox], [type=radio]")) return field.defaultChecked;
  if (field.matches("select")) return [...field.options].find((option) => option.defaultSelected)?.value ?? field.options[0]?.value;
  return field.defaultValue;
};
export const isDirty = (form) => fields(form).some((field) => valueOf(field) !== defaultOf(field));
const draftKey = (form, revision = form.elements.revision?.value ?? "0") => `${DRAFT}${form.id}:${revision}`;
const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

function keep(form) {
  const values = Object.fromEntries(fields(form).map((field) => [`${field.name}${field.type === "radio" ? `=${field.value}` : ""}`, valueOf(field)]));
  try {
    localStorage.setItem(draftKey(form), JSON.stringify({ at: Date.now(), values }));
  } catch {
    // A full or forbidden storage costs the draft, not the saving.
  }
}

function forget(form, revision) {
  try {
    localStorage.removeItem(draftKey(form, revision));
  } catch {
    // Nothing was kept then.
  }
}

function stateOf(form) {
  if (!states.has(form)) states.set(form, { timer: 0, isSending: false, isWaiting: false, tries: 0, slow: 0, isStopped: false });
  return states.get(form);
}

const place = (form) => (form.dataset.state ? document.querySelector(form.dataset.state) : form.querySelector("[data-save-state]"));

// Said aloud are failures only; a creator who types is not told "saved" after every sentence.
function show(form, name, sentence) {
  const element = place(form);
  if (!element) return;
  element.dataset.saveState = name;
  if (element.textContent !== sentence) element.textContent = sentence;
  element.setAttribute("role", ["offline", "conflict", "refused"].includes(name) ? "alert" : "presentation");
}

const clock = () => new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(new Date());
const say = (form, name) => form.dataset[`say${name}`];

function later(form, wait) {
  const state = stateOf(form);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form), wait);
}

// What was just sent is what the server has: the fields' defaults say so to whoever asks whether something is unsaved.
function settle(form, sent) {
  for (const field of fields(form)) {
    if (field.matches("[type=checkbox], [type=radio]")) field.defaultChecked = sent.getAll(field.name).includes(field.value);
    else if (field.matches("select")) for (const option of field.options) option.defaultSelected = sent.getAll(field.name).includes(option.value);
    else field.defaultValue = sent.get(field.name) ?? "";
  }
}

async function post(form, body, options = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": cookie("csrftoken") || (form.elements.csrfmiddlewaretoken?.value ?? "") };
  return fetch(form.getAttribute("action"), { method: "POST", body, headers, credentials: "same-origin", ...options });
}

export async function save(form) {
  const state = stateOf(form);
  clearTimeout(state.timer);
  if (state.isStopped || !form.isConnected) return;
  if (state.isSending) {
    state.isWaiting = true; // the newest text goes as soon as this one is answered
    return;
  }
  if (!isDirty(form)) return;
  state.isSending = true;
  state.isWaiting = false;
  state.slow = setTimeout(() => show(form, "saving", say(form, "Saving") ?? "Saving…"), SAVING_SHOWN_AFTER_MS);
  const sent = new FormData(form);
  try {
    let response = await post(form, sent);
    if (response.status === 403) response = await post(form, sent); // signing in changed the token in the cookie
    await answered(form, sent, response);
  } catch {
    failed(form);
  } finally {
    clearTimeout(state.slow);
    state.isSending = false;
  }
  if (state.isWaiting || (state.tries === 0 && !state.isStopped && isDirty(form))) later(form, 0);
}

async function answered(form, sent, response) {
  const state = stateOf(form);
  const isJson = (response.headers.get("content-type") ?? "").includes("application/json");
  const body = isJson ? await response.json() : {};
  if (response.ok && isJson) {
    forget(form);
    settle(form, sent);
    if ("revision" in body && form.elements.revision) form.elements.revision.value = body.revision;
    state.tries = 0;
    if (isDirty(form)) keep(form);
    else show(form, "saved", `${say(form, "Saved") ?? "Saved"} ${clock()}`);
    form.dispatchEvent(new CustomEvent("vf:saved", { bubbles: true, detail: body }));
  } else if (response.status === 409 && isJson) {
    conflict(form, body);
  } else if (response.status === 422 && isJson) {
    state.isWaiting = false;
    state.tries = 1; // not again by itself before something is typed
    show(form, "refused", Object.values(body.errors ?? {})[0] ?? body.message ?? "This could not be saved.");
  } else if (response.status === 404 || response.status === 403) {
    state.isStopped = true;
    show(form, "offline", say(form, "Gone") ?? "Not yours any more in this browser: sign in again. Your text is kept here.");
    form.dispatchEvent(new CustomEvent("vf:gone", { bubbles: true }));
  } else {
    failed(form);
  }
}

function failed(form) {
  const state = stateOf(form);
  keep(form);
  show(form, "offline", say(form, "Offline") ?? "Offline, kept in this browser");
  later(form, RETRY_MS[Math.min(state.tries, RETRY_MS.length - 1)] * (0.5 + Math.random() / 2));
  state.tries += 1;
}

// Both versions stay in sight: mine in the field, theirs beside it. Nothing is sent until the creator has chosen.
function conflict(form, body) {
  const state = stateOf(form);
  state.isStopped = true;
  state.isWaiting = false;
  show(form, "conflict", body.message ?? "Changed elsewhere meanwhile");
  form.querySelector("[data-conflict]")?.remove();
  const box = document.createElement("div");
  box.dataset.conflict = "";
  box.className = "conflict";
  for (const [name, value] of Object.entries(body.theirs ?? {})) {
    const field = form.elements[name];
    if (!field || String(field.value) === String(value)) continue;
    const quote = document.createElement("blockquote");
    quote.textContent = value;
    box.append(quote);
  }
  const button = (label, act) => {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "btn btn-small";
    element.textContent = label;
    element.addEventListener("click", () => {
      form.elements.revision.value = body.revision;
      box.remove();
      state.isStopped = false;
      act();
    });
    box.append(element);
  };
  button(say(form, "Mine") ?? "Keep mine", () => {
    for (const [name, value] of Object.entries(body.theirs ?? {})) if (form.elements[name]?.defaultValue !== undefined) form.elements[name].defaultValue = value;
    save(form);
  });
  button(say(form, "Theirs") ?? "Take theirs", () => {
    forget(form);
    for (const [name, value] of Object.entries(body.theirs ?? {})) {
      const field = form.elements[name];
      if (!field) continue;
      field.value = value;
      if (field.defaultValue !== undefined) field.defaultValue = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    show(form, "saved", `${say(form, "Saved") ?? "Saved"} ${clock()}`);
  });
  form.append(box);
}

// A draft of exactly this revision that the server never got: offered, not forced upon what is there.
function offer(form) {
  let draft = null;
  try {
    draft = JSON.parse(localStorage.getItem(draftKey(form)) ?? "null");
  } catch {
    return;
  }
  if (!draft) return;
  const differs = fields(form).filter((field) => {
    const kept = draft.values[`${field.name}${field.type === "radio" ? `=${field.value}` : ""}`];
    return kept !== undefined && kept !== valueOf(field);
  });
  if (!differs.length) {
    forget(form);
    return;
  }
  for (const field of differs) {
    const kept = draft.values[`${field.name}${field.type === "radio" ? `=${field.value}` : ""}`];
    if (field.matches("[type=checkbox], [type=radio]")) field.checked = kept;
    else field.value = kept;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  show(form, "unsaved", say(form, "Restored") ?? "Unsaved text of this browser, back again");
}

const autosaved = (target) => target.closest?.("form[data-autosave]");

export function start(root = document) {
  const stop = new AbortController();
  const listen = (target, kind, act) => target.addEventListener(kind, act, { signal: stop.signal });
  const edited = ({ target }) => {
    const form = autosaved(target);
    if (!form || !target.name) return;
    const state = stateOf(form);
    if (state.isStopped) return keep(form);
    state.tries = 0;
    if (!isDirty(form) && !state.isSending) {
      clearTimeout(state.timer);
      forget(form);
      show(form, "saved", "");
      return undefined;
    }
    keep(form);
    show(form, "unsaved", say(form, "Unsaved") ?? "Unsaved");
    return later(form, DEBOUNCE_MS);
  };
  listen(root, "input", edited);
  listen(root, "submit", (event) => {
    const form = autosaved(event.target);
    if (!form || (event.submitter && event.submitter.name)) return;
    event.preventDefault();
    save(form);
  });
  const all = () => [...root.querySelectorAll("form[data-autosave]")];
  listen(window, "online", () => all().filter(isDirty).forEach(save));
  listen(document, "visibilitychange", () => {
    if (!document.hidden) return;
    for (const form of all()) if (isDirty(form) && !stateOf(form).isStopped) post(form, new FormData(form), { keepalive: true }).then((response) => answered(form, new FormData(form), response)).catch(() => {});
  });
  listen(window, "beforeunload", (event) => {
    if (all().some(isDirty)) event.preventDefault();
  });
  listen(document.body, "htmx:load", ({ detail }) => {
    if (detail.elt.matches?.("form[data-autosave]")) offer(detail.elt);
    detail.elt.querySelectorAll?.("form[data-autosave]").forEach(offer);
  });
  all().forEach(offer);
  return () => stop.abort();
}
