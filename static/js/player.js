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
    for (const media of document.querySelectorAll("video[controls], audio")) {
      if (media !== event.target) media.pause();
    }
  },
  true,
);

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
