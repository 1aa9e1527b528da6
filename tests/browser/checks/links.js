// Links within the page, and to other pages of the same folder.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export async function links(tab, page) {
  const found = await tab.evaluate(() => {
    const here = location.href.split("#")[0];
    return [...document.querySelectorAll("a[href], area[href]")].map((link) => {
      // Those in SVG have an object in place of a text.
      const href = new URL(link.getAttribute("href"), document.baseURI).href;
      const [target, fragment] = href.split("#");
      const names = fragment && target === here ? decodeURIComponent(fragment) : null;
      return { href, lost: names !== null && !names.includes("=") && !document.getElementById(names) };
    });
  });
  const isLost = ({ href, lost }) => {
    if (lost) return true;
    const target = href.split(/[?#]/)[0];
    return page.home !== page.file && target.startsWith("file:") && !existsSync(fileURLToPath(target));
  };
  const unsafe = ({ href }) => !/^(file|https?|mailto):/.test(href);
  return [
    ...found.filter(isLost).map(({ href }) => ({ kind: "link", words: `it leads to nothing: ${href}` })),
    ...found.filter(unsafe).map(({ href }) => ({ kind: "link", words: `it is no address: ${href.slice(0, 200)}` })),
  ];
}
