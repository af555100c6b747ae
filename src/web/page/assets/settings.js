// The config file: looked at, changed, checked and saved, with the place of everything that is wrong.

import { ask, known, post } from "./bridge.js";
import { h, say } from "./dom.js";
import { begin as beginForm, form, isChanged, reopen as reopenForm, unsaved } from "./form.js";
import { begin, setup as steps } from "./setup.js";
import { said } from "./words.js";

let file = null;
let earlier = [];
let text = "";
let problems = null;
let trouble = "";
let isBusy = false;
let isBack = false;

const isTyped = () => Boolean(file && !file.isLoading && text !== file.text);

/** Is anything changed or typed, and not saved? */
export const isUnsaved = () => isChanged() || isTyped();

/** To be called when the view is opened: all is read anew, but for what is not saved. */
export function reopen(again) {
  begin();
  isBack = isUnsaved();
  if (isBack) say("What you changed here before is not saved yet.");
  reopenForm(again);
  if (!isTyped()) leave();
}

function forget() {
  begin();
  beginForm();
  leave();
  isBack = false;
}

/** What is not saved when somebody comes back, and the way to be rid of it. */
function kept(again) {
  const places = [...unsaved(), isTyped() && "the text"].filter(Boolean).join(", ");
  return h("section", { class: "banner wide row", id: "unsaved" },
    h("span", {}, `Changed before and not saved yet: ${places}.`),
    h("button", { type: "button", class: "plain danger", id: "discard", onclick: () => {
      if (!window.confirm("Throw away what is changed and not saved?")) return;
      forget();
      text = "";
      again();
    } }, "Throw it away"));
}

function leave() {
  file = null;
  problems = null;
  trouble = "";
}

async function load(again) {
  const before = text;
  try {
    const found = await ask("api/config/text");
    // What is typed meanwhile stays. It is refused when it is saved: it is not made of this file.
    if (file?.isLoading || text === before) {
      file = found;
      text = found.text;
    }
    trouble = "";
    earlier = (await ask("api/config/backups").catch(() => ({}))).backups ?? [];
    if (known.house?.bridge.setup.length > 0) problems = (await post("api/config/check", { text })).problems;
  } catch (error) {
    if (!file?.etag) file = { text: "" };
    trouble = error.message;
  }
  again();
}

/** Without its mark nobody knows what would be written over; where there is no file yet, that has one too. */
function isRead() {
  if (!file.etag) trouble = "The file could not be read, so nothing is written over it: read it again first.";
  return Boolean(file.etag);
}

/** What is typed in the text and not saved is thrown away by whoever typed it only. */
function holdsText() {
  const isInTheWay = Boolean(file?.etag) && isTyped();
  if (isInTheWay) say("Save the text below first, or read it again.", true);
  return isInTheWay;
}

function holdsForm() {
  const isInTheWay = isChanged() && document.getElementById("form") !== null;
  if (isInTheWay) say("Save what you have changed in the form first, or read that again.", true);
  return isInTheWay;
}

/** The view. */
export function settings(again) {
  if (!file) {
    file = { isLoading: true };
    load(again);
  }
  const setup = known.house.bridge.setup;
  if (file.isLoading) return [h("p", { class: "card quiet" }, "Loading…")];
  return [
    isBack && isUnsaved() && kept(again),
    setup.length > 0 && h("section", { class: "card" },
      h("h2", {}, "Setup mode"),
      h("p", {}, "The config is absent or wrong, so nothing is switched. Go through the steps, or put the text right below; the bridge starts with that at once.")),
    setup.length > 0 && steps(again),
    file.text !== "" && form(again, setup.length > 0 ? problems : null, () => reread(again), holdsText),
    h("section", { class: "card wide" },
      h("div", { class: "head" }, h("h2", {}, file.file ?? "The config"), h("a", { class: "plain", href: "api/config/download", download: "heattrax.yaml" }, "Download")),
      trouble && h("p", { class: "answer trouble", role: "alert" }, trouble),
      file.note && h("p", { class: "answer trouble", role: "alert" }, file.note),
      problems && listed(),
      h("label", { for: "config" }, "YAML. Asterisks stand for a secret: it stays as it is until you write another in their place"),
      h("textarea", { id: "config", spellcheck: "false", autocomplete: "off", autocapitalize: "off", rows: "24", oninput: (event) => { text = event.target.value; }, value: text }),
      h("div", { class: "buttons wrap" },
        h("button", { type: "button", class: "act", id: "check", busy: isBusy, onclick: () => check(again) }, "Check"),
        h("button", { type: "button", class: "act on", id: "save", busy: isBusy, onclick: () => save(again) }, "Save and use"),
        h("button", { type: "button", class: "act", id: "reread", busy: isBusy, onclick: () => {
          // What is changed in the form goes with its own button.
          if (!isChanged()) beginForm();
          begin();
          leave();
          again();
        } }, "Read again")),
      h("label", {}, "Upload a file ", h("input", { type: "file", id: "upload", accept: ".yaml,.yml", onchange: async (event) => {
        text = await event.target.files[0].text();
        await check(again);
      } })),
      h("p", { class: "quiet" }, "What is saved is checked first, is in force at once, and the file as it was is kept beside it.")),
    earlier.length > 0 && h("section", { class: "card" }, h("h2", {}, "The file as it was"),
      h("ul", { class: "windows" }, earlier.map((name, place) => h("li", {}, h("span", { class: "row" }, h("span", {}, name),
        h("button", { type: "button", class: "plain", id: `restore-${place}`, "aria-label": `Bring back ${name}`, busy: isBusy, onclick: () => restore(name, again) }, "Bring it back")))))),
    setup.length > 0 && text === "" && h("section", { class: "card" }, h("h2", {}, "A first config"),
      h("button", { type: "button", class: "act", id: "example", onclick: () => { text = EXAMPLE; again(); } }, "Begin with an example")),
  ];
}

function listed() {
  if (problems.length === 0) return h("p", { class: "answer", role: "status" }, "It is right.");
  return h("div", { role: "alert" }, h("ul", { class: "windows" }, problems.map((it) => h("li", {},
    it.line
      ? h("button", { type: "button", class: "plain place", onclick: () => go(it) }, `Line ${it.line}`)
      : h("b", {}, it.place),
    h("span", {}, `${it.path ? `${it.path}: ` : ""}found ${said(it.found)}`),
    h("span", { class: "quiet" }, `allowed: ${said(it.allowed)}${it.hint ? `; did you mean ${it.hint}?` : ""}`)))));
}

/** The file has been changed by the form. */
async function reread(again) {
  problems = null;
  if (text === file?.text) await load(again);
}

/** Puts the cursor where something is wrong. */
function go({ line, column }) {
  const area = document.getElementById("config");
  const before = area.value.split("\n").slice(0, line - 1).reduce((sum, it) => sum + it.length + 1, 0);
  const end = area.value.indexOf("\n", before);
  area.focus();
  area.setSelectionRange(before + (column ?? 1) - 1, end < 0 ? area.value.length : end);
  area.scrollTop = (line / area.value.split("\n").length) * area.scrollHeight - area.clientHeight / 2;
}

async function check(again) {
  isBusy = true;
  again();
  try {
    problems = (await post("api/config/check", { text })).problems;
    trouble = "";
  } catch (error) {
    trouble = error.message;
  }
  isBusy = false;
  again();
}

async function save(again) {
  if (holdsForm()) return;
  if (!isRead()) {
    again();
    return;
  }
  isBusy = true;
  again();
  const sent = text;
  try {
    const saved = await ask("api/config/text", { method: "PUT", body: { text: sent }, headers: { "if-match": file.etag } });
    Object.assign(file, { etag: saved.etag, text: sent, note: null });
    if (!isChanged()) beginForm();
    problems = [];
    trouble = "";
    say(saved.restart ? `Saved. The bridge starts again: ${saved.restart}.` : "Saved, and in force.");
  } catch (error) {
    problems = error.problems ?? problems;
    trouble = error.message;
  }
  isBusy = false;
  again();
}

/** An earlier file is put in the place of the one in force, which is kept too. */
async function restore(name, again) {
  if (holdsForm() || holdsText()) return;
  if (!isRead()) {
    again();
    return;
  }
  if (!window.confirm(`Bring back ${name}? It is in force at once.`)) return;
  try {
    const told = await ask("api/config/restore", { method: "POST", body: { name }, headers: { "if-match": file.etag } });
    say(told.restart ? `Brought back. The bridge starts again: ${told.restart}.` : "Brought back, and in force.");
    forget();
  } catch (error) {
    problems = error.problems ?? problems;
    trouble = error.message;
  }
  again();
}

const EXAMPLE = `location:
  latitude: 40.7128
  longitude: -74.006
  timezone: America/New_York

safety:
  max_runtime_hours: 6
  cooldown_minutes: 30

devices:
  credentials:
    username: the e-mail address of your Tapo account
    password: its password
  groups:
    walkway:
      class: heater
      items:
        - name: Walkway mat
          ip_address: 192.168.1.50
          outlets: [0]
      melt:
        enabled: true

# mqtt:
#   host: localhost
`;
