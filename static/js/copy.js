// <button data-copy="text" hidden>: shown where the browser can copy; says so when it has.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.querySelector("[data-copy-label]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        label.textContent = "Copied";
      } catch {
        label.textContent = "Press Ctrl+C";
        getSelection().selectAllChildren(button.previousElementSibling);
      }
      setTimeout(() => (label.textContent = "Copy"), 2500);
    });
  }
}
