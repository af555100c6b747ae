// The small page for phones: every group with its true state, the reason, and three big buttons. Nothing else.

import { known, listen } from "./bridge.js";
import { h, show } from "./dom.js";
import { begin, door } from "./frame.js";
import { gently } from "./hand.js";
import { overview } from "./overview.js";
import { figure, said, when } from "./words.js";

const main = document.getElementById("main");

function outside({ weather, at }) {
  if (!weather.enabled) return false;
  const frozen = weather.frozen_from && `snow or ice from ${when(weather.frozen_from, at)} until ${when(weather.frozen_until, at)}`;
  return h("p", { class: "card" }, [`${figure(weather.station?.temperature_c ?? weather.temperature_c, "°C", 1)} outside`, frozen].filter(Boolean).join(", "));
}

const { draw } = gently(main, () => {
  const { house } = known;
  if (!house || door.isOut) return;
  const setup = house.bridge.setup;
  show(main, setup.length > 0
    ? h("p", { class: "banner bad" }, `The config is not right, so nothing is switched: ${said(setup[0])} `, h("a", { href: "./#settings" }, "Put it right"))
    : [outside(house), overview(draw)]);
});

listen((what) => what === "house" && draw());
begin(main, draw);
