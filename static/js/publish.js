// The uploader: counters as one types, the card as viewers will see it, the thumbnail, and times in the reader's own zone.

import { chaptersRead, descriptionBytes, tagsLength, tagsRead, textNormal, titleLength } from "./counting.js";

const THUMBNAIL_AFTER_MS = 400;
const PHONE_TITLE = 60; // characters; about what a phone shows of a title
const SNIPPET = 240;
const TALLIES = { title: titleLength, description: descriptionBytes, tags: (text) => tagsLength(tagsRead(text)) };
const chosen = { view: "desktop", look: null }; // how the reader left the card
let timer = 0;

const lang = () => document.documentElement.lang || "en";
const panelOf = (element) => element.closest("[data-publish-panel]");
const fieldOf = (form, name) => form.elements[name];
const tallyOf = (name) => TALLIES[name.split("_")[0]]; // a translation's fields carry their language: title_es

function clock(seconds) {
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function tally(form, name) {
  const field = fieldOf(form, name);
  const counter = form.querySelector(`[data-tally="${name}"]`);
  const angles = form.querySelector(`[data-angles="${name}"]`);
  const [used, limit] = [tallyOf(name)(field.value), Number(counter.dataset.limit)];
  const hasAngles = /[<>]/.test(field.value);
  counter.textContent = `${used.toLocaleString(lang())} / ${limit.toLocaleString(lang())}${counter.dataset.unit ? ` ${counter.dataset.unit}` : ""}`;
  counter.toggleAttribute("data-over", used > limit);
  angles.hidden = !hasAngles;
  angles.setAttribute("role", hasAngles ? "alert" : "presentation");
  field.setAttribute("aria-invalid", String(hasAngles || used > limit));
}

function set(root, selector, text) {
  const element = root.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
}

function card(form) {
  const panel = panelOf(form);
  const title = fieldOf(form, "title").value.trim();
  const description = textNormal(fieldOf(form, "description").value).trim();
  set(panel, "[data-listing-title]", title);
  set(panel, "[data-listing-text]", description.slice(0, SNIPPET));
  set(panel, "[data-listing-description]", description);
  panel.querySelector("[data-listing-cut]").hidden = chosen.view !== "mobile" || titleLength(title) <= PHONE_TITLE;
}

function chapters(form) {
  const list = form.querySelector("[data-chapters]");
  const rows = chaptersRead(fieldOf(form, "description").value).map(({ at, title }) => {
    const row = document.createElement("li");
    const time = document.createElement("span");
    const words = document.createElement("span");
    time.className = "num";
    time.textContent = clock(at);
    words.dir = "auto";
    words.textContent = title;
    row.append(time, " ", words);
    return row;
  });
  if (!rows.length) {
    const row = document.createElement("li");
    row.className = "muted";
    row.textContent = list.dataset.none;
    rows.push(row);
  }
  list.replaceChildren(...rows);
}

function thumbnail(form) {
  const words = fieldOf(form, "thumb_text").value;
  const asked = new URLSearchParams({ base: fieldOf(form, "thumb_base").value });
  if (words.trim()) {
    for (const [name, field] of [["text", "thumb_text"], ["place", "thumb_position"], ["colour", "thumb_colour"]]) asked.set(name, fieldOf(form, field).value);
  }
  const address = `${form.dataset.thumbnail}&${asked}`;
  for (const picture of panelOf(form).querySelectorAll("[data-thumb-shown]")) if (picture.getAttribute("src") !== address) picture.src = address;
}

// The server keeps the moment in UTC; the field shows it in the reader's zone.

const local = (moment) => new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

function scheduleShow(form) {
  const field = fieldOf(form, "publish_at");
  const help = form.querySelector("[data-zone]");
  const moment = field.value ? new Date(field.value) : null;
  const isTime = moment && !Number.isNaN(moment.getTime());
  form.elements.publish_at_utc.value = isTime ? moment.toISOString() : "";
  help.firstWords ??= help.textContent.replace(/^[^.]*\.\s*/, "");
  const zone = help.dataset.inZone.replace("{zone}", Intl.DateTimeFormat().resolvedOptions().timeZone);
  const format = new Intl.DateTimeFormat(lang(), { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  help.textContent = isTime ? `${zone} ${help.dataset.asUtc.replace("{moment}", format.format(moment))}` : `${zone} ${help.firstWords}`;
}

function schedulePrepare(form) {
  if (form.elements.publish_at_utc) return;
  const field = fieldOf(form, "publish_at");
  const hidden = document.createElement("input");
  Object.assign(hidden, { type: "hidden", name: "publish_at_utc" });
  form.append(hidden);
  const isTouched = field.value !== field.defaultValue;
  if (field.defaultValue) {
    const shown = local(new Date(`${field.defaultValue}Z`));
    const kept = field.value;
    field.defaultValue = shown;
    field.value = isTouched ? kept : shown;
  }
  scheduleShow(form);
}

function cardPaint(panel) {
  const listing = panel.querySelector("[data-listing]");
  const isDark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  listing.dataset.view = chosen.view;
  listing.dataset.look = chosen.look ?? (isDark ? "dark" : "light");
  for (const button of panel.querySelectorAll("[data-listing-view]")) button.setAttribute("aria-pressed", String(button.dataset.listingView === listing.dataset.view));
  for (const button of panel.querySelectorAll("[data-listing-look]")) button.setAttribute("aria-pressed", String(button.dataset.listingLook === listing.dataset.look));
}

// Translations: every language has its fields in the form; those in sight are the ones that were begun or added.

const translationsOf = (form) => [...form.querySelectorAll("[data-translation]")];

function translationsOffer(form) {
  const offered = form.querySelector("[data-translation-new]");
  for (const row of translationsOf(form)) {
    const option = [...offered.options].find(({ value }) => value === row.dataset.translation);
    option.hidden = option.disabled = row.hasAttribute("data-shown");
  }
  if (offered.selectedOptions[0]?.disabled ?? true) offered.value = [...offered.options].find(({ disabled }) => !disabled)?.value ?? "";
  form.querySelector("[data-translation-add]").disabled = !offered.value;
}

function translationAdd(form) {
  const { value } = form.querySelector("[data-translation-new]");
  const row = translationsOf(form).find(({ dataset }) => dataset.translation === value);
  row.toggleAttribute("data-shown", true);
  row.open = true;
  translationsOffer(form);
  fieldOf(form, `title_${value}`).focus();
}

function translationDrop(form, row) {
  for (const name of ["title", "description"]) {
    const field = fieldOf(form, `${name}_${row.dataset.translation}`);
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true })); // counted and saved
  }
  row.removeAttribute("data-shown");
  translationsOffer(form);
  form.querySelector("[data-translation-new]").focus();
}

function prepare(root) {
  for (const form of root.querySelectorAll("form[data-publish]")) {
    schedulePrepare(form);
    for (const { dataset } of form.querySelectorAll("[data-tally]")) tally(form, dataset.tally);
    translationsOffer(form);
    const panel = panelOf(form);
    panel.querySelectorAll("[data-needs-script]").forEach((part) => (part.hidden = false));
    cardPaint(panel);
    card(form);
  }
}

document.addEventListener("input", ({ target }) => {
  const form = target.form;
  if (!form?.matches("form[data-publish]")) return;
  if (tallyOf(target.name)) tally(form, target.name);
  if (target.name === "title" || target.name === "description") card(form);
  if (target.name === "description") chapters(form);
  if (target.name === "publish_at") scheduleShow(form);
  if (target.name.startsWith("thumb_")) {
    clearTimeout(timer);
    timer = setTimeout(() => form.isConnected && thumbnail(form), target.name === "thumb_base" ? 0 : THUMBNAIL_AFTER_MS);
  }
}, true); // before the form is saved: the moment in UTC goes with it

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-picture-file]") && target.files.length) target.form.requestSubmit();
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("form[data-publish] :is([data-translation-add], [data-translation-drop])");
  if (!button) return;
  if (button.matches("[data-translation-add]")) translationAdd(button.form);
  else translationDrop(button.form, button.closest("[data-translation]"));
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-listing-view], [data-listing-look]");
  if (!button) return;
  if (button.dataset.listingView) chosen.view = button.dataset.listingView;
  else chosen.look = button.dataset.listingLook;
  const panel = panelOf(button);
  cardPaint(panel);
  card(panel.querySelector("form[data-publish]"));
});

document.addEventListener("vf:saved", ({ target }) => {
  if (!target.matches("form[data-publish]")) return;
  const list = document.getElementById("publish-checks");
  htmx.ajax("GET", panelOf(target).dataset.checks, { source: list, target: list, swap: "outerHTML" }).catch(() => {});
});

// A refused picture is told in its place; htmx would leave the page as it is.
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status === 422 && ["publish-pictures", "publish-chapters"].includes(detail.target.id)) Object.assign(detail, { shouldSwap: true, isError: false });
});
document.body.addEventListener("htmx:load", ({ detail }) => {
  prepare(detail.elt.parentElement ?? detail.elt);
  detail.elt.querySelector?.("[data-thumb-new]")?.click();
});
prepare(document);
document.querySelector("form[data-publish] .error:not([hidden])")?.scrollIntoView({ block: "center" }); // what was refused
