// What a page does while it is opened and used: errors, dialogs, and what it asks for.

import { sep } from "node:path";
import { fileURLToPath } from "node:url";

/// Files of the page's own folder, and what is in the page itself.
function isOwn(url, home) {
  if (url.startsWith("data:") || url.startsWith("blob:")) return true;
  if (!url.startsWith("file:")) return false;
  const path = fileURLToPath(url.split(/[?#]/)[0]);
  return path === home || path.startsWith(home + sep);
}

/// The faults of a page, which are added to as they happen.
export function watched(tab, home) {
  const faults = [];
  const add = (kind, words) => faults.push({ kind, words });
  tab.on("console", (message) => {
    if (message.type() === "error") add("console", message.text());
  });
  tab.on("pageerror", (error) => add("script", String(error)));
  tab.on("dialog", (dialog) => {
    add("script", `it opens a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  tab.on("websocket", (socket) => add("request", socket.url()));
  tab.on("request", (request) => {
    if (!isOwn(request.url(), home)) add("request", request.url().slice(0, 200));
  });
  return faults;
}
