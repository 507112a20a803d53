// Saves each change of a page of questions by itself. Without this script the Save button does the same.
// A block that has unsaved changes is "dirty" until the server has said that it is saved: nothing else clears it.
(() => {
  "use strict";
  const form = document.getElementById("questions");
  const list = document.getElementById("question-list");
  const state = document.getElementById("save-state");
  const dirty = new Map(); // place → number of the change that dirtied it
  const longestWait = 30000;
  let changes = 0;
  let saving = false;
  let timer = 0;
  let failures = 0;
  let leaving = false;
  let isOver = false; // the revision may no longer change

  const say = (text, name) => {
    state.textContent = text;
    state.dataset.state = name;
  };
  const blocks = () => [...list.querySelectorAll("[data-place]")];
  const blockOf = (place) => blocks().find((block) => block.dataset.place === place);
  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => save(), wait);
  };

  const touch = (target, wait) => {
    const block = target.closest("[data-place]");
    if (block) {
      changes += 1;
      dirty.set(block.dataset.place, changes);
      say("Saving …", "saving");
      later(wait);
    }
  };

  // The fields of some blocks, as the form itself would send them.
  const body = (places, extra) => {
    const all = new FormData(form);
    const some = new FormData();
    for (const name of ["csrfmiddlewaretoken", "version"]) {
      some.append(name, all.get(name));
    }
    for (const place of places) {
      const block = blockOf(place);
      for (const control of block ? block.querySelectorAll("[name]") : []) {
        const isChoice = control.type === "checkbox" || control.type === "radio";
        if (control.type !== "submit" && (!isChoice || control.checked)) {
          some.append(control.name, control.value);
        }
      }
    }
    for (const [name, value] of Object.entries(extra)) {
      some.append(name, value);
    }
    return some;
  };

  const fragment = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  };

  // A block that somebody is writing in keeps its fields; its notes and what it was are taken over.
  const renew = (block, fresh, isBusy) => {
    if (!isBusy) {
      block.replaceWith(fresh);
      return fresh;
    }
    for (const part of [".question-keys", ".question-notes"]) {
      block.querySelector(part).replaceWith(fresh.querySelector(part));
    }
    block.className = fresh.className;
    return block;
  };

  const show = (answer, decided) => {
    form.elements.version.value = answer.version;
    let last = null;
    const asked = new Set();
    for (const question of answer.questions) {
      asked.add(question.place);
      const fresh = fragment(question.html);
      let block = blockOf(question.place);
      if (block) {
        const isBusy = block.contains(document.activeElement) || dirty.has(question.place);
        block = renew(block, fresh, isBusy && question.place !== decided);
      } else {
        block = fresh;
        last ? last.after(block) : list.prepend(block);
      }
      last = block;
    }
    for (const block of blocks()) {
      if (!asked.has(block.dataset.place) && !block.contains(document.activeElement)) {
        block.remove();
      }
    }
    const known = document.getElementById("known");
    const open = [...known.querySelectorAll("details")].map((one) => one.open);
    known.innerHTML = answer.summary;
    known.querySelectorAll("details").forEach((one, number) => {
      one.open = Boolean(open[number]);
    });
  };

  const take = (answer, sent, decided) => {
    failures = 0;
    if (answer.state === "settled") {
      isOver = true;
      settled(answer.text);
      return;
    }
    for (const [place, number] of sent) {
      if (dirty.get(place) === number) {
        dirty.delete(place);
      }
    }
    show(answer, decided);
    if (answer.state === "conflict") {
      say("Not saved: somebody else changed the same answer. Decide beside the question.", "refused");
    } else {
      say(answer.refused ? "Kept as typed; not accepted as an answer yet" : "Saved", answer.refused ? "refused" : "saved");
    }
  };

  // After signing in again the page's protection mark is an old one: take that of a fresh page.
  const renewMark = async () => {
    const page = await fetch(location.href, { credentials: "same-origin" });
    const mark = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("#questions [name=csrfmiddlewaretoken]");
    if (mark) {
      form.elements.csrfmiddlewaretoken.value = mark.value;
    }
  };

  const failed = (why) => {
    failures += 1;
    const wait = Math.min(longestWait, 1000 * 2 ** failures);
    say(`Not saved: ${why}. Trying again; your answers stay on this page.`, "waiting");
    later(wait);
  };

  const settled = (text) => {
    say(text, "refused");
    const button = document.createElement("button");
    button.type = "submit";
    button.name = "then";
    button.value = "stay";
    button.className = "btn btn-quiet btn-sm";
    button.textContent = "Put my answers into the next revision";
    state.append(" ", button);
  };

  const save = async (extra = {}) => {
    const decided = extra.mine || extra.theirs || "";
    if (isOver) {
      return;
    }
    if (saving || (dirty.size === 0 && !decided)) {
      if (saving) {
        later(300);
      }
      return;
    }
    saving = true;
    const sent = new Map(dirty);
    if (decided) {
      sent.set(decided, dirty.get(decided) || 0);
    }
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: body(sent.keys(), extra),
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      const isOurs = (response.headers.get("Content-Type") || "").startsWith("application/json");
      if (response.status === 403 && !isOurs) {
        await renewMark();
        failed("your permission could not be confirmed");
      } else if (!isOurs) {
        failed(response.redirected ? "you are signed out; sign in again in another tab" : "the server did not answer as expected");
      } else {
        take(await response.json(), sent, decided);
      }
    } catch {
      failed("no connection");
    } finally {
      saving = false;
    }
    if (failures === 0 && dirty.size > 0 && !isOver) {
      later(300);
    }
  };

  form.addEventListener("input", (event) => {
    const isText = event.target.matches("input[type=text], input[type=date]");
    touch(event.target, isText ? 700 : 50);
  });
  form.addEventListener("focusout", () => {
    if (dirty.size > 0 && failures === 0) {
      later(50);
    }
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=mine], button[name=theirs]");
    if (button) {
      event.preventDefault();
      save({ [button.name]: button.value });
    }
  });
  form.addEventListener("submit", () => {
    leaving = true;
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
  });
  window.addEventListener("online", () => {
    if (dirty.size > 0) {
      later(50);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && dirty.size > 0) {
      event.preventDefault();
    }
  });
})();
