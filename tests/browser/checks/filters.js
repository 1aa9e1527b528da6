// Filters: each choice leaves some rows out or none, a text that is nowhere leaves no row, and taking the choice back brings all back.

/// A text that no row has.
const NOWHERE = "no row has this";

/// The texts of all rows that can be seen.
function visibleRows() {
  const rows = [...document.querySelectorAll("table.data > tbody > tr")];
  return rows.filter((row) => row.checkVisibility()).map((row) => row.textContent);
}

export async function filters(tab) {
  const faults = [];
  const controls = tab.locator("form.filters :is(select, input)");
  for (let number = 0; number < (await controls.count()); number += 1) {
    const control = controls.nth(number);
    if (!(await control.isVisible())) continue;
    const name = await control.evaluate((element) => element.labels?.[0]?.textContent.trim() || element.name);
    const words = await fault(tab, control);
    if (words) faults.push({ kind: "filter", words: `${name}: ${words}` });
  }
  return faults;
}

async function fault(tab, control) {
  const kind = await control.evaluate((element) => (element.localName === "select" ? "select" : element.type));
  const before = await tab.evaluate(visibleRows);
  const count = async () => (await tab.evaluate(visibleRows)).length;
  if (before.length === 0) return null;
  const isBack = async () => JSON.stringify(before) === JSON.stringify(await tab.evaluate(visibleRows));
  if (kind === "select") {
    const first = await control.inputValue();
    const values = await control.locator("option").evaluateAll((options) => options.map((option) => option.value));
    const counts = [];
    for (const value of values) {
      await control.selectOption(value);
      counts.push(await count());
    }
    await control.selectOption(first);
    if (!(await isBack())) return "the rows are not the same when the choice is taken back";
    return values.length > 2 && new Set(counts).size === 1 ? "no choice leaves a row out" : null;
  }
  if (kind === "checkbox" || kind === "radio") {
    const was = await control.isChecked();
    await control.setChecked(!was);
    const after = await count();
    await control.setChecked(was);
    if (!(await isBack())) return "the rows are not the same when the choice is taken back";
    return after === before.length ? "it leaves no row out" : null;
  }
  await control.fill(NOWHERE);
  const after = await count();
  await control.fill("");
  if (!(await isBack())) return "the rows are not the same when the text is taken back";
  return after >= before.length ? "rows without that text stay" : null;
}
