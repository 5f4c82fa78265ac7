// <div data-poll-url="…" aria-live="polite">: replaced by the fragment found there, again and again, each time
// a little later, until a fragment comes that carries no data-poll-url. Without JavaScript the page offers a reload.
const FIRST_MS = 1000;
const LONGEST_MS = 15000;
const GIVE_UP_AFTER_MS = 20 * 60 * 1000;
const started = Date.now();

function poll(element, delay = FIRST_MS) {
  if (Date.now() - started > GIVE_UP_AFTER_MS) return;
  setTimeout(async () => {
    const later = Math.min(delay * 1.3, LONGEST_MS);
    try {
      const response = await fetch(element.dataset.pollUrl, { headers: { "X-Requested-With": "fetch" } });
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      const parsed = new DOMParser().parseFromString(await response.text(), "text/html").body.firstElementChild;
      if (!parsed || parsed.outerHTML === element.outerHTML) return poll(element, later);
      const next = document.importNode(parsed, true);
      element.replaceChildren(...next.childNodes);
      for (const name of element.getAttributeNames()) {
        if (name !== "aria-live" && !next.hasAttribute(name)) element.removeAttribute(name);
      }
      for (const { name, value } of next.attributes) element.setAttribute(name, value);
      if (element.dataset.pollUrl) poll(element, later);
    } catch {
      poll(element, later);
    }
  }, delay);
}

document.querySelectorAll("[data-poll-url]").forEach((element) => poll(element));
