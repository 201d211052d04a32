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

  // -- legend: what is shown, to be switched on and off ------------------------------------------------------------
  const legend = (div, data) => {
    const list = document.createElement("p");
    list.className = "legend";
    data.forEach((trace, curve) => {
      if (!trace.name) return;
      const button = document.createElement("button");
      const swatch = document.createElement("span");
      const fill = trace.marker?.color ?? trace.line?.color;
      const pattern = trace.marker?.pattern?.shape ?? trace.fillpattern?.shape ?? "";
      const kind = { "/": "slashes", "\\": "backslashes", x: "crosses", ".": "dots" }[pattern];
      swatch.className = `swatch ${kind ?? ""} ${trace.mode === "markers" ? "mark" : trace.fill || trace.stackgroup || trace.type !== "scatter" ? "" : "dash"}`;
      swatch.style.setProperty("--fill", fill);
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(swatch, plain(trace.name));
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", shown);
        Plotly.restyle(div, { visible: shown }, [curve]);
      });
      list.append(button);
    });
    div.after(list);
  };

  const draw = () => {
    const touch = matchMedia("(pointer: coarse)").matches;
    for (const figure of document.querySelectorAll("figure")) {
      const div = figure.querySelector(".picture");
      const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
      set(layout, { ...themed(layout), showlegend: false, ...(touch ? { dragmode: false } : {}) });
      const stops = marks(data);
      Plotly.newPlot(div, data, layout, config);
      pictures.push(div);
      walk(div, stops);
      if (data.length > 1) legend(div, data);
    }
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      matchMedia(query).addEventListener("change", repaint);
    }
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
  if (document.querySelector("figure")) draw();
  document.documentElement.dataset.drawn = pictures.length;
})();
