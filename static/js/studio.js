// What every page has: the theme switch without a reload, and buttons that cannot be pressed twice.

const YEAR_SECONDS = 400 * 24 * 3600;

function themeSet(name) {
  document.documentElement.dataset.theme = name;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `videoflow_theme=${name}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
  for (const button of document.querySelectorAll("[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === name));
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.matches("[data-theme-form]") && button) {
    event.preventDefault();
    themeSet(button.value);
  } else if (form.matches("[data-once]") && (button?.name || !form.matches("[data-autosave]"))) {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    // Disabled only after the browser has collected the form, or the pressed button's own value would be missing.
    setTimeout(() => [...form.elements].forEach((each) => each.matches("button") && each.setAttribute("aria-disabled", "true")));
  }
});

// The account's menu closes as menus do.
document.addEventListener("click", ({ target }) => {
  const menu = document.querySelector("[data-account][open]");
  if (menu && !menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", ({ key }) => {
  const menu = document.querySelector("[data-account][open]");
  if (key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-disabled"));
  }
});

// A refused form is answered with the page from its top: go to what is wrong, and to the field that mends it.
const wrong = !document.querySelector("[data-workflow]") && document.querySelector("main form :is(.error, [role=alert]):not([hidden])");
if (wrong) {
  const fold = wrong.closest("details");
  if (fold) fold.open = true;
  wrong.scrollIntoView({ block: "center" });
  document.querySelector("main form [aria-invalid=true]")?.focus({ preventScroll: true });
}
