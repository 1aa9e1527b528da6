// Marks of charts say their exact value: under the mouse, and when they have the focus of the keyboard.

/// Charts have hundreds of marks, all made alike: of each, so many are tried.
const TRIED = 4;

/// The texts of the tips that can be seen, with whether they are wholly in the window.
function tips() {
  const shown = [...document.querySelectorAll(".tip[role=status]")].filter((tip) => tip.checkVisibility({ visibilityProperty: true }));
  return shown
    .filter((tip) => tip.textContent.trim() !== "")
    .map((tip) => {
      const { left, right, top, bottom } = tip.getBoundingClientRect();
      return { text: tip.textContent, isInside: left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight };
    });
}

export async function marks(tab) {
  const faults = [];
  const charts = tab.locator("svg:has(g.mark)");
  for (let number = 0; number < (await charts.count()); number += 1) {
    const chart = charts.nth(number);
    if (!(await chart.isVisible())) continue;
    const all = chart.locator("g.mark");
    const count = await all.count();
    const tried = [...new Set(Array.from({ length: TRIED }, (_, place) => Math.floor((place * (count - 1)) / (TRIED - 1))))];
    let hovered = 0;
    for (const place of tried) {
      const words = await focusFault(tab, all.nth(place));
      if (words) faults.push({ kind: "mark", words: `chart ${number + 1}, mark ${place + 1}: ${words}` });
      const under = await hoverFault(tab, all.nth(place));
      hovered += under === "missed" ? 0 : 1;
      if (under && under !== "missed") faults.push({ kind: "mark", words: `chart ${number + 1}, mark ${place + 1}: ${under}` });
    }
    if (hovered === 0) faults.push({ kind: "mark", words: `chart ${number + 1}: the mouse finds none of its marks` });
  }
  return faults;
}

async function fault(tab, label, by) {
  if (!label) return "it has no aria-label";
  // The page may wait for a frame.
  const said = await tab
    .waitForFunction((wanted) => [...document.querySelectorAll(".tip[role=status]")].some((tip) => tip.textContent.trim() === wanted), label.trim(), { timeout: 1000 })
    .catch(() => null);
  const shown = await tab.evaluate(tips);
  const own = shown.find((tip) => tip.text.trim() === label.trim());
  if (!said || !own) return `${by}, no tip says ${JSON.stringify(label)}, but ${JSON.stringify(shown.map((tip) => tip.text))}`;
  return own.isInside ? null : `${by}, its tip is not wholly in the window`;
}

async function focusFault(tab, mark) {
  await mark.scrollIntoViewIfNeeded();
  await tab.mouse.move(0, 0);
  await mark.focus();
  const [label, index] = await mark.evaluate((element) => [element.getAttribute("aria-label"), element.tabIndex]);
  if (index < 0) return "the keyboard cannot reach it";
  const words = await fault(tab, label, "with the focus");
  await mark.blur();
  return words;
}

/// Another mark may lie above its middle, and lines have nothing there.
async function hoverFault(tab, mark) {
  const box = await mark.boundingBox();
  if (!box) return "missed";
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await tab.mouse.move(x, y);
  const label = await tab.evaluate(([x, y]) => document.elementFromPoint(x, y)?.closest("g.mark")?.getAttribute("aria-label"), [x, y]);
  return label ? fault(tab, label, "under the mouse") : "missed";
}
