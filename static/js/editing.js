// Editing on the workflow page: forms that save by themselves, and undo and redo from the keyboard.

import { isDirty, start } from "./autosave.js";

start();

// What was chosen before htmx listened would never be sent.
document.body.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== document.body) return;
  for (const form of document.querySelectorAll("form[hx-post][hx-trigger^='change']")) if (isDirty(form)) form.dispatchEvent(new Event("change", { bubbles: true }));
});

// What a saved form changed elsewhere on the page is drawn anew by whoever shows it.
document.addEventListener("vf:saved", ({ detail }) => {
  document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels: detail.changed ?? [] } }));
});

// What follows the edits is drawn anew by the answer to its request, which may not know of those made meanwhile: then it asks again.
const FOLLOWERS = "#steps, #compose-state, #script-head";
let edits = 0;
const known = new WeakMap(); // request -> how many edits there were when it left
for (const kind of ["vf:edited", "vf:changed"]) document.body.addEventListener(kind, () => (edits += 1));
document.body.addEventListener("htmx:beforeRequest", ({ target, detail }) => target.matches(FOLLOWERS) && known.set(detail.xhr, edits));
document.body.addEventListener("htmx:afterSettle", ({ target, detail }) => {
  if (target.matches(FOLLOWERS) && known.get(detail.xhr) < edits) htmx.trigger(target, "vf:again");
});

// An answer for an element that another answer has drawn anew is lost on htmx: what it says is fetched with the whole panel.
document.body.addEventListener("htmx:beforeRequest", ({ detail: { xhr, target } }) => {
  const panel = target.closest("[data-panel]")?.dataset.panel;
  if (!panel) return;
  xhr.addEventListener("readystatechange", () => {
    if (xhr.readyState !== XMLHttpRequest.DONE || target.isConnected) return;
    document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels: [panel] } }));
  });
});

// Inside a field the browser's own undo is meant.
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest("input, textarea, select, dialog[open]")) return;
  const wanted = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
  const button = wanted && document.querySelector(`[data-${wanted}] button:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
