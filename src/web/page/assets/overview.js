// What every outlet does now and why, and what a person wants instead.

import { known, post } from "./bridge.js";
import { h, idOf, say } from "./dom.js";
import { figure, plain, said, span, until, when } from "./words.js";

const LENGTHS = [
  ["1h", "1 h"],
  ["3h", "3 h"],
  ["6h", "6 h"],
  ["9h", "9 h"],
  ["next_change", "Until the plan changes"],
];

/** How long a wish is to last, by group. */
const lengths = new Map();
/** What is under way or went wrong, by what was asked. */
const asked = new Map();

/** The view. */
export function overview(again) {
  const { house } = known;
  const grouped = new Set(Object.values(house.groups).flatMap((it) => it.outlets));
  const others = Object.keys(house.outlets).filter((it) => !grouped.has(it));
  return [
    banners(house),
    ranked(house).map(([slug, group]) => groupCard(slug, group, house, again)),
    others.length > 0 &&
      h("section", { class: "card" }, h("h2", {}, "In no group"), h("ul", { class: "outlets" }, others.map((it) => outletRow(it, house, again)))),
    Object.keys(house.groups).length === 0 && others.length === 0 &&
      h("p", { class: "card" }, "No outlet is known yet. Devices are listed in the config under devices.groups."),
  ];
}

/** Who has a shovel in hand looks for the mats. */
export function ranked({ groups }) {
  const rank = { heater: 0, light: 1 };
  return Object.entries(groups).sort(([, one], [, other]) => (rank[one.class] ?? 2) - (rank[other.class] ?? 2));
}

function banners(house) {
  const { bridge } = house;
  const away = Object.values(house.devices).filter((it) => it.availability === "offline");
  const locked = Object.values(house.outlets).filter((it) => it.locked);
  return [
    !known.isAlive && h("p", { class: "banner bad" }, "The control loop has stopped: nothing is switched, and what is shown is the past."),
    bridge.vacation && h("p", { class: "banner" }, "Vacation: rules and wishes for ON are silent."),
    bridge.paused_until && h("p", { class: "banner" }, `All rules are paused until ${when(bridge.paused_until, house.at)}.`),
    !bridge.clock_trusted && h("p", { class: "banner bad" }, "The clock shows a time that cannot be: the rules of heaters are silent."),
    house.weather.enabled && house.weather.fresh === false &&
      h("p", { class: "banner bad" }, "No forecast that could be acted on: heating by the weather is silent."),
    away.map((it) => h("p", { class: "banner bad" }, `${it.name} does not answer: ${it.fault ?? "no answer yet"}`)),
    locked.map((it) => h("p", { class: "banner bad" }, `${it.name} is locked off: ${it.fault_words ?? plain(it.fault)}`)),
  ];
}

function groupCard(slug, group, house, again) {
  const id = idOf(`group-${slug}`);
  const now = house.at;
  const on = group.state === "ON" || group.state === "MIXED";
  const next = on ? group.next_off : group.next_on;
  return h(
    "section",
    { class: `card group ${on ? "is-on" : ""}`, "aria-labelledby": id },
    h("div", { class: "head" },
      h("h2", { id }, group.name),
      h("p", { class: `state ${on ? "on" : "off"} ${group.state ? "" : "small"}` }, group.state ?? "unknown"),
    ),
    h("p", { class: "why" }, group.outlets.length === 0 ? "None of its plugs has answered yet." : [group.mode && h("span", { class: `mode ${group.mode}` }, plain(group.mode)), " ", said(group.sentence)]),
    h("dl", { class: "facts" },
      group.until && [h("dt", {}, "Until"), h("dd", {}, `${when(group.until, now)} (${until(group.until, now)})`)],
      next && next !== group.until && [h("dt", {}, on ? "Next off" : "Next on"), h("dd", {}, `${when(next, now)} (${until(next, now)})`)],
      h("dt", {}, "Power"), h("dd", {}, figure(group.power, "W")),
      h("dt", {}, "On today"), h("dd", {}, span(group.runtime_today_min)),
      group.cooldown_until && [h("dt", {}, "Rests until"), h("dd", {}, when(group.cooldown_until, now))],
    ),
    switches(slug, group, again),
    group.outlets.length > 0 && h("details", { id: `${id}-more` },
      h("summary", { id: `${id}-words` }, group.outlets.length === 1 ? "The outlet" : `${group.outlets.length} outlets`),
      h("ul", { class: "outlets" }, group.outlets.map((it) => outletRow(it, house, again))),
    ),
  );
}

function switches(slug, group, again) {
  const base = `api/groups/${encodeURIComponent(slug)}`;
  const length = lengths.get(slug) ?? "3h";
  const lasting = length === "next_change" ? { until: "next_change" } : { for: length };
  const state = asked.get(base);
  const act = (words, path, body) => () => order(base, words, path, body, again);
  const button = (words, label, chosen, path, body) =>
    h("button", { type: "button", id: idOf(`${base}-${words}`), class: `act ${words.toLowerCase()}`, "aria-pressed": String(chosen), busy: state?.isWaiting, onclick: act(words, path, body) }, label);
  const wish = group.mode === "manual_on" || group.mode === "manual_off";
  return h("div", { class: "switches" },
    h("div", { class: "buttons", role: "group", "aria-label": `Switch ${group.name}` },
      button("ON", "ON", group.mode === "manual_on", `${base}/set`, { state: "ON", ...lasting }),
      button("OFF", "OFF", group.mode === "manual_off", `${base}/set`, { state: "OFF", ...lasting }),
      button("AUTO", "AUTO", group.control === "auto" && !wish, `${base}/control-mode`, { control: "auto" }),
    ),
    h("fieldset", { class: "lengths" },
      h("legend", {}, "For how long"),
      LENGTHS.map(([value, label]) => {
        const id = idOf(`${base}-for-${value}`);
        return h("span", {},
          h("input", { type: "radio", name: idOf(`${base}-for`), id, value, checked: value === length, onchange: () => { lengths.set(slug, value); again(); } }),
          h("label", { for: id }, label));
      }),
    ),
    h("p", { class: "minor" },
      h("button", { type: "button", class: "plain", id: idOf(`${base}-keep`), busy: state?.isWaiting, onclick: act("OFF for good", `${base}/control-mode`, { control: group.control === "off" ? "auto" : "off" }) },
        group.control === "off" ? "Let the rules decide again" : "Keep off until I say otherwise"),
    ),
    state && h("p", { class: state.trouble ? "answer trouble" : "answer", role: "status" }, state.text),
  );
}

async function order(base, words, path, body, again) {
  asked.set(base, { text: `${words} asked…`, isWaiting: true });
  again();
  try {
    await post(path, body);
    asked.delete(base);
    say(`${words}: done.`);
  } catch (error) {
    const told = { text: error.message, trouble: true };
    asked.set(base, told);
    say(error.message, true);
    setTimeout(() => {
      // What is asked anew meanwhile has its own answer.
      if (asked.get(base) !== told) return;
      asked.delete(base);
      again();
    }, 15000);
  }
  again();
}

function outletRow(id, house, again) {
  const it = house.outlets[id];
  if (!it) return null;
  const now = house.at;
  const device = house.devices[it.device];
  const base = `api/outlets/${id.split("/").map(encodeURIComponent).join("/")}`;
  const on = it.state === "ON";
  const state = asked.get(base);
  return h("li", { class: `outlet ${on ? "is-on" : ""} ${it.available ? "" : "is-away"}` },
    h("div", { class: "head" },
      h("h3", {}, it.name),
      h("p", { class: `state small ${on ? "on" : "off"}` }, it.available ? it.state ?? "unknown" : "away"),
    ),
    h("p", { class: "why" }, said(it.sentence)),
    h("p", { class: "quiet" },
      [figure(it.power, "W"), it.on_since && `on since ${when(it.on_since, now)}`, it.until && `until ${when(it.until, now)}`,
        it.next_change && `${it.next_change.state} ${when(it.next_change.at, now)}`,
        it.device_timer_off_at && `the plug itself goes off at ${when(it.device_timer_off_at, now)}`,
        device && device.name !== it.name && device.name].filter(Boolean).join(" · ")),
    h("div", { class: "buttons small" },
      ["ON", "OFF"].map((words) =>
        h("button", { type: "button", id: idOf(`${base}-${words}`), class: `act ${words.toLowerCase()}`, "aria-label": `${it.name} ${words}`, busy: state?.isWaiting, onclick: () => order(base, words, `${base}/set`, { state: words, for: "3h" }, again) }, words)),
      h("button", { type: "button", id: idOf(`${base}-auto`), class: "act auto", "aria-label": `${it.name} AUTO`, busy: state?.isWaiting, onclick: () => order(base, "AUTO", `${base}/control`, { control: "auto" }, again) }, "AUTO"),
      it.locked && h("button", { type: "button", id: idOf(`${base}-ack`), class: "act", onclick: () => order(base, "Acknowledged", `${base}/ack`, {}, again) }, "I have looked at it"),
    ),
    state && h("p", { class: state.trouble ? "answer trouble" : "answer", role: "status" }, state.text),
    h("details", { id: idOf(`${base}-voices`) },
      h("summary", { id: idOf(`${base}-why`) }, "Why"),
      h("ol", { class: "voices" }, it.voices.map((voice) =>
        h("li", { class: voice.wins ? "wins" : "" }, h("b", {}, plain(voice.voice)), " ", voice.wish ? `wants ${voice.wish}` : "is silent", voice.sentence ? `: ${said(voice.sentence)}` : ""))),
    ),
  );
}

