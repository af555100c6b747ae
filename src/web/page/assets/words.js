// Times and figures in words. Times are shown as the house's own clock shows them, wherever the reader is.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const dateOf = (at) => at.slice(0, 10);
const clockOf = (at) => at.slice(11, 16);

/** `14:30`, `tomorrow 06:00`, `Friday 06:00`, by the house's date `now`. */
export function when(at, now) {
  if (!at) return "";
  const apart = Math.round((Date.parse(dateOf(at)) - Date.parse(dateOf(now))) / 86400000);
  if (apart === 0) return clockOf(at);
  if (apart === 1) return `tomorrow ${clockOf(at)}`;
  if (apart === -1) return `yesterday ${clockOf(at)}`;
  return Math.abs(apart) < 7 ? `${weekday(at)} ${clockOf(at)}` : `${dateOf(at)} ${clockOf(at)}`;
}

/** `14:30 – 16:00`, `tomorrow 06:00 – 07:00`: the day is said once. */
export const between = (from, to, now) => `${when(from, now)} – ${dateOf(from) === dateOf(to) ? clockOf(to) : when(to, now)}`;

/** The day of the week. */
export const weekday = (at) => DAYS[new Date(`${dateOf(at)}T12:00:00Z`).getUTCDay()];

/** `in 25 min`, `in 3 h 10 min`. */
export function until(at, now) {
  const minutes = Math.max(0, Math.round((Date.parse(at) - Date.parse(now)) / 60000));
  return `in ${span(minutes)}`;
}

/** Minutes in words. */
export function span(minutes) {
  const [hours, rest] = [Math.floor(minutes / 60), Math.round(minutes % 60)];
  if (hours === 0) return `${rest} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** A figure with its unit; a dash while it is unknown. */
export function figure(value, unit, digits = 0) {
  if (value === null || value === undefined) return "–";
  return `${value.toFixed(digits).replace("-", "−")} ${unit}`;
}

/** An instant at the offset that `now` has, as RFC 3339. */
export function local(at, now) {
  const offset = now.match(/([+-])(\d\d):(\d\d)$/);
  const minutes = offset ? (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) : 0;
  const moved = new Date(Date.parse(at) + minutes * 60000).toISOString().slice(0, 19);
  return moved + (offset ? offset[0] : "Z");
}

/** A sentence of the bridge, with the quotation marks of people. */
export const said = (sentence) => (sentence ?? "").replace(/`([^`]*)`/g, "“$1”");

/** A word that programs use, as people write it. */
export const plain = (word) => (word ?? "").replaceAll("_", " ");
