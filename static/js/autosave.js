// Auto-save for any `form[data-autosave]`: what was typed is on the server within a second, or kept in this browser until it can be.
//
// The form:    <form id="turn-KEY" method="post" action="…" data-autosave> with a hidden `revision` and, inside it or named by
//              `data-state="#id"`, an element `[data-save-state]`. It works without this module: then its button saves.
//              A button with a name (say, "delete") is a press of its own: the form goes as the browser or htmx sends it.
// The request: the form's own fields, `Accept: application/json`, `X-CSRFToken`; one at a time, the last text wins.
// The answer:  200 {revision, changed: [panels to draw anew], …}: `vf:saved` is dispatched on the form with it as detail.
//              409 {revision, theirs: {field: value}, message}: both versions are shown; the creator chooses.
//              422 {errors: {field: sentence}}: shown beside the form; the text stays.
//              403 or 404: sent once more with the token in the cookie (somebody signed in), then the form stops, keeps its text in
//              this browser and fires `vf:gone`; it goes on when the page comes back to the front. Anything else: tried again.
// Sentences:   `data-say-saved`, `-saving` … on the form, else on `[data-save-words]` of the page, else English.

const DEBOUNCE_MS = 800;
const SAVING_SHOWN_AFTER_MS = 300;
const ANSWER_WITHIN_MS = 15_000; // a frozen server is a line that is down
const RETRY_MS = [2_000, 5_000, 15_000, 30_000];
const KEEPALIVE_LIMIT_BYTES = 60_000; // browsers refuse 64 KiB
const DRAFT = "vf:draft:";
const DRAFT_KEPT_MS = 30 * 24 * 3_600_000;
const SENTENCES = {
  Unsaved: "Unsaved",
  Saving: "Saving…",
  Saved: "Saved",
  Offline: "Offline, kept in this browser",
  Restored: "Text of this browser that was not saved yet, back again",
  Refused: "This could not be saved.",
  Conflict: "Changed elsewhere meanwhile",
  Older: "This browser kept a text that was never saved, and the line was changed since.",
  Gone: "Not saved: this page is not yours any more. Sign in again; your text is kept in this browser.",
  Theirs: "There now",
  KeepMine: "Keep mine",
  TakeTheirs: "Take theirs",
  Both: "Keep both changes",
};

const states = new WeakMap(); // form -> what is known of it

const isTick = (field) => field.matches("[type=checkbox], [type=radio]");
const fields = (form) => [...form.elements].filter((field) => field.name && !["hidden", "submit", "button", "file"].includes(field.type));
const keyOf = (field) => `${field.name}${isTick(field) && field.value !== "on" ? `=${field.value}` : ""}`;
const valueOf = (field) => (isTick(field) ? field.checked : field.value);
const defaultOf = (field) => {
  if (isTick(field)) return field.defaultChecked;
  if (field.matches("select")) return [...field.options].find((option) => option.defaultSelected)?.value ?? field.options[0]?.value;
  return field.defaultValue;
};

function valueSet(field, value) {
  if (isTick(field)) field.checked = value;
  else field.value = value;
}

function defaultSet(field, value) {
  if (isTick(field)) field.defaultChecked = value;
  else if (field.matches("select")) for (const option of field.options) option.defaultSelected = option.value === value;
  else field.defaultValue = value;
}

/** What a field would be if the server's `theirs` stood in the form; undefined when that does not speak of it. */
function theirsFor(field, theirs) {
  if (!(field.name in theirs)) return undefined;
  const value = theirs[field.name];
  if (!isTick(field)) return value === null ? "" : String(value);
  if (typeof value === "boolean") return value;
  return [value].flat().map(String).includes(field.value);
}

const valuesOf = (form) => Object.fromEntries(fields(form).map((field) => [keyOf(field), valueOf(field)]));
const isSame = (form, values, theirs) => fields(form).every((field) => [undefined, values[keyOf(field)]].includes(theirsFor(field, theirs)));
const revisionOf = (form) => form.elements.revision?.value ?? "0";
const draftKey = (form, revision = revisionOf(form)) => `${DRAFT}${form.id}:${revision}`;
const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
const clock = (at = new Date()) => new Intl.DateTimeFormat(document.documentElement.lang || "en", { hour: "2-digit", minute: "2-digit" }).format(at);

/** Whether the field holds something else than the page came with. */
export const isChanged = (field) => valueOf(field) !== defaultOf(field);

/** Whether the form holds something that the server does not have. */
export const isDirty = (form) => fields(form).some(isChanged);

function say(form, name) {
  return form.dataset[`say${name}`] ?? document.querySelector("[data-save-words]")?.dataset[`say${name}`] ?? SENTENCES[name];
}

function stateOf(form) {
  if (!states.has(form)) states.set(form, { timer: 0, slow: 0, tries: 0, isSending: false, isWaiting: false, isStopped: false, isGone: false, isLeaving: false, unanswered: [] });
  return states.get(form);
}

// Drafts. A full or forbidden storage costs the draft, not the saving.

function stored(act) {
  try {
    return act(localStorage);
  } catch {
    return undefined;
  }
}

const keep = (form) => stored((storage) => storage.setItem(draftKey(form), JSON.stringify({ at: Date.now(), values: valuesOf(form) })));
const forget = (form, revision) => stored((storage) => storage.removeItem(draftKey(form, revision)));
const draftRead = (key) => stored((storage) => JSON.parse(storage.getItem(key) ?? "null"));
const draftKeys = (prefix) => stored((storage) => Object.keys(storage).filter((key) => key.startsWith(prefix))) ?? [];

function draftsSweep() {
  for (const key of draftKeys(DRAFT)) if (!(draftRead(key)?.at > Date.now() - DRAFT_KEPT_MS)) stored((storage) => storage.removeItem(key));
}

// A draft of exactly this revision goes on where it was left. One of an earlier revision is shown beside what stands there now.
function offer(form) {
  const prefix = `${DRAFT}${form.id}:`;
  const drafts = draftKeys(prefix)
    .map((key) => ({ key, draft: draftRead(key) }))
    .filter(({ draft }) => draft?.values)
    .sort((one, other) => other.draft.at - one.draft.at);
  for (const { key } of drafts.slice(1)) stored((storage) => storage.removeItem(key));
  const newest = drafts[0];
  if (!newest) return;
  const changed = fields(form).filter((field) => (newest.draft.values[keyOf(field)] ?? valueOf(field)) !== valueOf(field));
  if (!changed.length) {
    if (!isDirty(form)) stored((storage) => storage.removeItem(newest.key));
    return;
  }
  const theirs = Object.fromEntries(changed.filter((field) => !isTick(field)).map((field) => [field.name, field.value]));
  for (const field of changed) valueSet(field, newest.draft.values[keyOf(field)]);
  if (newest.key === draftKey(form)) {
    changed[0].dispatchEvent(new Event("input", { bubbles: true })); // saved like anything typed
    show(form, "unsaved", say(form, "Restored"));
    return;
  }
  stored((storage) => storage.removeItem(newest.key));
  keep(form);
  conflict(form, { revision: revisionOf(form), theirs, message: say(form, "Older") });
}

// What the creator sees. Said aloud are failures only: who types is not told "saved" after every sentence.

const place = (form) => (form.dataset.state ? document.querySelector(form.dataset.state) : form.querySelector("[data-save-state]"));

function show(form, name, sentence) {
  const element = place(form);
  if (!element) return;
  element.dataset.saveState = name;
  element.setAttribute("role", ["offline", "conflict", "refused"].includes(name) ? "alert" : "presentation");
  if (element.textContent !== sentence) element.textContent = sentence;
}

const showSaved = (form) => show(form, "saved", `${say(form, "Saved")} ${clock()}`);

// Sending.

function later(form, wait) {
  const state = stateOf(form);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => save(form), wait);
}

async function post(form) {
  const body = new FormData(form);
  const token = cookie("csrftoken") || body.get("csrfmiddlewaretoken") || "";
  if (body.has("csrfmiddlewaretoken")) body.set("csrfmiddlewaretoken", token); // Django believes the field before the header
  const size = [...body].reduce((sum, [name, value]) => sum + name.length + 3 * String(value).length + 200, 0);
  return fetch(form.getAttribute("action"), {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRFToken": token },
    credentials: "same-origin",
    keepalive: size < KEEPALIVE_LIMIT_BYTES, // arrives though the page is closed meanwhile
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
}

/** Send the form now unless there is nothing new; while a request is under way the newest text follows it. */
export async function save(form) {
  const state = stateOf(form);
  clearTimeout(state.timer);
  if (state.isStopped || !form.isConnected) return;
  if (state.isSending) {
    state.isWaiting = true;
    return;
  }
  if (!isDirty(form)) return;
  state.isSending = true;
  state.isWaiting = false;
  state.slow = setTimeout(() => show(form, "saving", say(form, "Saving")), SAVING_SHOWN_AFTER_MS);
  const values = valuesOf(form);
  try {
    let response = await post(form);
    if (response.status === 403) response = await post(form);
    await answered(form, values, response);
  } catch {
    state.unanswered = [...state.unanswered.slice(-4), values]; // it may have arrived
    failed(form);
  } finally {
    clearTimeout(state.slow);
    state.isSending = false;
  }
  if (!state.isStopped && state.tries === 0 && (state.isWaiting || isDirty(form))) later(form, state.isWaiting ? 0 : DEBOUNCE_MS);
}

async function answered(form, values, response) {
  const state = stateOf(form);
  const isJson = (response.headers.get("content-type") ?? "").includes("application/json");
  if (response.status === 404 || response.status === 403) {
    gone(form);
    return;
  }
  const body = isJson ? await response.json() : {};
  if (isJson && response.ok) {
    settled(form, values, body.revision);
    form.dispatchEvent(new CustomEvent("vf:saved", { bubbles: true, detail: body }));
  } else if (isJson && response.status === 409) {
    const theirs = body.theirs ?? {};
    if (isSame(form, values, theirs)) settled(form, values, body.revision); // an answer of ours was lost, its text was not
    else if (state.unanswered.some((earlier) => isSame(form, earlier, theirs))) again(form, theirs, body.revision);
    else conflict(form, body);
  } else if (isJson && response.status === 422) {
    state.isWaiting = false;
    state.tries = 1; // not again by itself before something is typed
    show(form, "refused", Object.values(body.errors ?? {})[0] ?? body.message ?? say(form, "Refused"));
  } else {
    failed(form);
  }
}

// What was sent is what the server has: the fields' defaults say so to whoever asks whether something is unsaved.
function settled(form, values, revision) {
  const state = stateOf(form);
  state.tries = 0;
  state.unanswered = [];
  forget(form);
  for (const field of fields(form)) if (keyOf(field) in values) defaultSet(field, values[keyOf(field)]);
  if (revision !== undefined && form.elements.revision) form.elements.revision.value = revision;
  if (isDirty(form)) keep(form);
  else showSaved(form);
}

// The change that stands in the way is our own, sent before its answer was lost: go on from it.
function again(form, theirs, revision) {
  const state = stateOf(form);
  forget(form);
  for (const field of fields(form)) if (theirsFor(field, theirs) !== undefined) defaultSet(field, theirsFor(field, theirs));
  form.elements.revision.value = revision;
  state.tries = 0;
  state.isWaiting = true;
  keep(form);
}

function failed(form) {
  const state = stateOf(form);
  keep(form);
  show(form, "offline", say(form, "Offline"));
  later(form, RETRY_MS[Math.min(state.tries, RETRY_MS.length - 1)] * (0.5 + Math.random() / 2));
  state.tries += 1;
}

function gone(form) {
  const state = stateOf(form);
  state.isStopped = state.isGone = true;
  keep(form);
  show(form, "offline", say(form, "Gone"));
  form.dispatchEvent(new CustomEvent("vf:gone", { bubbles: true }));
}

// Both versions in sight: mine in the field, where it can still be edited, theirs beside it. Nothing is sent before a choice.

const pieces = (text) => text.match(/\s+|[^\s]+/g) ?? [];

function changeOf(base, text) {
  let start = 0;
  while (start < base.length && start < text.length && base[start] === text[start]) start += 1;
  let end = 0;
  while (end < base.length - start && end < text.length - start && base.at(-1 - end) === text.at(-1 - end)) end += 1;
  return { from: start, to: base.length - end, put: text.slice(start, text.length - end) };
}

/** Put both changes of a text into one; null where they touch the same words. */
export function merged(base, mine, theirs) {
  const [words, ...both] = [base, mine, theirs].map(pieces);
  const [first, second] = both.map((text) => changeOf(words, text)).sort((one, other) => one.from - other.from || one.to - other.to);
  if (first.to >= second.from) return null;
  return [...words.slice(0, first.from), ...first.put, ...words.slice(first.to, second.from), ...second.put, ...words.slice(second.to)].join("");
}

function conflict(form, { revision, theirs, message }) {
  const state = stateOf(form);
  state.isStopped = true;
  state.isWaiting = false;
  clearTimeout(state.timer);
  keep(form);
  show(form, "conflict", message ?? say(form, "Conflict"));
  form.querySelector("[data-conflict]")?.remove();
  const differing = fields(form).filter((field) => ![undefined, valueOf(field)].includes(theirsFor(field, theirs)));
  const texts = differing.filter((field) => !isTick(field));
  const box = document.createElement("div");
  box.dataset.conflict = "";
  box.className = "conflict";
  for (const field of texts) {
    const quote = document.createElement("blockquote");
    const caption = document.createElement("span");
    caption.textContent = say(form, "Theirs");
    const text = document.createElement("p");
    text.dir = "auto";
    text.textContent = theirsFor(field, theirs) || "—";
    quote.append(caption, text);
    box.append(quote);
  }
  const choose = (label, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-small";
    button.textContent = label;
    button.addEventListener("click", () => {
      box.remove();
      forget(form);
      if (form.elements.revision) form.elements.revision.value = revision;
      for (const field of fields(form)) if (theirsFor(field, theirs) !== undefined) defaultSet(field, theirsFor(field, theirs));
      state.isStopped = false;
      state.tries = 0;
      act();
      (texts[0] ?? form.querySelector("textarea, input:not([type=hidden])"))?.focus({ preventScroll: true });
      if (isDirty(form)) save(form);
      else showSaved(form);
    });
    row.append(button);
  };
  const row = document.createElement("div");
  row.className = "row";
  const both = texts.map((field) => merged(field.defaultValue ?? "", field.value, theirsFor(field, theirs)));
  choose(say(form, "KeepMine"), () => {});
  choose(say(form, "TakeTheirs"), () => {
    for (const field of differing) {
      valueSet(field, theirsFor(field, theirs));
      field.dispatchEvent(new Event("input", { bubbles: true })); // counters follow
    }
  });
  // What both began with is not known where the text comes from an earlier visit.
  const isKnown = texts.every((field) => field.defaultValue !== theirsFor(field, theirs));
  if (texts.length && isKnown && both.every((text) => text !== null)) {
    choose(say(form, "Both"), () => texts.forEach((field, index) => valueSet(field, both[index])));
  }
  box.append(row);
  form.append(box);
}

const autosaved = (target) => target.closest?.("form[data-autosave]") ?? target.form?.closest?.("form[data-autosave]");

// Switched off in the settings: a field is saved when it is left, and kept in this browser until then.
const savesWhileTyping = () => !(document.documentElement.dataset.off ?? "").split(".").includes("auto_save");

/** Watch over every such form, those that come later too. Returns a function that ends it. */
export function start(root = document) {
  const stop = new AbortController();
  const listen = (target, kind, act) => target.addEventListener(kind, act, { signal: stop.signal });
  const all = () => [...root.querySelectorAll("form[data-autosave]")];
  const edited = ({ target }) => {
    const form = autosaved(target);
    if (!form || !target.name) return;
    const state = stateOf(form);
    state.isLeaving = false;
    if (state.isStopped) {
      keep(form);
      return;
    }
    state.tries = 0;
    if (!isDirty(form) && !state.isSending) {
      clearTimeout(state.timer);
      forget(form);
      show(form, "saved", "");
      return;
    }
    keep(form);
    show(form, "unsaved", say(form, "Unsaved"));
    if (savesWhileTyping()) later(form, DEBOUNCE_MS);
  };
  listen(root, "focusout", ({ target }) => {
    const form = autosaved(target);
    if (form && !savesWhileTyping() && isDirty(form)) later(form, 0);
  });
  listen(root, "input", edited);
  listen(root, "submit", (event) => {
    const form = autosaved(event.target);
    if (!form) return;
    if (event.submitter?.name) {
      stateOf(form).isLeaving = true; // the browser takes the text along
      clearTimeout(stateOf(form).timer);
      return;
    }
    event.preventDefault();
    save(form);
  });
  listen(window, "online", () => all().filter(isDirty).forEach(save));
  listen(document, "visibilitychange", () => {
    for (const form of all().filter(isDirty)) {
      const state = stateOf(form);
      if (!document.hidden && state.isGone) state.isStopped = state.isGone = false; // signed in meanwhile, perhaps
      save(form);
    }
  });
  listen(window, "beforeunload", (event) => {
    if (all().some((form) => isDirty(form) && !stateOf(form).isLeaving)) event.preventDefault();
  });
  listen(document.body, "htmx:load", ({ detail }) => {
    if (detail.elt.matches?.("form[data-autosave]")) offer(detail.elt);
    detail.elt.querySelectorAll?.("form[data-autosave]").forEach(offer);
  });
  draftsSweep();
  all().filter(isDirty).forEach((form) => edited({ target: fields(form)[0] })); // changed before this module was there
  all().forEach(offer);
  return () => stop.abort();
}
