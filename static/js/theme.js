// Sets light or dark before the first paint, and lets the button in the header change it.
// Loaded in the head without `defer` on purpose: later would flash.
(() => {
  "use strict";
  const key = "advisor-theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be blocked; the system's choice still holds
    }
  };
  const apply = () => {
    const theme = stored() || (dark.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-bs-theme", theme);
    for (const button of document.querySelectorAll("[data-theme-button]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(theme === "dark"));
    }
  };
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    for (const button of document.querySelectorAll("[data-theme-button]")) {
      button.addEventListener("click", () => {
        const next = document.documentElement.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
        try {
          localStorage.setItem(key, next);
        } catch {
          // not kept: the next page follows the system again
        }
        document.documentElement.setAttribute("data-bs-theme", next);
        button.setAttribute("aria-pressed", String(next === "dark"));
      });
    }
  });
})();
