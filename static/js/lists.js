// The history and the task list, live: bars move in place, and a changed status fetches the list again.

import { follow, pill } from "./progress.js";

const page = document.querySelector("[data-live-list]");
let timer = 0;

function refetch() {
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    htmx.ajax("GET", location.pathname + location.search, { target: page.dataset.liveList, swap: "outerHTML" }).catch(() => {});
  }, 800);
}

function take(event) {
  if (event.event_type !== "progress_update") {
    refetch();
    return;
  }
  const bar = page.querySelector(`[data-task-bar="${event.task_id}"]`);
  if (bar) bar.value = event.progress;
  const message = page.querySelector(`[data-task-message="${event.task_id}"]`);
  if (message) message.textContent = event.message;
}

document.body.addEventListener("vf:changed", refetch);
follow({
  session: page.dataset.session,
  seq: Number(page.dataset.seq),
  onEvent: take,
  onHello: (hello) => hello.reset && refetch(),
  onState: pill(document.querySelector("[data-pill]")),
});
