// Tables: a click on a head sorts by the keys of its column, a second one the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.key;
    const compare = (a, b) => isNaN(key(a)) || isNaN(key(b)) ? key(a).localeCompare(key(b)) : key(a) - key(b);
    const rows = [...table.tBodies[0].rows].sort((a, b) => ascending ? compare(a, b) : compare(b, a));
    table.tBodies[0].append(...rows);
  }));
}
// Figures: the download is what is shown, in the colours of paper, with its own copy of the letters.
const PAPER = {ink: "#1b1f24", muted: "#59636e", paper: "#ffffff", grid: "#d1d9e0"};
for (const link of document.querySelectorAll("a.svg")) {
  link.addEventListener("click", () => {
    const drawing = link.closest("figure").querySelector("svg").cloneNode(true);
    const letters = new Set([...drawing.querySelectorAll('use[href^="#g"]')].map(use => use.getAttribute("href")));
    const shapes = [...letters].map(letter => document.querySelector(`.letters ${letter}`).cloneNode());
    const defs = document.createElementNS("http://www.w3.org/2000/svg", "defs");
    defs.append(...shapes);
    drawing.prepend(defs);
    const text = new XMLSerializer().serializeToString(drawing).replace(/var\(--(\w+)\)/g, (_, name) => PAPER[name]);
    link.href = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  });
}
