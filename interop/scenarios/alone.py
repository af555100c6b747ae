"""The bridge with its own broker: `mqtt.host: embedded` and the demo."""

import re
import socket

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
    check(code == 0 and took < 3, f"it ends with {code} after {took:.1f} s")


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


SCENARIOS = [the_embedded_broker_serves_others, the_demo_heats_by_itself]
