// Pictures of a page as people see it: for a look, not for a comparison.

import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

import { DESK, PHONE } from "./sizes.js";

const VIEWS = {
  light: { viewport: DESK, colorScheme: "light" },
  dark: { viewport: DESK, colorScheme: "dark" },
  phone: { viewport: PHONE, colorScheme: "light" },
  // As wide as A4 between its margins, at 96 pixels per inch.
  print: { viewport: { width: 718, height: 1047 }, colorScheme: "light", media: "print" },
};

/// Writes PAGE-VIEW.png into a folder.
export async function screenshots(browser, page, folder) {
  for (const [view, { media, ...settings }] of Object.entries(VIEWS)) {
    const context = await browser.newContext({ offline: true, ...settings });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(page.file).href, { waitUntil: "load" });
    if (media) await tab.emulateMedia({ media });
    const name = basename(page.file, ".html");
    await tab.screenshot({ path: join(folder, `${name}-${view}.png`), fullPage: true });
    await context.close();
  }
}
