// The settings page: a browser asks for leave to notify only when somebody presses something.

const box = document.querySelector("[data-notifications]");
const state = document.querySelector("[data-notifications-state]");

function tell() {
  state.textContent = ("Notification" in window && state.dataset[{ denied: "sayDenied", granted: "sayGranted" }[Notification.permission]]) || "";
}

document.querySelector("form[aria-labelledby=habits]").addEventListener("change", async ({ target }) => {
  if (target === box && box.checked && "Notification" in window) {
    await Notification.requestPermission();
    tell();
  }
});
tell();
