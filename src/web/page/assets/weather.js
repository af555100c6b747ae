// What is known of the weather.

import { ask, known } from "./bridge.js";
import { h } from "./dom.js";
import { figure, span, when } from "./words.js";

let forecast = null;
let fetchedAt = 0;

/** The view. */
export function weather(again) {
  const it = known.house.weather;
  const now = known.house.at;
  if (!it.enabled) return [h("p", { class: "card" }, "The weather is switched off in the config (weather_api.enabled).")];
  if (Date.now() - fetchedAt > 60000) {
    fetchedAt = Date.now();
    ask("api/weather/forecast").then((found) => { forecast = found; again(); }, () => {});
  }
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
        it.frozen_from && fact("Next frozen precipitation", `${when(it.frozen_from, now)} – ${when(it.frozen_until, now)}`),
        fact("Source", `${it.source ?? "none"} (${it.state})`),
        fact("Age", it.age_min === null ? "unknown" : span(it.age_min)),
      ),
    ),
    h("section", { class: "card" },
      h("h2", {}, "By the hour"),
      h("div", { class: "scroll", id: "hours", "data-scroll": true, tabindex: "0", role: "group", "aria-label": "Forecast by the hour, can be scrolled" },
        h("table", {},
          h("thead", {}, h("tr", {}, ["Time", "Air", "Dew point", "Humidity", "Precipitation", "Wind", "Black ice"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, (forecast?.hours ?? []).map((hour) => h("tr", { class: hour.precip_type === "snow" ? "is-snow" : "" },
            h("th", { scope: "row" }, when(hour.time, now)),
            h("td", {}, figure(hour.temp_c, "°C", 1)),
            h("td", {}, figure(hour.dewpoint_c, "°C", 1)),
            h("td", {}, figure(hour.humidity_percent, "%")),
            h("td", {}, hour.precip_intensity > 0 ? `${hour.precip_type ?? ""} ${figure(hour.precip_intensity, "mm", 1)}` : "–"),
            h("td", {}, figure(hour.wind_speed, "m/s", 1)),
            h("td", {}, hour.black_ice_risk ? "yes" : "no"))))))),
  ];
}
