// A page that has to be moved sideways cannot be read on a phone. Parts of it may be, such as a wide table.

export function width(where) {
  return async (tab) => {
    const wide = await tab.evaluate(() => {
      const root = document.scrollingElement;
      if (root.scrollWidth <= root.clientWidth) return null;
      const reach = (element) => element.getBoundingClientRect().right;
      const moves = (element) => getComputedStyle(element).overflowX !== "visible";
      // The innermost element that reaches out, outside of parts that can be moved by themselves.
      let at = document.body;
      for (;;) {
        const next = [...at.children].find((child) => reach(child) > root.clientWidth + 1 && !moves(child));
        if (!next) break;
        at = next;
      }
      const name = [at.localName, at.id && `#${at.id}`, at.classList.length > 0 && `.${[...at.classList].join(".")}`];
      return `${root.scrollWidth} pixels instead of ${root.clientWidth}: ${name.filter(Boolean).join("")}`;
    });
    return wide ? [{ kind: "width", words: `it is too wide for ${where}: ${wide}` }] : [];
  };
}
