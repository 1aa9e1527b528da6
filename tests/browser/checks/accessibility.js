// The rules of axe, which are those of WCAG and common practice.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/// A check in the given setting, which is named where a rule is broken.
export function accessibility(setting) {
  return async (tab) => {
    // Not as an element of the page, whose policy may allow no scripts but its own.
    await tab.evaluate(AXE);
    // Styles are not read once more over a connection, which the policy of a page forbids.
    const { violations } = await tab.evaluate(() => axe.run({ resultTypes: ["violations"], preload: false }));
    return violations.map(({ id, help, nodes }) => {
      const where = nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
      const why = nodes[0]?.failureSummary?.split("\n").slice(1).join(";") ?? "";
      return { kind: "accessibility", words: `${help} (${id}, ${setting}) ${nodes.length} times: ${where}: ${why}` };
    });
  };
}
