// The forecast, hour by hour: some providers tell the next hours in quarters, and later ones several at once.

import { ask } from "./bridge.js";

const HOUR = 3600000;
const WORST = ["freezing_rain", "snow", "rain"];

let hours = [];
let fetchedAt = 0;

/** What is known of it; asked for once a minute, and `again` is called when it is there. */
export function forecast(again) {
  if (Date.now() - fetchedAt > 60000) {
    fetchedAt = Date.now();
    ask("api/weather/forecast").then((it) => { hours = hourly(it.hours ?? []); again(); }, () => {});
  }
  return hours;
}

/** Parts of an hour together. `from` and `to` are instants, `amount` is in mm from one to the other. */
function hourly(parts) {
  const all = new Map();
  for (const it of parts) {
    const hour = Math.floor(Date.parse(it.time) / HOUR);
    all.set(hour, [...(all.get(hour) ?? []), it]);
  }
  return [...all.values()].map((them) => {
    const found = (key) => them.map((it) => it[key]).filter((it) => it !== null && it !== undefined);
    const sum = (key) => found(key).reduce((one, other) => one + other, 0);
    const mean = (key) => (found(key).length > 0 ? sum(key) / found(key).length : null);
    const from = Date.parse(them[0].time);
    return {
      from, to: Math.max(Date.parse(them.at(-1).raw?.end) || 0, from + HOUR / 4), time: them[0].time,
      air: mean("temp_c"), dew: mean("dewpoint_c"), humidity: mean("humidity_percent"), wind: mean("wind_speed"),
      amount: sum("precip_intensity"), falls: WORST.find((it) => found("precip_type").includes(it)) ?? found("precip_type")[0] ?? null,
      isBlack: found("black_ice_risk").includes(true),
    };
  });
}

/** How much falls in an hour of it, in mm. */
export const rate = (it) => (it.amount * HOUR) / (it.to - it.from);
