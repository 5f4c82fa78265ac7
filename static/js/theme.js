// Light, dark or the system's choice, kept in this browser under the key the Django admin uses too,
// so one choice holds in both. Loaded as a blocking script: the page is never painted in the wrong colours.
(() => {
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto";
    }
  };
  const apply = (theme) => (theme === "auto" ? delete root.dataset.theme : (root.dataset.theme = theme));

  apply(stored());

  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll("[data-theme-switch]")) {
      const buttons = [...group.querySelectorAll("button")];
      const press = (theme) => buttons.forEach((button) => button.setAttribute("aria-pressed", button.value === theme));
      press(stored());
      group.hidden = false;
      group.addEventListener("click", ({ target }) => {
        const button = target.closest("button");
        if (!button) return;
        apply(button.value);
        press(button.value);
        try {
          localStorage.setItem("theme", button.value);
        } catch {
          // Storage is off: the choice holds for this page.
        }
      });
    }
  });
})();
