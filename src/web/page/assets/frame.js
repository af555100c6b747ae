// What every page of ours has around it: is it live, the way in and out, light and dark.

import { ask, connect, known, listen, post } from "./bridge.js";
import { signIn } from "./signin.js";

/** Is somebody outside who has to say who they are first? */
export const door = { isOut: false };

const STOPPED = "The control loop has stopped: nothing is switched";
let told = "";

function link() {
  const place = document.getElementById("link");
  const { house } = known;
  const isDead = !known.isAlive && house?.bridge.setup.length === 0;
  place.className = known.isLost || isDead ? "link lost" : "link";
  if (known.isLost) {
    const seconds = Math.round((Date.now() - (known.lostAt ?? Date.now())) / 1000);
    place.textContent = `Connection lost ${seconds} s ago: what is shown is the past`;
  } else if (isDead) {
    place.textContent = STOPPED;
  } else if (house) {
    const broker = { connected: "", lost: " · MQTT broker lost", unknown: "" }[house.bridge.broker] ?? "";
    place.textContent = `${house.at.slice(11, 16)}${broker}`;
  }
  // Whoever listens is told of what has become of it, not of each second.
  const trouble = known.isLost ? "Connection lost: what is shown is the past" : isDead ? STOPPED : house?.bridge.broker === "lost" ? "MQTT broker lost" : "";
  if (trouble === told) return;
  document.getElementById("link-said").textContent = trouble || "All is well again";
  told = trouble;
}

function paint(name) {
  if (name) document.documentElement.dataset.theme = name;
}

/** Asks who is signed in; whoever has to say who they are is asked. */
async function enter(main, opened) {
  let session;
  try {
    session = await ask("api/auth/session");
  } catch {
    setTimeout(enter, 2000, main, opened);
    return;
  }
  door.isOut = session.needs !== "none" && !session.signed_in;
  document.getElementById("leave").hidden = session.needs === "none" || door.isOut;
  opened();
  if (door.isOut) signIn(main, session.needs, () => enter(main, opened));
  else connect();
}

/** Begins. `opened` is called whenever somebody comes in or has to stay outside. */
export function begin(main, opened = () => {}) {
  listen((what) => {
    link();
    // A session that has ended looks like a lost connection.
    if (what === "link" && known.isLost && !door.isOut) ask("api/auth/session").then((it) => it.needs !== "none" && !it.signed_in && enter(main, opened), () => {});
  });
  setInterval(link, 1000);
  paint(localStorage.getItem("theme"));
  document.getElementById("theme").addEventListener("click", () => {
    const isDark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const name = isDark ? "light" : "dark";
    localStorage.setItem("theme", name);
    paint(name);
  });
  document.getElementById("leave").addEventListener("click", async () => {
    await post("api/auth/logout", {}).catch(() => {});
    location.reload();
  });
  enter(main, opened);
}
