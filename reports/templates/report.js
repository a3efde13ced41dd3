"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const text = DataTable.render.text(); // names are text, whatever they look like

  const element = (tag, className, content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  };

  const command = (commands, run, cell) => (commands[run] || "").replace("{}", cell);

  // Two tables, two landmarks: DataTables gives all of them one name.
  const namePages = (table, name) =>
    table.table().container().querySelector(".dt-paging nav")?.setAttribute("aria-label", `Pages of the ${name}`);

  // A row's child opens and closes by the button in its first cell.
  const opensChildren = (table, makeChild) => {
    table.table().node().addEventListener("click", (event) => {
      const button = event.target.closest("button.more");
      if (!button) return;
      const row = table.row(button.closest("tr"));
      const shown = row.child.isShown();
      if (shown) row.child.hide();
      else row.child(makeChild(row.data())).show();
      button.setAttribute("aria-expanded", String(!shown));
      button.textContent = shown ? "▸" : "▾";
    });
  };

  const more = (label) => ({
    title: `<span class="minor">${label}</span>`, data: null, orderable: false, searchable: false,
    render: () => `<button type="button" class="more" aria-expanded="false" aria-label="${label}">▸</button>`,
  });

  const plain = (value) => {
    if (value === null) return "–";
    const number = Number(value); // infinity comes as a word
    if (!Number.isFinite(number)) return number > 0 ? "∞" : "-∞";
    const size = Math.abs(number);
    return size !== 0 && (size < 1e-2 || size >= 1e5) ? number.toExponential(2) : String(Number(number.toPrecision(3)));
  };

  const board = () => {
    const data = read("board-data");
    let metric = 0;
    const facets = [...document.querySelectorAll("select[data-facet]")];
    const value = (entry) => entry.values[metric];
    const order = (entry) => (value(entry)[2] === 0 ? Infinity : Number(value(entry)[0]));
    let followed = null; // ids of cells behind a number of another table
    const wanted = (entry) => value(entry)[2] > 0 && (!followed || entry.cells.some(([cell]) => followed.has(cell))) &&
      facets.every((select) => select.value === "" || entry[select.dataset.facet] === select.value);

    let range = [0, 1]; // of log10 of the entries that are shown
    const measure = () => {
      const logs = data.entries.filter(wanted).map((entry) => Number(value(entry)[0]))
        .filter((mean) => mean > 0 && Number.isFinite(mean)).map(Math.log10);
      const low = logs.reduce((a, b) => Math.min(a, b), Infinity);
      const high = logs.reduce((a, b) => Math.max(a, b), -Infinity);
      range = logs.length && high > low ? [low, high] : [low - 1, low + 1];
    };
    const across = (number) => Math.min(100, Math.max(0, (100 * (Math.log10(number) - range[0])) / (range[1] - range[0])));
    const dot = (entry) => {
      const [mean, half] = value(entry).map(Number);
      if (!(mean > 0) || !Number.isFinite(mean)) return "";
      const left = half < mean ? across(mean - half) : 0;
      const line = half > 0 ? `<line x1="${left}%" x2="${across(mean + half)}%" y1="50%" y2="50%" stroke="${entry.colour}" stroke-width="2"/>` : "";
      return `<svg class="dot" aria-hidden="true"><line x1="0" x2="100%" y1="50%" y2="50%" stroke="#d8dee4"/>${line}` +
        `<circle cx="${across(mean)}%" cy="50%" r="3.5" fill="${entry.colour}"/></svg>`;
    };
    const name = (entry) => {
      const cell = element("span", /^(constant|true_h)$/.test(entry.model) ? "reference" : "");
      const swatch = element("span", "swatch");
      swatch.style.background = entry.colour;
      cell.append(swatch, entry.model);
      return cell;
    };
    const number = (entry, kind) => {
      if (kind !== "display") return order(entry);
      const [mean, half, seeds] = value(entry);
      return plain(mean) + (seeds > 1 && half !== null ? ` ± ${plain(half)}` : "");
    };

    const says = (column) => data.entries.some((entry) => entry[column] !== "");
    measure();
    const table = new DataTable("#board", {
      data: data.entries, autoWidth: false, deferRender: true, pageLength: 25, order: [[7, "asc"]],
      layout: { topStart: "search", topEnd: null, bottomStart: "info", bottomEnd: "paging" },
      language: { search: "Search the names" },
      columns: [
        more("Cells"),
        { title: "system", data: "system", render: text },
        { title: "model", data: "model", render: (model, kind, entry) => (kind === "display" ? name(entry) : model) },
        { title: "variant", data: "variant", render: text, className: "minor", visible: says("variant") },
        { title: "gradient mode", data: "gradient_mode", render: text, className: "minor", visible: says("gradient_mode") },
        { title: "N", data: "seq_len", render: (N, kind) => (kind === "sort" || kind === "type" ? Number(N) : N), className: "number minor", searchable: false },
        { title: "protocol", data: "protocol", render: text, className: "minor" },
        { title: "value", data: null, render: (entry, kind) => number(entry, kind), className: "number", searchable: false },
        { title: "seeds", data: null, render: (entry) => value(entry)[2], className: "number minor", searchable: false },
        { title: "", data: null, render: (entry, kind) => (kind === "display" ? dot(entry) : ""), className: "minor", orderable: false, searchable: false },
      ],
    });
    table.search.fixed("facets", (_, entry) => wanted(entry));
    const refresh = () => {
      measure();
      table.column(7).title(data.metrics[metric].unit);
      table.rows().invalidate().draw();
    };
    opensChildren(table, (entry) => cellsOf(entry, metric, data));
    document.getElementById("metric").addEventListener("change", (event) => {
      metric = Number(event.target.value);
      table.order([[7, "asc"]]);
      refresh();
    });
    facets.forEach((select) => select.addEventListener("change", refresh));
    refresh();

    // A link of another table, #cells/COLUMN/ID+ID, leads to the entries of these cells, opened.
    const note = document.getElementById("followed");
    const follow = (ids) => {
      followed = ids;
      note.hidden = ids === null;
      facets.forEach((select) => { select.value = ""; });
      table.search("").order([[7, "asc"]]);
      refresh();
    };
    const arrive = () => {
      const [, column, ids] = location.hash.match(/^#cells\/(\w+)\/([^/]+)$/) || [];
      const place = data.metrics.findIndex((known) => known.column === column);
      if (place < 0) return;
      metric = place;
      document.getElementById("metric").value = String(place);
      follow(new Set(decodeURIComponent(ids).split("+")));
      table.table().node().querySelectorAll("button.more[aria-expanded=false]").forEach((button) => button.click());
      document.getElementById("leaderboard").scrollIntoView();
      note.querySelector("button").focus({ preventScroll: true });
    };
    note.querySelector("button").addEventListener("click", () => {
      follow(null);
      location.hash = "leaderboard"; // so that the same link can be followed again
    });
    window.addEventListener("hashchange", arrive);
    arrive();
    namePages(table, "leaderboard");
  };

  const cellsOf = (entry, metric, data) => {
    const child = element("div", "child");
    child.append(element("p", "", `${data.metrics[metric].label} (${data.metrics[metric].unit}) of each cell, and the command that runs it again`));
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const title of ["seed", "value", "cell", "command"]) head.append(element("th", "", title));
    const body = table.createTBody();
    for (const [cell, seed, run, values] of entry.cells) {
      const row = body.insertRow();
      row.insertCell().textContent = seed;
      row.insertCell().textContent = plain(values[metric]);
      row.insertCell().append(element("code", "", cell));
      row.insertCell().append(element("code", "", command(data.commands, run, cell) || "its run left no record of a grid"));
    }
    child.append(table);
    return child;
  };

  const failures = () => {
    const data = read("failures-data");
    const status = document.getElementById("status");
    const table = new DataTable("#failed", {
      data: data.rows, autoWidth: false, deferRender: true, pageLength: 25, order: [[1, "asc"]],
      layout: { topStart: "search", topEnd: null, bottomStart: "info", bottomEnd: "paging" },
      language: { search: "Search names and reasons" },
      columns: [
        more("Details"),
        { title: "status", data: "status", render: text },
        { title: "system", data: "system", render: text },
        { title: "model", data: "model", render: text },
        { title: "cell", data: "variant", render: text, className: "minor" },
        { title: "reason", data: "reason", render: text },
      ],
    });
    table.search.fixed("status", (_, row) => status.value === "" || row.status === status.value);
    status.addEventListener("change", () => table.draw());
    namePages(table, "failed and skipped cells");
    opensChildren(table, (row) => {
      const child = element("div", "child");
      const where = row.phase ? ` in phase ${row.phase}` : "";
      child.append(element("p", "", `Cell ${row.cell}: ${row.exception || row.status}${where}`));
      if (row.traceback >= 0) child.append(element("pre", "", data.tracebacks[row.traceback]));
      const again = command(data.commands, row.run, row.cell);
      if (again) child.append(element("p", "", "Again, alone:"), element("pre", "", again));
      return child;
    });
  };

  const zooming = () => {
    const dialog = document.getElementById("enlarged");
    const image = dialog.querySelector("img");
    const scale = document.getElementById("scale");
    const fit = (actual) => {
      dialog.classList.toggle("actual", actual);
      scale.textContent = actual ? "Fit the window" : "Actual size";
    };
    document.querySelectorAll("button.zoom").forEach((button) => button.addEventListener("click", () => {
      const small = button.querySelector("img");
      image.src = small.src;
      image.alt = small.alt;
      fit(false);
      dialog.showModal();
    }));
    scale.addEventListener("click", () => fit(!dialog.classList.contains("actual")));
    document.getElementById("close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  };

  if (document.getElementById("board")) board();
  if (document.getElementById("failed")) failures();
  zooming();
})();
