// Today and tomorrow, drawn: temperature, precipitation, and when each group will be on.

import { known } from "./bridge.js";
import { h, s } from "./dom.js";
import { forecast, rate } from "./forecast.js";
import { ranked } from "./overview.js";
import { between, figure, local, plain, said, weekday, when } from "./words.js";

const HOUR = 3600000;
const [WIDTH, LEFT, SKY, ROW] = [960, 110, 150, 40];

/** The view. */
export function plan(again) {
  const now = known.house.at;
  const groups = ranked(known.house);
  const hours = forecast(again);
  return [
    h("section", { class: "card" }, h("h2", {}, "Today and tomorrow"), h("div", { class: "scroll", id: "timeline", "data-scroll": true, tabindex: "0", role: "group", "aria-label": "Timeline, can be scrolled sideways" }, timeline(now, groups, hours)), legend(groups, hours)),
    groups.map(([slug, group]) => table(group, known.plans[slug], now)),
  ];
}

function timeline(now, groups, all) {
  // The hours of the house: its offset may be of half an hour.
  const start = Math.floor(Date.parse(now) / 1000) * 1000 - (Date.parse(`${now.slice(0, 19)}Z`) % HOUR);
  const end = start + 48 * HOUR;
  const x = (at) => LEFT + ((Math.min(Math.max(at, start), end) - start) / (end - start)) * (WIDTH - LEFT - 10);
  const height = SKY + groups.length * ROW + 30;
  const hours = all.filter((it) => it.to > start && it.from < end);
  return s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "timeline", role: "img", "aria-label": summary(groups, now) },
    axis(start, end, now, x, height),
    sky(hours, x),
    groups.map(([slug, group], row) => bars(group, known.plans[slug], SKY + row * ROW, now, x, start, end)),
    s("line", { x1: x(Date.parse(now)), x2: x(Date.parse(now)), y1: 8, y2: height - 24, class: "now" }),
  );
}

function axis(start, end, now, x, height) {
  const marks = [];
  for (let at = start; at <= end; at += HOUR) {
    const clock = local(new Date(at).toISOString(), now).slice(11, 16);
    if (clock.endsWith(":00") && Number(clock.slice(0, 2)) % 6 === 0) {
      marks.push(s("line", { x1: x(at), x2: x(at), y1: 8, y2: height - 24, class: clock === "00:00" ? "day" : "grid" }));
      if (clock === "00:00") marks.push(s("text", { x: x(at) + 6, y: 18, class: "axis strong" }, weekday(local(new Date(at).toISOString(), now))));
      marks.push(s("text", { x: x(at), y: height - 8, class: "axis", "text-anchor": at === end ? "end" : "middle" }, clock));
    }
  }
  return marks;
}

function sky(all, x) {
  const hours = all.filter((it) => it.air !== null);
  if (hours.length === 0) return [s("text", { x: LEFT + 10, y: SKY / 2, class: "axis" }, "No forecast")];
  const degrees = hours.map((it) => it.air);
  const [low, high] = [Math.min(...degrees, 0) - 1, Math.max(...degrees, 0) + 1];
  const y = (value) => 26 + ((high - value) / (high - low)) * (SKY - 60);
  const heaviest = all.reduce((one, other) => (rate(other) > rate(one) ? other : one));
  const tall = (it) => (rate(it) / Math.max(rate(heaviest), 2)) * 60;
  const mid = (it) => (x(it.from) + x(it.to)) / 2;
  return [
    all.filter((it) => it.amount > 0).map((it) => s("rect", { x: x(it.from) + 1, y: SKY - 22 - tall(it), width: Math.max(2, x(it.to) - x(it.from) - 2), height: tall(it), class: it.falls === "rain" ? "rain" : "snow" },
      s("title", {}, `${plain(it.falls ?? "precipitation")} ${figure(rate(it), "mm/h", 1)}`))),
    heaviest.amount > 0 && s("text", { x: mid(heaviest), y: SKY - 8, class: "axis", "text-anchor": "middle" }, figure(rate(heaviest), "mm/h", 1)),
    s("line", { x1: LEFT, x2: WIDTH - 10, y1: y(0), y2: y(0), class: "frost" }),
    s("text", { x: LEFT - 8, y: y(0) + 4, class: "axis", "text-anchor": "end" }, "0 °C"),
    s("text", { x: LEFT - 8, y: Math.abs(y(degrees[0]) - y(0)) >= 16 ? y(degrees[0]) + 4 : y(0) + (degrees[0] < 0 ? 18 : -11), class: "axis strong", "text-anchor": "end" }, figure(degrees[0], "°C", 1)),
    s("polyline", { points: hours.map((it) => `${mid(it).toFixed(1)},${y(it.air).toFixed(1)}`).join(" "), class: "temperature" }),
    // The first one stands at the edge.
    [[Math.min(...degrees), 16], [Math.max(...degrees), -8]].map(([value, below]) => {
      const it = hours.find((hour) => hour.air === value);
      return it !== hours[0] && s("text", { x: mid(it), y: y(value) + below, class: "axis", "text-anchor": "middle" }, figure(value, "°C", 1));
    }),
  ];
}

/** What the colours mean, of those that are drawn. */
function legend(groups, hours) {
  const modes = new Set(groups.flatMap(([slug]) => (known.plans[slug]?.windows ?? []).map((it) => it.mode)));
  const falls = new Set(hours.filter((it) => it.amount > 0).map((it) => (it.falls === "rain" ? "rain" : "snow")));
  const key = (name, words) => h("span", {}, s("svg", { viewBox: "0 0 16 16", class: "timeline key", "aria-hidden": "true" }, s("rect", { width: 16, height: 16, rx: 3, class: name })), words);
  return h("p", { class: "row quiet", id: "legend" },
    hours.length > 0 && key("warmth", "air"), [...falls].map((it) => key(it, it)), [...modes].map((it) => key(`window ${it}`, plain(it))));
}

/** As far as the plan reaches: what is not known yet is not off. */
function bars(group, found, top, now, x, start, end) {
  const shown = (found?.windows ?? []).map((it) => ({ ...it, from: Date.parse(it.start), to: Date.parse(it.end) })).filter((it) => it.to > start && it.from < end);
  return [
    s("text", { x: LEFT - 8, y: top + 24, class: "axis strong", "text-anchor": "end" }, group.name.length > 12 ? `${group.name.slice(0, 11)}…` : group.name),
    found && s("rect", { x: LEFT, y: top + 8, width: x(Date.parse(found.until)) - LEFT, height: 24, class: "track" }),
    shown.map((it) => s("rect", { x: x(it.from), y: top + 8, width: Math.max(2, x(it.to) - x(it.from)), height: 24, rx: 3, class: `window ${it.mode}` },
      s("title", {}, `${plain(it.mode)} ${between(local(it.start, now), local(it.end, now), now)}: ${said(it.reason)}`))),
  ];
}

/** The drawing in words, for those who cannot see it. */
function summary(groups, now) {
  const words = groups.map(([slug, group]) => {
    const windows = known.plans[slug]?.windows ?? [];
    const told = windows.map((it) => `${plain(it.mode)} from ${when(local(it.start, now), now)} to ${when(local(it.end, now), now)}`);
    return `${group.name}: ${told.join(", ") || "nothing planned"}`;
  });
  return `The plan. ${words.join(". ")}.`;
}

function table(group, found, now) {
  const windows = found?.windows ?? [];
  return h("section", { class: "card" },
    h("h2", {}, group.name),
    windows.length === 0
      ? h("p", { class: "quiet" }, found ? `Nothing is planned until ${when(local(found.until, now), now)}.` : "The plan is being worked out.")
      : h("ul", { class: "windows" }, windows.map((it) =>
          h("li", {},
            h("span", { class: `mode ${it.mode}` }, plain(it.mode)),
            h("b", {}, between(local(it.start, now), local(it.end, now), now), Date.parse(it.end) >= Date.parse(found.until) && ", or longer"),
            h("span", { class: "quiet" }, said(it.reason)),
            it.kwh !== null && h("span", { class: "quiet" }, `${figure(it.kwh, "kWh", 1)}${it.cost !== null && it.cost !== undefined ? `, ${it.cost.toFixed(2)} ${found.currency ?? ""}` : ""}`),
          ))),
    found?.kwh ? h("p", {}, `Together ${figure(found.kwh, "kWh", 1)}.`) : null,
  );
}

