#!/usr/bin/env python3
"""A real Home Assistant and the real `heattrax`: what does a person see in it?

    HEATTRAX_HA=FOLDER tests/interop/homeassistant.py [--heattrax target/debug/heattrax] [--only WORD]...

FOLDER holds a Home Assistant to try things with, as three programs:
    up HOST PORT     starts it, joined to that broker, and returns when it is ready
    ha.py            states | state ENTITY | call DOMAIN.SERVICE ENTITY [JSON] | template JINJA | latency ENTITY [N]
    down             stops it
Without HEATTRAX_HA nothing is tried, and that is said. The broker is mosquitto on 127.0.0.1:1883; `interop/` has the rest.
"""

import argparse
import ast
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "interop"))
sys.dont_write_bytecode = True

from bench import Bench, Failed, check, eventually  # noqa: E402
from house import House  # noqa: E402
from peers import Broker, Plug, ACCOUNT  # noqa: E402

PORT = 1883
# All states with what a person sees of them, as JSON.
EVERYTHING = (
    "{% set all = namespace(list=[]) %}{% for it in states %}{% set all.list = all.list + [[it.entity_id, it.state, "
    "it.attributes.get('unit_of_measurement'), it.attributes.get('device_class'), it.attributes.get('state_class'), "
    "it.attributes.get('options')]] %}{% endfor %}{{ all.list | to_json }}"
)
ABSENT = ("unavailable", None)


class HomeAssistant:
    """The programs that somebody else brings."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.log = None

    def up(self):
        said = subprocess.run([self.folder / "up", "127.0.0.1", str(PORT)], capture_output=True, text=True, check=True)
        self.log = pathlib.Path(json.loads(said.stdout.strip().splitlines()[-1])["log"])
        # What it says from now on.
        self.read_from = self.log.stat().st_size

    def ask(self, *words, seconds=60):
        argv = [sys.executable, self.folder / "ha.py", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
        if done.returncode:
            raise Failed(f"ha.py {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.strip()

    def call(self, service, entity, **data):
        self.ask("call", service, entity, *([json.dumps(data)] if data else []))

    def template(self, text):
        return self.ask("template", text)

    def read(self, text):
        """What a template makes, as a value: `ha.py` prints it as Python does."""
        return ast.literal_eval(self.template(text))

    def everything(self):
        """Entity id → state, unit, class, state class, options."""
        return {it[0]: it[1:] for it in self.read(EVERYTHING)}

    def state(self, entity):
        """Its state, or None if there is no such entity."""
        state = self.template("{{ states('" + entity + "') }}")
        return None if state == "unknown" and entity not in self.ids() else state

    def ids(self):
        return set(self.read("{{ states | map(attribute='entity_id') | list | to_json }}"))

    def registered(self):
        """Every entity of the MQTT integration, disabled ones too."""
        return self.read("{{ integration_entities('mqtt') | list | to_json }}")

    def wait_state(self, entity, wanted, seconds=10.0):
        began = time.monotonic()
        eventually(f"{entity} is {wanted} in Home Assistant", lambda: self.state(entity) == wanted, seconds)
        return time.monotonic() - began

    def down(self):
        """Returns when it is gone."""
        subprocess.run([self.folder / "down"], check=True, timeout=60)
        eventually("Home Assistant is gone", lambda: not self._answers(), 60)

    def restart(self):
        """Returns when it is there again."""
        self.down()
        read_from = self.read_from
        self.up()
        self.read_from = read_from if self.log.stat().st_size >= self.read_from else 0

    @staticmethod
    def _answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", 8123)) == 0


class Place:
    """A house whose broker is the one that Home Assistant knows."""

    def __init__(self, bench, ha):
        self.bench, self.ha = bench, ha
        self.house = House.__new__(House)
        house = self.house
        house.bench = bench
        bench.secrets.append(ACCOUNT[1])
        house.broker = Broker(bench, port=PORT).up()
        house.dual = Plug(bench, "P210M")
        house.garden = Plug(bench, "EP40M")
        from bench import free_port

        house.web_port = free_port()
        house.file, house.data = bench.folder / "heattrax.yaml", bench.folder / "data"
        house.bridge = house.watch = None

    def promised(self):
        """What the bridge announces: entity id → component."""
        found = {}
        for topic, message in self.house.broker.retained("homeassistant/#").items():
            told = message.json() if topic.endswith("/config") else None
            for component in (told or {}).get("cmps", {}).values():
                if "def_ent_id" in component:
                    found[component["def_ent_id"]] = component
        return found

    def shown(self, seconds):
        """Waits until every announced entity that is on by default is there and available. Returns how long that took."""
        began = time.monotonic()
        missing = {}

        def look():
            nonlocal missing
            try:
                there = self.ha.everything()
            except (Failed, subprocess.TimeoutExpired):
                return False
            wanted = {id for id, it in self.promised().items() if it.get("en", True)}
            missing = {id: there.get(id, [None])[0] for id in wanted if there.get(id, [None])[0] in ABSENT}
            return wanted and not missing

        try:
            eventually("every entity is available", look, seconds)
        except Failed as failure:
            raise Failed(f"{failure}: {missing}") from None
        return time.monotonic() - began

    def leaves_nothing(self):
        """Takes everything back, so that the next house finds a Home Assistant without any."""
        self.house.bridge.end()
        for topic in self.house.broker.retained("homeassistant/#"):
            self.house.broker.publish(topic, "", retain=True)
        eventually("Home Assistant has forgotten the house", lambda: not self.ha.registered(), 20)

    def single(self):
        """No entity is there twice."""
        twice = [it for it in self.ha.registered() if re.search(r"_\d+$", it) and it not in self.promised()]
        twice = [it for it in twice if re.sub(r"_\d+$", "", it) in self.promised()]
        check(not twice, f"entities are there twice: {twice}")


def every_entity_is_as_promised(place):
    """Each announced entity appears with its id, unit, class, options and a state; those that are off by default do not."""
    promised = place.promised()
    there = place.ha.everything()
    wrong, rows = [], []
    for id, it in sorted(promised.items()):
        if not it.get("en", True):
            if id in there:
                wrong.append(f"{id} is on, and should be off by default")
            continue
        state, unit, kind, counts, options = there.get(id, [None] * 5)
        rows.append(f"{id:<60} {str(state)[:32]:<34} {unit or '':<5} {kind or ''}")
        if state is None:
            wrong.append(f"{id} is not there")
        if unit != it.get("unit_of_meas") and not (it.get("dev_cla") == "temperature"):
            wrong.append(f"{id} has the unit {unit}, not {it.get('unit_of_meas')}")
        if it.get("dev_cla") and kind != it["dev_cla"]:
            wrong.append(f"{id} has the class {kind}, not {it['dev_cla']}")
        if it.get("stat_cla") and counts != it["stat_cla"]:
            wrong.append(f"{id} has the state class {counts}, not {it['stat_cla']}")
        if it.get("ops") and it["p"] != "event" and options != it["ops"]:
            wrong.append(f"{id} has the options {options}")
    print("\n".join(f"    {it}" for it in rows))
    check(not wrong, "; ".join(wrong))
    place.single()


def a_person_switches_in_both_places(place):
    """Switch, control, pause, vacation and buttons from Home Assistant reach the relay; the plug's own button reaches Home Assistant."""
    ha, house = place.ha, place.house
    mat, group = "switch.walkway_mat_1", "switch.heattrax_walkway"
    ha.call("switch.turn_on", mat)
    house.dual.wait_relay(1, True)
    ha.wait_state(mat, "on")
    ha.wait_state(group, "on")
    ha.wait_state("sensor.walkway_mat_1_mode", "manual_on")
    ha.call("select.select_option", "select.walkway_mat_1_control", option="off")
    house.dual.wait_relay(1, False)
    ha.wait_state("select.walkway_mat_1_control", "off")
    ha.wait_state(mat, "off")
    ha.call("select.select_option", "select.heattrax_walkway_control", option="auto")
    ha.wait_state("select.walkway_mat_1_control", "auto")
    house.dual.do("press?slot=2")
    ha.wait_state("switch.walkway_mat_2", "on")
    ha.call("switch.turn_off", "switch.walkway_mat_2")
    house.dual.wait_relay(2, False)
    for switch in ("switch.heattrax_vacation", "switch.heattrax_pause"):
        ha.call("switch.turn_on", switch)
        ha.wait_state(switch, "on")
        ha.call("switch.turn_off", switch)
        ha.wait_state(switch, "off")
    before = house.dual.device()["counts"]["requests"]
    ha.call("button.press", "button.heattrax_refresh")
    eventually("the plugs are looked at", lambda: house.dual.device()["counts"]["requests"] > before)


def attributes_say_why(place):
    """The mode's attributes hold the sentence that says why, and the voices."""
    told = json.loads(place.ha.ask("state", "sensor.walkway_mat_1_mode"))["attributes"]
    check(told.get("sentence") and told.get("voices"), f"the attributes say why: {told}")


def all_comes_back_after_each_restart(place):
    """Home Assistant, the broker (which forgets everything) and the bridge are restarted, alone and in every pair."""
    ha, house = place.ha, place.house

    def bridge(kill):
        house.bridge.kill() if kill else house.bridge.terminate()
        house.run().ready()

    def broker():
        house.broker.kill()
        house.broker.up()

    # From when the last one of them is ready.
    table = [
        ("the bridge", [lambda: bridge(False)]),
        ("the bridge, killed", [lambda: bridge(True)]),
        ("the broker", [broker]),
        ("the broker, then the bridge", [broker, lambda: bridge(False)]),
        ("the bridge, then the broker", [lambda: bridge(False), broker]),
        ("Home Assistant", [ha.restart]),
        ("Home Assistant, then the bridge", [ha.restart, lambda: bridge(True)]),
        ("the broker, then Home Assistant", [broker, ha.restart]),
    ]
    for name, steps in table:
        for step in steps:
            step()
        began = time.monotonic()
        house.broker.wait_retained("heattrax/bridge/availability", "online")
        bridge_took = time.monotonic() - began
        total = bridge_took + place.shown(60)
        print(f"    {name}: the bridge is there {bridge_took:.1f} s later, all is available in Home Assistant after {total:.1f} s")
        # Asking what is retained takes a second by itself.
        check(bridge_took < 3 + 1, f"{name}: the bridge took {bridge_took:.1f} s")
        place.single()
    before = place.ha.registered()
    check(sorted(before) == sorted(set(before)), "nothing is there twice")


def names_change_and_ids_stay(place):
    """A device is renamed: its entities keep their ids. A group is removed: its entities go, also while the bridge is down."""
    ha, house = place.ha, place.house
    before = {it for it in ha.ids() if "walkway_mat" in it}
    config = house.config()
    config["devices"]["groups"]["walkway"]["items"][0]["name"] = "Front door mat"
    house.write(config)
    house.bridge.terminate()
    house.run().ready()
    eventually("the state is told under the new name",
               lambda: "heattrax/front_door_mat/1" in house.broker.retained("heattrax/+/+"))
    time.sleep(2)
    there = ha.everything()
    lost = {it: there.get(it, [None])[0] for it in before if there.get(it, [None])[0] in ABSENT}
    check(not lost, f"entities have lost their ids: {lost}")
    gone = config["devices"]["groups"].pop("garden")
    check(gone, "there was a garden")
    house.bridge.terminate()
    house.write(config)
    house.run().ready()

    def left():
        return [it for it in ha.registered() if "garden" in it]

    eventually(f"the garden's entities are gone: {left()}", lambda: not left(), 20)
    place.single()
    house.write(house.config())
    house.bridge.terminate()
    house.run().ready()
    place.shown(30)


def layouts_follow_each_other(place):
    """Each layout after each other leaves every entity there, once, without and with a restart of Home Assistant."""
    house = place.house
    for layout in ("components", "child_devices", "via_device"):
        house.write(house.config(homeassistant={"device_layout": layout, "min_version": "2026.11"}))
        house.bridge.terminate()
        house.run().ready()
        # The bridge listens to what it has said before for two seconds; what it clears is cleared two seconds later.
        time.sleep(8)
        alone = [it for it in house.broker.retained("homeassistant/#") if it.split("/")[1] != "device"]
        check(bool(alone) == (layout == "components"), f"{layout}: announced are {alone[:3]} …")
        at_once = not absent(place)
        place.ha.restart()
        took = shown_by_states(place, 60)
        print(f"    {layout}: there {'at once' if at_once else 'after a restart of Home Assistant only'}; {took:.1f} s after one")
        twice = [it for it in place.ha.registered() if re.search(r"_(fault|control|mode|reachable|[12])_2$", it)]
        twice = [it for it in twice if it[:-2] in place.ha.registered()]
        check(not twice, f"{layout}: entities are there twice: {twice}")
    house.write(house.config())
    house.bridge.terminate()
    house.run().ready()


def absent(place):
    """Entities of the house that are not available, and switches that are not there."""
    there = place.ha.everything()
    ours = {id: it for id, it in there.items() if "heattrax" in id or "walkway_mat" in id or "garden_plug" in id}
    switches = [f"switch.{it}" for it in ("walkway_mat_1", "walkway_mat_2", "garden_plug_1", "heattrax_walkway")]
    return [id for id, it in ours.items() if it[0] in ABSENT] + [it for it in switches if it not in ours]


def shown_by_states(place, seconds):
    """Waits until nothing of the house is absent."""
    began = time.monotonic()
    try:
        eventually("every entity is available", lambda: not absent(place), seconds)
    except Failed as failure:
        raise Failed(f"{failure}: {absent(place)}") from None
    return time.monotonic() - began


def how_quick(place):
    """From a tap in Home Assistant until it shows the new state."""
    print(f"    {place.ha.ask('latency', 'switch.walkway_mat_2', '30', seconds=120)}")


EVENING = {
    "name": "evening",
    "on": {"type": "time", "value": "18:00"},
    "off": {"type": "time", "value": "22:00"},
}


def numbers_and_the_light_are_set(place):
    """A longest runtime is lowered, one above the config's is refused, and the light on a plug is switched: the plug's word is shown."""
    ha, house = place.ha, place.house
    number, light = "number.walkway_mat_1_longest_runtime", "switch.walkway_mat_led"
    ha.wait_state(number, "360")
    ha.call("number.set_value", number, value=120)
    ha.wait_state(number, "120")
    house.broker.publish("heattrax/walkway_mat/1/longest_runtime/set", "400")
    time.sleep(1)
    check(ha.state(number) == "120", "one above the config's is refused")
    ha.call("number.set_value", number, value=360)
    ha.wait_state(number, "360")
    ha.wait_state(light, "on")
    ha.call("switch.turn_off", light)
    ha.wait_state(light, "off")
    ha.call("switch.turn_on", light)
    ha.wait_state(light, "on")


def what_goes_while_home_assistant_is_away_goes(place):
    """A group and a plug that leave the config while Home Assistant is down are gone when it is up again, although the bridge is back first."""
    ha, house = place.ha, place.house
    whole = house.config()
    check([it for it in ha.registered() if "garden" in it], "the garden is there")
    ha.down()
    parted = house.config()
    del parted["devices"]["groups"]["garden"]
    house.write(parted)
    house.bridge.terminate()
    house.run().ready()
    # It has listened to the broker, and cleared what it found there.
    eventually("the garden is cleared", lambda: not [it for it in house.broker.retained("homeassistant/#") if "garden" in it], 20)
    time.sleep(3)
    ha.up()
    eventually("the garden is gone in Home Assistant", lambda: not [it for it in ha.registered() if "garden" in it], 20)
    house.write(whole)
    house.bridge.terminate()
    house.run().ready()
    place.shown(30)


def schedules_are_set(place):
    """A schedule is silenced by its switch and moved by its time: both are written to the file, and Home Assistant shows them."""
    ha, house = place.ha, place.house
    house.write(house.config(schedules=[EVENING], homeassistant={"min_version": "2026.11"}))
    house.bridge.terminate()
    house.run().ready()
    switch, start = "switch.heattrax_porch_schedule_evening", "time.heattrax_porch_schedule_evening_on"
    ha.wait_state(switch, "on")
    ha.wait_state(start, "18:00:00")
    ha.call("switch.turn_off", switch)
    took = ha.wait_state(switch, "off")
    check("false" in house.file.read_text(), "the file says so")
    time.sleep(3)
    ha.call("time.set_value", start, time="17:30:00")
    took = max(took, ha.wait_state(start, "17:30:00"))
    print(f"    shown after {took:.1f} s at most")
    check("17:30" in house.file.read_text(), "the file says so")
    time.sleep(3)
    house.write(house.config())
    house.bridge.terminate()
    house.run().ready()
    eventually("the schedule's entities are gone", lambda: not [it for it in ha.registered() if "evening" in it], 20)


def nothing_is_logged(place):
    """Home Assistant's log has neither warning nor error about what the bridge says."""
    text = place.ha.log.read_bytes()[place.ha.read_from :].decode("utf-8", "replace")
    of_ours = [it for it in text.splitlines() if re.search(r"WARNING|ERROR", it) and re.search(r"heattrax|tapo_|mqtt", it)]
    # A broker that is killed is told by whoever was connected; and in the two seconds after a change of the layout Home Assistant hears
    # of entities in both, until the old one is let go.
    expected = "isconnected|connection was lost|Failed to connect|conflicting MQTT discovery|logging too frequently"
    of_ours = [it for it in of_ours if not re.search(expected, it)]
    print("\n".join(f"    {it[:300]}" for it in of_ours[:20]))
    check(not of_ours, f"{len(of_ours)} lines")


SCENARIOS = [
    every_entity_is_as_promised,
    attributes_say_why,
    a_person_switches_in_both_places,
    numbers_and_the_light_are_set,
    what_goes_while_home_assistant_is_away_goes,
    how_quick,
    names_change_and_ids_stay,
    schedules_are_set,
    layouts_follow_each_other,
    all_comes_back_after_each_restart,
    nothing_is_logged,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heattrax", default=HERE.parent.parent / "target/debug/heattrax")
    parser.add_argument("--only", action="append", default=[], metavar="WORD")
    given = parser.parse_args()
    folder = os.environ.get("HEATTRAX_HA")
    if not folder:
        print("SKIPPED: HEATTRAX_HA names no Home Assistant to try this with; nothing was tried")
        return 0
    root = pathlib.Path(tempfile.mkdtemp(prefix="heattrax-ha-"))
    root.chmod(0o755)
    failed = 0
    with Bench(root / "house", pathlib.Path(given.heattrax).resolve(), keep=True) as bench:
        ha = HomeAssistant(folder)
        place = Place(bench, ha)
        place.house.write(place.house.config()).run().ready()
        ha.up()
        print(f"all is available {place.shown(60):.1f} s after Home Assistant is up", flush=True)
        for scenario in SCENARIOS:
            if given.only and not any(word in scenario.__name__ for word in given.only):
                continue
            began = time.monotonic()
            try:
                scenario(place)
                verdict = "ok"
            except Exception as error:
                failed += 1
                verdict = f"FAILED: {error!r}"[:3000]
            took = time.monotonic() - began
            print(f"{scenario.__name__} ({took:.0f} s): {scenario.__doc__.strip()}\n    {verdict}", flush=True)
        bench.audit()
        place.leaves_nothing()
    if not failed:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
