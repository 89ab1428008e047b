// Tables that sort, choose their columns and filter their rows; figures whose data can be saved. No request leaves the page.
"use strict";

// Sort within each group of rows, empty cells always last. A second press turns the order.
const makeSortable = (table) => {
  const heads = [...table.querySelectorAll(".heads th")];
  heads.forEach((head, place) => {
    const button = head.querySelector("button");
    if (!head.dataset.sort || !button) return;
    button.addEventListener("click", () => {
      const kind = head.dataset.sort;
      const first = kind === "higher" ? "descending" : "ascending";
      const before = head.getAttribute("aria-sort");
      const order = before === first ? (first === "ascending" ? "descending" : "ascending") : first;
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const key = (row) => {
        const cell = row.children[place];
        if (!cell) return null;
        if (kind === "text") return cell.textContent.trim();
        if (!cell.dataset.v) return null;
        return kind === "zero" ? Math.abs(+cell.dataset.v) : +cell.dataset.v;
      };
      const sign = order === "ascending" ? 1 : -1;
      table.querySelectorAll("tbody").forEach((body) => {
        const rows = [...body.querySelectorAll("tr:not(.role)")];
        rows.sort((a, b) => {
          const x = key(a), y = key(b);
          if (x === null || y === null) return (x === null) - (y === null);
          return sign * (kind === "text" ? x.localeCompare(y) : x - y);
        });
        rows.forEach((row) => body.appendChild(row));
      });
    });
  });
};

// A list of columns to show, by group. Once a column is chosen by hand, the switch between few and all gives way.
const makeChooser = (figure) => {
  const tools = figure.querySelector(".tools");
  const table = figure.querySelector("table");
  if (!tools || tools.querySelector(".columns")) return;
  const heads = [...table.querySelectorAll(".heads th")];
  const all = figure.querySelector(".all-columns");
  const chooser = document.createElement("details");
  chooser.className = "columns";
  const summary = document.createElement("summary");
  summary.textContent = "Columns";
  chooser.append(summary);
  const boxes = [];
  const groups = new Map();
  heads.forEach((head, place) => {
    if (!head.dataset.group) return;
    if (!groups.has(head.dataset.group)) {
      const set = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = head.dataset.group;
      set.append(legend);
      chooser.append(set);
      groups.set(head.dataset.group, set);
    }
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    label.append(box, " " + head.querySelector("button").firstChild.textContent.trim());
    groups.get(head.dataset.group).append(label);
    boxes.push([box, head, place]);
    box.addEventListener("change", () => {
      figure.classList.add("chosen");
      boxes.forEach(([b, , at]) => show(at, b.checked));
    });
  });
  const show = (place, on) => table.querySelectorAll(".heads th, tbody td").forEach((cell) => {
    if (cell.parentElement.children[place] === cell && !cell.hasAttribute("colspan")) cell.classList.toggle("off", !on);
  });
  const follow = () => {
    figure.classList.remove("chosen");
    boxes.forEach(([box, head, place]) => { box.checked = all.checked || !head.classList.contains("extra"); show(place, true); });
  };
  all.addEventListener("change", follow);
  follow();
  tools.append(chooser);
};

// Filters of the survey: by family and fusion point, and the table of one task in its place.
const makeFilters = () => {
  const bar = document.querySelector(".filters");
  const view = document.querySelector(".survey-view");
  if (!bar || !view) return;
  const survey = view.querySelector("figure");
  const [task, family, fusion] = ["task", "family", "fusion"].map((name) => bar.querySelector(".by-" + name));
  const shown = bar.querySelector(".shown");
  const rows = () => [...view.querySelectorAll("figure:not([hidden]) tr[data-family]")];
  [[family, "family"], [fusion, "fusion"]].forEach(([select, key]) => {
    [...new Set(rows().map((row) => row.dataset[key]))].sort().forEach((value) => select.add(new Option(value, value)));
  });
  const apply = () => {
    const own = rows();
    let count = 0;
    own.forEach((row) => {
      row.hidden = Boolean((family.value && row.dataset.family !== family.value) || (fusion.value && row.dataset.fusion !== fusion.value));
      count += !row.hidden;
    });
    shown.textContent = `${count} of ${own.length} methods`;
  };
  task.addEventListener("change", () => {
    view.querySelectorAll("figure.of-task").forEach((old) => old.remove());
    survey.hidden = Boolean(task.value);
    const original = task.value && document.getElementById(task.value);
    if (original) {
      const copy = original.cloneNode(true);
      copy.id = "survey-" + task.value;
      copy.classList.add("of-task");
      copy.querySelectorAll(".columns").forEach((old) => old.remove());
      view.append(copy);
      copy.querySelectorAll("table").forEach(makeSortable);
      makeChooser(copy);
    }
    apply();
  });
  family.addEventListener("change", apply);
  fusion.addEventListener("change", apply);
  bar.hidden = false;
  apply();
};

// Save the data of a figure as the file that it is.
const makeSaver = (details) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Save as CSV";
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([details.querySelector("pre").textContent], { type: "text/csv" }));
    link.download = details.dataset.file;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  details.append(button);
};

document.querySelectorAll("figure.table table").forEach(makeSortable);
document.querySelectorAll("figure.table").forEach(makeChooser);
document.querySelectorAll("details.data").forEach(makeSaver);
makeFilters();
