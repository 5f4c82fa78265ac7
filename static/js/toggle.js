// Monthly / yearly without a round trip: shows the [data-interval] parts of the chosen interval.
// "any" is always shown. The links work by themselves (?interval=).
for (const toggle of document.querySelectorAll("[data-interval-toggle]")) {
  toggle.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-value]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    for (const other of toggle.querySelectorAll("a")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    for (const part of document.querySelectorAll("[data-interval]")) {
      part.hidden = !["any", link.dataset.value].includes(part.dataset.interval);
    }
    history.replaceState(null, "", link.href);
  });
}
