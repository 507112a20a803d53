// A link inside a figure's card leads to its line in the evidence: the card closes so that the line can be seen.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".card-pop a[href^='#']");
    if (link) {
      link.closest(".card-pop").hidePopover();
    }
  });
})();
