// The board of trends: filters that stand in the address and answer as one types; ticks outlive them.

const board = () => document.getElementById("theme-board");
const ticks = () => [...board().querySelectorAll("input[name=theme_ids]")];
let ticked = new Set();

function addressKeep(form) {
  const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  history.replaceState(null, "", `${location.pathname}${asked.size ? `?${asked}` : ""}#panel-trending_analysis`);
}

document.addEventListener("input", ({ target }) => {
  const form = target.form;
  if (!form?.matches("[data-theme-filter]")) return;
  addressKeep(form);
  if (target.type === "checkbox") target.defaultChecked = target.checked; // a filter is no unsaved work
  else if (!target.matches("select")) target.defaultValue = target.value;
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-source-file]") && target.files.length && target.validity.valid) target.form.requestSubmit();
});

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "theme-board") ticked = new Set(ticks().filter((box) => box.checked).map((box) => box.value));
});

// What was ticked a moment ago may not be saved yet: it stays ticked, and is saved as something new.
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "theme-board") return;
  for (const box of ticks()) {
    if (box.checked === ticked.has(box.value)) continue;
    box.checked = ticked.has(box.value);
    if (box.checked) for (const part of [box.closest(".theme-card"), box.closest("fieldset")]) part.hidden = false; // a pick stays in sight
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  ticks()[0]?.dispatchEvent(new Event("change", { bubbles: true })); // the page counts them
});
