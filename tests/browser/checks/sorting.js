// Tables: each heading's button sorts its column, one way and then the other, with the mouse and with the keyboard.

const TABLES = "table.data";

/// The rows of a table as they stand: their texts, and what they have in a column: a number, or words.
function rows(table, column) {
  return [...table.tBodies[0].rows].map((row) => {
    const cell = row.cells[column];
    const number = cell?.dataset.value;
    return { text: row.textContent, value: number === undefined ? (cell?.textContent.trim() ?? "") : Number(number) };
  });
}

/// Numbers are in order, and what has none stands at the end, whichever way. Where there are no numbers, words are in order.
function isSorted(values, ascending) {
  const numbers = values.filter((value) => typeof value === "number");
  if (values.slice(0, numbers.length).some((value) => typeof value !== "number")) return false;
  const [sorted, isBefore] = numbers.length > 0 ? [numbers, (one, other) => one <= other] : [values, isBeforeInWords];
  const pairs = sorted.slice(1).map((value, place) => (ascending ? [sorted[place], value] : [value, sorted[place]]));
  return pairs.every(([one, other]) => isBefore(one, other));
}

/// Whatever a page takes for the order of words: that of characters, or that of people.
function isBeforeInWords(one, other) {
  return one <= other || one.localeCompare(other, "en", { numeric: true }) <= 0;
}

const DIRECTIONS = ["ascending", "descending"];

export async function sorting(tab) {
  const faults = [];
  const tables = tab.locator(TABLES);
  for (let number = 0; number < (await tables.count()); number += 1) {
    const table = tables.nth(number);
    const headings = table.locator("thead th:has(button)");
    const name = await table.evaluate((element) => element.caption?.textContent ?? element.id ?? "");
    const fault = (heading, words) => faults.push({ kind: "sort", words: `table ${number + 1} (${name}), ${heading}: ${words}` });
    if ((await table.locator("tbody tr").count()) < 2 || !(await table.isVisible())) continue;
    if ((await headings.count()) === 0) fault("all", "no heading has a button");
    for (let place = 0; place < (await headings.count()); place += 1) {
      await column(table, headings.nth(place), place, fault);
    }
    if ((await headings.count()) > 0) await keyboard(tab, headings.first(), fault);
  }
  return faults;
}

/// Clicks a heading, and returns its direction, how many headings have one, and the rows.
async function clicked(table, heading, index, press) {
  await press(heading.locator("button"));
  const direction = await heading.getAttribute("aria-sort");
  const sorted = await table.locator('th[aria-sort="ascending"], th[aria-sort="descending"]').count();
  return { direction, sorted, after: await table.evaluate(rows, index) };
}

/// With the mouse the first time; then by the page itself, which does not wait for a picture.
const MOUSE = (button) => button.click();
const SCRIPT = (button) => button.evaluate((element) => element.click());

async function column(table, heading, place, fault) {
  const name = await heading.textContent();
  const index = await heading.evaluate((element) => element.cellIndex);
  const before = await table.evaluate(rows, index);
  const seen = [];
  for (const press of [place === 0 ? MOUSE : SCRIPT, SCRIPT]) {
    const { direction, sorted, after } = await clicked(table, heading, index, press);
    if (!DIRECTIONS.includes(direction)) return fault(name, `aria-sort is ${direction} after a click`);
    seen.push(direction);
    if (sorted !== 1) return fault(name, `${sorted} headings say that the table is sorted by them`);
    const texts = (list) => JSON.stringify(list.map((row) => row.text).sort());
    if (texts(before) !== texts(after)) return fault(name, "its rows are not the same after a click");
    const values = after.map((row) => row.value);
    if (!isSorted(values, direction === "ascending")) return fault(name, `not ${direction}: ${values.join(", ").slice(0, 200)}`);
  }
  if (seen[0] === seen[1]) fault(name, `${seen[0]} after two clicks, too`);
}

async function keyboard(tab, heading, fault) {
  const name = await heading.textContent();
  const button = heading.locator("button");
  await button.focus();
  for (const key of ["Enter", "Space"]) {
    const before = await heading.getAttribute("aria-sort");
    await tab.keyboard.press(key);
    if ((await heading.getAttribute("aria-sort")) === before) return fault(name, `the key ${key} does nothing`);
  }
  if (!(await button.evaluate((element) => element === document.activeElement))) fault(name, "it loses the focus when it sorts");
}
