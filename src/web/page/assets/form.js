// The config as a form, made of its schema: whatever the file may hold can be set here, and what is wrong is said at its place.

import { ask } from "./bridge.js";
import { h, idOf, say } from "./dom.js";
import { said } from "./words.js";

let schema = null;
let tree = null;
let etag = null;
let trouble = "";
let problems = [];
let isBusy = false;
const changes = new Map();
/** What is typed of something new, by the place of its input: whatever redraws the page takes nothing away. */
const drafts = new Map();

/** To be called when the view is opened, and when the file has changed otherwise. */
export function begin() {
  tree = null;
  etag = null;
  trouble = "";
  problems = [];
  changes.clear();
  drafts.clear();
}

/** Is anything changed or typed, and not saved? */
export const isChanged = () => changes.size > 0 || isNewTyped();
const isNewTyped = () => [...drafts.values()].some(Boolean);

/** What that is, by its places. */
export const unsaved = () => [...[...changes.keys()].map((it) => keysOf(it).join(".")), isNewTyped() && "something new"].filter(Boolean);

/**
 * To be called when the view is opened again. What is changed stays. If the file is as it was at those places, it is a change of the file as
 * it is now; otherwise it is refused when it is saved.
 */
export async function reopen(again) {
  if (!isChanged()) {
    begin();
    return;
  }
  const was = tree;
  const found = await ask("api/config").catch(() => null);
  if (!found || tree !== was || isBusy || [...changes.keys()].some((it) => stands(was, it) !== stands(found, it))) return;
  take(found);
  again();
}

/** What stands at a place; the whole list where that is within one, for its items move. */
function stands(there, where) {
  const isEnd = (it) => isLeaf(it) || Array.isArray(it);
  return JSON.stringify(keysOf(where).reduce((it, key) => (isEnd(it) ? it : it?.[key]), there) ?? null);
}

function take(found) {
  ({ etag } = found);
  delete found.etag;
  tree = found;
}

/**
 * The form. `found` are the problems of the file in setup mode; `saved` is called when the file has changed, and waited for; `holds` says
 * that something else would be thrown away by that.
 */
export function form(again, found, saved, holds) {
  if (!tree) {
    tree = {};
    load(again);
  }
  // A file that is no YAML is repaired as text.
  if (!schema || !etag) return [trouble && h("p", { class: "card answer trouble", role: "alert" }, trouble)];
  const wrong = problems.length > 0 ? problems : found ?? [];
  const page = { again, saved, holds, wrong, placed: new Set() };
  const loose = [];
  const sections = [];
  for (const [key, node] of Object.entries(schema.properties)) {
    if (kind(node) === "section") sections.push(part({ keys: [key], node, tree: tree[key], page }));
    else loose.push(field({ keys: [key], node, tree: tree[key], page }));
  }
  const left = wrong.filter((it) => !page.placed.has(it));
  return [h("section", { class: "card wide", id: "form" },
    h("div", { class: "head" }, h("h2", {}, "Settings"), h("a", { class: "plain", href: "#schedules" }, "Schedules")),
    trouble && h("p", { class: "answer trouble", role: "alert" }, said(trouble)),
    left.length > 0 && h("ul", { class: "windows", role: "alert" }, left.map((it) => h("li", {}, `${it.path || it.place}: ${words(it)}`))),
    h("div", { class: "fields" }, loose),
    sections,
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "act on", id: "form-save", busy: isBusy, onclick: () => save(page) }, toSave()),
      h("button", { type: "button", class: "act", id: "form-forget", busy: isBusy, onclick: () => { begin(); again(); } }, "Read again")),
    h("p", { class: "quiet" }, "What is left empty is as usual. Changes are checked as a whole, written into the file beside its comments, and in force at once."))];
}

const toSave = () => (changes.size === 0 ? "Save" : `Save ${changes.size} ${changes.size === 1 ? "change" : "changes"}`);
const words = (it) => said(`found ${it.found}, allowed: ${it.allowed}${it.hint ? `; did you mean ${it.hint}?` : ""}`);
/** Words that are written otherwise than their keys. */
const WRITTEN = { api: "API", homeassistant: "Home Assistant", id: "ID", ids: "IDs", ip: "IP", mac: "MAC", mqtt: "MQTT", ntfy: "ntfy", pin: "PIN", qos: "QoS", tls: "TLS", url: "URL" };
const title = (key) => {
  const text = key.split("_").map((it) => WRITTEN[it] ?? it).join(" ");
  return key.split("_")[0] in WRITTEN ? text : text.charAt(0).toUpperCase() + text.slice(1);
};
/** Without the unit that stands beside it. */
const label = (key, unit) => title(unit && key.endsWith(`_${unit}`) ? key.slice(0, -unit.length - 1) : key);
/** A text in which keys stand between backticks. */
const prose = (text) => text.split("`").map((it, place) => (place % 2 === 1 ? h("code", {}, it) : it));
const types = (node) => [node.type ?? []].flat();

function kind(node) {
  const its = types(node);
  if (its.includes("object")) return "section";
  if (its.includes("array")) return types(node.items ?? {}).includes("object") ? "items" : "list";
  if (its.includes("boolean")) return "switch";
  if (node.enum) return "names";
  if (node.writeOnly) return "secret";
  return its.includes("number") || its.includes("integer") ? "number" : "text";
}

const isLeaf = (it) => it !== null && typeof it === "object" && "source" in it && "readonly" in it;

/** What holds, without who says so. */
function plain(it) {
  if (isLeaf(it)) return it.value;
  if (it === null || typeof it !== "object" || Array.isArray(it)) return it;
  return Object.fromEntries(Object.entries(it).map(([key, value]) => [key, plain(value)]));
}

const pointer = (keys) => keys.map((it) => `/${String(it).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
const keysOf = (where) => where.split("/").slice(1).map((it) => it.replaceAll("~1", "/").replaceAll("~0", "~"));
/** As problems write it. */
const path = (keys) => keys.reduce((found, it) => (typeof it === "number" ? `${found}[${it}]` : found ? `${found}.${it}` : it), "");
const id = (keys) => `form-${idOf(keys.join("-"))}`;

/** The children of a section: its keys, and the names that the user has chosen. */
function children({ keys, node, tree: here, page }) {
  const there = plain(here) ?? {};
  const isSet = (key) => there[key] !== undefined && there[key] !== null;
  const known = Object.entries(node.properties ?? {}).filter(([key, it]) => {
    // Files with secrets, twins in another unit and what is without effect are shown where somebody uses them.
    const isRare = it.deprecated || (key.endsWith("_f") && key.slice(0, -2) in node.properties) || (key.endsWith("_file") && key.slice(0, -5) in node.properties);
    return isSet(key) || !isRare;
  });
  const below = (key, it) => ({ keys: [...keys, key], node: it, tree: here?.[key], page });
  const fields = known.filter(([key, it]) => !["section", "items"].includes(kind(it)) || key === "schedules").map(([key, it]) => field(below(key, it)));
  const parts = known.filter(([key, it]) => ["section", "items"].includes(kind(it)) && key !== "schedules").map(([key, it]) => part(below(key, it)));
  const names = Object.keys(there).filter((key) => !(key in (node.properties ?? {})));
  const any = typeof node.additionalProperties === "object" ? node.additionalProperties : null;
  const named = any ? names.map((key) => (kind(any) === "section" ? part(below(key, any), true) : field(below(key, any), true))) : [];
  return [fields.length > 0 && h("div", { class: "fields" }, fields), parts, named, any && newName({ keys, any, page })];
}

/** A section, or a list of sections, that can be opened. */
function part(at, canGo = false) {
  const { keys, node, page } = at;
  const within = path(keys);
  const isWrong = page.wrong.some((it) => it.path === within || it.path.startsWith(`${within}.`) || it.path.startsWith(`${within}[`));
  const own = page.wrong.filter((it) => it.path === within);
  own.forEach((it) => page.placed.add(it));
  const isTyped = [...changes.keys()].some((it) => it.startsWith(`${pointer(keys)}/`)) || [...drafts].some(([it, text]) => text && it.startsWith(`${id(keys)}-`));
  const items = kind(node) === "items";
  const list = items ? plain(at.tree) ?? [] : [];
  return h("details", { class: "part", id: id(keys), open: isWrong || isTyped },
    h("summary", { id: `${id(keys)}-words` }, h("span", { class: isWrong ? "wrong" : "" }, typeof at.name === "string" ? at.name : canGo ? keys.at(-1) : title(String(keys.at(-1)))), items && h("span", { class: "mode" }, `${list.length}`)),
    node.description && h("p", { class: "quiet" }, prose(node.description)),
    own.map((it) => h("p", { class: "answer trouble" }, words(it))),
    items
      ? [list.map((it, place) => part({ keys: [...keys, place], node: node.items, tree: it, page, name: it?.name ?? it?.topic ?? `${place + 1}` }, true)), newItem({ keys, node, list, page })]
      : children(at),
    canGo && h("button", { type: "button", class: "plain danger", id: `${id(keys)}-gone`, busy: isBusy, onclick: () => takeOut(at) }, "Take it out"));
}

/** Takes a part out. What is changed and not saved yet hangs on the places of items, which move then. */
function takeOut({ keys, name, page }) {
  if (changes.size > 0) say("Save what you have changed first, or read again.", true);
  else if (!page.holds() && window.confirm(`Take ${name ?? keys.at(-1)} out of the config? It is in force at once.`)) send([[pointer(keys), null]], page);
}

/** A value. */
function field(at) {
  const { keys, node, page } = at;
  const key = keys.at(-1);
  const isHeld = isLeaf(at.tree) && at.tree.readonly;
  const here = id(keys);
  const wrong = page.wrong.filter((it) => it.path === path(keys) || (["list", "text"].includes(kind(node)) && it.path.startsWith(`${path(keys)}[`)));
  wrong.forEach((it) => page.placed.add(it));
  if (key === "schedules") return h("div", { class: "field" }, h("a", { class: "plain", href: "#schedules" }, "Its schedules"), wrong.map((it) => h("p", { class: "answer trouble" }, words(it))));
  const notes = [node.description, isHeld && `Held by ${at.tree.env_var ?? "an option of the command line"}, which is stronger than the file.`].filter(Boolean);
  const described = { id: here, name: here, disabled: isHeld || isBusy, "aria-describedby": `${here}-note`, "aria-invalid": wrong.length > 0 ? "true" : null };
  return h("div", { class: "field" },
    h("label", { for: here }, label(String(key), node["x-unit"]), node["x-unit"] && h("span", { class: "quiet" }, ` (${node["x-unit"]})`)),
    input(at, described),
    h("p", { class: "quiet", id: `${here}-note` }, prose(notes.join(" "))),
    wrong.map((it) => h("p", { class: "answer trouble" }, words(it))));
}

function input({ keys, node, tree: leaf }, described) {
  const where = pointer(keys);
  const now = plain(leaf) ?? null;
  const shown = changes.has(where) ? changes.get(where) : now;
  const set = (value) => {
    if (JSON.stringify(value) === JSON.stringify(now)) changes.delete(where);
    else changes.set(where, value);
    document.getElementById("form-save").textContent = toSave();
  };
  const usual = node.default === undefined ? "" : String(node.default);
  // With each letter: whatever redraws the page takes nothing away.
  const listens = (read) => ({ oninput: (event) => set(read(event.target.value.trim())) });
  const empty = (text, read) => (text === "" ? null : read(text));
  switch (kind(node)) {
    case "switch":
      return choice(described, [["true", "yes"], ["false", "no"]], shown === null ? "" : String(shown), { true: "yes", false: "no" }[usual] ?? usual, (it) => set(empty(it, (text) => text === "true")));
    case "names": {
      const names = node.enum.filter((it) => typeof it === "string");
      const word = shown === false ? "off" : shown === true ? "on" : String(shown ?? "");
      return choice(described, names.map((it) => [it, it]), names.find((it) => it.toLowerCase() === word.toLowerCase()) ?? word, usual, (it) => set(empty(it, String)));
    }
    case "number":
      return h("input", { ...described, type: "number", step: types(node).includes("integer") ? "1" : "any", min: node.minimum ?? node.exclusiveMinimum, max: node.maximum, placeholder: usual, value: shown ?? "", inputmode: "decimal", ...listens((it) => empty(it, Number)) });
    case "secret": {
      const isName = String(keys.at(-1)).endsWith("username");
      return h("input", { ...described, type: isName ? "text" : "password", autocomplete: "off", spellcheck: "false", placeholder: now ? "set; empty leaves it" : "not set", value: changes.get(where) ?? "", oninput: (event) => set(event.target.value === "" ? now : event.target.value) });
    }
    case "list": {
      const read = (it) => it.split(",").map((one) => one.trim()).filter(Boolean).map((one) => (types(node.items ?? {}).includes("integer") ? Number(one) : one));
      return h("input", { ...described, type: "text", placeholder: usual, value: [shown ?? []].flat().join(", "), ...listens((it) => empty(it, read)) });
    }
    default: {
      const isNumber = node.anyOf?.some((it) => types(it).includes("number")) && !node.anyOf.some((it) => types(it).includes("string"));
      const read = (it) => (isNumber && !Number.isNaN(Number(it)) ? Number(it) : it);
      const asText = shown === false ? "off" : shown !== null && typeof shown === "object" ? Object.entries(shown).map(([key, it]) => `${key}: ${it}`).join(", ") : shown ?? "";
      return h("input", { ...described, type: "text", autocomplete: "off", spellcheck: "false", placeholder: usual, value: asText, ...listens((it) => empty(it, read)) });
    }
  }
}

function choice(described, options, chosen, usual, set) {
  const strange = chosen !== "" && !options.some(([it]) => it === chosen) ? [[chosen, chosen]] : [];
  const all = [["", usual === "" ? "as usual" : `as usual: ${usual}`], ...strange, ...options];
  return h("select", { ...described, onchange: (event) => set(event.target.value) }, all.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

/** A new item of a list: what it cannot do without is asked for at once. */
function newItem({ keys, node, list, page }) {
  const asked = node.items.required ?? Object.keys(node.items.properties).slice(0, 1);
  const here = `${id(keys)}-new`;
  return h("form", { class: "edit fields", id: here, onsubmit: (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    add([[pointer(keys), [...list, Object.fromEntries(asked.map((key) => [key, given.get(key).trim()]))]]], here, page);
  } },
    asked.map((key) => h("label", {}, title(key), control(node.items.properties[key], key, here))),
    h("button", { type: "submit", class: "act", id: `${here}-add`, busy: isBusy }, "Add one"));
}

const control = (node, key, here) => kind(node) === "names"
  ? h("select", { name: key, ...drafted(`${here}-${key}`) }, node.enum.filter((it) => typeof it === "string").map((it) => h("option", { value: it, selected: it === drafts.get(`${here}-${key}`) }, it)))
  : h("input", { name: key, ...drafted(`${here}-${key}`), required: true, autocomplete: "off" });

const drafted = (id) => ({ id, value: drafts.get(id) ?? "", oninput: (event) => drafts.set(id, event.target.value) });

/** Adds something; what was typed of it stays until it is there. */
async function add(pairs, here, page) {
  const sent = [...drafts].filter(([id]) => id.startsWith(`${here}-`));
  if (!(await send(pairs, page))) return;
  // What was typed meanwhile is the next one.
  for (const [id, text] of sent) if (drafts.get(id) === text) drafts.delete(id);
  page.again();
}

/** A new name in a section whose names are the user's choice. */
function newName({ keys, any, page }) {
  const here = `${id(keys)}-new`;
  const isPart = kind(any) === "section";
  return h("form", { class: "edit fields", id: here, onsubmit: (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const [first] = Object.entries(any.properties ?? {}).filter(([, it]) => kind(it) === "switch");
    add([[pointer([...keys, given.get("name").trim()]), isPart ? { [first[0]]: first[1].default ?? true } : given.get("value")]], here, page);
  } },
    h("label", {}, "A new name", h("input", { name: "name", ...drafted(`${here}-name`), required: true, autocomplete: "off" })),
    !isPart && h("label", {}, "Its value", h("input", { name: "value", ...drafted(`${here}-value`), type: "password", required: true, autocomplete: "off" })),
    h("button", { type: "submit", class: "act", id: `${here}-add`, busy: isBusy }, "Add it"));
}

async function load(again) {
  try {
    schema ??= await ask("api/config/schema");
    take(await ask("api/config"));
    trouble = "";
  } catch (error) {
    trouble = error.message;
  }
  again();
}

async function save(page) {
  if (changes.size === 0) {
    say("Nothing has been changed.");
    return;
  }
  if (await send([...changes], page)) changes.clear();
  page.again();
}

/** Sends changes; what is wrong is shown at its place. */
async function send(pairs, page) {
  if (page.holds()) return false;
  isBusy = true;
  page.again();
  let isDone = false;
  try {
    const told = await ask("api/config", { method: "PATCH", headers: etag ? { "if-match": etag } : {}, body: { changes: pairs.map(([where, value]) => ({ path: where, value })) } });
    problems = [];
    trouble = "";
    isDone = true;
    say(told.restart ? `Saved. The bridge starts again: ${told.restart}.` : "Saved, and in force.");
    await load(() => {});
    await page.saved();
  } catch (error) {
    problems = error.problems ?? [];
    trouble = error.status === 412 ? "Somebody else has changed the file since. Read it again, then change it." : error.message;
    say(trouble, true);
  }
  isBusy = false;
  page.again();
  // The button is far from the place that is wrong.
  if (problems.length > 0) document.querySelector("#form [aria-invalid=true]")?.focus();
  return isDone;
}
