// Channels: a new one begins in the reader's own time zone.

for (const field of document.querySelectorAll("[data-zone-field]")) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;

// What became of a connection is told where the address leads to, not at the top of a page that is scrolled down.
const told = document.querySelector("main > [role=status]");
if (told && location.hash === "#channels") {
  told.classList.remove("wrap", "pt-5");
  document.getElementById("channels-title").closest("section").prepend(told);
}
