// Draws the charts of a page with plotly, in the colours of the theme; again when the theme changes. Nothing moves.
// Plotly is large: it is fetched when the reader first comes near a chart.
(() => {
  "use strict";
  const source = document.currentScript.dataset.plotly;
  let fetched = null;
  const plotly = () => {
    fetched ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
    return fetched;
  };
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // What a trace stands for decides its colour; shape and pattern say the same without it.
  const colour = (meaning) => {
    const parts = ["--accent", "--caution", "--good", "--line-strong", "--bad", "--ink-quiet"];
    if (meaning.startsWith("part ")) {
      return token(parts[Number(meaning.slice(5)) % parts.length]);
    }
    const names = { ours: "--accent", plan: "--accent", ranked: "--accent", "confirm first": "--caution", excluded: "--bad", alternatives: "--ink-quiet", "at least": "--caution", band: "--accent-quiet" };
    return token(names[meaning] || "--ink-quiet");
  };

  const painted = (trace) => {
    const meaning = trace.meta.stands_for;
    const own = colour(meaning);
    if (meaning === "band") {
      return { ...trace, fillcolor: own };
    }
    if (trace.type === "bar") {
      return { ...trace, marker: { ...trace.marker, color: own, line: { color: token("--surface"), width: 1 }, pattern: { ...trace.marker.pattern, fgcolor: token("--surface") } } };
    }
    if (trace.mode?.startsWith("lines")) {
      return { ...trace, line: { ...trace.line, color: own }, marker: { ...trace.marker, color: own } };
    }
    return { ...trace, marker: { ...trace.marker, color: own, line: { ...trace.marker.line, color: own } }, error_x: { ...trace.error_x, color: own } };
  };

  // A label longer than the drawing is wide is cut with an ellipsis; the table beneath holds it whole.
  const LETTER_PX = 6.6;
  const fitting = (text, width) => {
    const most = Math.floor(width / LETTER_PX);
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
  };

  const axis = (given) => ({ ...given, gridcolor: token("--line"), zerolinecolor: token("--line-strong"), linecolor: token("--line"), tickcolor: token("--line"), fixedrange: true });

  const draw = (place) => {
    place.querySelector(":scope > svg")?.remove(); // it kept the room until now
    const { data, layout } = JSON.parse(place.dataset.figure);
    const ink = token("--ink");
    const quiet = token("--ink-quiet");
    const dressed = {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: quiet },
      xaxis: axis(layout.xaxis),
      yaxis: axis(layout.yaxis),
      annotations: (layout.annotations || []).map((one) => ({ ...one, text: fitting(one.text, place.clientWidth - 24), font: { color: ink, size: 12.5 } })),
      shapes: (layout.shapes || []).map((one) => ({ ...one, line: { color: token("--bad"), width: 2, dash: "dash" } })),
      hoverlabel: { bgcolor: token("--surface"), bordercolor: token("--line-strong"), font: { color: ink } },
    };
    return window.Plotly.react(place, data.map(painted), dressed, { displayModeBar: false, responsive: true, doubleClick: false, showTips: false });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const places = [...document.querySelectorAll("[data-figure]")];
    const drawn = new Set();
    const once = (place) => {
      if (!drawn.has(place)) {
        drawn.add(place);
        draw(place);
      }
    };
    let turn = Promise.resolve(); // one chart a task: between two of them the page answers
    const first = async (place) => {
      near.unobserve(place);
      try {
        await plotly();
      } catch {
        place.hidden = true; // the table beneath says the same
        return;
      }
      turn = turn.then(() => new Promise((done) => setTimeout(done)));
      await turn;
      once(place);
    };
    // Each is drawn when the reader comes near it, so that none keeps the page from answering.
    const near = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach((one) => first(one.target)), { rootMargin: "200px" });
    places.forEach((place) => near.observe(place));
    window.addEventListener("beforeprint", () => places.forEach(window.Plotly ? once : first));
    new MutationObserver(() => drawn.forEach(draw)).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  });
})();
