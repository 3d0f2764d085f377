// Joins the page's controls, charts and tables: one state, which all of them show and may set.
// The charts recompute themselves (Vega-Lite); nothing is fetched.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const frames = {};
  const views = [];
  const state = { pick: "" };
  const config = JSON.parse(document.getElementById("config").textContent);

  for (const link of all("a[data-frame]")) {
    const address = link.getAttribute("href");
    frames[link.dataset.frame] = {
      values: decodeURIComponent(address.slice(address.indexOf(",") + 1)),
      format: { type: "csv", parse: JSON.parse(link.dataset.types) },
    };
  }

  // Robustness of each setting by threshold, for the live cells of tables. The frame holds ids and
  // numbers, nothing that would be quoted.
  const reached = new Map();
  const [head, ...rows] = (frames.curves?.values ?? "").trim().split("\n").map((row) => row.split(","));
  const [id, need, value, low, high] =
    ["id", "need", "robustness", "low", "high"].map((name) => head.indexOf(name));
  const numberOf = (text) => (text === "" ? NaN : Number(text));
  for (const row of rows) {
    if (!reached.has(row[id])) reached.set(row[id], []);
    reached.get(row[id])[row[need]] =
      { value: Number(row[value]), low: numberOf(row[low]), high: numberOf(row[high]) };
  }

  // As vbench/numbers.py writes a share, and its interval.
  const decimalsOf = (share) => {
    const rest = Math.min(share, 1 - share);
    return rest === 0 ? 0 : rest >= 0.01 ? 1 : Math.max(2, Math.ceil(-Math.log10(rest) - 1e-9) - 2);
  };
  const percent = (share) => `${(100 * share).toFixed(decimalsOf(share))} %`;
  const ends = ({ value, low, high }) => {
    if (!Number.isFinite(low) || !Number.isFinite(high)) return "";
    const finest = decimalsOf(value) + 3;
    let decimals = decimalsOf(value);
    const width = 100 * (high - low);
    while (decimals < finest && width > 0 && width < 1.99 * 10 ** -decimals) decimals += 1;
    return `[${(100 * low).toFixed(decimals)}, ${(100 * high).toFixed(decimals)}]`;
  };

  const show = (name, text) => {
    for (const output of all(`[data-show="${name}"]`)) output.textContent = text;
  };

  const showNumbers = () => {
    show("delta", (state.delta / 100).toFixed(2));
    show("level", (state.level / 100).toFixed(3));
    for (const part of all("[data-panel]")) part.hidden = part.dataset.panel !== state.panel;
    const option = document.querySelector(`option[value="${state.panel}"]`);
    const k = Number(option?.dataset.k);
    const need = Math.ceil((state.delta * k) / 100);
    const pronoun = need === 0 ? "always" : `when at least ${need} of its ${k} nearest neighbors are found`;
    show("meaning", `A query counts as well served ${pronoun}.`);
    for (const cell of all('td[data-live="robustness"]')) {
      const curve = reached.get(cell.parentElement.dataset.row) ?? [];
      const found = curve[Math.ceil((state.delta * (curve.length - 1)) / 100)];
      if (!found) continue;
      cell.dataset.value = found.value;
      cell.querySelector(".cell").textContent = percent(found.value);
      const small = cell.querySelector("small");
      if (small) small.textContent = ends(found);
    }
  };

  const showPick = () => {
    document.body.classList.toggle("picking", state.pick !== "");
    for (const button of all("[data-pick]")) {
      button.setAttribute("aria-pressed", String(button.dataset.pick === state.pick));
    }
    const index = document.querySelector(`tr[data-row="${CSS.escape(state.pick)}"]`)?.dataset.index;
    for (const chip of all(".chip")) chip.classList.toggle("lit", chip.dataset.pick === index);
    for (const row of all("tr[data-row], tr[data-index]")) {
      const picked = [row.dataset.row, row.dataset.index].includes(state.pick);
      row.classList.toggle("picked", state.pick !== "" && picked);
    }
  };

  // What is out of sight is computed when it comes into sight, or before printing.
  const stale = new Map();
  const seen = new Set();
  const refresh = (figure) => {
    stale.get(figure)?.runAsync();
    stale.delete(figure);
  };
  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      seen[isIntersecting ? "add" : "delete"](target);
      if (isIntersecting) refresh(target);
    }
  }, { rootMargin: "300px" });
  window.addEventListener("beforeprint", () => {
    for (const view of stale.values()) view.run();
    stale.clear();
  });

  const set = (name, value) => {
    state[name] = value;
    for (const { view, signals, figure } of views) {
      if (!signals.has(name)) continue;
      view.signal(name, value);
      stale.set(figure, view);
      if (seen.has(figure)) refresh(figure);
    }
    if (name === "pick") showPick();
    else showNumbers();
    keep();
  };

  // The position is kept in the address, so that it can be sent and gone back to.
  const standard = new Map();
  const keep = () => {
    const given = new URLSearchParams();
    for (const control of all("[data-set]")) {
      if (control.value !== standard.get(control)) given.set(control.dataset.set, control.value);
    }
    if (state.pick) given.set("pick", state.pick);
    const hash = given.size ? `#${given}` : location.pathname + location.search;
    try {
      history.replaceState(null, "", hash);
    } catch { /* a page without an address of its own */ }
  };
  const restore = () => {
    for (const control of all("[data-set]")) standard.set(control, control.value);
    const given = location.hash.includes("=") ? new URLSearchParams(location.hash.slice(1)) : [];
    for (const [name, value] of given) {
      if (name === "pick") state.pick = value;
      for (const control of all(`[data-set="${CSS.escape(name)}"]`)) {
        control.value = value;
        if (control.value !== value) control.value = standard.get(control);
      }
    }
  };

  const pick = (value) => set("pick", value === state.pick ? "" : value);

  const valueOf = (control) =>
    control.type === "range" ? Number(control.value) : control.value;

  // Small multiples cannot be as wide as their container by themselves.
  const fitted = (spec, width) => {
    if (!spec.facet) return spec;
    const [axis, least] = [50, spec.spec.width];
    const room = Math.floor((width - axis) / (least + spec.spacing));
    const columns = Math.max(1, Math.min(room, spec.columns));
    const cell = Math.floor((width - axis) / columns) - spec.spacing;
    return { ...spec, columns, spec: { ...spec.spec, width: cell } };
  };

  // Round values for an axis; of a logarithmic one the domain is that of the logarithms.
  const roundValues = ([low, high], logarithmic) => {
    if (!(high > low)) return [];
    if (!logarithmic) {
      const least = (high - low) / 7;
      const power = 10 ** Math.floor(Math.log10(least));
      const step = power * [1, 2, 5, 10].find((each) => each * power >= least);
      const count = Math.floor(high / step) - Math.ceil(low / step) + 1;
      return Array.from({ length: count }, (_, n) => step * (Math.ceil(low / step) + n));
    }
    if (high - low < 0.8) return roundValues([10 ** low, 10 ** high]).map(Math.log10);
    const within = [];
    for (let power = Math.floor(low); power <= high; power += 1) {
      for (const first of high - low > 3 ? [1] : [1, 2, 5]) within.push(power + Math.log10(first));
    }
    return within.filter((value) => value >= low && value <= high);
  };

  const draw = async (figure) => {
    const place = figure.querySelector(".drawing");
    const spec = fitted(JSON.parse(figure.querySelector("script").textContent), place.clientWidth);
    const own = all("[data-set]", figure).map((control) => [control.dataset.set, valueOf(control)]);
    const values = { ...state, ...Object.fromEntries(own) };
    for (const parameter of spec.params) {
      if (parameter.name in values) parameter.value = values[parameter.name];
    }
    const { view } = await vegaEmbed(place, spec, {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      logLevel: 1,
      config,
      expressionFunctions: { roundValues },
      patch: (compiled) => {
        for (const data of compiled.data) Object.assign(data, frames[data.name]);
        return compiled;
      },
    });
    const signals = new Set(spec.params.map((parameter) => parameter.name));
    figure.view = view;
    views.push({ view, signals, figure });
    sight.observe(figure);
    for (const name of signals) {
      if (name in state && view.signal(name) !== state[name]) view.signal(name, state[name]).runAsync();
    }
    view.addEventListener("click", (event, item) => {
      const about = item?.datum;
      if (about?.id || about?.index) pick(about.id ?? about.index);
      else if (state.pick) set("pick", "");
    });
  };

  const sort = (button) => {
    const head = button.closest("th");
    const body = button.closest("table").tBodies[0];
    const column = head.cellIndex;
    const number = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    const sign = (before ? before === "descending" : !number) ? 1 : -1;
    for (const each of head.parentElement.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = number
      ? (a, b) => (Number.isNaN(+key(a)) - Number.isNaN(+key(b))) || sign * (key(a) - key(b))
      : (a, b) => sign * key(a).localeCompare(key(b), undefined, { numeric: true });
    body.append(...[...body.rows].sort(compare));
  };

  const filter = (field) => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of all(`#${field.dataset.filter} tbody tr`)) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  };

  restore();
  for (const control of all(".controls [data-set]")) state[control.dataset.set] = valueOf(control);
  document.addEventListener("input", ({ target }) => {
    const figure = target.closest("figure.chart");
    if (target.dataset.filter) filter(target);
    else if (target.dataset.set && !figure) set(target.dataset.set, valueOf(target));
    else if (target.dataset.set) {
      const drawn = views.find((each) => each.figure === figure);
      drawn?.view.signal(target.dataset.set, valueOf(target)).runAsync();
      keep();
    }
  });

  // The explanation is open until it was closed once.
  const primer = document.querySelector(".primer");
  try {
    if (primer && localStorage.getItem("vbench-primer") === "closed") primer.open = false;
    primer?.addEventListener("toggle", () => {
      localStorage.setItem("vbench-primer", primer.open ? "open" : "closed");
    });
  } catch { /* nothing is kept where the browser does not allow it */ }

  // Tables that go on beyond what is seen of them say so.
  const tell = () => {
    for (const table of all(".table")) {
      const scroll = table.querySelector(".scroll");
      const across = scroll.scrollWidth > scroll.clientWidth + 1;
      const down = scroll.scrollHeight > scroll.clientHeight + 1;
      const more = table.querySelector(".more");
      more.hidden = !across && !down;
      more.textContent = `scrolls ${[across ? "→" : "", down ? "↓" : ""].join("")}`;
    }
  };
  new ResizeObserver(tell).observe(document.body);
  document.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.pick) set("pick", "");
  });
  document.addEventListener("click", ({ target }) => {
    const sorter = target.closest("[data-sort]");
    const picker = target.closest("[data-pick]") ?? target.closest("tr[data-row]");
    if (sorter) sort(sorter);
    else if (picker) pick(picker.dataset.pick ?? picker.dataset.row);
  });

  showNumbers();
  if (state.pick) showPick();
  // One after the other, so that the page can be read and scrolled while it draws.
  (async () => {
    for (const figure of all("figure.chart")) await draw(figure);
    document.body.dataset.drawn = "yes";
  })();
})();
