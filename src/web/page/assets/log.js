// What has happened: events with their causes, and the lines of the log.

import { ask, known } from "./bridge.js";
import { h } from "./dom.js";
import { local, plain, said, when } from "./words.js";

const LEVELS = ["error", "warn", "info", "debug"];

let level = "info";
let lines = [];
let fetchedAt = 0;

/** The view. */
export function log(again) {
  const now = known.house.at;
  if (Date.now() - fetchedAt > 3000) {
    fetchedAt = Date.now();
    const asked = level;
    ask(`api/logs?level=${level}&limit=200`).then((it) => {
      // An answer that comes late is for another level.
      if (asked !== level) return;
      lines = it.lines ?? it;
      again();
    }, () => {});
  }
  return [
    h("section", { class: "card" },
      h("h2", {}, "Events"),
      known.notices.length === 0
        ? h("p", { class: "quiet" }, "Nothing has happened since this page was opened. What was before is in ", h("a", { href: "#history" }, "History"), ".")
        : h("ul", { class: "windows" }, known.notices.slice(0, 50).map((it) =>
            h("li", {}, h("b", {}, when(local(it.ts, now), now)), h("span", {}, said(it.message)), h("span", { class: "quiet" }, plain(it.event_type)))))),
    h("section", { class: "card" },
      h("div", { class: "head" },
        h("h2", {}, "Log"),
        h("label", {}, "Level ", h("select", { id: "level", onchange: (event) => { level = event.target.value; fetchedAt = 0; again(); } },
          LEVELS.map((it) => h("option", { value: it, selected: it === level }, it))))),
      h("ul", { class: "lines" }, [...lines].reverse().map((it) =>
        h("li", { class: it.level }, h("time", {}, `${when(it.at ?? it.ts, now)}${(it.at ?? it.ts).slice(16, 19)}`), " ", h("b", {}, it.level), " ", it.message ?? it.text)))),
  ];
}
