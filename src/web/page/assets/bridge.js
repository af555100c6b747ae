// What the bridge says, and what it is asked. One line of events keeps the page live; it mends itself.

/** What is known. `house` is null until the bridge has spoken; `isAlive` says whether its control loop goes on. */
export const known = { house: null, plans: {}, notices: [], heardAt: 0, isLost: false, isAlive: true };

/** The bridge says something every 10 s. Who hears nothing for so long is cut off, whatever the line looks like. */
const SILENCE = 25000;

const listeners = new Set();

/** Calls `hear` whenever something is new: `house`, `plan`, `notice` or `link`. Returns how to stop that. */
export function listen(hear) {
  listeners.add(hear);
  return () => listeners.delete(hear);
}

const tell = (what) => listeners.forEach((it) => it(what));

/** The house with these parts as they are now; those that are null are gone. */
function changed(house, { groups, devices, outlets, ...rest }) {
  const parts = { groups, devices, outlets };
  for (const [name, them] of Object.entries(parts)) {
    const all = { ...house[name], ...them };
    parts[name] = Object.fromEntries(Object.keys(all).sort().filter((id) => all[id] !== null).map((id) => [id, all[id]]));
  }
  return { ...house, ...rest, ...parts };
}

let events = null;
let openedAt = 0;

function lose(since) {
  if (!known.isLost) known.lostAt = since;
  known.isLost = true;
  tell("link");
}

setInterval(() => {
  const since = Math.max(known.heardAt, openedAt);
  if (!events || Date.now() - since < SILENCE) return;
  lose(since);
  connect();
}, 1000);

/** Opens the line. */
export function connect() {
  events?.close();
  openedAt = Date.now();
  events = new EventSource("api/events?changes=true");
  const take = (name, keep, as = name) =>
    events.addEventListener(name, (event) => {
      known.heardAt = Date.now();
      known.isLost = false;
      keep(JSON.parse(event.data));
      tell(as);
    });
  const live = (house) => Object.assign(known, { house, isAlive: house.bridge.alive });
  take("house", live);
  take("change", (it) => live(changed(known.house, it)), "house");
  // Nothing else was to be told for a while: time goes on.
  take("alive", ({ at, alive }) => known.house && live({ ...known.house, at, bridge: { ...known.house.bridge, alive } }), "house");
  take("plan", (it) => (known.plans = it));
  take("notice", (it) => {
    known.notices.unshift(it);
    known.notices.length = Math.min(known.notices.length, 200);
  });
  events.onerror = () => {
    lose(Date.now());
    // A browser gives up for good when the answer is no stream, as while the bridge starts again.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

/** Longer than the longest answer takes. */
const PATIENCE = 60000;

/** Asks for JSON. An answer that is no success is thrown in the bridge's own words. */
export async function ask(path, { method = "GET", body, headers = {} } = {}) {
  const asked = { method, signal: AbortSignal.timeout(PATIENCE), headers: { accept: "application/json", ...headers } };
  if (body !== undefined) {
    asked.headers["content-type"] = "application/json";
    asked.body = JSON.stringify(body);
  }
  let answer;
  let text;
  try {
    answer = await fetch(path, asked);
    text = await answer.text();
  } catch {
    throw new Error("the bridge does not answer");
  }
  let found;
  try {
    found = text === "" ? {} : JSON.parse(text);
  } catch {
    found = { error: text };
  }
  if (!answer.ok) {
    const details = Array.isArray(found.details) ? `: ${found.details.join("; ")}` : "";
    throw Object.assign(new Error(`${found.error ?? found.message ?? answer.statusText}${details}`), { status: answer.status, problems: found.problems });
  }
  return Object.assign(found, { etag: answer.headers.get("etag") });
}

export const post = (path, body) => ask(path, { method: "POST", body });
