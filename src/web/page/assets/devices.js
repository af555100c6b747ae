// The plugs themselves: are they there, how quick are they, and which others answer in the house?

import { known, post } from "./bridge.js";
import { h, say } from "./dom.js";
import { figure, when } from "./words.js";

let found = null;
let isLooking = false;

/** The view. */
export function devices(again) {
  const { house } = known;
  return [
    Object.entries(house.devices).map(([slug, it]) => device(slug, it, house)),
    h("section", { class: "card" },
      h("h2", {}, "Find others"),
      h("p", { class: "quiet" }, "Asks everybody in the network who they are, without logging in."),
      h("button", { type: "button", class: "act", id: "find", busy: isLooking, onclick: () => look(again) }, isLooking ? "Looking…" : "Look for devices"),
      found && h("ul", { class: "windows" }, found.length === 0 ? h("li", {}, "Nobody has answered.") : found.map((it) =>
        h("li", {}, h("b", {}, it.model ?? "?"), h("span", {}, `${it.address ?? it.ip ?? ""}`), h("span", { class: "quiet" }, `${it.mac ?? ""} ${it.protocol ?? ""}`)))),
    ),
  ];
}

async function look(again) {
  isLooking = true;
  again();
  try {
    found = (await post("api/discover", {})).devices ?? [];
  } catch (error) {
    say(error.message, true);
  }
  isLooking = false;
  again();
}

function device(slug, it, house) {
  const outlets = Object.values(house.outlets).filter((outlet) => outlet.device === slug);
  const seen = outlets.map((outlet) => outlet.last_seen).filter(Boolean).sort().at(-1);
  const fact = (name, value) => value && [h("dt", {}, name), h("dd", {}, value)];
  return h("section", { class: "card" },
    h("div", { class: "head" }, h("h2", {}, it.name), h("p", { class: `state small ${it.availability === "online" ? "" : "bad"}` }, it.availability)),
    it.fault && h("p", { class: "answer trouble" }, it.fault),
    h("dl", { class: "facts" },
      fact("Model", it.model), fact("Firmware", it.firmware), fact("Address", it.ip), fact("MAC", it.mac),
      fact("Protocol", it.protocol), fact("Signal", it.rssi === null ? null : figure(it.rssi, "dBm")), fact("Heard", seen && when(seen, house.at)),
      fact("Lost so far", String(it.lost)),
      outlets.map((outlet) => fact("Timer", outlet.device_timer_off_at && `${outlet.name} goes off at ${when(outlet.device_timer_off_at, house.at)} by itself`)),
    ),
    h("details", { id: `latency-${slug}` },
      h("summary", { id: `latency-${slug}-words` }, "How quick it is"),
      h("div", { class: "scroll", id: `latency-${slug}-table`, "data-scroll": true, tabindex: "0", role: "group", "aria-label": `Latency of ${it.name}` }, h("table", {},
        h("thead", {}, h("tr", {}, ["", "Asked", "Failed", "Last", "Mean"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, Object.entries(it.latency).map(([name, counted]) => h("tr", {},
          h("th", { scope: "row" }, name), h("td", {}, counted.done), h("td", {}, counted.failed), h("td", {}, figure(counted.last_ms, "ms", 1)), h("td", {}, figure(counted.mean_ms, "ms", 1))))))),
    ),
  );
}
