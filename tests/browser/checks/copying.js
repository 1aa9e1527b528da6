// A row is copied as Markdown: a heading, the line below it, and the row, of as many cells; then perhaps a paragraph that says where it is from.

/// Rows are made alike: of each table, so many are tried.
const TRIED = 3;

export async function copying(tab) {
  const faults = [];
  const tables = tab.locator("table.data:has(button.copy)");
  for (let number = 0; number < (await tables.count()); number += 1) {
    const buttons = tables.nth(number).locator("button.copy:visible");
    for (let place = 0; place < Math.min(TRIED, await buttons.count()); place += 1) {
      const words = await fault(tab, buttons.nth(place));
      if (words) faults.push({ kind: "copy", words: `table ${number + 1}, row ${place + 1}: ${words}` });
    }
  }
  return faults;
}

/// Vertical bars that separate cells.
function bars(line) {
  return line.replaceAll("\\\\", "").replaceAll("\\|", "").split("|").length - 1;
}

async function fault(tab, button) {
  await tab.evaluate(() => delete document.documentElement.dataset.copied);
  await button.click();
  await tab.waitForFunction(() => "copied" in document.documentElement.dataset, null, { timeout: 1000 }).catch(() => null);
  const copied = await tab.evaluate(() => document.documentElement.dataset.copied);
  if (copied === undefined) return "nothing is copied";
  const lines = copied.trimEnd().split("\n");
  const [heading, rule, row, ...below] = lines;
  const isParagraph = below.length === 2 && below[0] === "" && bars(`|${below[1]}|`) === 2;
  if (lines.length < 3 || (below.length > 0 && !isParagraph)) return `it is no table of three lines with a paragraph: ${copied}`;
  if (![heading, rule, row].every((line) => line.startsWith("|") && line.endsWith("|") && bars(line) === bars(heading))) return `its lines have not as many cells: ${copied}`;
  if (!/^\|(\s*:?-+:?\s*\|)+$/.test(rule)) return `the second line is no rule: ${rule}`;
  // Elements of HTML are part of Markdown.
  if (/(?<!\\)<[a-z/!]/i.test(copied)) return `it has an element: ${copied}`;
  const first = await button.evaluate((element) => element.closest("tr").cells[0].textContent.trim());
  const letters = (text) => text.replace(/&[a-z]+;|&#\d+;/g, "").replace(/[^\p{L}\p{N}]/gu, "");
  return letters(row).includes(letters(first).slice(0, 40)) ? null : `the row does not begin with ${first}: ${row}`;
}
