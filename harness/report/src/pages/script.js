"use strict";
// Sorting, filtering, exact values and copying. Without this script, a page shows everything, in the order of the plan.
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Light or dark.
  for (const button of all("button.theme")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    });
  }

  // Exact values beside what is hovered or focused.
  const tip = document.querySelector(".tip");
  const text = (place) => place.dataset.tip || place.getAttribute("aria-label") || "";
  const show = (place) => {
    tip.textContent = text(place);
    tip.hidden = !tip.textContent;
    const box = place.getBoundingClientRect();
    const left = Math.min(box.left, root.clientWidth - tip.offsetWidth - 8);
    const below = box.bottom + tip.offsetHeight + 8 < innerHeight;
    tip.style.left = `${Math.max(4, left) + scrollX}px`;
    tip.style.top = `${(below ? box.bottom + 6 : box.top - tip.offsetHeight - 6) + scrollY}px`;
  };
  const hide = () => { tip.hidden = true; tip.style.left = tip.style.top = "0"; };
  const marked = (event) => event.target instanceof Element && event.target.closest("[data-tip], .mark");
  for (const kind of ["mouseover", "focusin"]) {
    document.addEventListener(kind, (event) => { const place = marked(event); place ? show(place) : hide(); });
  }
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // Sorting: numbers by their exact values, cells without a number at the end.
  const key = (row, column) => {
    const cell = row.cells[column];
    // A case without numbers has one wide cell for all of them.
    if (!cell || (column > 0 && cell.colSpan > 1)) return {};
    const number = cell.dataset.value;
    return number === undefined ? { words: cell.textContent.trim() } : { number: Number(number) };
  };
  const order = (left, right, sign) => {
    const [a, b] = [left.number, right.number];
    if (a !== undefined && b !== undefined) return sign * (a - b);
    if (a !== undefined) return -1;
    if (b !== undefined) return 1;
    if (left.words === undefined || right.words === undefined) return (left.words === undefined) - (right.words === undefined);
    return sign * left.words.localeCompare(right.words, "en", { numeric: true });
  };
  for (const table of all("table.data")) {
    const heads = all("thead th", table);
    for (const button of all("thead button", table)) {
      button.addEventListener("click", () => {
        const head = button.closest("th");
        const column = heads.indexOf(head);
        const first = head.dataset.first || "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const next = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row) => [key(row, column), row]);
        rows.sort((left, right) => order(left[0], right[0], sign));
        body.append(...rows.map(([, row]) => row));
      });
    }
  }

  // Filters, kept in the address so that a view can be sent to somebody.
  const forms = all("form.filters");
  const apply = (form) => {
    const fields = all("select, input", form);
    const table = document.getElementById(form.dataset.table);
    if (!table) return;
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !fields.every((field) => {
        if (!field.value) return true;
        return field.tagName === "SELECT"
          ? row.dataset[field.name] === field.value
          : row.textContent.toLowerCase().includes(field.value.trim().toLowerCase());
      });
      shown += row.hidden ? 0 : 1;
    }
    const count = form.querySelector("output");
    if (count) count.textContent = `${shown} of ${table.tBodies[0].rows.length}`;
  };
  const address = () => {
    const wanted = new URLSearchParams();
    for (const form of forms) {
      for (const field of all("select, input", form)) {
        if (field.value) wanted.set(`${form.dataset.table}.${field.name}`, field.value);
      }
    }
    const hash = wanted.toString();
    history.replaceState(null, "", hash ? `#?${hash}` : location.pathname + location.search);
  };
  const fill = () => {
    const wanted = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const form of forms) {
      for (const field of all("select, input", form)) {
        field.value = wanted.get(`${form.dataset.table}.${field.name}`) || "";
      }
      apply(form);
    }
  };
  for (const form of forms) {
    form.addEventListener("input", () => { apply(form); address(); });
    form.addEventListener("submit", (event) => event.preventDefault());
  }
  // A link to a part of the page leaves the filters as they are.
  addEventListener("hashchange", () => { if (location.hash.startsWith("#?")) fill(); });
  fill();

  // A row as a Markdown table with its header.
  const plain = (cell) => {
    const copy = cell.cloneNode(true);
    all(".copy, sup", copy).forEach((one) => one.remove());
    return copy.textContent.replace(/\s+/g, " ").trim().replace(/[\\|`*_<>[\]]/g, "\\$&");
  };
  for (const button of all("button.copy")) {
    button.addEventListener("click", async () => {
      const row = button.closest("tr");
      const kept = [...row.cells].map((cell) => !cell.contains(button));
      const line = (cells) => `| ${[...cells].filter((_, place) => kept[place]).map(plain).join(" | ")} |`;
      const heads = row.closest("table").tHead.rows[0].cells;
      const rule = `|${"---|".repeat(kept.filter(Boolean).length)}`;
      // Where the row is from, in a paragraph below it.
      const about = row.closest("table").dataset.about;
      const below = about ? ["", about.replace(/[\\|`*_<>[\]]/g, "\\$&"), ""] : [""];
      const markdown = [line(heads), rule, line(row.cells), ...below].join("\n");
      root.dataset.copied = markdown;
      let done = true;
      try {
        await navigator.clipboard.writeText(markdown);
      } catch {
        // A file has no clipboard in some browsers: a selected text field has.
        const field = document.createElement("textarea");
        field.value = markdown;
        document.body.append(field);
        field.select();
        done = document.execCommand("copy");
        field.remove();
        button.focus();
      }
      tip.textContent = done ? "Copied as Markdown" : "This browser does not let a page copy";
      tip.hidden = false;
    });
  }

  // What a link points to is opened, and everything that is printed.
  const open = () => {
    let wanted = "";
    try { wanted = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const place = wanted && document.getElementById(wanted);
    const details = place && place.closest("details");
    if (details) { details.open = true; place.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details.printed:not([open])");
    opened.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((one) => { one.open = false; }));
})();
