// The calendar: a video goes to another day by dragging it or with the arrow keys; the server says whether that can be.

const form = document.querySelector("#calendar-move");
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
let dragged = null;

function move(entry, at) {
  form.elements.kind.value = entry.dataset.kind;
  form.elements.key.value = entry.dataset.key;
  form.elements.at.value = at;
  form.requestSubmit();
}

function dayAfter(day, count) {
  const moment = new Date(`${day}T12:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + count);
  return moment.toISOString().slice(0, 10);
}

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-entry]") ?? null;
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.key);
  dragged.classList.add("is-dragged");
});

document.addEventListener("dragover", (event) => {
  const day = dragged && event.target.closest?.("[data-day]");
  for (const other of document.querySelectorAll(".is-over")) if (other !== day) other.classList.remove("is-over");
  if (!day) return;
  event.preventDefault();
  day.classList.add("is-over");
});

document.addEventListener("drop", (event) => {
  const day = dragged && event.target.closest?.("[data-day]");
  if (!day) return;
  event.preventDefault();
  const slot = event.target.closest("[data-slot]");
  move(dragged, slot ? slot.dataset.slot : `${day.dataset.day}T${dragged.dataset.at.slice(11)}`);
});

document.addEventListener("dragend", () => {
  document.querySelectorAll(".is-over, .is-dragged").forEach((part) => part.classList.remove("is-over", "is-dragged"));
  dragged = null;
});

document.addEventListener("keydown", (event) => {
  const entry = event.target.closest?.("summary")?.closest("[data-entry]");
  const days = STEPS[event.key];
  if (!entry || !days || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  move(entry, `${dayAfter(entry.dataset.at.slice(0, 10), days)}T${entry.dataset.at.slice(11)}`);
});
