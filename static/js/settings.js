// The settings page: a browser asks for leave to notify only when somebody presses something.

const NOTIFY = "vf:notify"; // read by the workflow page
const box = document.querySelector("[data-notifications]");
const state = document.querySelector("[data-notifications-state]");
const permission = () => ("Notification" in window ? Notification.permission : "denied");

function tell() {
  if (box.checked && permission() === "granted") localStorage.setItem(NOTIFY, "1");
  else localStorage.removeItem(NOTIFY);
  state.textContent = state.dataset[{ denied: "sayDenied", granted: "sayGranted" }[permission()]] ?? "";
}

box.addEventListener("change", async () => {
  if (box.checked && permission() === "default") await Notification.requestPermission();
  tell();
});
tell();
