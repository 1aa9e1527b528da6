// Opens pages in Chromium and prints what is wrong with them, a line each: PAGE: KIND: words. scripts/check-pages says what is checked.

import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

import { accessibility } from "./checks/accessibility.js";
import { copying } from "./checks/copying.js";
import { filters } from "./checks/filters.js";
import { links } from "./checks/links.js";
import { watched } from "./checks/loading.js";
import { marks } from "./checks/marks.js";
import { sorting } from "./checks/sorting.js";
import { width } from "./checks/width.js";
import { read } from "./read.js";
import { DESK, PHONE } from "./sizes.js";
import { screenshots } from "./screenshots.js";

/// Every page of a folder, or the one file; and the folder outside of which no page asks for a file.
function pages(path) {
  if (!statSync(path).isDirectory()) return [{ file: path, home: path }];
  const files = readdirSync(path, { recursive: true }).filter((name) => name.endsWith(".html"));
  if (files.length === 0) throw new Error(`${path} has no page: its name would end with .html`);
  return files.sort().map((name) => ({ file: join(path, name), home: path }));
}

/// Opens a page in a context of its own, so that nothing that one check changed is there in the next.
async function opened(browser, page, settings, visit) {
  const context = await browser.newContext({ viewport: DESK, offline: true, ...settings });
  context.setDefaultTimeout(20_000);
  const tab = await context.newPage();
  const faults = watched(tab, page.home);
  try {
    await tab.goto(pathToFileURL(page.file).href, { waitUntil: "load" });
    // What is folded away is part of the page.
    await tab.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
    for (const check of visit) faults.push(...(await check(tab, page)));
    return faults;
  } finally {
    await context.close();
  }
}

async function faultsOf(browser, page, folder) {
  const found = [];
  const open = async (settings, visit) => found.push(...(await opened(browser, page, settings, visit)));
  await open({ colorScheme: "light" }, [accessibility("light"), width("a desk"), links]);
  await open({ colorScheme: "light" }, [sorting, filters, marks, copying]);
  await open({ colorScheme: "dark" }, [accessibility("dark")]);
  await open({ colorScheme: "light", viewport: PHONE, hasTouch: true }, [accessibility("as wide as a phone"), width("a phone")]);
  if (folder) await screenshots(browser, page, folder);
  // What is wrong in several settings is said once.
  const lines = found.map((fault) => `${page.file}: ${fault.kind}: ${fault.words.replace(/\s+/g, " ").trim()}`);
  return [...new Set(lines)];
}

async function main() {
  const options = { screenshots: { type: "string" }, read: { type: "string" } };
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  if (positionals.length === 0) throw new Error("name a page, or a folder of pages");
  const wanted = positionals.map((path) => resolve(path));
  // What stands after # is of the page.
  const missing = wanted.find((path) => !existsSync(values.read ? path.split("#")[0] : path));
  if (missing) throw new Error(`${missing} does not exist`);
  const all = values.read ? [] : wanted.flatMap(pages);
  if (values.screenshots) mkdirSync(values.screenshots, { recursive: true });
  // Root is refused a sandbox; and nothing is resolved, whatever a page asks for.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({
    executablePath: process.env.POCKETWATT_CHROMIUM,
    args: [...sandbox, "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage"],
  });
  let faults = 0;
  try {
    if (values.read) {
      for (const address of wanted) (await read(browser, address, values.read)).forEach((line) => console.log(line));
      return 0;
    }
    for (const page of all) {
      const lines = await faultsOf(browser, page, values.screenshots);
      lines.forEach((line) => console.log(line));
      faults += lines.length;
    }
  } finally {
    await browser.close();
  }
  console.error(`check-pages: ${all.length} pages, ${faults} faults`);
  return faults === 0 ? 0 : 1;
}

main().then(
  (code) => (process.exitCode = code),
  (error) => {
    console.error(`check-pages: ${error.stack ?? error}`);
    process.exitCode = 2;
  },
);
