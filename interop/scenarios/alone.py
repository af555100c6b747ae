"""What is tried once, whatever broker there is: the bridge's own broker, the demo, and the history."""

import contextlib
import json
import re
import socket
import sqlite3
import time

from bench import Program, check, eventually, free_port, http
from house import MAT, House
from peers import Broker

SPEED = 600


def the_embedded_broker_serves_others(bench):
    """With `mqtt.host: embedded`, mosquitto's clients talk to the bridge's own broker, retained messages included."""
    house = House(bench)
    house.broker.kill()
    house.broker = Broker(bench, port=free_port())
    house.write(house.config(mqtt={"host": "embedded", "port": house.broker.port})).run().ready()
    house.broker.wait_retained("heattrax/bridge/availability", "online")
    house.watch = house.broker.watch()
    house.watch.state(MAT, "OFF")
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True)
    house.watch.state(MAT, "ON")
    code, took = house.bridge.terminate()
    check(code == 0 and took < 3.5, f"it ends with {code} after {took:.1f} s")


def the_demo_heats_by_itself(bench):
    """`heattrax demo` with time 600 times as fast: within two minutes a mat's relay closes by itself, for the storm."""
    web, mqtt = free_port(), free_port()
    with socket.create_server(("127.0.0.1", mqtt)):
        argv = [bench.heattrax, "demo", "--mqtt-port", mqtt, "--web-port", web, "--speed", SPEED]
        demo = bench.start(Program("demo", argv, bench.folder))
        # Its port is taken: it takes the next free one, and says so in the commands to try.
        port = eventually("the demo says where its broker is", lambda: re.search(r"-p (\d+)", demo.text()), 20)
    broker = Broker(bench, port=int(port.group(1)))
    check(mqtt < broker.port < mqtt + 20, f"the next free port after {mqtt} is taken, not {broker.port}")

    def ready():
        check(demo.runs(), f"the demo ended with {demo.child.returncode}")
        return http("GET", f"http://127.0.0.1:{web}/readyz")[0] == 200

    eventually("the demo is ready", ready, 20)
    check(f":{web}" in demo.text(), "the demo prints the page's address")
    check("mosquitto_" in demo.text(), "the demo prints commands to try")
    watch = broker.watch("heattrax/#")

    def heats():
        for message in watch.messages():
            decision = message.json() if message.topic.endswith("/decision") else None
            if decision and decision.get("mode") in ("preheat", "melt") and decision.get("desired") == "ON":
                outlet = message.topic.removesuffix("/decision")
                state = watch.last(outlet)
                if state and state.json().get("state") == "ON":
                    return outlet, decision
        return None

    outlet, decision = eventually("a relay closes by itself", heats, 120)
    check(decision.get("sentence"), f"{outlet} says why: {decision}")
    status, page = http("GET", f"http://127.0.0.1:{web}/")
    check(status == 200 and "<html" in page.lower(), f"the page is served: {status}")
    code, took = demo.terminate()
    check(code == 0 and took < 5, f"the demo ends with {code} after {took:.1f} s")


def the_history_survives_kill_9(bench):
    """Killed while it writes, twice: the file is whole each time, nothing but the last seconds is lost, and what each day used goes on."""
    house = House(bench).up()
    file = house.data / "history.db"
    known = []
    for number in (1, 2):
        began = time.monotonic()
        while time.monotonic() - began < 12:
            for state in ("ON", "OFF"):
                house.broker.publish(f"heattrax/{MAT}/set", json.dumps({"state": state, "reason": f"round {number}"}))
                time.sleep(0.2)
        house.bridge.kill()
        with contextlib.closing(sqlite3.connect(file)) as found:
            check(found.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the file is whole")
            events = [it for (it,) in found.execute("SELECT message FROM events ORDER BY id")]
        check(events[: len(known)] == known, f"what was written stays: {events[:len(known)]}")
        # Of 12 s all but the last 10 are there, and a write is due every 10.
        check(len(events) > len(known), f"what happened is there: {len(events)} of {len(known)} before")
        known = events
        house.run().ready()
    status, told = http("GET", f"{house.web}/api/history/events?limit=5000")
    check(status == 200 and len(json.loads(told)["events"]) >= len(known), f"it is told: {status} {told[:200]}")
    status, told = http("GET", f"{house.web}/api/history/days?outlet={MAT}")
    check(status == 200 and len(json.loads(told)["days"]) in (1, 2), f"the day goes on: {told}")


SCENARIOS = [the_embedded_broker_serves_others, the_demo_heats_by_itself, the_history_survives_kill_9]
