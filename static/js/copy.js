// Adds a "Copy" button beside a value that is shown once. Without it, the value is selected and copied by hand.
(() => {
  "use strict";
  if (!navigator.clipboard) return; // only offered in a secure context
  for (const box of document.querySelectorAll("[data-once]")) {
    const field = box.querySelector("input");
    const button = box.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(field.value);
        button.textContent = "Copied";
      } catch {
        field.select(); // not allowed here: it is selected, ready for the keyboard
      }
    });
  }
})();
