// Today and tomorrow, drawn: temperature, precipitation, and when each group will be on.

import { ask, known } from "./bridge.js";
import { h, s } from "./dom.js";
import { figure, local, plain, when } from "./words.js";

const HOUR = 3600000;
const [WIDTH, LEFT, SKY, ROW] = [960, 110, 150, 40];

let forecast = null;
let fetchedAt = 0;

/** The view. */
export function plan(again) {
  if (Date.now() - fetchedAt > 60000) {
    fetchedAt = Date.now();
    ask("api/weather/forecast").then((it) => { forecast = it; again(); }, () => {});
  }
  const now = known.house.at;
  const groups = Object.entries(known.house.groups);
  return [
    h("section", { class: "card" }, h("h2", {}, "Today and tomorrow"), h("div", { class: "scroll", id: "timeline", "data-scroll": true, tabindex: "0", role: "group", "aria-label": "Timeline, can be scrolled sideways" }, timeline(now, groups))),
    groups.map(([slug, group]) => table(group, known.plans[slug], now)),
  ];
}

function timeline(now, groups) {
  // The hours of the house: its offset may be of half an hour.
  const start = Math.floor(Date.parse(now) / 1000) * 1000 - (Date.parse(`${now.slice(0, 19)}Z`) % HOUR);
  const end = start + 48 * HOUR;
  const x = (at) => LEFT + ((Math.min(Math.max(at, start), end) - start) / (end - start)) * (WIDTH - LEFT - 10);
  const height = SKY + groups.length * ROW + 30;
  const hours = (forecast?.hours ?? []).map((it) => ({ ...it, from: Date.parse(it.time) })).filter((it) => it.from >= start - HOUR && it.from < end);
  return s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "timeline", role: "img", "aria-label": summary(groups, now) },
    axis(start, end, now, x, height),
    sky(hours, x),
    groups.map(([slug, group], row) => bars(group, known.plans[slug]?.windows ?? [], SKY + row * ROW, now, x, start, end)),
    s("line", { x1: x(Date.parse(now)), x2: x(Date.parse(now)), y1: 8, y2: height - 24, class: "now" }),
  );
}

function axis(start, end, now, x, height) {
  const marks = [];
  for (let at = start; at <= end; at += HOUR) {
    const clock = local(new Date(at).toISOString(), now).slice(11, 16);
    if (clock.endsWith(":00") && Number(clock.slice(0, 2)) % 6 === 0) {
      marks.push(s("line", { x1: x(at), x2: x(at), y1: 8, y2: height - 24, class: clock === "00:00" ? "day" : "grid" }));
      marks.push(s("text", { x: x(at), y: height - 8, class: "axis", "text-anchor": "middle" }, clock));
    }
  }
  return marks;
}

function sky(hours, x) {
  const degrees = hours.map((it) => it.temp_c).filter((it) => it !== null);
  if (degrees.length === 0) return [s("text", { x: LEFT + 10, y: SKY / 2, class: "axis" }, "No forecast")];
  const [low, high] = [Math.min(...degrees, 0) - 1, Math.max(...degrees, 0) + 1];
  const y = (value) => 16 + ((high - value) / (high - low)) * (SKY - 50);
  const most = Math.max(...hours.map((it) => it.precip_intensity ?? 0), 2);
  const line = hours.filter((it) => it.temp_c !== null).map((it) => `${x(it.from + HOUR / 2).toFixed(1)},${y(it.temp_c).toFixed(1)}`);
  return [
    hours.filter((it) => it.precip_intensity > 0).map((it) => {
      const tall = (it.precip_intensity / most) * 60;
      return s("rect", { x: x(it.from) + 1, y: SKY - 22 - tall, width: Math.max(2, x(it.from + HOUR) - x(it.from) - 2), height: tall, class: it.precip_type === "snow" ? "snow" : "rain" },
        s("title", {}, `${it.precip_type ?? "precipitation"} ${figure(it.precip_intensity, "mm", 1)}`));
    }),
    s("line", { x1: LEFT, x2: WIDTH - 10, y1: y(0), y2: y(0), class: "frost" }),
    s("text", { x: LEFT - 8, y: y(0) + 4, class: "axis", "text-anchor": "end" }, "0 °C"),
    s("text", { x: LEFT - 8, y: y(degrees[0]) + (Math.abs(y(degrees[0]) - y(0)) < 16 ? -12 : 4), class: "axis strong", "text-anchor": "end" }, figure(degrees[0], "°C", 1)),
    s("polyline", { points: line.join(" "), class: "temperature" }),
  ];
}

function bars(group, windows, top, now, x, start, end) {
  const shown = windows.map((it) => ({ ...it, from: Date.parse(it.start), to: Date.parse(it.end) })).filter((it) => it.to > start && it.from < end);
  return [
    s("text", { x: LEFT - 8, y: top + 24, class: "axis strong", "text-anchor": "end" }, group.name.length > 14 ? `${group.name.slice(0, 13)}…` : group.name),
    s("rect", { x: LEFT, y: top + 8, width: WIDTH - LEFT - 10, height: 24, class: "track" }),
    shown.map((it) => s("rect", { x: x(it.from), y: top + 8, width: Math.max(2, x(it.to) - x(it.from)), height: 24, rx: 3, class: `window ${it.mode}` },
      s("title", {}, `${plain(it.mode)} ${when(local(it.start, now), now)} – ${when(local(it.end, now), now)}: ${it.reason}`))),
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
            h("b", {}, `${when(local(it.start, now), now)} – ${when(local(it.end, now), now)}`),
            h("span", { class: "quiet" }, it.reason),
            it.kwh !== null && h("span", { class: "quiet" }, `${figure(it.kwh, "kWh", 1)}${it.cost !== null && it.cost !== undefined ? `, ${it.cost.toFixed(2)} ${found.currency ?? ""}` : ""}`),
          ))),
    found?.kwh ? h("p", {}, `Together ${figure(found.kwh, "kWh", 1)}.`) : null,
  );
}

