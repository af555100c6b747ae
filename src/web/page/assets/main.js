// The page as a whole: which view is shown, and is it still live?

import { known, listen } from "./bridge.js";
import { devices } from "./devices.js";
import { h, say, show } from "./dom.js";
import { begin, door } from "./frame.js";
import { gently } from "./hand.js";
import { history, reopen } from "./history.js";
import { log } from "./log.js";
import { overview } from "./overview.js";
import { plan } from "./plan.js";
import { isEdited, reload, schedules } from "./schedules.js";
import { isUnsaved, reopen as reopenSettings, settings } from "./settings.js";
import { weather } from "./weather.js";

/** Name, words, view, and what it is drawn anew for. */
const VIEWS = [
  ["now", "Now", overview, ["house"]],
  ["plan", "Plan", plan, ["plan", "house"]],
  ["schedules", "Schedules", schedules, []],
  ["weather", "Weather", weather, ["house"]],
  ["devices", "Devices", devices, ["house"]],
  ["history", "History", history, []],
  ["log", "Log", log, ["notice", "house"]],
  ["settings", "Config", settings, []],
];

const main = document.getElementById("main");
const chosen = () => VIEWS.find(([name]) => `#${name}` === location.hash) ?? VIEWS[0];

let wasSetup = null;

const { draw, letGo } = gently(main, () => {
  // Without a config there is nothing else to be seen.
  const isSetup = known.house?.bridge.setup.length > 0;
  document.getElementById("tabs").hidden = door.isOut || isSetup;
  if (!known.house || door.isOut) return;
  const [, , view] = isSetup ? VIEWS.at(-1) : chosen();
  show(main, view(draw));
});

function tabs() {
  const [name] = chosen();
  const strip = document.getElementById("tabs");
  show(strip, VIEWS.map(([it, words]) => h("a", { href: `#${it}`, id: `tab-${it}`, "aria-current": it === name ? "page" : null }, words)));
  // The keyboard would begin where `scrollIntoView` leads, not at the way past the views.
  const here = strip.querySelector("[aria-current]");
  strip.scrollLeft = here.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
}

/** What is typed and not saved, by the view that it is in. */
const UNSAVED = { schedules: isEdited, settings: isUnsaved };
let [here] = chosen();

window.addEventListener("hashchange", () => {
  const left = here;
  [here] = chosen();
  if (left !== here && UNSAVED[left]?.()) say("What you changed is not saved yet. It is kept where you left it.");
  reload();
  reopen();
  if (here === "settings") reopenSettings(draw);
  letGo();
  tabs();
  draw();
  main.focus();
  window.scrollTo(0, 0);
});

window.addEventListener("beforeunload", (event) => {
  if (Object.values(UNSAVED).some((it) => it())) event.preventDefault();
});

// The address names the view: the way past the views leads to this one.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
  main.scrollIntoView();
});

listen((what) => {
  if (what === "link") return;
  const [, , , live] = chosen();
  const isSetup = known.house?.bridge.setup.length > 0;
  if (isSetup !== wasSetup) {
    wasSetup = isSetup;
    reopenSettings(draw);
    draw();
    return;
  }
  if (isSetup) return;
  if (live.includes(what) || main.querySelector(":scope > .quiet")) draw();
});
tabs();
begin(main, draw);
