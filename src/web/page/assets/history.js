// What was: power and relays as a drawing, what each day took, and what happened.

import { ask, known } from "./bridge.js";
import { h, s } from "./dom.js";
import { figure, local, plain, said, span, when } from "./words.js";

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
      h("div", { class: "scroll", id: drawn ? "curve" : null, "data-scroll": "end", tabindex: "0", role: "group", "aria-label": "Curve, can be scrolled sideways" },
        drawn ? curve(drawn, house.at) : h("p", { class: "quiet" }, "Looking back…")),
      drawn && h("p", { class: "quiet" }, `${foot(drawn)}Without a shade: nobody looked.`),
      h("p", {}, saved("samples.csv", `outlet=${encodeURIComponent(outlet)}&from=${encodeURIComponent(since())}`, "The curve as CSV"))),
    h("section", { class: "card" }, h("h2", {}, "Day by day"), drawn && [dayBars(drawn), days(drawn)], h("p", {}, saved("days.csv", `outlet=${encodeURIComponent(outlet)}`, "The days as CSV"))),
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
    if (it.on === null) return null;
    const across = { x: x(at).toFixed(1), width: (Math.max(1, x(until) - x(at)) + 0.3).toFixed(1) };
    const high = value(it) ?? 0;
    return s("g", {},
      s("title", {}, `${when(it.at, now)}: ${it.on ? "ON" : "OFF"}${hasMeter ? `, ${figure(it.power, "W")}` : ""}, ${plain(it.mode)}`),
      s("rect", { ...across, y: 10, height: base - 10, class: "track" }),
      high > 0 && s("rect", { ...across, y: y(high).toFixed(1), height: (base - y(high)).toFixed(1), class: "used" }),
      it.on > 0 && s("rect", { ...across, y: base + 1, height: 4, class: "relay" }));
  });
  const marks = [0, 1, 2, 3, 4].map((it) => from + ((to - from) * it) / 4);
  const offset = now.slice(19);
  const told = (at) => when(new Date(at + shift(offset)).toISOString().slice(0, 19) + offset, now);
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "timeline", role: "img", "aria-label": words(points, hasMeter) },
    s("rect", { x: LEFT, y: 10, width: WIDTH - LEFT - 10, height: base - 10, class: "unknown" }),
    marks.map((at, place) => s("text", { x: x(at), y: HEIGHT - 6, class: "axis", "text-anchor": place === 0 ? "start" : place === 4 ? "end" : "middle" }, told(at))),
    s("text", { x: LEFT - 8, y: y(most / 1.08) + 5, class: "axis strong", "text-anchor": "end" }, hasMeter ? figure(most / 1.08, "W") : "ON"),
    s("text", { x: LEFT - 8, y: base, class: "axis", "text-anchor": "end" }, hasMeter ? "0 W" : "OFF"),
    bars);
}

function shift(offset) {
  const found = offset.match(/([+-])(\d\d):(\d\d)/);
  return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60000 : 0;
}

/** What cannot be read off where the drawing is wider than the screen. */
function foot({ points }) {
  const most = Math.max(...points.map((it) => it.power ?? -1));
  return most < 0 ? "" : `At most ${figure(most, "W")}. The line at the foot: the relay was on. `;
}

/** The drawing in words. */
function words(points, hasMeter) {
  if (points.length === 0) return "Nothing is known of that time.";
  const most = Math.max(...points.map((it) => it.power ?? 0));
  const on = points.filter((it) => it.on > 0).length;
  return `${points.length} points, ${on} of them on${hasMeter ? `, at most ${Math.round(most)} W` : ""}.`;
}

/** Each day as a bar: what it took, or how long it was on where nobody knows that. */
function dayBars({ days: all }) {
  const found = all.slice(-31);
  const isKwh = found.some((it) => it.kwh !== null);
  const value = (it) => (isKwh ? it.kwh ?? 0 : it.on_minutes / 60);
  const told = (it) => figure(it, isKwh ? "kWh" : "h on", 1);
  const most = Math.max(0, ...found.map(value));
  if (most === 0) return null;
  const wide = 310 / Math.max(found.length, 7);
  const at = (place) => 5 + place * wide;
  const tall = (it) => (value(it) / most) * 74;
  return s("svg", { viewBox: "0 0 320 116", class: "timeline days", role: "img", "aria-label": `${found.length} days, at most ${told(most)} on one` },
    s("line", { x1: 5, x2: 315, y1: 98, y2: 98, class: "day" }),
    s("text", { x: 5, y: 12, class: "axis strong" }, `most on one day: ${told(most)}`),
    found.map((it, place) => s("rect", { x: at(place) + wide * 0.1, width: wide * 0.8, y: 98 - tall(it), height: tall(it), class: "used" }, s("title", {}, `${it.date}: ${told(value(it))}`))),
    s("text", { x: 5, y: 112, class: "axis" }, found[0].date),
    found.length > 3 && s("text", { x: at(found.length), y: 112, class: "axis", "text-anchor": "end" }, found.at(-1).date));
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
  return h("ul", { class: "windows" }, found.map((it) => h("li", {}, h("span", { class: "mode" }, plain(it.event_type)), h("b", {}, when(it.at, now)), h("span", { class: "quiet" }, said(it.message), facts(it.detail, now)))));
}

/** What else is known of an event, in words. */
function facts(detail, now) {
  const all = Object.entries(detail);
  return all.length > 0 && ` (${all.map(([key, value]) => `${plain(key)}: ${/^\d{4}-\d\d-\d\dT/.test(value) ? when(local(value, now), now) : value}`).join(", ")})`;
}
