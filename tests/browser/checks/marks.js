// Marks of charts say their exact value: under the mouse, and when they have the focus of the keyboard.

/// Charts have hundreds of marks, all made alike: of each, so many get the focus.
const FOCUSED = 4;
/// And so many are tried with the mouse, until it is over one: others may lie above, and lines have nothing in their middle.
const HOVERED = 4;

export async function marks(tab) {
  const faults = [];
  await tab.evaluate(prepare);
  const charts = tab.locator("svg:has(g.mark)");
  for (let number = 0; number < (await charts.count()); number += 1) {
    const chart = charts.nth(number);
    if (!(await chart.isVisible())) continue;
    const fault = (place, words) => faults.push({ kind: "mark", words: `chart ${number + 1}, mark ${place + 1}: ${words}` });
    const all = chart.locator("g.mark");
    const count = await all.count();
    for (const place of spread(count, FOCUSED)) {
      const words = await focused(all.nth(place));
      if (words) fault(place, words);
    }
    let isHovered = false;
    for (const place of spread(count, HOVERED)) {
      const { label, words } = await hovered(tab, all.nth(place));
      isHovered ||= label !== null;
      if (words) fault(place, words);
      if (isHovered) break;
    }
    if (!isHovered) fault(0, "the mouse finds neither it nor others of its chart");
  }
  return faults;
}

/// So many places, from the first to the last.
function spread(count, tried) {
  const places = Array.from({ length: tried }, (_, place) => Math.floor((place * (count - 1)) / Math.max(1, tried - 1)));
  return [...new Set(places)];
}

/// Gives the page a function that says what is wrong with the tip that should say a label, or null. The page may wait for a frame.
function prepare() {
  const tips = () => [...document.querySelectorAll(".tip[role=status]")].filter((tip) => tip.checkVisibility({ visibilityProperty: true }));
  window.tipFault = async (label, how) => {
    const own = () => tips().find((tip) => tip.textContent.trim() === label.trim());
    if (!own()) await new Promise((shown) => setTimeout(shown, 100));
    if (!own()) return `${how}, no tip says ${JSON.stringify(label)}, but ${JSON.stringify(tips().map((tip) => tip.textContent))}`;
    const { left, right, top, bottom } = own().getBoundingClientRect();
    const isInside = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    return isInside ? null : `${how}, its tip is not wholly in the window`;
  };
}

/// What is wrong when a mark gets the focus, as by the keyboard.
async function focused(mark) {
  return mark.evaluate(async (element) => {
    const label = element.getAttribute("aria-label");
    if (!label) return "it has no aria-label";
    if (element.tabIndex < 0) return "the keyboard cannot reach it";
    element.scrollIntoView({ block: "center" });
    element.focus();
    const words = await tipFault(label, "with the focus");
    element.blur();
    return words;
  });
}

/// The label of the mark that is under the mouse in the middle of this one, or null; and what is wrong with its tip.
async function hovered(tab, mark) {
  const middle = await mark.evaluate((element) => {
    element.scrollIntoView({ block: "center" });
    const { x, y, width, height } = element.getBoundingClientRect();
    const [left, top] = [x + width / 2, y + height / 2];
    return { left, top, label: document.elementFromPoint(left, top)?.closest("g.mark")?.getAttribute("aria-label") ?? null };
  });
  if (middle.label === null) return { label: null, words: null };
  await tab.mouse.move(0, 0);
  await tab.mouse.move(middle.left, middle.top);
  const words = await tab.evaluate((label) => tipFault(label, "under the mouse"), middle.label);
  return { label: middle.label, words };
}
