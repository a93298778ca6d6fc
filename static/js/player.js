// The player's surroundings: chapters that seek, clips that move under the pointer, one sound at a time.

document.addEventListener("click", (event) => {
  const seek = event.target.closest("[data-seek]");
  const player = document.getElementById("player");
  if (!seek || !player) return;
  event.preventDefault();
  player.currentTime = Number(seek.dataset.seek);
  player.play().catch(() => {});
  player.scrollIntoView({ block: "nearest" });
});

document.addEventListener(
  "timeupdate",
  (event) => {
    if (event.target.id !== "player") return;
    const now = event.target.currentTime + 0.05;
    const chapters = [...document.querySelectorAll(".chapter[data-seek]")];
    const current = chapters.filter((chapter) => Number(chapter.dataset.seek) <= now).at(-1);
    for (const chapter of chapters) {
      if (chapter === current) chapter.setAttribute("aria-current", "true");
      else chapter.removeAttribute("aria-current");
    }
  },
  true,
);

document.addEventListener(
  "play",
  (event) => {
    if (event.target.matches("[data-clip]")) return;
    const pair = event.target.closest("[data-compare]");
    for (const media of document.querySelectorAll("video[controls], audio")) {
      if (media !== event.target && !(pair && pair.contains(media))) media.pause();
    }
  },
  true,
);

// Two versions side by side: the earlier one does what the newest does, and one of them is heard.
const beside = (video) => video.closest("[data-compare]")?.querySelector("[data-before]");
const APART_SECONDS = 0.25;
for (const [kind, act] of [
  ["play", (before) => before.play().catch(() => {})],
  ["pause", (before) => before.pause()],
  ["seeked", (before, now) => (before.currentTime = Math.min(now.currentTime, before.duration || now.currentTime))],
  ["ratechange", (before, now) => (before.playbackRate = now.playbackRate)],
  ["timeupdate", (before, now) => Math.abs(before.currentTime - now.currentTime) > APART_SECONDS && !before.ended && !before.seeking && (before.currentTime = now.currentTime)],
]) {
  document.addEventListener(
    kind,
    ({ target }) => {
      const before = target.matches?.("[data-now]") && beside(target);
      if (before) act(before, target);
    },
    true,
  );
}
document.addEventListener("click", (event) => {
  const hear = event.target.closest("[data-hear]");
  const choice = event.target.closest("[data-before-choice]");
  const pair = (hear ?? choice)?.closest("[data-compare]");
  if (!pair) return;
  const [now, before] = [pair.querySelector("[data-now]"), pair.querySelector("[data-before]")];
  if (hear) {
    const isEarlier = hear.getAttribute("aria-pressed") !== "true";
    hear.setAttribute("aria-pressed", String(isEarlier));
    now.muted = isEarlier;
    before.muted = !isEarlier;
    return;
  }
  event.preventDefault();
  before.poster = choice.dataset.poster;
  before.src = choice.href;
  before.currentTime = now.currentTime;
  if (!now.paused) before.play().catch(() => {});
  pair.querySelector("[data-before-about]").textContent = choice.dataset.about;
  for (const other of pair.querySelectorAll("[data-before-choice]")) other.toggleAttribute("aria-current", false);
  choice.setAttribute("aria-current", "true");
});

document.addEventListener("playing", (event) => event.target.matches("[data-clip]") && event.target.setAttribute("data-played", ""), true);

const calm = matchMedia("(prefers-reduced-motion: reduce)");
for (const [kind, act] of [
  ["pointerover", (clip) => !calm.matches && clip.play().catch(() => {})],
  ["pointerout", (clip) => clip.pause()],
  ["focusin", (clip) => !calm.matches && clip.play().catch(() => {})],
  ["focusout", (clip) => clip.pause()],
]) {
  document.addEventListener(kind, (event) => {
    const clip = event.target.closest?.(".tile-pic")?.querySelector("[data-clip]");
    if (clip) act(clip);
  });
}
