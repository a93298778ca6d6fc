// The command palette (Ctrl K), the list of shortcuts (?) and the keys that stand alone.
//
// What a page offers is read from the page itself when the palette opens: its steps (`[data-open-panel]`), every button that is
// the main act of an open form, undo, redo, cancel and retry, and whatever else carries `data-command`.

const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const shortcuts = document.getElementById("shortcuts");
const group = (name) => palette.querySelector(`[data-group="${name}"]`);
const rows = (name) => group(name).querySelector("[data-rows]");
const ACTS = [
  "[data-open-panel]",
  "[data-command]",
  ".panel[open] .btn-main",
  "form[action$='/retry/'] button",
  "[data-undo] button",
  "[data-redo] button",
  "#rail form[action$='/cancel/'] button",
];
const FIND_AFTER_MS = 150;
let acts = new Map(); // row -> what it presses
let opener = null;
let timer = 0;
let asked = 0;

const isSingleKeyOn = () => !(document.documentElement.dataset.off ?? "").split(".").includes("single_keys");
const shown = () => [...palette.querySelectorAll("[role=option]")].filter((row) => !row.hidden && !row.closest("[hidden]"));
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function nameOf(element) {
  if (element.dataset.command) return element.dataset.command;
  return (element.querySelector(".step-name") ?? element).textContent.replace(/\s+/g, " ").trim() || element.getAttribute("aria-label") || element.title;
}

function actsCollect() {
  acts = new Map();
  const names = new Set();
  for (const element of ACTS.flatMap((selector) => [...document.querySelectorAll(selector)])) {
    const name = nameOf(element);
    if (palette.contains(element) || element.disabled || !element.checkVisibility() || !name || names.has(name)) continue;
    names.add(name);
    const row = document.createElement("button");
    Object.assign(row, { type: "button", className: "choice-row", id: `palette-here-${names.size}`, tabIndex: -1 });
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", "false");
    const icon = element.querySelector("svg")?.cloneNode(true);
    icon?.setAttribute("class", "icon");
    const label = document.createElement("span");
    label.textContent = name;
    row.append(...[icon, label].filter(Boolean));
    acts.set(row, element);
  }
  rows("here").replaceChildren(...acts.keys());
}

function choose(row) {
  for (const each of palette.querySelectorAll("[aria-selected=true]")) each.setAttribute("aria-selected", "false");
  if (!row) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  row.setAttribute("aria-selected", "true");
  input.setAttribute("aria-activedescendant", row.id);
  row.scrollIntoView({ block: "nearest" });
}

function filter() {
  const words = plain(input.value).split(/\s+/).filter(Boolean);
  // What was found for other words goes until the answer to these is there, or Enter would open the wrong project.
  for (const row of palette.querySelectorAll("[role=option]")) {
    const text = plain(row.textContent);
    row.hidden = !words.every((word) => text.includes(word));
  }
  settle();
}

function settle() {
  for (const each of palette.querySelectorAll("[data-group]")) each.hidden = !each.querySelector("[role=option]:not([hidden])");
  const all = shown();
  palette.querySelector("[data-none]").hidden = all.length > 0;
  const count = palette.querySelector("[data-palette-count]");
  count.textContent = all.length === 1 ? count.dataset.one : count.dataset.many.replace("%n", all.length);
  choose(all[0]);
}

async function find() {
  asked += 1;
  const mine = asked;
  try {
    const answer = await fetch(`${palette.dataset.find}?q=${encodeURIComponent(input.value)}`);
    const found = await answer.text();
    if (!answer.ok || mine !== asked) return; // signed out, or something newer was asked
    const before = palette.querySelector("[aria-selected=true]"); // read only now: one walks the list while an answer comes in
    rows("found").replaceChildren(document.createRange().createContextualFragment(found));
    settle();
    if (before?.isConnected && !before.hidden) choose(before);
  } catch {
    // Offline: the commands are here anyway.
  }
}

function open() {
  if (palette.open) return;
  shortcuts.close();
  opener = document.activeElement;
  input.value = "";
  rows("found").replaceChildren();
  actsCollect();
  palette.showModal();
  filter();
  input.focus();
  find();
}

function run(row) {
  palette.close();
  const act = acts.get(row);
  if (act) {
    act.click();
    if (act.hash) document.querySelector(act.hash)?.querySelector("summary")?.focus();
  } else if (row.dataset.themeChoice) {
    document.querySelector(`[data-theme-form] button[value="${row.dataset.themeChoice}"]`).click();
  }
}

palette.addEventListener("close", () => {
  clearTimeout(timer);
  asked += 1;
  if (opener?.isConnected) opener.focus();
});
input.addEventListener("input", () => {
  filter();
  clearTimeout(timer);
  timer = setTimeout(find, FIND_AFTER_MS);
});
palette.addEventListener("keydown", (event) => {
  const all = shown();
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const to = { ArrowDown: (at + 1) % all.length, ArrowUp: (at + all.length - 1) % all.length, PageDown: all.length - 1, PageUp: 0 }[event.key];
  if (to !== undefined && all.length) {
    event.preventDefault();
    choose(all[to]);
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    all[at]?.click();
  } else if (event.key === "Tab") {
    event.preventDefault(); // the list is walked with the arrows
  }
});
palette.addEventListener("click", (event) => {
  const row = event.target.closest("[role=option]");
  if (row) run(row);
  else if (event.target === palette) palette.close();
});
palette.addEventListener("pointermove", ({ target }) => {
  const row = target.closest("[role=option]");
  if (row && row.getAttribute("aria-selected") !== "true") choose(row);
});

function shortcutsOpen() {
  palette.close();
  if (!shortcuts.open) shortcuts.showModal();
}
shortcuts.addEventListener("click", (event) => event.target === shortcuts && shortcuts.close());

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-palette-open], [data-shortcuts-open]");
  if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (button.matches("[data-palette-open]")) open();
  else shortcutsOpen();
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
    return;
  }
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]"); // a closed one keeps the focus for a frame
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping || !isSingleKeyOn()) return;
  if (event.key === "?") {
    event.preventDefault();
    shortcutsOpen();
  } else if (event.key === "/") {
    event.preventDefault();
    const field = document.getElementById("q");
    if (field) field.focus();
    else open();
  } else if (/^[1-9]$/.test(event.key)) {
    document.querySelectorAll("#rail [data-open-panel]")[Number(event.key) - 1]?.click();
  }
});

for (const button of document.querySelectorAll("[data-shortcuts-open]")) button.hidden = false;
if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-palette-open] kbd, #shortcuts kbd")) key.textContent = key.textContent.replace("Ctrl", "⌘");
}
