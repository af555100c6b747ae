// What is known of the weather.

import { known } from "./bridge.js";
import { h } from "./dom.js";
import { forecast } from "./forecast.js";
import { between, figure, local, plain, span, weekday } from "./words.js";

/** The view. */
export function weather(again) {
  const it = known.house.weather;
  const now = known.house.at;
  if (!it.enabled) return [h("p", { class: "card" }, "The weather is switched off in the config (weather_api.enabled).")];
  const hours = forecast(again);
  const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
  return [
    h("section", { class: "card" },
      h("div", { class: "head" }, h("h2", {}, "Now"), h("p", { class: "state" }, figure(it.temperature_c, "°C", 1))),
      it.trouble && h("p", { class: "answer trouble" }, it.trouble),
      h("dl", { class: "facts" },
        fact("Dew point", figure(it.dew_point_c, "°C", 1)),
        fact("Humidity", figure(it.humidity, "%")),
        fact("Wind", figure(it.wind_ms, "m/s", 1)),
        fact("Precipitation soon", it.precipitation ?? "unknown"),
        fact("Ice", it.ice ?? "unknown"),
        it.frozen_from && fact("Next snow or ice", between(it.frozen_from, it.frozen_until, now)),
        fact("Source", `${it.source ?? "none"} (${it.state})`),
        fact("Age", it.age_min === null ? "unknown" : span(it.age_min)),
      ),
    ),
    h("section", { class: "card wide" },
      h("h2", {}, "By the hour"),
      h("div", { class: "scroll", id: "hours", "data-scroll": true, tabindex: "0", role: "group", "aria-label": "Forecast by the hour, can be scrolled" },
        h("table", {},
          h("thead", {}, h("tr", {}, ["Time", "Air", "Rain, snow", "Black ice", "Dew point", "Humidity", "Wind"].map((name) => h("th", { scope: "col" }, name)))),
          byDay(hours).map(([day, them]) => h("tbody", {},
            h("tr", {}, h("th", { colspan: "7", scope: "rowgroup" }, day === now.slice(0, 10) ? "Today" : weekday(day))),
            them.map(row)))))),
  ];
}

function byDay(hours) {
  const days = new Map();
  for (const it of hours) days.set(it.time.slice(0, 10), [...(days.get(it.time.slice(0, 10)) ?? []), it]);
  return [...days];
}

function row(hour) {
  const isLong = hour.to - hour.from > 3600000;
  return h("tr", { class: ["snow", "freezing_rain"].includes(hour.falls) ? "is-snow" : "" },
    h("th", { scope: "row" }, hour.time.slice(11, 16), isLong && ` – ${local(new Date(hour.to).toISOString(), hour.time).slice(11, 16)}`),
    h("td", {}, figure(hour.air, "°C", 1)),
    h("td", {}, hour.amount > 0 ? `${plain(hour.falls)} ${figure(hour.amount, "mm", 1)}` : "–"),
    h("td", {}, hour.isBlack ? "yes" : "no"),
    h("td", {}, figure(hour.dew, "°C", 1)),
    h("td", {}, figure(hour.humidity, "%")),
    h("td", {}, figure(hour.wind, "m/s", 1)));
}
