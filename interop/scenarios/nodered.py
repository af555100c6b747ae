"""Node-RED with the flows of `examples/node-red/`, deployed as they are."""

import json

from bench import Program, check, free_port, http
from house import MAT, House
from node_red import FLOWS, NodeRed, Page, flow

FLOW = "heattrax-flow.json"
DASHBOARD = "heattrax-dashboard.json"


def _with(bench, *names):
    """A house, and a Node-RED with these flows that hears it."""
    house = House(bench).up()
    red = NodeRed(bench).deploy(*(flow(name, house.broker.port) for name in names)).connected(len(names))
    return house, red


def nodered_takes_every_flow(bench):
    """All flows of the examples deploy together, no node is missing, nothing is complained of, and all connect."""
    names = sorted(it.name for it in FLOWS.glob("*.json"))
    check({FLOW, DASHBOARD} <= set(names), f"the flows are there: {names}")
    house, red = _with(bench, *names)
    red.wait("the bridge's availability", lambda it: it.get("bridge") == "online")
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    red.wait("the state ON", lambda it: (it.get("state") or {}).get("state") == "ON")
    check(not red.complaints(), f"Node-RED complains: {red.complaints()}")
    retained = [it for it in house.broker.retained("heattrax/#") if it.endswith("/set") or "/request/" in it]
    check(not retained, f"no flow leaves a command at the broker: {retained}")


def nodered_switches_and_hears(bench):
    """A flow's buttons move the relay, and the flow hears what the plug reported and why, over MQTT and out by HTTP."""
    house, red = _with(bench, FLOW)
    red.wait("the state OFF", lambda it: (it.get("state") or {}).get("state") == "OFF")
    for node, on in (("htx_on", True), ("htx_off", False), ("htx_boost", True)):
        red.press(node)
        house.dual.wait_relay(1, on)
        red.wait(f"{node}", lambda it, on=on: it["state"]["state"] == ("ON" if on else "OFF"))
    decision = house.decision(MAT, reason="manual_on", control="on")
    check(decision.get("until"), f"the boost has an end: {decision}")
    red.wait("why", lambda it: "is wanted ON" in (it.get("why") or {}).get(MAT, ""))
    check("htx" not in json.dumps(house.watch.last(f"heattrax/{MAT}").json()), "nothing of the flow is published as state")
    red.wait("an event", lambda it: (it.get("event") or "").startswith("switched"))
    red.press("htx_off")
    house.dual.wait_relay(1, False)
    red.press("htx_group_on")
    house.dual.wait_relay(1, True)
    red.wait("the group's ON", lambda it: it["state"]["state"] == "ON")
    red.press("htx_control_auto")
    house.dual.wait_relay(1, False)
    house.decision(MAT, control="auto")


def nodered_asks_and_is_answered(bench):
    """Explanation and health are answered on the flow's own response topics; an acknowledgement without a fault is refused."""
    house, red = _with(bench, FLOW)
    red.press("htx_explain")
    asked = red.wait("the explanation", lambda it: it.get("explained"))
    check(asked.get("status") == "ok" and "sentence" in json.dumps(asked), f"the explanation has sentences: {asked}")
    red.press("htx_health")
    well = red.wait("the health", lambda it: it.get("health"))
    check(well.get("status") == "ok" and well["data"]["healthy"] is True, f"the bridge is well: {well}")
    check(well["data"]["devices"] == {"total": 2, "online": 2}, f"both devices are online: {well}")
    red.press("htx_ack")
    refused = red.wait("the refusal", lambda it: it.get("acknowledged"))
    check(refused.get("status") == "error" and "no fault" in refused["error"], f"nothing to acknowledge: {refused}")
    others = [it.topic for it in house.watch.messages() if it.topic.startswith("heattrax/bridge/response/")]
    check(not others, f"the answers came on the flow's topics only: {others}")


def nodered_hears_of_the_demos_storm(bench):
    """The flow hears the demo's storm ahead from the demo's own broker, and is told why and how the bridge is."""
    port = free_port()
    # The storm is told of once, soon after the start: the flow waits for the broker.
    red = NodeRed(bench).deploy(flow(FLOW, port))
    argv = [bench.heattrax, "demo", "--mqtt-port", port, "--web-port", free_port()]
    bench.start(Program("demo", argv, bench.folder))
    red.connected()
    storm = red.wait("of the storm", lambda it: it.get("storm"), 20)
    check("a storm is ahead of walkway" in storm and " to " in storm, f"the storm has words and an end: {storm}")
    check(not red.heard().get("fault"), "a storm is no fault")
    red.press("htx_explain")
    asked = red.wait("the explanation", lambda it: it.get("explained"))
    check(asked.get("status") == "ok" and asked["data"]["outlets"], f"the explanation has outlets: {asked}")


def nodered_acknowledges_a_fault(bench):
    """An overheated plug reaches the flow's branch for faults, and its button acknowledges the fault."""
    house, red = _with(bench, FLOW)
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True)
    house.dual.do("protect?slot=1&what=overheated")
    red.wait("of the fault", lambda it: (it.get("fault") or "").startswith(f"{MAT}: "), 40)
    house.dual.do("protect?slot=1&what=normal")
    topic = f"heattrax/{MAT}/decision"
    house.watch.wait(topic, lambda it: _lockout(it).get("acknowledged") is False, 30)
    check(not red.heard().get("acknowledged"), "nobody has acknowledged anything")
    red.press("htx_ack")
    answer = red.wait("the acknowledgement", lambda it: it.get("acknowledged"))
    check(answer.get("status") == "ok", f"the acknowledgement is taken: {answer}")
    told = [(it["device"], it["slot"]) for it in answer["data"]["acknowledged"]]
    check(told == [("walkway_mat", 1)], f"it is the mat's: {answer}")
    house.watch.wait(topic, lambda it: _lockout(it).get("acknowledged") is not False)


def _lockout(message):
    return message.json()["safety"]["lockout"] or {}


def nodered_dashboard_works_both_ways(bench):
    """The dashboard's page is served, its widgets get the state, and its switch moves the relay, which alone moves the switch."""
    house, red = _with(bench, DASHBOARD)
    status, text = http("GET", f"{red.url}/dashboard/heattrax")
    check(status == 200 and "<html" in text.lower(), f"the page is served: {status} {text[:200]}")
    page = Page(red.url)
    page.shows("htd_switch", "OFF")
    page.shows("htd_online", "online")
    page.shows("htd_why", lambda it: bool(it))
    house.dual.do("load?slot=1&watts=900")
    page.emit("widget-change", "htd_switch", True)
    house.dual.wait_relay(1, True)
    page.shows("htd_switch", "ON")
    page.shows("htd_gauge", lambda it: it and 800 < it < 1000)
    page.shows("htd_mode_text", lambda it: it and "control: on" in it)
    page.emit("widget-action", "htd_auto", {"_event": {"type": "click"}})
    house.dual.wait_relay(1, False)
    page.shows("htd_switch", "OFF")
    # The switch shows what the plug reports, not what was asked of it.
    page.emit("widget-change", "htd_switch", True)
    page.shows("htd_switch", "ON")
    house.dual.do("relay?slot=1&what=jammed")
    page.emit("widget-change", "htd_switch", False)
    page.keeps("htd_switch", "ON", 2)
    house.decision(MAT, desired="OFF")
    check(house.dual.relay(1), "the jammed relay is still closed")
    retained = [it for it in house.broker.retained("heattrax/#") if it.endswith("/set")]
    check(not retained, f"the dashboard leaves no command at the broker: {retained}")
    heard = [(it.json() or {}).get("event_type") for it in house.watch.messages("heattrax/bridge/event")]
    check("retained_command_ignored" not in heard, f"no command was retained: {heard}")


def nodered_dashboard_shows_what_is_unknown(bench):
    """While the plug is gone the dashboard says that it shows the past; a power that is not known is not shown as 0 W."""
    house, red = _with(bench, DASHBOARD)
    page = Page(red.url)
    page.shows("htd_plug", "online")
    house.dual.do("load?slot=1&watts=900")
    page.emit("widget-change", "htd_switch", True)
    house.dual.wait_relay(1, True)
    page.shows("htd_power_text", lambda it: it and it.endswith(" W") and 800 < int(it[:-2]) < 1000)
    house.dual.do("vanish")
    page.shows("htd_plug", lambda it: it and it.startswith("offline: "), 30)
    # The bridge is silent about the outlet by now: this is how it writes a power that is not known.
    state = house.watch.last(f"heattrax/{MAT}").json()
    house.broker.publish(f"heattrax/{MAT}", json.dumps({**state, "power": None}))
    page.shows("htd_power_text", "not known")
    page.shows("htd_gauge", None)
    check(not red.complaints(), f"Node-RED complains: {red.complaints()}")


SCENARIOS = [
    nodered_takes_every_flow,
    nodered_switches_and_hears,
    nodered_asks_and_is_answered,
    nodered_hears_of_the_demos_storm,
    nodered_acknowledges_a_fault,
    nodered_dashboard_works_both_ways,
    nodered_dashboard_shows_what_is_unknown,
]
