// The media panel: one scene in a dialog, new tiles swapped in without touching the others, waveforms that play with the word marked.

import { start as uploads } from "./upload.js";

uploads();

const PANEL = "panel-media_generation";
const edited = (panels) => document.body.dispatchEvent(new CustomEvent("vf:edited", { detail: { panels } }));

// One scene -----------------------------------------------------------------------------------------------------------------

let dialog = null;
let opener = "";
let wanted = ""; // the scene that was asked for last
let coming = Promise.resolve();

function scenes() {
  if (dialog) return dialog;
  dialog = document.createElement("dialog");
  dialog.className = "scene-dialog";
  dialog.setAttribute("aria-labelledby", "scene-title");
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    const shelf = dialog.querySelector("[data-coming]");
    if (shelf) document.body.append(shelf); // files on their way stay in sight
    dialog.querySelector(".scene-room")?.remove();
    document.getElementById(opener)?.focus();
  });
  return dialog;
}

// One after the other: the answer to an earlier scene would take along the room that a later one is to be drawn in.
function open(address) {
  wanted = address;
  coming = coming.then(() => wanted === address && draw(address)).catch(() => {});
}

async function draw(address) {
  const box = scenes();
  let room = box.querySelector(".scene-room");
  if (!room) {
    room = document.createElement("div");
    room.className = "scene-room";
    room.id = "scene-room";
    box.prepend(room);
  }
  await htmx.ajax("GET", address, { target: room, swap: "outerHTML" });
  if (!box.open) box.showModal();
  const shelf = document.querySelector("body > [data-coming]");
  if (shelf) box.append(shelf);
  box.scrollTop = 0;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-scene-close]")) return void dialog?.close();
  const link = event.target.closest("a[data-scene-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (!dialog?.open && !document.querySelector("[data-workflow]")) return; // on its own page a link is a link
  event.preventDefault();
  if (!dialog?.open) opener = link.id || link.closest("li")?.querySelector("[id^=tile-open]")?.id || "";
  open(link.href);
});

document.addEventListener("keydown", (event) => {
  if (!dialog?.open || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const way = { j: "[data-scene-after]", k: "[data-scene-before]" }[event.key];
  const link = way && dialog.querySelector(way);
  if (link) open(link.href);
});

document.addEventListener("vf:brought", ({ detail }) => {
  const room = document.getElementById("scene-room");
  if (room && room.dataset.scene === detail.scene) {
    if (dialog?.open) open(`${room.dataset.panelUrl}scenes/${detail.scene}/`);
    else location.reload();
  }
  edited(["media_generation", "video_composition"]);
});

// A refusal is shown where it was asked for.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  if (event.detail.xhr.status !== 422 || !target.matches?.(".scene-tile, .scene-room, .media-music")) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

// The level is in this panel and in the composer: what was saved in one is drawn anew in the other.
document.addEventListener("vf:saved", ({ target }) => {
  if (target.id === "media-music-form") edited(["video_composition"]);
  if (target.id === "music-form") edited(["media_generation"]);
});

// Only what is new ------------------------------------------------------------------------------------------------------------

const isMedia = (node) => node.nodeName === "VIDEO" || node.nodeName === "AUDIO";

/** Make `old` what `fresh` is, keeping every element that is the same: what plays goes on, and the focus stays. */
export function merge(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName || (old.id ?? "") !== (fresh.id ?? "")) return void old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) return void (old.nodeValue = fresh.nodeValue);
  if (isMedia(old) && old.getAttribute("src") === fresh.getAttribute("src")) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && !(name === "open" && old.nodeName === "DETAILS")) old.setAttribute(name, value);
  const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  const wanted = [...fresh.childNodes];
  const without = new Set(wanted.map((node) => node.id).filter(Boolean));
  for (const child of [...old.children]) if (child.id && !without.has(child.id)) child.remove();
  let at = old.firstChild;
  for (const node of wanted) {
    const same = node.id ? byId.get(node.id) : at && !at.id && at.nodeName === node.nodeName ? at : null;
    if (!same) {
      old.insertBefore(node, at);
      continue;
    }
    if (same !== at) old.insertBefore(same, at);
    at = same.nextSibling;
    merge(same, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const panel = event.detail.target;
  if (panel.id !== PANEL || event.detail.xhr.status !== 200) return;
  const fresh = new DOMParser().parseFromString(event.detail.serverResponse, "text/html").getElementById(PANEL);
  if (!fresh || !panel.querySelector("#scene-tiles") || !fresh.querySelector("#scene-tiles")) return; // nothing to keep
  event.detail.shouldSwap = false;
  for (const [place, link] of [...panel.querySelectorAll("#music-library-part > *")].map((node) => [node.parentElement.id, node])) fresh.querySelector(`#${place}`)?.append(link.cloneNode(true));
  merge(panel, document.importNode(fresh, true));
  htmx.process(panel);
  htmx.trigger(panel, "htmx:afterSwap", { target: panel });
});

// Recordings ----------------------------------------------------------------------------------------------------------------

function words(wave) {
  const place = wave.closest("[data-recording]")?.querySelector("[data-words]");
  if (!place || !place.dataset.times) return [];
  if (!place.querySelector("span")) {
    const texts = place.textContent.trim().split(/\s+/);
    place.replaceChildren(...texts.flatMap((text) => [Object.assign(document.createElement("span"), { textContent: text }), " "]));
  }
  const times = place.dataset.times.split(" ").map((pair) => pair.split("-").map(Number));
  return [...place.querySelectorAll("span")].map((element, index) => ({ element, begin: times[index]?.[0] ?? Infinity, end: times[index]?.[1] ?? Infinity }));
}

function mark(audio) {
  const wave = audio.closest("[data-wave]");
  if (!wave) return;
  const seconds = Number(wave.dataset.seconds) || audio.duration || 1;
  const box = wave.querySelector("svg").viewBox.baseVal;
  wave.querySelector(".wave-played").setAttribute("width", String(Math.min(1, audio.currentTime / seconds) * box.width));
  for (const { element, begin, end } of words(wave)) element.toggleAttribute("data-now", !audio.paused && audio.currentTime >= begin && audio.currentTime < end);
}

function follow(audio) {
  mark(audio);
  if (!audio.paused && !audio.ended && audio.isConnected) requestAnimationFrame(() => follow(audio));
}

for (const [kind, act] of [
  ["play", (audio, wave) => (wave.setAttribute("data-playing", ""), follow(audio))],
  ["pause", (audio, wave) => (wave.removeAttribute("data-playing"), mark(audio))],
  ["ended", (audio, wave) => (wave.removeAttribute("data-playing"), (audio.currentTime = 0), mark(audio))],
  ["seeked", (audio) => mark(audio)],
]) {
  document.addEventListener(
    kind,
    ({ target }) => {
      const wave = target.closest?.("[data-wave]");
      if (wave) act(target, wave);
    },
    true,
  );
}

document.addEventListener("click", (event) => {
  const wave = event.target.closest("[data-wave]");
  if (!wave) return;
  const audio = wave.querySelector("audio");
  if (event.target.closest("[data-wave-play]")) {
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
    return;
  }
  const picture = event.target.closest("svg");
  if (!picture) return;
  const box = picture.getBoundingClientRect();
  const go = () => (audio.currentTime = ((event.clientX - box.left) / box.width) * (Number(wave.dataset.seconds) || audio.duration));
  if (audio.readyState) go();
  else audio.addEventListener("loadedmetadata", go, { once: true });
  audio.play().catch(() => {});
});
