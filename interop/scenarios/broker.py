"""The broker's death."""

import time

from bench import check, eventually, http, stays
from house import MAT, House
from scenarios.homeassistant import everything_is_retained


def a_broker_without_memory_comes_back(bench):
    """`kill -9` of the broker: readyz says no and healthz yes; back and empty, it has everything within 3 s."""
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
    check(took <= 3, f"everything was there again after 3 s, not after {took:.1f} s")
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


SCENARIOS = [a_broker_without_memory_comes_back, no_broker_at_the_start]
