"""What Home Assistant and any other MQTT client find."""

import subprocess

from bench import check, environment, eventually
from house import MAT, OUTLETS, TREE, House
from peers import tool

RETAINED = [
    "heattrax/bridge/availability",
    "heattrax/bridge/info",
    "heattrax/bridge/health",
    "heattrax/bridge/devices",
    "heattrax/vacation",
    *(f"heattrax/{device}{rest}" for device in ("walkway_mat", "garden_plug") for rest in ("", "/availability")),
    *(f"heattrax/{outlet}{rest}" for outlet in OUTLETS for rest in ("", "/decision")),
    *(f"heattrax/group/{group}" for group in ("walkway", "porch", "garden")),
]


def everything_is_retained(house):
    """Waits until a newcomer finds all that the contract retains. Returns it."""

    def look():
        held = house.broker.retained("heattrax/#", "homeassistant/#")
        announced = [it for it in held if it.startswith("homeassistant/device/") and it.endswith("/config")]
        return held if all(it in held for it in RETAINED) and len(announced) >= 6 else None

    return eventually("a newcomer finds everything", look)


def newcomer_finds_everything(bench):
    """`mosquitto_sub` sees availability, info, inventory, states, decisions and discovery, all retained."""
    house = House(bench).up()
    house.watch.wait(f"heattrax/{MAT}", lambda it: it.json().get("power") is not None)
    # The inventory is written once for the changes of 200 ms.
    house.watch.wait("heattrax/bridge/devices", lambda it: all(device.get("model") for device in it.json()))
    held = everything_is_retained(house)
    check(held["heattrax/bridge/availability"].payload == "online", "the bridge is online")
    info = held["heattrax/bridge/info"].json()
    check(info and info.get("version"), f"bridge/info has a version: {info}")
    check("hunter2" not in held["heattrax/bridge/info"].payload, "bridge/info holds no password")
    devices = held["heattrax/bridge/devices"].json()
    models = sorted(str(it.get("model")) for it in devices)
    check(models == ["EP40M", "P210M"], f"bridge/devices lists both models: {models}")
    for device in ("walkway_mat", "garden_plug"):
        check(held[f"heattrax/{device}/availability"].payload == "online", f"{device} is online")
    mat, tree = (held[f"heattrax/{it}"].json() for it in (MAT, TREE))
    check(mat["state"] == "OFF" and mat["power"] == 0, f"the P210M has a meter: {mat}")
    check(tree["state"] == "OFF" and "power" not in tree, f"a field that the EP40M never has is absent: {tree}")
    decision = held[f"heattrax/{MAT}/decision"].json()
    check(
        decision.get("control") == "auto" and decision.get("mode") == "idle" and decision.get("reason"),
        f"the decision gives control, mode and reason: {decision}",
    )
    # As a person would look, in so many words.
    argv = [tool("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(house.broker.port), "-v", "-W", "1"]
    argv += ["-t", "heattrax/#", "-t", "homeassistant/#"]
    shown = subprocess.run(argv, capture_output=True, text=True, env=environment(), timeout=10, check=False).stdout
    check("heattrax/bridge/availability online\n" in shown, "mosquitto_sub -v shows the bridge online")


def discovery_names_what_is_published(bench):
    """Each announced entity has unique ids and topics that are really retained, and the ids are those of the contract."""
    house = House(bench).up()
    held = everything_is_retained(house)
    seen = set()
    for topic, message in held.items():
        if not topic.startswith("homeassistant/device/"):
            continue
        root = message.json()
        check(root, f"{topic} is JSON")
        components = root.get("components") or root.get("cmps") or {}
        check(components, f"{topic} has components")
        for key, component in components.items():
            unique = component.get("unique_id") or component.get("uniq_id")
            check(unique and unique not in seen, f"{topic}: `{key}` has a unique id of its own, not {unique}")
            check(unique.startswith(("tapo_", "heattrax_")), f"the unique id {unique} is one of the contract's")
            seen.add(unique)
            base = component.get("~", root.get("~", ""))
            state = (component.get("state_topic") or component.get("stat_t") or "").replace("~", base)
            # Events are the one thing that is not retained.
            if state and not state.endswith("/event"):
                check(state in held, f"{unique} points to {state}, where nothing is retained")
    macs = [plug.device()["mac"].replace(":", "").lower() for plug in (house.dual, house.garden)]
    for mac in macs:
        check(any(mac in it for it in seen), f"the ids hold the MAC address {mac}")


def birth_brings_everything_again(bench):
    """Home Assistant's birth message brings discovery, availability and states again."""
    house = House(bench).up()
    held = everything_is_retained(house)
    since = house.watch.mark()
    house.broker.publish("homeassistant/status", "online")

    def again():
        topics = {it.topic for it in house.watch.messages(since=since)}
        return all(it in topics for it in held)

    try:
        eventually("everything comes again after the birth", again, 5)
    finally:
        missing = set(held) - {it.topic for it in house.watch.messages(since=since)}
        if missing:
            print("    missing after the birth:", *sorted(missing))


SCENARIOS = [newcomer_finds_everything, discovery_names_what_is_published, birth_brings_everything_again]
