#!/usr/bin/env python3
"""`examples/home-assistant/` in a real Home Assistant: its blueprints become automations that do what they say, and its view shows what is there.

    HEATTRAX_HA=FOLDER HEATTRAX_HA_CONFIG=FOLDER tests/interop/examples.py [--heattrax target/debug/heattrax]

HEATTRAX_HA is as for `homeassistant.py`; HEATTRAX_HA_CONFIG is the folder with that Home Assistant's `configuration.yaml`, to which automations are
added for the time of the run. Without both nothing is tried, and that is said.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from lab import HERE, HomeAssistant

from bench import Bench, Failed, check, eventually
from homeassistant import Place

EXAMPLES = HERE.parent.parent / "examples/home-assistant"
OURS = "automation: !include heattrax_examples.yaml\n"
AUTOMATIONS = [
    ("storm", "storm_ahead", {}),
    ("fault", "fault_with_acknowledge", {"base_topic": "heattrax", "faults": ["relay_stuck", "overload"]}),
    ("off", "off_while_snow_is_forecast", {"controls": ["select.walkway_mat_1_control"], "weather": "weather.none"}),
]


class Examples:
    """A Home Assistant with the blueprints, for a while."""

    def __init__(self, ha, config):
        self.ha, self.config = ha, pathlib.Path(config)
        self.main = self.config / "configuration.yaml"
        self.was = self.main.read_text()

    def __enter__(self):
        folder = self.config / "blueprints/automation/heattrax"
        folder.mkdir(parents=True, exist_ok=True)
        for file in (EXAMPLES / "blueprints/automation/heattrax").glob("*.yaml"):
            shutil.copy(file, folder)
        made = [
            {"id": f"heattrax_{name}", "alias": f"heattrax {name}", "use_blueprint": {"path": f"heattrax/{file}.yaml", "input": given}}
            for name, file, given in AUTOMATIONS
        ]
        (self.config / "heattrax_examples.yaml").write_text(json.dumps(made))
        if OURS not in self.was:
            self.main.write_text(self.was + OURS)
        return self

    def __exit__(self, *_):
        self.main.write_text(self.was)
        (self.config / "heattrax_examples.yaml").unlink()
        shutil.rmtree(self.config / "blueprints/automation/heattrax")


def told(ha):
    """The notifications that are shown."""
    return {it["title"]: it["message"] for it in ha.ask("persistent_notification/get") if it.get("title")}


def automations_are_on(ha, _):
    """Each blueprint makes an automation that Home Assistant takes and switches on."""
    for name, _, _ in AUTOMATIONS:
        ha.wait_state(f"automation.heattrax_{name}", "on", 30)


def storms_are_told(ha, place):
    """`storm_ahead` on the bridge's event topic becomes a notification in the bridge's words."""
    event = {"event_type": "storm_ahead", "message": "snow, 14.2 mm from 15:00", "device": None, "slot": None}
    place.house.broker.publish("heattrax/bridge/event", json.dumps(event))
    eventually("the storm is told", lambda: told(ha).get("HeatTrax: a storm is ahead") == event["message"], 10)


def faults_are_told_and_acknowledged(ha, place):
    """A relay that sticks, seen by the power that flows although it says off, becomes a notification; the phone's button acknowledges it."""
    place.house.watch = place.house.broker.watch()
    place.house.dual.do("load?slot=1&watts=300")
    ha.call("switch.turn_on", "switch.walkway_mat_1")
    ha.wait_state("switch.walkway_mat_1", "on")
    place.house.dual.do("relay?slot=1&what=welded")
    ha.call("switch.turn_off", "switch.walkway_mat_1")
    eventually("the fault is told", lambda: "HeatTrax: relay stuck" in told(ha), 200)
    ha.wait_state("binary_sensor.walkway_mat_1_fault", "on")
    place.house.dual.do("relay?slot=1&what=sound")
    # The automation waits for the companion app's event, whose name holds the id of its run: it is read from the trace.
    runs = ha.ask("trace/list", domain="automation", item_id="heattrax_fault")
    traces = [ha.ask("trace/get", domain="automation", item_id="heattrax_fault", run_id=it["run_id"]) for it in runs]
    button = re.search(r"HEATTRAX_ACK_walkway_mat_1_\w+", json.dumps(traces))
    check(button, f"no button in {len(runs)} traces")
    ha.rest("POST", "/api/events/mobile_app_notification_action", {"action": button[0]})
    place.house.watch.wait("heattrax/walkway_mat/1/acknowledge/set", lambda it: it.payload == "PRESS", 20)


def the_view_shows_what_is_there(ha, _):
    """Every entity of the view exists, and its card says why the outlet is as it is."""
    text = (EXAMPLES / "lovelace-view.yaml").read_text()
    named = set(re.findall(r"entity: ([a-z_]+\.[a-z0-9_]+)|- ([a-z_]+\.[a-z0-9_]+)$", text, re.M))
    there, named = ha.states(), {one or other for one, other in named}
    # Without a forecast in the config there is no such entity.
    missing = {it for it in named if it not in there} - {"binary_sensor.heattrax_forecast_stale"}
    check(named and not missing, f"the view names what is not there: {missing}")
    card = re.search(r"content: \|\n((?: {10}.*\n|\n)+)", text)[1]
    shown = ha.rest("POST", "/api/template", {"template": re.sub(r"^ {10}", "", card, flags=re.M)}, plain=True)
    check("| reported |" in shown and "nothing asks for it" in shown, f"the card shows {shown!r}")


SCENARIOS = [automations_are_on, the_view_shows_what_is_there, storms_are_told, faults_are_told_and_acknowledged]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heattrax", default=HERE.parent.parent / "target/debug/heattrax")
    given = parser.parse_args()
    folder, config = os.environ.get("HEATTRAX_HA"), os.environ.get("HEATTRAX_HA_CONFIG")
    if not folder or not config:
        print("SKIPPED: HEATTRAX_HA and HEATTRAX_HA_CONFIG name no Home Assistant to try this with; nothing was tried")
        return 0
    root = pathlib.Path(tempfile.mkdtemp(prefix="heattrax-examples-"))
    root.chmod(0o755)
    failed = 0
    ha = HomeAssistant(folder)
    with Bench(root / "house", pathlib.Path(given.heattrax).resolve(), keep=True) as bench, Examples(ha, config):
        place = Place(bench, ha)
        place.house.write(place.house.config()).run().ready()
        # Automations are read at the start.
        subprocess.run([ha.folder / "down"], timeout=60, check=True, capture_output=True)
        ha.up()
        for scenario in SCENARIOS:
            try:
                scenario(ha, place)
                verdict = "ok"
            except (Failed, OSError, KeyError) as error:
                failed += 1
                verdict = f"FAILED: {error!r}"[:3000]
            print(f"{scenario.__name__}: {scenario.__doc__.strip()}\n    {verdict}", flush=True)
        bench.audit()
        wrong = [it for it in ha.said() if re.search(r"ERROR|WARNING", it) and re.search(r"automation|blueprint", it)]
        check(not wrong, f"Home Assistant complains: {wrong[:5]}")
        ha.down()
    if not failed:
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
