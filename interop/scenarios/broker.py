"""The broker's death."""

import json
import time

from bench import check, eventually, http, stays
from house import MAT, PORCH, House
from scenarios.homeassistant import everything_is_retained


def a_broker_without_memory_comes_back(bench):
    """`kill -9` of the broker: readyz says no and healthz yes; back and empty, it has everything within 5 s."""
    house = House(bench).up()
    held = everything_is_retained(house)
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.watch.state(MAT, "ON")
    house.broker.kill()
    eventually("readyz says no", lambda: http("GET", f"{house.web}/readyz")[0] == 503)
    check(http("GET", f"{house.web}/healthz")[0] == 200, "healthz says yes: the control loop lives")
    done = bench.call("healthcheck", "--url", f"{house.web}/healthz")
    check(done.returncode == 0, f"healthcheck ends with 0: {done.returncode} {done.stderr}")
    check(house.dual.relay(1), "the mat goes on without a broker")
    # Long enough that the pauses between attempts have grown.
    stays("the bridge lives on", lambda: http("GET", f"{house.web}/healthz")[0] == 200, 5)
    house.broker.up()
    began = time.monotonic()
    house.watch = house.broker.watch()

    def all_there():
        seen = {it.topic: it for it in house.watch.messages()}
        return all(it in seen for it in held) and seen["heattrax/bridge/availability"].payload == "online"

    eventually("everything is there again", all_there, 20)
    took = time.monotonic() - began
    # A pause of at most 2 s between attempts, what is published, and the start of the one who listens.
    check(took <= 5, f"everything was there again after 5 s, not after {took:.1f} s")
    check(house.watch.last(f"heattrax/{MAT}").json()["state"] == "ON", "the state is the true one")
    everything_is_retained(house)
    house.broker.publish(f"heattrax/{MAT}/set", "OFF")
    house.dual.wait_relay(1, False)
    house.watch.state(MAT, "OFF")
    eventually("readyz says yes", lambda: http("GET", f"{house.web}/readyz")[0] == 200)


def no_broker_at_the_start(bench):
    """Without a broker the bridge starts, is alive and not ready, runs its schedules, and joins the broker when it comes."""
    house = House(bench)
    house.broker.kill()
    house.write(house.config(schedules=[{"name": "Always", "all_day": True}])).run()
    eventually("healthz says yes", lambda: http("GET", f"{house.web}/healthz")[0] == 200)
    house.dual.wait_relay(2, True)
    check(http("GET", f"{house.web}/readyz")[0] == 503, "readyz says no")
    house.broker.up()
    house.ready(20)
    everything_is_retained(house)


def a_broker_that_freezes(bench):
    """A broker that keeps its connections open and answers nothing: a wish still ends on time, and all is well after."""
    house = House(bench).up()
    house.broker.publish(f"heattrax/{PORCH}/set", json.dumps({"state": "ON", "for": "4s"}))
    house.dual.wait_relay(2, True)
    house.broker.freeze()
    # The wish ends on time, without a broker to tell it to.
    house.dual.wait_relay(2, False, 8)
    check(http("GET", f"{house.web}/healthz")[0] == 200, "healthz says yes")
    house.broker.thaw()
    house.watch.state(PORCH, "OFF", 20)
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True, 20)
    house.watch.state(MAT, "ON", 20)


def a_broker_with_passwords(bench):
    """With the right login all is well; with a wrong one the bridge is alive and not ready, and says so without the password."""
    users = {"interop": "of-the-suite", "heattrax": "secret-of-the-bridge"}
    house = House(bench, users=users)
    bench.secrets.append(users["heattrax"])
    mqtt = {"host": "127.0.0.1", "port": house.broker.port, "username": "heattrax"}
    house.write(house.config(mqtt={**mqtt, "password": "a-wrong-one"})).run()
    eventually("healthz says yes", lambda: http("GET", f"{house.web}/healthz")[0] == 200)
    words = ("not authori", "login", "password", "refuse", "credentials")
    eventually("the log says why", lambda: any(it in house.bridge.text().lower() for it in words))
    check(http("GET", f"{house.web}/readyz")[0] == 503, "readyz says no")
    check("a-wrong-one" not in house.bridge.text(), "the log holds no password")
    house.bridge.terminate()
    secret = bench.folder / "mqtt-password"
    secret.write_text(users["heattrax"] + "\n")
    house.write(house.config(mqtt={**mqtt, "password_file": str(secret)})).run().ready()
    house.broker.wait_retained("heattrax/bridge/availability", "online")


def the_older_mqtt_is_spoken_too(bench):
    """With `protocol: 3.1.1` commands work, and a retained one from before the start is refused and cleared."""
    house = House(bench)
    topic = f"heattrax/{MAT}/set"
    house.broker.publish(topic, "ON", retain=True)
    house.up(mqtt={"host": "127.0.0.1", "port": house.broker.port, "protocol": "3.1.1"})
    house.watch.event("retained_command_ignored")
    eventually("the retained command is cleared", lambda: topic not in house.broker.retained("heattrax/#"))
    check(not house.dual.relay(1), "it was not followed")
    house.broker.publish(topic, "ON")
    house.dual.wait_relay(1, True)
    everything_is_retained(house)


SCENARIOS = [
    a_broker_without_memory_comes_back,
    no_broker_at_the_start,
    a_broker_that_freezes,
    a_broker_with_passwords,
    the_older_mqtt_is_spoken_too,
]
