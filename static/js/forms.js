// Comforts of the forms: dropped files, counters, the name of what was chosen. Without this module they work all the same.

function fileName(drop) {
  const input = drop.querySelector("input[type=file]");
  const label = drop.querySelector("[data-drop-name]");
  const empty = label.textContent;
  input.addEventListener("change", () => {
    label.textContent = input.files.length ? input.files[0].name : empty;
    drop.toggleAttribute("data-chosen", input.files.length > 0);
  });
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.setAttribute("data-over", ""));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.removeAttribute("data-over"));
}

const bytes = (text) => new TextEncoder().encode(text.replace(/\r?\n/g, "\n")).length;
const words = (text) => (text.trim() ? text.trim().split(/\s+/).length : 0);

function refresh(input) {
  const id = CSS.escape(input.id);
  const counter = input.id && document.querySelector(`[data-counter-for="${id}"]`);
  if (counter) {
    const limit = Number(input.dataset.count || input.dataset.countBytes);
    const used = input.dataset.count ? [...input.value].length : bytes(input.value);
    counter.textContent = `${used.toLocaleString("en")} / ${limit.toLocaleString("en")}${input.dataset.count ? "" : " bytes"}`;
    counter.toggleAttribute("data-over", used > limit);
  }
  const tally = input.id && document.querySelector(`[data-words-for="${id}"]`);
  if (tally) {
    const count = words(input.value);
    tally.textContent = count ? `${count.toLocaleString("en")} words` : "";
  }
}

function prepare(root) {
  root.querySelectorAll("[data-drop]").forEach(fileName);
  root.querySelectorAll("input[id], textarea[id]").forEach(refresh);
}

document.addEventListener("input", (event) => refresh(event.target));
document.body.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
prepare(document);
