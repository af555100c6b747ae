// The first config, step by step: account, place, plugs, done. Each step is written into the file at once.

import { ask, post } from "./bridge.js";
import { h, say } from "./dom.js";

let state = null;
let found = null;
let isBusy = false;
let trouble = {};
/** What is typed, by the place of its input: neither a refusal nor a search takes it away. */
const drafts = new Map();
const drafted = (id, usual = "") => ({ id, value: drafts.get(id) ?? usual, oninput: (event) => drafts.set(id, event.target.value) });

/** To be called when the view is opened. */
export function begin() {
  state = null;
  trouble = {};
}

/** The steps, while one is left; nothing where the file is repaired as text. */
export function setup(again) {
  if (!state) {
    state = { steps: {} };
    look(again);
  }
  const { steps, writable } = state;
  if (Object.keys(steps).length === 0) return [];
  if (writable === false) return [h("p", { class: "card answer trouble" }, `The file ${state.file} cannot be written: mount it so that it can, or write it by hand.`)];
  const step = (name, title, ...children) => h("section", { class: "card" },
    h("div", { class: "head" }, h("h2", {}, title), h("p", { class: `state small ${steps[name] ? "" : "off"}` }, steps[name] ? "✓ done" : "to do")),
    trouble[name] && h("p", { class: "answer trouble", role: "alert" }, trouble[name]),
    children);
  return [
    step("account", "1. The account of your plugs", steps.account
      ? h("p", { class: "quiet" }, "It is in the file.")
      : h("form", { class: "edit", onsubmit: (event) => told(event, "account", (it) => ({ username: it.get("username"), password: it.get("password") }), again) },
        h("p", { class: "quiet" }, "The e-mail address and the password of the Tapo or Kasa app. They stay in this machine's file."),
        h("label", {}, "E-mail address", h("input", { name: "username", ...drafted("setup-username"), type: "email", required: true, autocomplete: "username" })),
        h("label", {}, "Password", h("input", { name: "password", ...drafted("setup-password"), type: "password", required: true, autocomplete: "current-password" })),
        send("account"))),
    step("place", "2. Where the house is", steps.place
      ? h("p", { class: "quiet" }, "It is in the file.")
      : h("form", { class: "edit", onsubmit: (event) => told(event, "place", (it) => ({ latitude: Number(it.get("latitude")), longitude: Number(it.get("longitude")), timezone: it.get("timezone") }), again) },
        h("p", { class: "quiet" }, "For the weather and the sun."),
        h("label", {}, "Latitude, north", h("input", { name: "latitude", ...drafted("setup-latitude"), type: "number", step: "any", min: "-90", max: "90", required: true })),
        h("label", {}, "Longitude, east", h("input", { name: "longitude", ...drafted("setup-longitude"), type: "number", step: "any", min: "-180", max: "180", required: true })),
        h("label", {}, "Time zone", h("input", { name: "timezone", ...drafted("setup-timezone", Intl.DateTimeFormat().resolvedOptions().timeZone), required: true })),
        send("place"))),
    step("devices", "3. The plugs",
      h("button", { type: "button", class: "act", id: "setup-find", busy: isBusy, onclick: () => search(again) }, isBusy ? "Looking…" : "Look for plugs"),
      found && h("p", { class: "quiet" }, found.length === 0 ? "Nobody has answered; write its address." : "Who has answered:"),
      found && found.length > 0 && h("ul", { class: "windows" }, found.map((it, place) => h("li", {},
        h("span", {}, `${it.model ?? "?"} ${it.mac ?? ""}`),
        h("button", { type: "button", class: "plain", id: `setup-take-${place}`, onclick: () => { drafts.set("setup-ip", it.address ?? it.ip ?? ""); again(); } }, `Take ${it.address ?? it.ip}`)))),
      h("form", { class: "edit", onsubmit: (event) => told(event, "devices", device, again) },
        h("label", {}, "Address", h("input", { name: "ip", ...drafted("setup-ip"), required: true, placeholder: "192.168.1.50" })),
        h("label", {}, "Its name", h("input", { name: "name", ...drafted("setup-name"), required: true, placeholder: "Walkway mat" })),
        h("label", {}, "Outlets, from 0; all if empty", h("input", { name: "outlets", ...drafted("setup-outlets"), pattern: "[0-9, ]*", placeholder: "0" })),
        h("label", {}, "Group", h("input", { name: "group", ...drafted("setup-group"), required: true, placeholder: "walkway" })),
        h("label", {}, "What hangs on it", h("select", { name: "class", ...drafted("setup-class") },
          [["heater", "a heating mat"], ["light", "lights"], ["generic", "something else"]].map(([value, words]) => h("option", { value, selected: value === drafts.get("setup-class") }, words)))),
        h("label", { class: "switch" }, h("input", { type: "checkbox", name: "melt", id: "setup-melt", checked: drafts.get("setup-melt") ?? true, onchange: (event) => drafts.set("setup-melt", event.target.checked) }), "Melt snow by the forecast (heating mats)"),
        send("devices", "Add it"))),
    h("section", { class: "card" }, h("h2", {}, "4. Done"),
      trouble.finish && h("p", { class: "answer trouble", role: "alert" }, trouble.finish),
      h("button", { type: "button", class: "act on", id: "setup-finish", disabled: isBusy || Object.values(steps).includes(false), onclick: () => finish(again) }, "Start the bridge")),
  ];
}

const send = (id, words = "Save") => h("button", { type: "submit", class: "act on", id: `setup-${id}`, busy: isBusy }, words);

function device(it) {
  const heats = it.get("class") === "heater";
  const outlets = (it.get("outlets") ?? "").split(/[ ,]+/).filter(Boolean).map(Number);
  return [{ ip: it.get("ip").trim(), name: it.get("name").trim(), group: it.get("group").trim(), class: it.get("class"), outlets: outlets.length > 0 ? outlets : null, melt: heats ? it.get("melt") !== null : null }];
}

async function look(again) {
  try {
    state = await ask("api/setup");
  } catch {
    // A file that cannot be read is repaired as text.
    state = { steps: {} };
  }
  again();
}

async function told(event, step, body, again) {
  event.preventDefault();
  const given = body(new FormData(event.target));
  const sent = [...event.target.elements].map(({ id }) => [id, drafts.get(id)]);
  // Nobody starts the bridge while something is being written: it would start without it.
  isBusy = true;
  again();
  try {
    await post(`api/setup/${step}`, given);
    trouble[step] = "";
    // What was typed meanwhile is the next one.
    for (const [id, text] of sent) if (drafts.get(id) === text) drafts.delete(id);
    say("Written into the file.");
  } catch (error) {
    const places = (error.problems ?? []).map((it) => `${it.path}: found ${it.found}, allowed ${it.allowed}`);
    trouble[step] = [error.message, ...places].join("; ");
  }
  isBusy = false;
  await look(again);
}

async function search(again) {
  isBusy = true;
  again();
  try {
    found = (await post("api/setup/discover", {})).devices ?? [];
  } catch (error) {
    trouble.devices = error.message;
  }
  isBusy = false;
  again();
}

async function finish(again) {
  if (isBusy) return;
  try {
    await post("api/setup/finish", {});
    trouble.finish = "";
    say("The bridge starts.");
  } catch (error) {
    trouble.finish = error.message;
  }
  again();
}
