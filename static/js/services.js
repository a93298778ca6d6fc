// Outside services: a refusal is shown in its place, which htmx would leave out, and an address opens the service it names.

const PLACES = ".service, [data-made-with], #host-voices, .voice";

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status === 422 && detail.target.matches(PLACES)) Object.assign(detail, { shouldSwap: true, isError: false });
});

function openFromHash() {
  const named = location.hash.startsWith("#service-") && document.getElementById(location.hash.slice(1));
  if (named) {
    named.open = true;
    named.scrollIntoView({ block: "center" });
  }
}
addEventListener("hashchange", openFromHash);
openFromHash();
