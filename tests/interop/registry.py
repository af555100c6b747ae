#!/usr/bin/env python3
"""What a real Home Assistant keeps of the bridge: ids, categories, what is disabled, after every kind of trouble.

    HEATTRAX_HA=FOLDER tests/interop/registry.py [--heattrax target/debug/heattrax] [--only WORD]... [--list]

FOLDER holds a Home Assistant to try things with, as three programs:
    up HOST PORT     starts it, joined to that broker; its last line is {"url", "token_file", "log"}
    ha.py            latency ENTITY [N]: switches, and prints how long it took
    down [--forget]  stops it, and throws its state away: a run begins with that
Without HEATTRAX_HA nothing is tried, and that is said. The broker is mosquitto on 127.0.0.1:1883; the rest is of `interop/`.
"""

import argparse
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from lab import HERE, PORT, HomeAssistant

from bench import Bench, Failed, Program, check, eventually, free_port, http
from house import House
from peers import ACCOUNT, Broker, Plug, tool

SOON = 3.0
LOUD = re.compile(r" (WARNING|ERROR) ")
# Until a move it hears of every entity twice; it makes no child of what is still a device; and it refuses what is disabled.
MOVES = (
    "conflicting MQTT|Ignoring empty MQTT|Error adding entity|No device components to cleanup|will be added again|too frequently"
)
ABSENT = ("unavailable", None)


class Keeper(Broker):
    """A mosquitto that remembers what was retained, unless it is made to forget between two starts."""

    def up(self):
        if not self.kept.exists():
            # It gives root's rights up, and has to write there.
            self.kept.mkdir()
            self.kept.chmod(0o777)
        config = self.bench.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nlog_dest stdout\nallow_anonymous true\n"
            f"persistence true\npersistence_location {self.kept}/\nautosave_interval 1\n"
        )
        self.program = self.bench.start(Program("mosquitto", [tool("mosquitto"), "-c", config], self.bench.folder))
        eventually("the broker lets clients in", lambda: self._publish("interop/hello", "1").returncode == 0)
        return self

    @property
    def kept(self):
        """Where it remembers."""
        return self.bench.folder / "kept"

    def forget(self):
        """While it is down."""
        (self.kept / "mosquitto.db").unlink(missing_ok=True)


class Home(House):
    """A house whose broker is the one that Home Assistant knows."""

    def __init__(self, bench, ha):
        self.bench, self.ha = bench, ha
        bench.secrets.append(ACCOUNT[1])
        self.broker = Keeper(bench, port=PORT).up()
        self.dual, self.garden = Plug(bench, "P210M"), Plug(bench, "EP40M")
        self.web_port = free_port()
        self.file, self.data = bench.folder / "heattrax.yaml", bench.folder / "data"
        self.bridge = self.watch = None
        self.logged = []

    def again(self, config=None):
        """The bridge is stopped and started, with another config if there is one."""
        if config is not None:
            self.write(config)
        self.bridge.terminate()
        return self.run().ready()

    def announced(self):
        """Unique id → component, in the layouts that announce whole devices."""
        found = {}
        for topic, message in self.broker.retained("homeassistant/#").items():
            told = (message.json() or {}) if topic.endswith("/config") else {}
            for root in [told, *told.get("cdevs", [])]:
                found.update({it["uniq_id"]: it for it in root.get("cmps", {}).values() if "uniq_id" in it})
        return found

    def absent(self):
        """The registered entities that are on and not available, and those that are announced and not registered."""
        there, states = self.ha.entities(), self.ha.states()
        ours = [it["entity_id"] for it in there.values() if not it["disabled_by"]]
        return [it for it in ours if states.get(it, {}).get("state") in ABSENT] + [
            it for it in getattr(self, "wanted", ()) if it not in there
        ]

    def whole(self, seconds=30.0):
        """Waits until all that is wanted is there and available. Returns how long that took."""
        began = time.monotonic()

        def look():
            try:
                return self.ha.entities() and not self.absent()
            except (OSError, Failed):
                self.ha.hang_up()
                return False

        try:
            eventually("every entity is available", look, seconds)
        except Failed as failure:
            raise Failed(f"{failure}; not so: {self.absent()}") from None
        return time.monotonic() - began

    def expects(self, pattern, what):
        """What Home Assistant has logged since it was last asked, and what of that belongs to what was just done to it."""
        told = [it for it in self.ha.said() if LOUD.search(it)]
        ours = [it for it in told if re.search(pattern, it)]
        self.logged += [it for it in told if it not in ours]
        if ours:
            print(f"    Home Assistant logs {len(ours)} lines about {what}, such as: {ours[0][30:200]}")

    def ids(self):
        """Unique id → entity id."""
        return {unique: it["entity_id"] for unique, it in self.ha.entities().items()}

    def same(self, before, when):
        """The registry holds these ids and no others, and each device once."""
        after = self.ids()
        more, less = sorted(set(after) - set(before)), sorted(set(before) - set(after))
        check(not more and not less, f"{when}: new {more}, gone {less}")
        moved = {it: (before[it], after[it]) for it in before if before[it] != after[it]}
        check(not moved, f"{when}: other entity ids {moved}")
        marks = [mark for it in self.ha.devices() for mark in map(tuple, it["identifiers"])]
        check(len(marks) == len(set(marks)), f"{when}: a device is there twice: {sorted(marks)}")
        held = {it["device_id"] for it in self.ha.entities().values()}
        empty = [it["name"] for it in self.ha.devices() if it["id"] not in held]
        check(not empty, f"{when}: devices without an entity: {empty}")


def the_registry_holds_what_was_promised(home):
    """Each announced entity is registered with its id, category, class and unit, disabled if it is to be, and no other is."""
    promised, there, states = home.announced(), home.ha.entities(), home.ha.states()
    wrong = [f"{it} is registered and not announced" for it in set(there) - set(promised)]
    for unique, it in sorted(promised.items()):
        entry = there.get(unique)
        if entry is None:
            wrong.append(f"{unique} is not registered")
            continue
        id = entry["entity_id"]
        shown = states.get(id, {"state": "-", "attributes": {}})
        seen = {
            "id": id,
            "category": entry["entity_category"],
            "off": entry["disabled_by"] == "integration",
            "class": shown["attributes"].get("device_class"),
            "unit": shown["attributes"].get("unit_of_measurement"),
            "counts": shown["attributes"].get("state_class"),
        }
        wanted = {
            "id": it.get("def_ent_id"),
            "category": it.get("ent_cat"),
            "off": not it.get("en", True),
            "class": it.get("dev_cla"),
            "unit": it.get("unit_of_meas"),
            "counts": it.get("stat_cla"),
        }
        if seen["off"]:
            # A disabled entity has no state to compare.
            for key in ("class", "unit", "counts"):
                seen[key] = wanted[key]
        if it["p"] == "sensor" and it.get("ops"):
            seen["class"] = wanted["class"]
        print(
            f"    {id:<46} {'disabled' if seen['off'] else shown['state'][:24]:<25} {seen['unit'] or '':<4} "
            f"{seen['class'] or '':<16} {seen['category'] or ''}"
        )
        wrong += [f"{id}: {key} is {seen[key]}, not {wanted[key]}" for key in wanted if seen[key] != wanted[key]]
        if not seen["off"] and shown["state"] in ("unavailable", "-"):
            wrong.append(f"{id} is {shown['state']}")
    print(f"    {len(promised)} entities, {sum(not it.get('en', True) for it in promised.values())} of them disabled")
    check(not wrong, "; ".join(wrong))


def what_is_disabled_can_be_enabled(home):
    """A person enables every disabled entity; after a reload of the integration each has a state, and all are available."""
    off = {it["entity_id"]: it for it in home.ha.entities().values() if it["disabled_by"]}
    for id in off:
        home.ha.ask("config/entity_registry/update", entity_id=id, disabled_by=None)
    reload(home)
    took = home.whole()
    states = home.ha.states()
    for id in sorted(off):
        print(f"    {id}: {states[id]['state']}")
    print(f"    all is available {took:.1f} s after the reload")
    home.enabled = sorted(off)


def a_fault_is_seen_and_acknowledged(home):
    """A welded relay shows as stuck in Home Assistant, with its words; the button acknowledges it, once the relay is sound."""
    ha = home.ha
    ha.call("switch.turn_on", "switch.walkway_mat_1")
    home.dual.wait_relay(1, True)
    ha.wait_state("switch.walkway_mat_1", "on")
    # A welded relay is known by what flows through it. A fault is one when five looks and two minutes agree.
    home.dual.do("load?slot=1&watts=300")
    home.dual.do("relay?slot=1&what=welded")
    ha.call("switch.turn_off", "switch.walkway_mat_1")
    ha.wait_state("binary_sensor.walkway_mat_1_relay_stuck", "on", 170)
    ha.wait_state("binary_sensor.walkway_mat_1_fault", "on")
    # The plug says that it is off: its meter knows better.
    check(ha.state("switch.walkway_mat_1") == "off", "the switch shows what the plug reports")
    check(float(ha.state("sensor.walkway_mat_1_power")) > 100, "the power shows that it is not off")
    home.dual.do("relay?slot=1&what=sound")
    home.dual.wait_relay(1, False, 40)
    ha.call("button.press", "button.walkway_mat_1_acknowledge")
    ha.wait_state("binary_sensor.walkway_mat_1_relay_stuck", "off", 20)
    ha.wait_state("binary_sensor.walkway_mat_1_fault", "off")
    ha.wait_state("switch.walkway_mat_1", "off")


def the_restart_button_restarts(home):
    """The restart button takes the bridge away for less than 3 s, and everything is there again with the same ids."""
    before = home.ids()
    if "button.heattrax_restart" not in home.ha.states():
        raise Failed("the button is disabled: what_is_disabled_can_be_enabled goes first")
    watch = home.broker.watch("heattrax/bridge/availability")
    since = watch.mark()
    home.ha.call("button.press", "button.heattrax_restart")
    # It may be away for so short a time that nobody who asks sees it.
    said = lambda: [it.payload for it in watch.messages("heattrax/bridge/availability", since)]  # noqa: E731
    eventually("the bridge has gone and come back", lambda: said() == ["offline", "online"], 15)
    watch.end()
    print(f"    the bridge went and came back; all is available {home.whole():.1f} s later")
    home.same(before, "after the restart button")


class Ready:
    """When each of the three was ready last."""

    def __init__(self, home):
        self.home, self.at, self.birth = home, {}, None

    def stop(self, part, hard=False):
        home = self.home
        if part == "Home Assistant":
            home.logged += home.ha.said()
            home.ha.down()
        else:
            program = home.bridge if part == "the bridge" else home.broker.program
            program.kill() if hard else program.terminate()

    def start(self, part):
        home = self.home
        if part == "the broker":
            home.broker.up()
            self.at[part] = time.monotonic()
            self.birth = home.broker.watch("homeassistant/status")
        elif part == "the bridge":
            home.run()
        else:
            self.thread = threading.Thread(target=home.ha.up)
            self.thread.start()

    def wait(self, started):
        """Waits for each of those that were started. Home Assistant is ready when it has told its birth."""
        home = self.home
        born = bool({"Home Assistant", "the broker"} & set(started))

        def look():
            now = time.monotonic()
            if "the bridge" not in self.at and http("GET", f"{home.web}/readyz")[0] == 200:
                self.at["the bridge"] = now
            told = self.birth.last("homeassistant/status") if self.birth else None
            if born and "Home Assistant" not in self.at and told and told.payload == "online":
                self.at["Home Assistant"] = now
            return "the bridge" in self.at and (not born or "Home Assistant" in self.at)

        eventually(f"{started} are ready", look, 120)
        if hasattr(self, "thread"):
            self.thread.join(120)
        return max(self.at, key=self.at.get)


def all_comes_back_in_every_order(home):
    """Home Assistant, broker and bridge restart alone, then all three in each order: all is available 3 s after the last is ready."""
    parts = ("Home Assistant", "the broker", "the bridge")
    before, slow = home.ids(), []
    alone = [(("the bridge",), False, False), (("the bridge",), True, False), (("the broker",), True, False)]
    alone += [(("the broker",), False, True), (("the broker",), True, True), (("Home Assistant",), False, False)]
    orders = [(order, False, keeps) for order, keeps in zip(itertools.permutations(parts), itertools.cycle((False, True)))]
    for order, hard, keeps in alone + orders:
        name = f"{', '.join(order)}{' (killed)' if hard else ''}{' (the broker remembers)' if keeps else ''}"
        ready = Ready(home)
        if "the broker" not in order:
            ready.birth = home.broker.watch("homeassistant/status")
            time.sleep(0.2)
        for part in order:
            ready.stop(part, hard)
        if "the broker" in order and not keeps:
            home.broker.forget()
        for part in order:
            ready.start(part)
        last = ready.wait(order)
        home.whole(60)
        took = time.monotonic() - ready.at[last]
        print(f"    {name}: all is available {took:.1f} s after {last} was ready", flush=True)
        home.same(before, name)
        if took > SOON:
            slow.append(f"{name}: {took:.1f} s")
        ready.birth.end()
    check(not slow, f"slower than {SOON:g} s: {slow}")


def deleted_by_hand_comes_back_once(home):
    """A device that a person deletes in Home Assistant comes back with the next birth: with its old ids, once."""
    before = home.ids()
    gone = next(it for it in home.ha.devices() if it["name"] == "Porch light" or "porch" in it["name"].lower())
    theirs = {unique for unique, it in home.ha.entities().items() if it["device_id"] == gone["id"]}
    home.ha.ask(
        "config/device_registry/remove_config_entry", device_id=gone["id"], config_entry_id=home.ha.entry("mqtt")
    )
    eventually(f"{gone['name']} is deleted", lambda: not theirs & set(home.ids()), 10)
    home.broker.publish("homeassistant/status", "online")
    eventually(f"{gone['name']} is back", lambda: theirs <= set(home.ids()), 10)
    home.whole()
    home.same(before, "after the birth")
    one = home.ha.entities()[sorted(theirs)[0]]["entity_id"]
    home.ha.ask("config/entity_registry/remove", entity_id=one)
    time.sleep(3)
    left = set(home.ids())
    print(f"    {one} deleted alone: {len(set(before) - left)} of {len(before)} entities went with it")
    home.broker.publish("homeassistant/status", "online")
    eventually(f"{one} is back", lambda: set(before) <= set(home.ids()), 10)
    home.whole()
    home.same(before, "after an entity was deleted")
    # It clears the announcement once for each entity of the device, and hears itself.
    home.expects("No device components to cleanup|will be added again", "what it was made to delete")


def another_base_topic_changes_no_id(home):
    """The base topic is changed and changed back: all is available with the same ids, and nothing is announced twice."""
    before, config = home.ids(), home.config()
    for base in ("attic", "heattrax"):
        config["mqtt"]["base_topic"] = base
        home.again(config)
        print(f"    {base}: all is available {home.whole():.1f} s later")
        home.same(before, base)
        left = sorted(home.broker.retained("heattrax/#" if base == "attic" else "attic/#"))
        print(f"    {base}: {len(left)} topics of the other base are still retained: {left[:3]}")


def removed_while_down(home):
    """A group goes from the config while the bridge is down, or bridge and Home Assistant: nothing is left; it returns as it was."""
    before, config = home.ids(), home.config()
    mac = home.garden.device()["mac"].replace(":", "").lower()
    gone = {it for it in before if mac in it or "_group_garden_" in it}
    check(len(gone) > 5, f"the garden has entities: {gone}")
    less = {name: it for name, it in config["devices"]["groups"].items() if name != "garden"}
    for sleeps in (False, True):
        home.bridge.terminate()
        if sleeps:
            home.logged += home.ha.said()
            home.ha.down()
            # Whoever is there first hears what goes. Home Assistant never hears of what went while it was away.
            home.ha.up()
        home.wanted = set(before) - gone
        home.write({**config, "devices": {**config["devices"], "groups": less}}).run().ready()
        began = time.monotonic()
        eventually("the garden is gone", lambda: not gone & set(home.ids()), 30)
        print(f"    the garden is gone {time.monotonic() - began:.1f} s after the bridge was ready")
        home.whole()
        home.same({unique: id for unique, id in before.items() if unique not in gone}, "without the garden")
        home.wanted = set(before)
        home.again(config)
        home.whole()
        home.same(before, "with the garden again")


def reload(home):
    """A person reloads Home Assistant's MQTT integration."""
    home.ha.rest("POST", f"/api/config/config_entries/entry/{home.ha.entry('mqtt')}/reload")


def each_layout_follows_each(home):
    """Every move from one of the three layouts to another leaves each entity there once, with its id."""
    before, was = home.ids(), "via_device"
    for layout in ("components", "child_devices", "components", "via_device", "child_devices", "via_device"):
        home.logged += home.ha.said()
        home.again(home.config(homeassistant={"device_layout": layout, "min_version": "2026.11"}))
        # The move begins when the broker has been listened to for two seconds.
        time.sleep(2.5)
        took = home.whole()
        print(f"    {was} -> {layout}: all is available {2.5 + took:.1f} s after the bridge was ready", flush=True)
        eventually("all that was announced is registered", lambda: set(home.ids()) == set(before), 10)
        home.same(before, f"{was} -> {layout}")
        home.expects(MOVES, "the move")
        was = layout
    home.again(home.config())
    home.whole()


def a_tap_is_quick(home):
    """From a tap in Home Assistant until it shows what the relay reported."""
    print(f"    {home.ha.tool('latency', 'switch.walkway_mat_2', '50')}")


def as_quick_as_the_native_integration(home):
    """The same plug through Home Assistant's own `tplink`, if it takes an emulated plug."""
    try:
        flow = home.ha.rest("POST", "/api/config/config_entries/flow", {"handler": "tplink"})
        step = home.ha.rest("POST", f"/api/config/config_entries/flow/{flow['flow_id']}", {"host": home.dual.address})
        if step.get("step_id") == "user_auth_confirm":
            step = home.ha.rest(
                "POST",
                f"/api/config/config_entries/flow/{flow['flow_id']}",
                {"username": ACCOUNT[0], "password": ACCOUNT[1]},
            )
    except (Failed, OSError) as failure:
        print(f"    NOT MEASURED: {failure}")
        return
    if step.get("type") != "create_entry":
        print(f"    NOT MEASURED: tplink says {step.get('errors') or step.get('reason') or step}")
        return
    entry = step["result"]["entry_id"]
    try:
        theirs = lambda: [  # noqa: E731
            it["entity_id"]
            for it in home.ha.ask("config/entity_registry/list")
            if it["config_entry_id"] == entry and it["entity_id"].startswith("switch.") and not it["disabled_by"]
        ]
        eventually("tplink has switches", theirs, 20)
        print(f"    tplink's switches: {theirs()}")
        # The first outlet may rest after the fault that was tried before: the bridge would switch it off again at once.
        second = next(it for it in theirs() if it.endswith("_2"))
        print(f"    tplink: {home.ha.tool('latency', second, '50')}")
    finally:
        home.ha.rest("DELETE", f"/api/config/config_entries/entry/{entry}")


def nothing_is_logged(home):
    """Home Assistant has logged neither warning nor error about what the bridge says."""
    lines = home.logged + home.ha.said()
    of_ours = [it for it in lines if LOUD.search(it) and re.search(r"heattrax|tapo_|mqtt|template", it)]
    # A broker that was stopped is told by whoever was connected to it.
    of_ours = [it for it in of_ours if not re.search(r"not currently connected|connection was lost|Failed to connect", it)]
    kinds = {}
    for line in of_ours:
        kinds.setdefault(re.sub(r"^\S+ \S+ |0x\w+|\d+", "", line)[:110], []).append(line)
    for same in kinds.values():
        print(f"    {len(same)} x {same[0][:300]}")
    check(not of_ours, f"{len(of_ours)} lines of {len(kinds)} kinds")


SCENARIOS = [
    the_registry_holds_what_was_promised,
    what_is_disabled_can_be_enabled,
    a_fault_is_seen_and_acknowledged,
    the_restart_button_restarts,
    a_tap_is_quick,
    as_quick_as_the_native_integration,
    deleted_by_hand_comes_back_once,
    another_base_topic_changes_no_id,
    each_layout_follows_each,
    removed_while_down,
    all_comes_back_in_every_order,
    nothing_is_logged,
]


def clear(home):
    """Takes back all that is announced, so that the next house finds a Home Assistant without one."""
    home.bridge.end()
    for topic in home.broker.retained("homeassistant/#"):
        home.broker.publish(topic, "", retain=True)
    eventually("Home Assistant has forgotten the house", lambda: not home.ha.entities(), 20)


def fresh(home):
    """After a failure the next scenario finds a house, and a Home Assistant, as they were at first."""
    home.bridge.end()
    home.ha.hang_up()
    home.ha.forget()
    home.broker.program.end()
    home.broker.forget()
    home.broker.up()
    home.write(home.config()).run().ready()
    home.ha.up()
    eventually("all is announced", lambda: len(home.announced()) > 60, 20)
    home.wanted = set(home.announced())
    home.whole()


def play(home, chosen):
    """Plays them, each after the other. Returns how many failed."""
    failed = 0
    for scenario in chosen:
        began, verdict = time.monotonic(), "ok"
        print(f"{scenario.__name__}: {scenario.__doc__.strip()}", flush=True)
        try:
            scenario(home)
        except Exception as error:
            failed += 1
            verdict = f"FAILED: {str(error)[:1500] if isinstance(error, Failed) else traceback.format_exc()}"
            fresh(home)
        print(f"    {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heattrax", default=HERE.parent.parent / "target/debug/heattrax")
    parser.add_argument("--only", action="append", default=[], metavar="WORD")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    chosen = [it for it in SCENARIOS if not given.only or any(word in it.__name__ for word in given.only)]
    if given.list:
        print("\n".join(f"{it.__name__}: {it.__doc__}" for it in chosen))
        return 0
    if not os.environ.get("HEATTRAX_HA"):
        print("*** SKIPPED: HEATTRAX_HA names no Home Assistant to try this with; nothing was tried ***")
        return 0
    root = pathlib.Path(tempfile.mkdtemp(prefix="heattrax-registry-"))
    root.chmod(0o755)
    ha = HomeAssistant(os.environ["HEATTRAX_HA"])
    failed = 1
    try:
        with Bench(root / "house", pathlib.Path(given.heattrax).resolve(), keep=True) as bench:
            home = Home(bench, ha)
            # What an earlier run left, such as entities that somebody enabled, would look like ours.
            ha.forget()
            home.write(home.config()).run().ready()
            ha.up()
            eventually("all is announced", lambda: len(home.announced()) > 60, 20)
            home.wanted = set(home.announced())
            ha.said()
            print(f"all is available {home.whole(60):.1f} s after Home Assistant is up", flush=True)
            failed = play(home, chosen)
            bench.audit()
            if not failed:
                clear(home)
    finally:
        subprocess.run([pathlib.Path(os.environ["HEATTRAX_HA"]) / "down"], timeout=60, check=False, capture_output=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    if failed:
        print(f"the logs are in {root}")
    else:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
