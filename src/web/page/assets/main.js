// The page as a whole: which view is shown, and is it still live?

import { ask, connect, known, listen, post } from "./bridge.js";
import { devices } from "./devices.js";
import { h, show } from "./dom.js";
import { history, reopen } from "./history.js";
import { log } from "./log.js";
import { overview } from "./overview.js";
import { plan } from "./plan.js";
import { reload, schedules } from "./schedules.js";
import { forget, settings } from "./settings.js";
import { signIn } from "./signin.js";
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

let isOut = false;
let wasSetup = null;

function draw() {
  if (!known.house || isOut) return;
  // Without a config there is nothing else to be seen.
  const isSetup = known.house.bridge.setup.length > 0;
  const [, , view] = isSetup ? VIEWS.at(-1) : chosen();
  // Nobody's typing is taken away.
  if (main.contains(document.activeElement) && ["INPUT", "SELECT"].includes(document.activeElement.tagName) && document.activeElement.type !== "radio" && view === overview) return;
  show(main, view(draw));
}

function tabs() {
  const [name] = chosen();
  show(document.getElementById("tabs"), VIEWS.map(([it, words]) => h("a", { href: `#${it}`, id: `tab-${it}`, "aria-current": it === name ? "page" : null }, words)));
  document.querySelector("#tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function link() {
  const place = document.getElementById("link");
  const { house } = known;
  place.className = known.isLost ? "link lost" : "link";
  if (known.isLost) {
    const seconds = Math.round((Date.now() - (known.lostAt ?? Date.now())) / 1000);
    place.textContent = `Connection lost ${seconds} s ago: what is shown is the past`;
  } else if (house) {
    const broker = { connected: "", lost: " · MQTT broker lost", unknown: "" }[house.bridge.broker] ?? "";
    place.textContent = `${house.at.slice(11, 16)}${broker}`;
  }
}

window.addEventListener("hashchange", () => {
  reload();
  forget();
  reopen();
  tabs();
  draw();
  main.focus();
  window.scrollTo(0, 0);
});

listen((what) => {
  link();
  if (what === "link") return;
  const [, , , live] = chosen();
  const isSetup = known.house?.bridge.setup.length > 0;
  if (isSetup !== wasSetup) {
    wasSetup = isSetup;
    forget();
    draw();
    return;
  }
  if (isSetup) return;
  if (live.includes(what) || main.querySelector(":scope > .quiet")) draw();
});
setInterval(link, 1000);

const theme = document.getElementById("theme");
const paint = (name) => {
  if (name) document.documentElement.dataset.theme = name;
};
paint(localStorage.getItem("theme"));
theme.addEventListener("click", () => {
  const isDark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = isDark ? "light" : "dark";
  localStorage.setItem("theme", name);
  paint(name);
});

/** Asks who is signed in; whoever has to say who they are is asked. */
async function enter() {
  let session;
  try {
    session = await ask("api/auth/session");
  } catch {
    setTimeout(enter, 2000);
    return;
  }
  isOut = session.needs !== "none" && !session.signed_in;
  document.getElementById("tabs").hidden = isOut;
  document.getElementById("leave").hidden = session.needs === "none" || isOut;
  if (isOut) signIn(main, session.needs, enter);
  else connect();
}

document.getElementById("leave").addEventListener("click", async () => {
  await post("api/auth/logout", {}).catch(() => {});
  location.reload();
});

// A session that has ended looks like a lost connection.
listen((what) => {
  if (what === "link" && known.isLost && !isOut) ask("api/auth/session").then((it) => it.needs !== "none" && !it.signed_in && enter(), () => {});
});

tabs();
enter();
