// Comforts of the forms: dropped files, words counted, the name of what was chosen. Without this module they work all the same.

function fileName(drop) {
  const input = drop.querySelector("input[type=file]");
  const label = drop.querySelector("[data-drop-name]");
  const empty = label.textContent;
  input.addEventListener("change", () => {
    const file = input.files[0];
    const isTooLarge = file && file.size > Number(input.dataset.maxBytes || Infinity);
    label.textContent = file ? file.name : empty;
    drop.toggleAttribute("data-chosen", Boolean(file));
    // Said before the bytes travel; the server refuses it all the same.
    input.setCustomValidity(isTooLarge ? input.dataset.sayBig.replace("{n}", Math.ceil(file.size / 1e6)).replace("{most}", input.dataset.maxBytes / 1e6) : "");
    input.reportValidity();
  });
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, () => drop.setAttribute("data-over", ""));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.removeAttribute("data-over"));
}

const words = (text) => (text.trim() ? text.trim().split(/\s+/).length : 0);

function refresh(input) {
  const id = CSS.escape(input.id);
  const tally = input.id && document.querySelector(`[data-words-for="${id}"]`);
  if (tally) {
    const count = words(input.value);
    const said = count === 1 ? tally.dataset.sayOne : tally.dataset.sayMany;
    tally.textContent = count ? said.replace("{n}", count.toLocaleString(document.documentElement.lang)) : "";
  }
}

function prepare(root) {
  root.querySelectorAll("[data-drop]").forEach(fileName);
  root.querySelectorAll("input[id], textarea[id]").forEach(refresh);
}

addEventListener(
  "submit",
  (event) => {
    const input = event.target.querySelector("input[data-max-bytes]");
    if (!input || event.submitter?.value === "sample" || input.reportValidity()) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);
document.addEventListener("input", (event) => refresh(event.target));
document.body.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
prepare(document);
