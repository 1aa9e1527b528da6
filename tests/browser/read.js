// What a page says somewhere, as a person reads it: for tests of what scripts fill in.

import { pathToFileURL } from "node:url";

/// The texts of what a selector finds, a line each, once nothing is busy; and what went wrong on the page, as `fault: WORDS`.
export async function read(browser, address, selector) {
  const [file, place] = address.split(/#(.*)/s);
  const context = await browser.newContext({ offline: true });
  const tab = await context.newPage();
  const faults = [];
  tab.on("pageerror", (error) => faults.push(`fault: ${error.message}`));
  await tab.goto(`${pathToFileURL(file).href}${place ? `#${place}` : ""}`, { waitUntil: "load" });
  await tab.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
  const texts = await tab.locator(selector).evaluateAll((found) =>
    found.map((one) => [...(one.cells ?? [one])].map((cell) => cell.innerText.replace(/\s+/g, " ").trim()).join(" | ")));
  await context.close();
  return [...texts, ...faults];
}
