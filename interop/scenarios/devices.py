"""What the plugs do by themselves."""

from bench import check, eventually, http, stays
from house import MAT, OUTLETS, PORCH, TREE, House
from peers import Plug


def the_plugs_button_is_a_wish(bench):
    """The plug's button is reported as external_change and becomes a wish with an end."""
    house = House(bench).up()
    house.dual.do("press?slot=1")
    house.watch.event("external_change", device="walkway_mat", slot=1)
    house.watch.state(MAT, "ON")
    decision = house.decision(MAT, reason="manual_on")
    check(decision.get("until"), f"the wish has an end: {decision}")
    stays("the bridge does not switch it back", lambda: house.dual.relay(1), 3)
    house.dual.do("press?slot=1")
    house.watch.state(MAT, "OFF")
    house.decision(MAT, reason="manual_off")


def the_meter_is_shown(bench):
    """What hangs on an outlet shows as power in W while it is on."""
    house = House(bench).up()
    house.dual.do("load?slot=2&watts=123")
    house.broker.publish(f"heattrax/{PORCH}/set", "ON")
    house.watch.wait(f"heattrax/{PORCH}", lambda it: abs((it.json().get("power") or 0) - 123) < 13)
    house.broker.publish(f"heattrax/{PORCH}/set", "OFF")
    house.watch.wait(f"heattrax/{PORCH}", lambda it: it.json()["state"] == "OFF" and not it.json().get("power"))


def a_plug_vanishes_and_returns(bench):
    """A plug that is gone is offline, the other goes on; back again it is online with the state it has by then."""
    house = House(bench).up()
    house.garden.do("vanish")
    house.watch.wait("heattrax/garden_plug/availability", "offline", 30)
    lost = house.watch.event("device_lost", device="garden_plug")
    check(lost.get("message"), f"the event says why: {lost}")
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True)
    house.watch.state(MAT, "ON")
    since = house.watch.mark()
    # Its button works without Wi-Fi.
    house.garden.do("press?slot=1")
    house.garden.do("come_back")
    house.watch.wait("heattrax/garden_plug/availability", "online", 40, since=since)
    house.watch.event("device_back", device="garden_plug", since=since)
    eventually(
        "the topic tells what the plug tells",
        lambda: (house.watch.last(f"heattrax/{TREE}").json()["state"] == "ON") == house.garden.relay(1),
    )


def a_command_to_a_lost_plug_is_answered(bench):
    """An ON for a plug that is gone is answered within 10 s by switch_failed, and does not come true later."""
    house = House(bench).up()
    house.dual.do("vanish")
    house.watch.wait("heattrax/walkway_mat/availability", "offline", 30)
    since = house.watch.mark()
    house.broker.publish(f"heattrax/{MAT}/set", "ON")

    def answered():
        kinds = {(it.json() or {}).get("event_type") for it in house.watch.messages("heattrax/bridge/event", since)}
        return kinds & {"switch_failed", "refused"}

    eventually("the command is answered", answered, 11)
    house.dual.do("come_back")
    house.watch.wait("heattrax/walkway_mat/availability", "online", 40, since=since)
    stays("a failed ON of a heater does not come true later", lambda: not house.dual.relay(1), 3)


def sessions_that_expire_are_renewed(bench):
    """A plug that logs everybody out is logged in to again, unseen."""
    house = House(bench).up()
    since = house.watch.mark()
    house.dual.do("expire")
    house.garden.do("expire")
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.broker.publish(f"heattrax/{TREE}/set", "ON")
    house.dual.wait_relay(1, True)
    house.garden.wait_relay(1, True)
    house.watch.state(MAT, "ON", since=since)
    house.watch.state(TREE, "ON", since=since)
    offline = [it.topic for it in house.watch.messages(since=since) if it.payload == "offline"]
    check(not offline, f"nobody was shown offline: {offline}")


def the_wrong_account_is_said_in_words(bench):
    """A plug of another account is offline with the cause in words; the other plug goes on."""
    house = House(bench, garden_password="somebody-elses")
    house.watch = house.broker.watch()
    house.write(house.config()).run()
    house.watch.wait("heattrax/garden_plug/availability", "offline", 30)
    lost = house.watch.event("device_lost", device="garden_plug")
    words = lost["message"].lower()
    check(any(it in words for it in ("account", "credential", "password", "e-mail")), f"the cause is said: {words}")
    house.ready()
    house.watch.state(MAT, "OFF")
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True)
    check(house.watch.last("heattrax/walkway_mat/availability").payload == "online", "the other plug is online")
    check(not house.watch.messages(f"heattrax/{OUTLETS[2]}") or not house.garden.relay(1), "nothing is invented")


def another_device_at_the_address_is_never_switched(bench):
    """Another plug at a known address is reported as identity_mismatch and not switched."""
    house = House(bench).up()
    house.garden.program.end()
    house.watch.wait("heattrax/garden_plug/availability", "offline", 30)
    since = house.watch.mark()
    stranger = Plug(bench, "P400M", port=house.garden.port)
    house.watch.event("identity_mismatch", device="garden_plug", since=since, seconds=40)
    house.broker.publish(f"heattrax/{TREE}/set", "ON")
    stays("the stranger is left alone", lambda: not stranger.relay(1) and not stranger.relay(2), 4)
    check(house.watch.last("heattrax/garden_plug/availability").payload == "offline", "the plug is still offline")


def a_power_cut_is_no_wish(bench):
    """A plug that reboots comes back as the rules want it: a schedule's light is on again."""
    house = House(bench)
    house.watch = house.broker.watch()
    house.write(house.config(schedules=[{"name": "Always", "all_day": True}])).run().ready()
    house.dual.wait_relay(2, True)
    house.watch.state(PORCH, "ON")
    since = house.watch.mark()
    house.dual.do("reboot?seconds=3")
    house.watch.wait("heattrax/walkway_mat/availability", "online", 40, since=since)
    house.dual.wait_relay(2, True, 20)
    house.decision(PORCH, reason="schedule", control="auto")
    house.watch.state(PORCH, "ON")


def many_commands_end_in_the_last_one(bench):
    """Three hundred commands in a moment: nothing breaks, and the last of them holds."""
    house = House(bench).up()
    for last in ("ON", "OFF"):
        since = house.watch.mark()
        house.broker.publish_lines(f"heattrax/{MAT}/set", [*(["ON", "OFF", "TOGGLE"] * 100), last])
        house.dual.wait_relay(1, last == "ON", 15)
        house.watch.state(MAT, last, 15, since=since)
        house.decision(MAT, 15, desired=last)
        stays("it stays so", lambda: house.dual.relay(1) == (last == "ON"), 2)
    check(http("GET", f"{house.web}/readyz")[0] == 200, "the bridge is ready")


SCENARIOS = [
    the_plugs_button_is_a_wish,
    the_meter_is_shown,
    a_plug_vanishes_and_returns,
    a_command_to_a_lost_plug_is_answered,
    sessions_that_expire_are_renewed,
    the_wrong_account_is_said_in_words,
    another_device_at_the_address_is_never_switched,
    a_power_cut_is_no_wish,
    many_commands_end_in_the_last_one,
]
