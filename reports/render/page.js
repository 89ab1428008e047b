// Sort a table by a column: within each group of rows, empty cells always last. A second click turns the order.
document.querySelectorAll("figure.table table").forEach((table) => {
  const heads = [...table.querySelectorAll(".heads th")];
  heads.forEach((head, place) => {
    if (!head.dataset.sort) return;
    head.tabIndex = 0;
    const sort = () => {
      const text = head.dataset.sort === "text";
      const first = head.dataset.sort === "higher" ? "descending" : "ascending";
      const before = head.getAttribute("aria-sort");
      const order = before === first ? (first === "ascending" ? "descending" : "ascending") : first;
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const key = (row) => {
        const cell = row.children[place];
        if (!cell) return null;
        if (text) return cell.textContent.trim();
        if (cell.dataset.v === undefined || cell.dataset.v === "") return null;
        return head.dataset.sort === "zero" ? Math.abs(+cell.dataset.v) : +cell.dataset.v;
      };
      const sign = order === "ascending" ? 1 : -1;
      table.querySelectorAll("tbody").forEach((body) => {
        const rows = [...body.querySelectorAll("tr:not(.role)")];
        rows.sort((a, b) => {
          const x = key(a), y = key(b);
          if (x === null || y === null) return (x === null) - (y === null);
          return sign * (text ? x.localeCompare(y) : x - y);
        });
        rows.forEach((row) => body.appendChild(row));
      });
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
});
