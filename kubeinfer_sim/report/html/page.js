"use strict";
(() => {
  const config = {
    responsive: true,
    displayModeBar: false,
    typesetMath: false,
  };
  const pictures = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // -- light, dark, paper ----------------------------------------------------------------------------------------
  const themed = (layout) => {
    const look = {
      "font.color": colour("--text"),
      "font.family": getComputedStyle(document.body).fontFamily,
      "hoverlabel.bgcolor": colour("--raised"),
      "hoverlabel.bordercolor": colour("--line"),
      "hoverlabel.font.color": colour("--text"),
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      look[`${axis}.gridcolor`] = colour("--grid");
      look[`${axis}.linecolor`] = colour("--line");
    }
    return look;
  };
  const set = (layout, look) => {
    for (const [path, value] of Object.entries(look)) {
      const keys = path.split(".");
      const last = keys.pop();
      let place = layout;
      for (const key of keys) place = place[key] ??= {};
      place[last] = value;
    }
  };
  const repaint = () => pictures.forEach((div) => Plotly.relayout(div, themed(div.layout)));

  // -- keyboard: arrow keys go from mark to mark, and what is said there is read out -------------------------------
  const marks = (data) => {
    const found = [];
    data.forEach((trace, curve) => {
      if (trace.meta !== "steps") return;
      const at = trace.orientation === "h" ? (trace.base ?? []) : trace.x;
      trace.hovertext.forEach((text, point) => found.push({ curve, point, at: at[point] ?? 0, row: trace.orientation === "h" ? trace.y[point] : 0, text }));
    });
    return found.sort((a, b) => a.row - b.row || a.at - b.at || a.curve - b.curve);
  };
  const plain = (text) =>
    text.replaceAll("<br>", " ").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  const walk = (div, stops) => {
    let place = -1;
    div.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const to = { Home: 0, End: stops.length - 1 }[event.key];
      if (event.key === "Escape") {
        Plotly.Fx.unhover(div);
        place = -1;
        return;
      }
      if ((by === undefined && to === undefined) || !stops.length || event.target !== div) return;
      event.preventDefault();
      place = to ?? Math.min(Math.max(place + by, 0), stops.length - 1);
      const stop = stops[place];
      Plotly.Fx.hover(div, [{ curveNumber: stop.curve, pointNumber: stop.point }]);
      document.getElementById("said").textContent = plain(stop.text);
    });
    div.addEventListener("blur", () => Plotly.Fx.unhover(div));
  };

  // -- legend: each kind with the mark, line or area that is drawn of it, to be switched on and off -----------------
  const SYMBOLS = {
    circle: "M12 2a5 5 0 1 0 .01 0Z",
    square: "M7 2h10v10H7Z",
    diamond: "M12 1l6 6-6 6-6-6Z",
    x: "M8.5 1 12 4.5 15.5 1 18 3.5 14.5 7 18 10.5 15.5 13 12 9.5 8.5 13 6 10.5 9.5 7 6 3.5Z",
    "triangle-down": "M6 3h12l-6 9Z",
  };
  const DASHES = { dash: "6 3", dot: "2 2.5" };
  const PATTERNS = {
    "/": "M0 8 8 0M4 14 18 0M12 14 24 2M22 14l2-2",
    "\\": "M16 0l8 8M6 0l14 14M0 2l12 12M0 12l2 2",
    x: "M0 8 8 0M4 14 18 0M12 14 24 2M16 0l8 8M6 0l14 14M0 2l12 12",
    ".": "M4 4h0M10 4h0M16 4h0M22 4h0M1 10h0M7 10h0M13 10h0M19 10h0",
  };
  const swatch = (trace) => {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const part = (name, look) => {
      const made = document.createElementNS(drawn.namespaceURI, name);
      for (const [key, value] of Object.entries(look)) made.setAttribute(key, value);
      drawn.append(made);
    };
    const colour = trace.marker?.color ?? trace.line?.color;
    const pattern = trace.marker?.pattern ?? trace.fillpattern;
    drawn.setAttribute("class", "swatch");
    drawn.setAttribute("viewBox", "0 0 24 14");
    drawn.setAttribute("aria-hidden", "true");
    if (trace.type === "bar" || trace.fill || trace.stackgroup) {
      part("rect", { x: 2, y: 1, width: 20, height: 12, fill: trace.fillcolor ?? pattern?.bgcolor ?? colour });
      const lines = PATTERNS[pattern?.shape];
      const look = { fill: "none", stroke: pattern?.fgcolor, "stroke-width": 1.5, "stroke-linecap": "round" };
      if (lines) part("path", { d: lines, ...look });
    } else if (trace.mode === "markers") {
      const line = { stroke: colour, "stroke-width": 1.5, fill: "none" };
      if (trace.error_x) part("path", { d: "M1 7h22M1 4v6M23 4v6", ...line });
      if (trace.error_y) part("path", { d: "M12 0v14M9 .7h6M9 13.3h6", ...line });
      part("path", { d: SYMBOLS[trace.marker.symbol ?? "circle"] ?? SYMBOLS.circle, fill: colour, "data-mark": trace.marker.symbol ?? "circle" });
    } else {
      const dashes = DASHES[trace.line?.dash];
      part("path", { d: "M0 7h24", stroke: colour, "stroke-width": 2.5, ...(dashes ? { "stroke-dasharray": dashes } : {}) });
    }
    return drawn;
  };
  const legend = (div, data) => {
    const list = document.createElement("p");
    list.className = "legend";
    data.forEach((trace, curve) => {
      if (!trace.name || trace.showlegend === false) return;
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(swatch(trace), plain(trace.name));
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", shown);
        if (pictures.includes(div)) Plotly.restyle(div, { visible: shown }, [curve]);
        else trace.visible = shown;
      });
      list.append(button);
    });
    div.after(list);
  };

  // -- pictures: one after the other, so that the page can be read and scrolled meanwhile; those on the screen first --
  const touch = matchMedia("(pointer: coarse)").matches;
  const waiting = [];
  const plot = ({ div, data, layout }) => {
    set(layout, { ...themed(layout), showlegend: false, ...(touch ? { dragmode: false } : {}) });
    const stops = marks(data);
    Plotly.newPlot(div, data, layout, config);
    pictures.push(div);
    walk(div, stops);
  };
  const onScreen = ({ div }) => {
    const { top, bottom } = div.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  const drawNext = () => {
    const [one] = waiting.splice(Math.max(0, waiting.findIndex(onScreen)), 1);
    if (one) plot(one);
    if (waiting.length) setTimeout(drawNext);
    else document.documentElement.dataset.drawn = pictures.length;
  };
  const draw = () => {
    for (const figure of document.querySelectorAll("figure")) {
      const div = figure.querySelector(".picture");
      const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
      if (data.length > 1 || layout.showlegend) legend(div, data);
      waiting.push({ div, data, layout });
    }
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      matchMedia(query).addEventListener("change", repaint);
    }
    addEventListener("beforeprint", () => waiting.splice(0).forEach(plot));
    setTimeout(drawNext);
  };

  // -- tables ----------------------------------------------------------------------------------------------------
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  const sort = (head) => {
    const body = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const each of head.parentElement.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
    body.append(...rows.map(([, row]) => row));
  };
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => sort(button.parentElement));
  }

  // -- what of a table is beyond the edge ---------------------------------------------------------------------------
  const edge = (frame) => {
    const beyond = [...(frame.querySelector("tr")?.cells ?? [])].filter(
      (cell) => cell.offsetLeft + cell.offsetWidth > frame.scrollLeft + frame.clientWidth + 2,
    ).length;
    frame.previousElementSibling.textContent = beyond ? `${beyond} more ${beyond > 1 ? "columns" : "column"} to the right: scroll \u2192` : "";
    frame.classList.toggle("beyond", beyond > 0);
  };
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => edge(target)));
  for (const frame of document.querySelectorAll(".table")) {
    frame.addEventListener("scroll", () => edge(frame), { passive: true });
    sizes.observe(frame);
    edge(frame);
  }

  draw();
})();
