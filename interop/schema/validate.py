#!/usr/bin/env python3
"""Asks Home Assistant's own code whether it takes every announcement of a file: `validate.py FILE`.

Runs inside an environment that has the `homeassistant` package; `run` beside it makes one. Each line of the file is JSON:
topic, payload, and the oldest Home Assistant that is to take it. Every key must be known too: Home Assistant silently drops
what it does not know of an entity, and a mistyped key would never be missed.
"""

import asyncio
import copy
import importlib
import json
import sys
import tempfile

from homeassistant.components.mqtt import discovery, schemas
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame

RUNNING = tuple(int(part) for part in __version__.split(".")[:2])
# Keys that an older Home Assistant does not know yet, and does not miss: key, first release with it.
NEWER = {"default_entity_id": (2025, 10), "def_ent_id": (2025, 10)}
# What the discovery of a device puts into each of its entities.
SHARED = ("availability", "availability_mode", "qos")


def check_entity(platform, config, where):
    """The platform's own schema takes it, and knows every key of it."""
    module = importlib.import_module(f"homeassistant.components.mqtt.{platform}")
    taken = module.DISCOVERY_SCHEMA(copy.deepcopy(config))
    lost = {key for key in config if key not in taken and RUNNING >= NEWER.get(key, (0, 0))}
    if lost:
        raise ValueError(f"{where}: unknown keys {sorted(lost)}")


def check_device(payload, where):
    """The root is a closed schema; then each entity, of the device and of its children."""
    root = discovery.MQTTDiscoveryPayload(payload)
    discovery._replace_all_abbreviations(root)
    schemas.DEVICE_DISCOVERY_SCHEMA(copy.deepcopy(dict(root)))
    rules = getattr(schemas, "validate_device_discovery_components", None)
    if rules:
        rules(copy.deepcopy(dict(root)))
    groups = [(root["components"], root["device"])]
    for child in root.get("child_devices", []):
        inside = {"identifiers": child["identifiers"], "name": child["name"]}
        groups.append((child["components"], {**root["device"], "child_device": inside}))
    count = 0
    for components, device in groups:
        for key, component in components.items():
            config = dict(component)
            platform = config.pop("platform")
            config.update(device=device, origin=root["origin"])
            for option in SHARED:
                config.setdefault(option, root[option])
            check_entity(platform, config, f"{where} {key}")
            count += 1
    return count


def check_alone(topic, payload, where):
    """An entity that is announced by itself."""
    config = discovery.MQTTDiscoveryPayload(payload)
    discovery._replace_all_abbreviations(config)
    check_entity(topic.split("/")[1], dict(config), where)
    return 1


async def main():
    # Templates are read only where there is a Home Assistant, which is never started.
    frame.async_setup(HomeAssistant(tempfile.mkdtemp()))
    passed = failed = newer = 0
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.readlines()
    for line in lines:
        it = json.loads(line)
        topic, payload = it["topic"], it["payload"]
        if RUNNING < tuple(int(part) for part in it["min_version"].split(".")):
            newer += 1
            continue
        try:
            is_device = topic.split("/")[1] == "device"
            passed += check_device(payload, topic) if is_device else check_alone(topic, payload, topic)
        except Exception as error:  # noqa: BLE001 - whatever it is, Home Assistant would not take it
            failed += 1
            print(f"{topic}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"Home Assistant {__version__}: {newer} announcements are for newer ones")
    print(f"schema: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
