"""The bridge's own end, wanted and unwanted."""

import json

from bench import check, eventually, http, stays
from house import MAT, PORCH, TREE, House


def a_crash_forgets_nothing(bench):
    """`kill -9` of the bridge: a wish with its end and `control` off are there again after the restart."""
    house = House(bench).up()
    house.broker.publish(f"heattrax/{PORCH}/set", json.dumps({"state": "ON", "for": "45m"}))
    house.watch.state(PORCH, "ON")
    house.broker.publish(f"heattrax/{TREE}/control/set", "off")
    until = house.decision(PORCH, reason="manual_on")["until"]
    house.decision(TREE, control="off")
    house.remembered(PORCH, lambda it: it["wish"])
    house.remembered(TREE, lambda it: it["control"] == "off")
    house.bridge.kill()
    house.watch.wait("heattrax/bridge/availability", "offline", 30)
    check(house.dual.relay(2), "a crash switches nothing")
    since = house.watch.mark()
    house.run().ready()
    house.watch.state(PORCH, "ON", since=since)
    again = house.decision(PORCH, since=since, reason="manual_on")
    check(again["until"] == until, f"the wish ends when it was to end: {until}, not {again['until']}")
    house.decision(TREE, since=since, control="off")
    stays("the relays stay as they are", lambda: house.dual.relay(2) and not house.garden.relay(1), 3)


def a_clean_stop_takes_three_seconds(bench):
    """SIGTERM: `offline` is published, the exit code is 0, within 3 s, and a heater that its plug's timer watches over is left on."""
    house = House(bench).up()
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True)
    house.broker.publish(f"heattrax/{PORCH}/set", "ON")
    house.dual.wait_relay(2, True)
    house.watch.state(PORCH, "ON")
    code, took = house.bridge.terminate()
    check(code == 0, f"the exit code is 0, not {code}")
    check(took < 3.5, f"it ended within 3 s and the moment that the measuring takes, not {took:.1f} s")
    house.watch.wait("heattrax/bridge/availability", "offline", 2)
    check(house.dual.relay(1), "the heater stays on: a timer on its plug ends it")
    check(house.dual.relay(2), "the light is left alone")
    house.broker.wait_retained("heattrax/bridge/availability", "offline")


def a_stop_during_a_restart(bench):
    """SIGTERM while the bridge is stopping to start again ends it: nobody has to kill it."""
    house = House(bench).up()
    since = house.watch.mark()
    house.broker.publish("heattrax/bridge/request/restart", "{}")
    house.watch.wait("heattrax/bridge/response/restart", since=since)
    code, took = house.bridge.terminate()
    check(code == 0, f"the exit code is 0, not {code}")
    check(took < 6, f"it ended within 6 s, not {took:.1f} s")
    check("starts; heaters" not in house.bridge.text().split("stopping to start again")[-1], "it has not begun again")


def a_stop_without_broker_and_plugs(bench):
    """SIGTERM while broker and plugs are gone still ends within 3 s."""
    house = House(bench).up()
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.watch.state(MAT, "ON")
    house.broker.kill()
    house.dual.do("vanish")
    house.garden.do("vanish")
    eventually("readyz says no", lambda: http("GET", f"{house.web}/readyz")[0] == 503)
    code, took = house.bridge.terminate()
    check(took < 3.5, f"it ended within 3 s and the moment that the measuring takes, not {took:.1f} s")
    check(code == 0, f"the exit code is 0, not {code}")


def a_stop_with_silent_peers(bench):
    """SIGTERM while the broker is frozen and a plug accepts connections but answers nothing still ends within 3 s."""
    house = House(bench).up()
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.watch.state(MAT, "ON")
    house.broker.freeze()
    house.dual.do("fault?what=hang")
    code, took = house.bridge.terminate()
    house.broker.thaw()
    check(took < 3.5, f"it ended within 3 s and the moment that the measuring takes, not {took:.1f} s")
    check(code == 0, f"the exit code is 0, not {code}")


def a_heater_found_on_gets_an_end(bench):
    """A heater that is found on at the first contact is adopted with an end, or switched off: never left on for ever."""
    house = House(bench)
    house.dual.do("press?slot=1")
    house.watch = house.broker.watch()
    house.write(house.config()).run().ready()

    def bounded():
        seen = house.watch.last(f"heattrax/{MAT}/decision")
        wish = seen and seen.json().get("desired") == "ON" and seen.json().get("until")
        return wish or not house.dual.relay(1)

    eventually("it goes off, now or at an end", bounded)


SCENARIOS = [
    a_crash_forgets_nothing,
    a_clean_stop_takes_three_seconds,
    a_stop_during_a_restart,
    a_stop_without_broker_and_plugs,
    a_stop_with_silent_peers,
    a_heater_found_on_gets_an_end,
]
