// What was: power and relays as a drawing, what each day took, and what happened.

import { ask, known } from "./bridge.js";
import { h, s } from "./dom.js";
import { figure, plain, span, when } from "./words.js";

const RANGES = [["24 h", 24], ["7 days", 168], ["30 days", 720]];
const [WIDTH, HEIGHT, LEFT, FOOT] = [960, 240, 70, 26];
const HOUR = 3600000;

let outlet = null;
let hours = 24;
let drawn = null;
let trouble = null;

/** Asks anew when the view is entered again. */
export function reopen() {
  drawn = null;
}

/** The view. */
export function history(again) {
  const { house } = known;
  const all = Object.entries(house.outlets);
  if (all.length === 0) return [h("p", { class: "card" }, "There is no outlet yet.")];
  if (!house.outlets[outlet]) outlet = all[0][0];
  if (!drawn) load(again);
  const choose = (change) => { change(); drawn = null; again(); };
  return [
    h("section", { class: "card wide" },
      h("div", { class: "row" },
        h("label", {}, "Outlet ", h("select", { id: "which", onchange: (event) => choose(() => (outlet = event.target.value)) },
          all.map(([id, it]) => h("option", { value: id, selected: id === outlet }, it.name)))),
        h("fieldset", { class: "lengths" }, h("legend", {}, "How far back"), RANGES.map(([words, many]) => [
          h("input", { type: "radio", name: "range", id: `range-${many}`, checked: many === hours, onchange: () => choose(() => (hours = many)) }),
          h("label", { for: `range-${many}` }, words)]))),
      trouble && h("p", { class: "answer trouble" }, trouble),
      h("div", { class: "scroll", id: "curve", "data-scroll": true, tabindex: "0", role: "group", "aria-label": "Curve, can be scrolled sideways" },
        drawn ? curve(drawn, house.at) : h("p", { class: "quiet" }, "Looking back…")),
      h("p", {}, saved("samples.csv", `outlet=${encodeURIComponent(outlet)}&from=${encodeURIComponent(since())}`, "The curve as CSV"))),
    h("section", { class: "card" }, h("h2", {}, "Day by day"), drawn && days(drawn), h("p", {}, saved("days.csv", `outlet=${encodeURIComponent(outlet)}`, "The days as CSV"))),
    h("section", { class: "card" }, h("h2", {}, "What happened"), drawn && events(drawn.events, house.at), h("p", {}, saved("events.csv", "", "The events as CSV"))),
  ];
}

const since = () => new Date(Date.parse(known.house.at) - hours * HOUR).toISOString();
const saved = (file, question, words) => h("a", { href: `api/history/${file}${question && `?${question}`}`, download: true }, words);

async function load(again) {
  const asked = `${outlet} ${hours}`;
  const from = encodeURIComponent(since());
  const which = encodeURIComponent(outlet);
  try {
    const [samples, used, happened] = await Promise.all([
      ask(`api/history/samples?outlet=${which}&from=${from}&points=800`), ask(`api/history/days?outlet=${which}`), ask("api/history/events?limit=100"),
    ]);
    if (asked !== `${outlet} ${hours}`) return;
    trouble = null;
    drawn = { points: samples.points, days: used.days, currency: used.currency, events: happened.events, from: Date.parse(known.house.at) - hours * HOUR, to: Date.parse(known.house.at) };
  } catch (error) {
    trouble = error.message;
    drawn = { points: [], days: [], events: [], from: 0, to: 1 };
  }
  again();
}

function curve({ points, from, to }, now) {
  const hasMeter = points.some((it) => it.power !== null);
  const value = (it) => (hasMeter ? it.power : it.on);
  const most = Math.max(hasMeter ? 10 : 1, ...points.map((it) => value(it) ?? 0)) * 1.08;
  const x = (at) => LEFT + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * (WIDTH - LEFT - 10);
  const y = (it) => 10 + (1 - it / most) * (HEIGHT - FOOT - 10);
  const base = y(0);
  const bars = points.map((it, place) => {
    const at = Date.parse(it.at);
    // A point holds until the next, but not through a time in which nobody looked.
    const until = Math.min(place + 1 < points.length ? Date.parse(points[place + 1].at) : to, at + Math.max(it.step * 1000 * 1.01, 15 * 60000));
    const high = value(it);
    if (it.on === null || high === null) return it.on === null && s("rect", { x: x(at), y: 10, width: Math.max(1, x(until) - x(at)), height: base - 10, class: "gap" });
    return high > 0 && s("rect", { x: x(at).toFixed(1), y: y(high).toFixed(1), width: Math.max(1, x(until) - x(at)).toFixed(1), height: (base - y(high)).toFixed(1), class: "used" },
      s("title", {}, `${when(it.at, now)}: ${hasMeter ? figure(it.power, "W") : it.on ? "ON" : "OFF"}, ${plain(it.mode)}`));
  });
  const marks = [0, 1, 2, 3, 4].map((it) => from + ((to - from) * it) / 4);
  const offset = now.slice(19);
  const told = (at) => when(new Date(at + shift(offset)).toISOString().slice(0, 19) + offset, now);
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "timeline", role: "img", "aria-label": words(points, hasMeter) },
    s("rect", { x: LEFT, y: 10, width: WIDTH - LEFT - 10, height: base - 10, class: "track" }),
    marks.map((at, place) => s("text", { x: x(at), y: HEIGHT - 6, class: "axis", "text-anchor": place === 0 ? "start" : place === 4 ? "end" : "middle" }, told(at))),
    s("text", { x: LEFT - 8, y: 22, class: "axis strong", "text-anchor": "end" }, hasMeter ? figure(most / 1.08, "W") : "ON"),
    s("text", { x: LEFT - 8, y: base, class: "axis", "text-anchor": "end" }, hasMeter ? "0 W" : "OFF"),
    bars);
}

function shift(offset) {
  const found = offset.match(/([+-])(\d\d):(\d\d)/);
  return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60000 : 0;
}

/** The drawing in words. */
function words(points, hasMeter) {
  if (points.length === 0) return "Nothing is known of that time.";
  const most = Math.max(...points.map((it) => it.power ?? 0));
  const on = points.filter((it) => it.on > 0).length;
  return `${points.length} points, ${on} of them on${hasMeter ? `, at most ${Math.round(most)} W` : ""}.`;
}

function days({ days: found, currency }) {
  if (found.length === 0) return h("p", { class: "quiet" }, "Nothing has been written down yet.");
  const sum = (name) => found.reduce((all, it) => all + (it[name] ?? 0), 0);
  const row = (name, it) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, span(it.on_minutes)), h("td", {}, about(it), figure(it.kwh, "kWh", 2)), currency && h("td", {}, it.cost !== null && about(it), figure(it.cost, currency, 2)));
  const estimated = found.some((it) => isEstimate(it));
  return [estimated && h("p", { class: "quiet" }, "≈ is an estimate: the time on by what the config says hangs there (rated_watts), for there is no meter."), h("div", { class: "scroll", id: "days", "data-scroll": true, tabindex: "0", role: "group", "aria-label": "Days, can be scrolled" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Day", "On", "Energy", currency && "Cost"].filter(Boolean).map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, [...found].reverse().map((it) => row(it.date, it)),
      row("Together", { on_minutes: sum("on_minutes"), kwh: found.some((it) => it.kwh !== null) ? sum("kwh") : null, cost: found.some((it) => it.cost !== null) ? sum("cost") : null, kwh_source: estimated ? "both" : "meter" }))))];
}

const isEstimate = (it) => it.kwh_source === "estimate" || it.kwh_source === "both";
const about = (it) => isEstimate(it) && "≈ ";

function events(found, now) {
  if (found.length === 0) return h("p", { class: "quiet" }, "Nothing in the last seven days.");
  return h("ul", { class: "windows" }, found.map((it) => h("li", {}, h("span", { class: "mode" }, plain(it.event_type)), h("b", {}, when(it.at, now)), h("span", { class: "quiet" }, it.message, facts(it.detail)))));
}

/** What else is known of an event, in words. */
function facts(detail) {
  const all = Object.entries(detail);
  return all.length > 0 && ` (${all.map(([key, value]) => `${plain(key)}: ${value}`).join(", ")})`;
}
