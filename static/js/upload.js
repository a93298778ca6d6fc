// Own files on their way in, for any `form[data-upload]`: sent in pieces, with progress, going on where the line broke and after a reload.
//
// POST the form's address with name, size (and scene) -> {id, url, offset, piece}; PATCH url with `Upload-Offset` and the next bytes until
// all are there; the last answer is the verdict: 200 ready, 202 still looked at, 409 {offset} go on from there, 422 {message} refused.
// What a file is sent as is kept under its name, size and date, so that the same file chosen again goes on.

const KEPT = "vf:upload:";
const RETRY_MS = [1_000, 3_000, 8_000, 20_000];
const LOOK_AGAIN_MS = 1_500;
const GONE_AFTER_MS = 6_000;

const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const keyOf = (form, file) => [KEPT, form.dataset.project, form.elements.scene?.value ?? "music", file.name, file.size, file.lastModified].join(":");

/** Resolve when it is worth trying again: after a while, or at once when the line is back. */
function pause(ms) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      done();
    };
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
  });
}

class Refused extends Error {}

async function ask(address, options, signal) {
  const headers = { Accept: "application/json", "X-CSRFToken": cookie("csrftoken"), ...options.headers };
  const response = await fetch(address, { ...options, headers, signal, credentials: "same-origin" });
  if (response.status >= 500 && response.status !== 507) throw new TypeError("server");
  const answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : {};
  if ([200, 201, 202, 409].includes(response.status)) return { status: response.status, ...answer };
  const gone = response.status === 404 ? "This file is not known here any more. Choose it again." : "";
  throw new Refused(answer.message || gone || `The studio refused the file (${response.status}).`);
}

/** The place where files on their way are told of; above an open dialog, for else it could not be reached. */
function shelf() {
  const host = document.querySelector("dialog[open]") ?? document.body;
  const found = document.querySelector("[data-coming]");
  if (found) {
    if (found.parentElement !== host) host.append(found);
    return found;
  }
  const made = document.createElement("div");
  made.className = "coming";
  made.dataset.coming = "";
  host.append(made);
  return made;
}

function card(file, onCancel) {
  const element = document.createElement("div");
  element.className = "coming-file";
  element.innerHTML = '<div class="spread flex-nowrap gap-2"><b class="truncate"></b><button type="button" class="btn btn-quiet btn-small">Cancel</button></div><progress class="bar" max="100" value="0"></progress><p class="coming-said" role="status"></p>';
  element.querySelector("b").textContent = file.name;
  element.querySelector("progress").setAttribute("aria-label", file.name);
  element.querySelector("button").addEventListener("click", onCancel);
  shelf().append(element);
  return {
    element,
    say(state, words, share) {
      element.dataset.state = state;
      const said = element.querySelector("p");
      if (said.textContent !== words) said.textContent = words;
      if (share !== undefined) element.querySelector("progress").value = share * 100;
      if (state === "refused" || state === "ready") {
        element.querySelector("progress").remove();
        element.querySelector("button").textContent = "Close";
      }
    },
  };
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

async function begin(form, file, key, signal) {
  const id = localStorage.getItem(key);
  if (id) {
    try {
      const known = await ask(id, { method: "GET" }, signal);
      if (known.state === "receiving") return known;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    localStorage.removeItem(key);
  }
  const body = new FormData();
  body.append("name", file.name);
  body.append("size", file.size);
  if (form.elements.scene) body.append("scene", form.elements.scene.value);
  const fresh = await ask(form.action, { method: "POST", body }, signal);
  localStorage.setItem(key, fresh.url);
  return fresh;
}

async function transfer(form, file, told, signal) {
  const key = keyOf(form, file);
  let upload;
  let failures = 0;
  for (;;) {
    try {
      upload ??= await begin(form, file, key, signal);
      const share = upload.offset / file.size;
      const isWhole = upload.offset >= file.size;
      told.say("receiving", isWhole ? "Looking at it…" : `${Math.floor(share * 100)} % of ${megabytes(file.size)}`, share);
      const piece = file.slice(upload.offset, upload.offset + upload.piece);
      const isLast = upload.offset + piece.size >= file.size;
      if (isLast && !isWhole) told.say("receiving", "Sending the rest, then looking at it…", share);
      const answer = await ask(upload.url, { method: "PATCH", body: piece, headers: { "Upload-Offset": upload.offset, "Content-Type": "application/octet-stream" } }, signal);
      failures = 0;
      if (answer.state === "ready") {
        localStorage.removeItem(key);
        return answer;
      }
      if (answer.status === 202) await wait(LOOK_AGAIN_MS);
      upload = { ...upload, offset: answer.offset };
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof Refused) {
        localStorage.removeItem(key);
        throw error;
      }
      told.say("receiving", `The line broke at ${Math.floor(((upload?.offset ?? 0) / file.size) * 100)} %. It goes on by itself.`);
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      failures += 1;
      try {
        if (upload) upload = await ask(upload.url, { method: "GET" }, signal);
      } catch (again) {
        if (again instanceof Refused) throw again;
      }
    }
  }
}

/** Send one file of a form; `vf:brought` is dispatched on the document once it is in use. */
export async function send(form, file) {
  const stop = new AbortController();
  const told = card(file, () => {
    if (told.element.dataset.state === "receiving") stop.abort();
    told.element.remove();
  });
  const most = Number(form.querySelector("[data-max]")?.dataset.max ?? Infinity);
  if (file.size > most) {
    told.say("refused", `${form.dataset.sayBig ?? "This file is too large."} ${megabytes(file.size)} > ${megabytes(most)}`);
    return;
  }
  try {
    const answer = await transfer(form, file, told, stop.signal);
    told.say("ready", answer.message || "It is in use now.");
    document.dispatchEvent(new CustomEvent("vf:brought", { detail: { scene: form.elements.scene?.value ?? "" } }));
    if (!answer.message) setTimeout(() => told.element.remove(), GONE_AFTER_MS);
  } catch (error) {
    if (stop.signal.aborted) return;
    told.say("refused", error.message);
  }
}

export function start() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-upload]");
    if (!form || event.target.type !== "file" || !event.target.files.length) return;
    send(form, event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("submit", (event) => event.target.matches("form[data-upload]") && event.preventDefault());
  for (const [kind, isOver] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(kind, (event) => event.target.closest?.(".bring-drop")?.toggleAttribute("data-over", isOver));
  }
}
