// The schedules of each group: add, edit, silence, delete. What is saved is in force at once.

import { ask, known } from "./bridge.js";
import { h, idOf, say, show } from "./dom.js";
import { ranked } from "./overview.js";
import { between, plain } from "./words.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** By group: the list with its mark, or what went wrong. */
const lists = new Map();
/** What is being edited: group, place in the list (null for a new one), the list's mark, the schedule as it was and as it is to be. */
let editing = null;

const path = (group) => `api/groups/${encodeURIComponent(group)}/schedules`;

async function load(group, again) {
  try {
    lists.set(group, await ask(path(group)));
  } catch (error) {
    lists.set(group, { trouble: error.message, schedules: [] });
  }
  again();
}

/** Is anything typed, and not saved? */
export const isEdited = () => Boolean(editing && known.house?.groups[editing.group]) && JSON.stringify(editing.schedule) !== JSON.stringify(editing.was ?? fresh());

/** To be called when the view is opened: others may have changed something. What is typed and not saved stays. */
export function reload() {
  lists.clear();
  if (isEdited()) editing.isBack = true;
  else editing = null;
}

/** The view. */
export function schedules(again) {
  const groups = ranked(known.house);
  for (const [slug] of groups) {
    if (!lists.has(slug)) {
      lists.set(slug, { isLoading: true, schedules: [] });
      load(slug, again);
    }
  }
  return groups.map(([slug, group]) => card(slug, group, again));
}

function card(slug, group, again) {
  const found = lists.get(slug);
  return h("section", { class: "card" },
    h("h2", {}, group.name),
    found.trouble && h("p", { class: "answer trouble" }, found.trouble),
    found.isLoading && h("p", { class: "quiet" }, "Loading…"),
    !found.isLoading && found.schedules.length === 0 && h("p", { class: "quiet" }, group.class === "heater" ? "No schedule: it heats by the weather alone, if the config says so." : "No schedule."),
    h("ul", { class: "windows" }, found.schedules.map((it, index) => row(slug, it, index, found, again))),
    editing?.group === slug
      ? form(again)
      : h("button", { type: "button", class: "act", id: idOf(`add-${slug}`), onclick: () => { editing = { group: slug, index: null, etag: found.etag, schedule: fresh() }; again(); } }, "Add a schedule"),
  );
}

function row(slug, it, index, found, again) {
  const enabled = it.enabled !== false;
  const id = idOf(`schedule-${slug}-${index}`);
  return h("li", { class: enabled ? "" : "is-silent" },
    h("b", {}, it.name ?? "Unnamed"),
    h("span", {}, describe(it, found.units)),
    h("span", { class: "row" },
      h("label", { class: "switch" },
        h("input", { type: "checkbox", role: "switch", id, "aria-label": `${it.name ?? "Unnamed"}: in use`, checked: enabled, onchange: (event) => {
          const speaks = event.target.checked;
          change(slug, `${path(slug)}/${index}/enabled`, "PUT", { enabled: speaks }, again, (edited) => { if (edited.index === index) edited.schedule.enabled = speaks; });
        } }),
        enabled ? "in use" : "silent"),
      h("button", { type: "button", class: "plain", id: `${id}-edit`, "aria-label": `Edit ${it.name ?? "Unnamed"}`, onclick: () => { editing = { group: slug, index, etag: found.etag, was: it, schedule: structuredClone(it) }; again(); } }, "Edit"),
      h("button", { type: "button", class: "plain danger", id: `${id}-delete`, "aria-label": `Delete ${it.name ?? "Unnamed"}`, onclick: () => {
        if (window.confirm(`Delete the schedule “${it.name}”?`)) change(slug, `${path(slug)}/${index}`, "DELETE", undefined, again, (edited) => {
          if (edited.index === index) gone(edited);
          else if (edited.index > index) edited.index -= 1;
        });
      } }, "Delete"),
    ),
  );
}

const send = (where, method, body, etag) => ask(where, { method, body, headers: etag ? { "if-match": etag } : {} });

/** Changes the list. `moved` is told what is being edited of the same list: that goes on with the list as it is then. */
async function change(slug, where, method, body, again, moved) {
  const { etag } = lists.get(slug);
  try {
    const told = await send(where, method, body, etag);
    if (editing?.group === slug && editing.etag === etag) {
      editing.etag = told.etag;
      moved(editing);
    }
    say("Saved, and in force.");
  } catch (error) {
    say(error.message, true);
  }
  await load(slug, again);
}

/** What is edited is in the list no more, and takes nobody else's place. */
function gone(edited) {
  edited.index = null;
  edited.trouble = `It is in the list no more. If it is saved, it is a new one${edited.was.safety ? ", without its limits (safety)" : ""}.`;
}

/** Where is what is edited, in a list that somebody else has changed? By its name: its place may be another one's by now. */
function find(edited, { etag, schedules: list, trouble, units }) {
  if (trouble) return;
  edited.etag = etag;
  if (edited.index === null) {
    edited.trouble = "The schedules have changed since: look at them, and save again.";
    return;
  }
  const { was } = edited;
  const found = list.filter((it) => (was.name ? it.name === was.name : JSON.stringify(it) === JSON.stringify(was)));
  if (found.length !== 1) {
    gone(edited);
    return;
  }
  const isSame = JSON.stringify(found[0]) === JSON.stringify(was);
  Object.assign(edited, { index: list.indexOf(found[0]), was: found[0] });
  edited.trouble = `The schedules have changed since, ${isSame ? "but not this one" : `and this one is now: ${describe(found[0], units)}${found[0].enabled === false ? ", silent" : ""}`}. Save again to put yours in its place.`;
}

/** A schedule in words. */
function describe(it, units) {
  const days = it.days && it.days.length < 7 ? it.days.map((day) => DAYS[day - 1] ?? day).join(", ") : "every day";
  const wants = Object.entries(it.conditions ?? {}).map(([key, value]) => (value === true ? plain(key) : value === false ? `no ${plain(key)}` : key === "temperature_max" ? `the air is at most ${value} ${degrees(units)}`.trim() : `${plain(key)} ${value}`));
  const times = it.all_day ? "all day" : `${moment(it.on)} – ${moment(it.off)}`;
  return [times, days, wants.length > 0 && `if ${wants.join(" and ")}`, it.priority && it.priority !== "normal" && `${it.priority} priority`].filter(Boolean).join(", ");
}

/** The unit of the file's temperatures, if it is known. */
const degrees = (units) => ({ imperial: "°F", metric: "°C" })[units] ?? "";

function moment(it) {
  if (!it) return "?";
  if (it.type === "sunrise" || it.type === "sunset") {
    const offset = Number(it.offset ?? 0);
    return offset === 0 ? it.type : `${Math.abs(offset)} min ${offset < 0 ? "before" : "after"} ${it.type}`;
  }
  if (it.type === "duration") return `${it.value} h later`;
  return String(it.value);
}

const fresh = () => ({ name: "", enabled: true, days: [1, 2, 3, 4, 5, 6, 7], on: { type: "time", value: "06:00" }, off: { type: "time", value: "08:00" } });

let asking = null;

/** When it would open in the next seven days, shown below the form as it is edited. */
function foresee() {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    const edited = editing;
    if (!edited) return;
    const { safety: _kept, name, ...schedule } = edited.schedule;
    let told;
    try {
      const found = await ask("api/schedules/preview", { method: "POST", body: { group: edited.group, schedule: { ...schedule, name: name || "preview" } } });
      const windows = found.windows.map((it) => h("li", {}, between(it.start, it.end, known.house.at)));
      told = [h("h3", {}, `The next seven days${found.note ? `, ${found.note}` : ""}`), windows.length > 0 ? h("ul", {}, windows) : h("p", { class: "quiet" }, "It never opens.")];
    } catch (error) {
      told = [h("p", { class: "quiet" }, error.message)];
    }
    const place = document.getElementById("preview");
    if (place && editing === edited) show(place, told);
  }, 300);
}

function form(again) {
  const it = editing.schedule;
  foresee();
  const set = (key) => (event) => { it[key] = event.target.value; };
  return h("form", { class: "edit", oninput: foresee, onchange: foresee, onsubmit: (event) => { event.preventDefault(); save(again); } },
    h("h3", {}, editing.index === null ? "A new schedule" : "Edit"),
    h("label", {}, "Name", h("input", { id: "edit-name", required: true, maxlength: 60, value: it.name ?? "", oninput: set("name") })),
    h("fieldset", {}, h("legend", {}, "Days"), DAYS.map((name, index) => {
      const day = index + 1;
      return h("span", {}, h("input", { type: "checkbox", id: `edit-day-${day}`, checked: (it.days ?? [1, 2, 3, 4, 5, 6, 7]).includes(day), onchange: (event) => {
        const days = new Set(it.days ?? [1, 2, 3, 4, 5, 6, 7]);
        if (event.target.checked) days.add(day); else days.delete(day);
        it.days = [...days].sort();
      } }), h("label", { for: `edit-day-${day}` }, name));
    })),
    h("label", { class: "switch" }, h("input", { type: "checkbox", id: "edit-all-day", checked: it.all_day === true, onchange: (event) => {
      it.all_day = event.target.checked;
      if (it.all_day) { delete it.on; delete it.off; } else { delete it.all_day; Object.assign(it, { on: fresh().on, off: fresh().off }); }
      again();
    } }), "All day"),
    !it.all_day && time("on", "Goes on at", ["time", "sunrise", "sunset"], it, again),
    !it.all_day && time("off", "Goes off at", ["time", "sunrise", "sunset", "duration"], it, again),
    conditions(it, again, lists.get(editing.group)?.units),
    h("label", {}, "Priority", h("select", { id: "edit-priority", onchange: set("priority") }, ["critical", "normal", "low"].map((name) => h("option", { value: name, selected: (it.priority ?? "normal") === name }, name)))),
    editing.isBack && h("p", { class: "answer", role: "status" }, "What you typed here before is not saved yet: save it, or cancel."),
    editing.trouble && h("p", { class: "answer trouble", role: "alert" }, editing.trouble),
    h("div", { class: "buttons" },
      h("button", { type: "submit", class: "act on", id: "edit-save", busy: editing.isSaving }, "Save"),
      h("button", { type: "button", class: "act", id: "edit-cancel", onclick: () => { editing = null; again(); } }, "Cancel")),
    h("div", { id: "preview", role: "status" }),
    h("p", { class: "quiet" }, "Its limits (safety) stay as the file has them."),
  );
}

function time(key, label, types, it, again) {
  const at = it[key] ?? (it[key] = { type: "time", value: "06:00" });
  const isSun = at.type === "sunrise" || at.type === "sunset";
  return h("fieldset", {}, h("legend", {}, label),
    h("select", { id: `edit-${key}-type`, "aria-label": label, onchange: (event) => {
      const type = event.target.value;
      it[key] = type === "time" ? { type, value: "06:00" } : type === "duration" ? { type, value: 2 } : { type, offset: 0, fallback: type === "sunrise" ? "07:00" : "17:00" };
      again();
    } }, types.map((name) => h("option", { value: name, selected: at.type === name }, name === "duration" ? "a while later" : name))),
    at.type === "time" && h("input", { type: "time", id: `edit-${key}-value`, "aria-label": `${label}, time`, required: true, value: at.value, oninput: (event) => { at.value = event.target.value; } }),
    at.type === "duration" && h("label", {}, "hours", h("input", { type: "number", id: `edit-${key}-value`, min: "0.1", max: "24", step: "0.1", required: true, value: at.value, oninput: (event) => { at.value = Number(event.target.value); } })),
    isSun && h("label", {}, "minutes after (− before)", h("input", { type: "number", id: `edit-${key}-offset`, min: "-180", max: "180", value: at.offset ?? 0, oninput: (event) => { at.offset = Number(event.target.value); } })),
    isSun && h("label", {}, "if there is none", h("input", { type: "time", id: `edit-${key}-fallback`, required: true, value: at.fallback ?? "07:00", oninput: (event) => { at.fallback = event.target.value; } })),
    !["time", "duration", "sunrise", "sunset"].includes(at.type) && h("span", { class: "quiet" }, `${at.type} ${at.value ?? ""}`),
  );
}

function conditions(it, again, units) {
  const wanted = it.conditions ?? {};
  const set = (key, value) => {
    if (value === null) delete wanted[key]; else wanted[key] = value;
    if (Object.keys(wanted).length > 0) it.conditions = wanted; else delete it.conditions;
    again();
  };
  const tri = (key, label) => h("label", {}, label, h("select", { id: `edit-${key}`, onchange: (event) => set(key, { any: null, yes: true, no: false }[event.target.value]) },
    [["any", "does not matter"], ["yes", "yes"], ["no", "no"]].map(([value, words]) => h("option", { value, selected: value === (wanted[key] === undefined ? "any" : wanted[key] ? "yes" : "no") }, words))));
  return h("fieldset", {}, h("legend", {}, "Only if"),
    h("label", {}, `the air is at most${degrees(units) && ` (${degrees(units)})`}`, h("input", { type: "number", id: "edit-temperature_max", min: units === "metric" ? "-70" : "-100", max: units === "metric" ? "65" : "150", step: "0.5", placeholder: "any", value: wanted.temperature_max ?? "", onchange: (event) => set("temperature_max", event.target.value === "" ? null : Number(event.target.value)) })),
    tri("precipitation_active", "precipitation"),
    tri("black_ice_risk", "black ice"),
  );
}

async function save(again) {
  const edited = editing;
  const { group, index, etag } = edited;
  const { safety: _kept, ...told } = edited.schedule;
  let isOld = false;
  edited.isSaving = true;
  again();
  try {
    await (index === null ? send(path(group), "POST", told, etag) : send(`${path(group)}/${index}`, "PUT", told, etag));
    if (editing === edited) editing = null;
    say("Saved, and in force.");
  } catch (error) {
    edited.trouble = error.message;
    isOld = error.status === 412;
    say(error.message, true);
  }
  await load(group, () => {});
  if (isOld) find(edited, lists.get(group));
  edited.isSaving = false;
  again();
}
