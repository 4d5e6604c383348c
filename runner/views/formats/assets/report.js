// The HTML report: search, sort and filter, and details made only for the orders that are opened.
"use strict";
document.documentElement.classList.add("js");

const THEMES = ["automatic", "light", "dark"];
const MANY = 60; // more orders than this are printed with the details of those that need somebody, not of all
const CALM = ["placed", "already_placed", "planned", "skipped"];
const byId = (id) => document.getElementById(id);

function remembered(value) {
  try {
    if (value !== undefined) localStorage.setItem("order-runner-theme", value);
    return localStorage.getItem("order-runner-theme");
  } catch {
    return null; // a page from a file, or a browser that keeps nothing
  }
}

function paint(theme) {
  const named = THEMES.includes(theme) ? theme : THEMES[0];
  if (named === THEMES[0]) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = named;
  return named;
}

let theme = paint(remembered());

function startTheme() {
  const button = byId("theme");
  const say = () => { button.textContent = `Theme: ${theme}`; };
  button.addEventListener("click", () => {
    theme = paint(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
    remembered(theme);
    say();
  });
  button.hidden = false;
  say();
}

// Money is added as whole numbers of its smallest part, never as floating numbers.
const PARTS = 12;
function units(text) {
  const [whole, part = ""] = text.replaceAll(",", "").split(".");
  return BigInt(whole + part.padEnd(PARTS, "0"));
}
function money(sum) {
  const digits = String(sum).padStart(PARTS + 1, "0");
  const part = digits.slice(-PARTS).replace(/0+$/, "").padEnd(2, "0");
  return `${digits.slice(0, -PARTS).replace(/\B(?=(\d{3})+$)/g, ",")}.${part}`;
}

class Orders {
  constructor(table) {
    this.table = table;
    this.rows = [...table.tBodies];
    this.shown = this.rows;
    this.pressed = new Set();
    this.texts = null;
    this.amounts = new Map();
    this.sorted = null;
  }

  // Details ---------------------------------------------------------------------------------------------------------

  build(row) {
    const kept = row.querySelector("noscript");
    if (!kept) return;
    const made = document.createElement("template");
    made.innerHTML = kept.textContent; // escaped when the page was written, as all of it is
    kept.replaceWith(made.content);
  }

  open(row, wanted) {
    if (wanted) this.build(row);
    row.classList.toggle("open", wanted);
    row.querySelector(".toggle").setAttribute("aria-expanded", String(wanted));
  }

  follow() {
    const id = location.hash.slice(1);
    let row = byId(id);
    if (!row) try { row = byId(decodeURIComponent(id)); } catch { /* no such order */ }
    if (!row || row.parentNode !== this.table) return;
    if (row.hidden) this.reset();
    this.open(row, true);
    row.querySelector(".toggle").focus({ preventScroll: true });
    row.scrollIntoView({ block: "start" });
  }

  // Search and filter -----------------------------------------------------------------------------------------------

  index() {
    const entities = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };
    const plain = (markup) => markup.replace(/<[^>]*>/g, " ").replace(/&([a-z#0-9]+);/g, (all, name) => entities[name] ?? all);
    this.texts = this.rows.map((row) => {
      const kept = row.querySelector("noscript");
      const head = row.rows[0].textContent;
      return (head + " " + (kept ? plain(kept.textContent) : row.rows[1].textContent)).toLowerCase();
    });
    this.place = new Map(this.rows.map((row, number) => [row, number]));
  }

  apply() {
    if (!this.texts) this.index();
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) =>
      (this.pressed.size === 0 || this.pressed.has(row.dataset.status)) &&
      words.every((word) => this.texts[this.place.get(row)].includes(word));
    this.shown = this.rows.filter(fits);
    const kept = new Set(this.shown);
    for (const row of this.rows) if (row.hidden === kept.has(row)) row.hidden = !row.hidden;
    this.say();
  }

  say() {
    const number = (count) => count.toLocaleString("en-US");
    byId("count").textContent = `${number(this.shown.length)} of ${number(this.rows.length)} orders`;
    byId("none").hidden = this.shown.length > 0;
    for (const column of ["quoted", "charged"]) {
      const sum = this.shown.reduce((so, row) => so + this.amount(row, column), 0n);
      this.table.tFoot.querySelector(`.${column}`).textContent = money(sum);
    }
  }

  amount(row, column) {
    const kept = this.amounts.get(row) ?? {};
    this.amounts.set(row, kept);
    const text = (kept[column] === undefined) ? row.querySelector(`.${column}`).textContent : "";
    return kept[column] ??= text === "–" ? 0n : units(text);
  }

  press(button) {
    const status = button.dataset.status;
    const wanted = !this.pressed.has(status);
    if (wanted) this.pressed.add(status);
    else this.pressed.delete(status);
    button.setAttribute("aria-pressed", String(wanted));
    this.apply();
  }

  reset() {
    byId("search").value = "";
    this.pressed.clear();
    for (const button of document.querySelectorAll(".chips button")) button.setAttribute("aria-pressed", "false");
    this.apply();
  }

  // Sort: upwards, downwards, and back to the order of the manifests -------------------------------------------------

  sort(button) {
    const head = button.closest("th");
    const before = head.getAttribute("aria-sort");
    const way = { null: "ascending", ascending: "descending", descending: null }[before];
    for (const other of this.table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
    if (way) head.setAttribute("aria-sort", way);
    const rows = way ? this.arranged(head.cellIndex, button.dataset.sort, way === "ascending" ? 1 : -1) : this.rows;
    const list = document.createDocumentFragment();
    list.append(...rows);
    this.table.insertBefore(list, this.table.tFoot);
  }

  arranged(column, kind, sign) {
    const value = (row) => {
      const cell = row.rows[0].cells[column];
      const text = column === 0 ? cell.querySelector("a").textContent : cell.textContent;
      return text === "–" ? null : kind === "number" ? units(text) : text;
    };
    const collator = new Intl.Collator("en", { numeric: true });
    const less = kind === "number" ? (a, b) => (a < b ? -1 : a > b ? 1 : 0) : collator.compare;
    const keyed = this.rows.map((row) => [value(row), row]);
    const empty = (a, b) => (a === null) - (b === null); // nothing comes last, both ways
    keyed.sort(([a], [b]) => (a === null || b === null ? empty(a, b) : sign * less(a, b)));
    return keyed.map(([, row]) => row);
  }

  // Paper -----------------------------------------------------------------------------------------------------------

  unfold() {
    const all = this.rows.length <= MANY;
    this.unfolded = this.shown.filter((row) => !row.classList.contains("open") && (all || !CALM.includes(row.dataset.status)));
    for (const row of this.unfolded) this.open(row, true);
  }

  fold() {
    for (const row of this.unfolded ?? []) this.open(row, false);
    this.unfolded = [];
  }

  // Keys ------------------------------------------------------------------------------------------------------------

  step(from, key) {
    const rows = [...this.table.tBodies].filter((row) => !row.hidden);
    const at = rows.indexOf(from);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[key];
    if (to === undefined || !rows[to]) return false;
    rows[to].querySelector(".toggle").focus();
    return true;
  }
}

function startTable(orders) {
  const table = orders.table;
  for (const button of table.querySelectorAll("button[disabled]")) button.disabled = false;
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) orders.sort(button);
  });
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tbody");
    if (!row || row.parentNode !== table || event.target.closest("a, .more")) return;
    if (event.target.closest(".toggle") || getSelection().isCollapsed) orders.open(row, !row.classList.contains("open"));
  });
  table.addEventListener("keydown", (event) => {
    const button = event.target.closest(".toggle");
    if (button && orders.step(button.closest("tbody"), event.key)) event.preventDefault();
  });
}

function startControls(orders) {
  let due = 0;
  byId("search").addEventListener("input", () => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(() => orders.apply());
  });
  byId("search").addEventListener("focus", () => { if (!orders.texts) orders.index(); });
  document.querySelector(".chips").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) orders.press(button);
  });
  byId("clear").addEventListener("click", () => {
    orders.reset();
    byId("search").focus();
  });
  document.querySelector(".controls").hidden = false;
}

function startPaper(orders) {
  addEventListener("beforeprint", () => orders.unfold());
  addEventListener("afterprint", () => orders.fold());
  byId("print").addEventListener("click", () => print());
  byId("print").hidden = false;
}

document.addEventListener("DOMContentLoaded", () => {
  const orders = new Orders(byId("table"));
  startTheme();
  startTable(orders);
  startControls(orders);
  startPaper(orders);
  addEventListener("hashchange", () => orders.follow());
  document.addEventListener("click", (event) => {
    const span = event.target.closest("rect[data-n]");
    if (span) location.hash = `#${encodeURIComponent(orders.rows[span.dataset.n].id)}`;
    const link = event.target.closest("a[href^='#order-']");
    if (link && link.hash === location.hash) orders.follow(); // the address does not change, so nothing else tells
  });
  orders.follow();
  // Having loaded, a browser goes to the fragment itself and takes the focus away: it is given back after that.
  addEventListener("load", () => requestAnimationFrame(() => orders.follow()));
});
