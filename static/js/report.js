// A number or a mark of a report opens a card that says where it comes from. Without this script, or when the card
// cannot be fetched, the same link leads to the same evidence as a page.
(() => {
  "use strict";
  const card = document.createElement("div");
  card.className = "card-pop";
  card.id = "evidence-card";
  card.setAttribute("popover", "auto");
  card.setAttribute("role", "dialog");
  card.setAttribute("aria-label", "Where this comes from");
  card.tabIndex = -1;
  const fetched = new Map();
  let asked = null;

  const read = async (address) => {
    if (!fetched.has(address)) {
      const answer = await fetch(`${address}/card`, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) {
        throw new Error(`no card: ${answer.status}`);
      }
      fetched.set(address, await answer.text());
    }
    return fetched.get(address);
  };

  const open = async (link) => {
    asked = link;
    link.setAttribute("aria-busy", "true");
    try {
      card.innerHTML = await read(link.href);
    } catch {
      location.assign(link.href);
      return;
    } finally {
      link.removeAttribute("aria-busy");
    }
    if (asked !== link) {
      return; // another one was pressed meanwhile
    }
    card.hidePopover();
    card.classList.add("is-anchored");
    card.showPopover({ source: link });
    card.focus({ preventScroll: true });
  };

  card.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && asked && (document.activeElement === document.body || card.contains(document.activeElement))) {
      asked.focus({ preventScroll: true });
    }
  });

  document.addEventListener("DOMContentLoaded", () => document.body.append(card));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-card]");
    if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || !card.showPopover) {
      return;
    }
    event.preventDefault();
    open(link);
  });
})();
