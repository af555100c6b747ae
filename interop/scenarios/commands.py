"""Commands by MQTT, those that are followed and those that must not be."""

import json
import os

from bench import check, eventually, stays
from house import MAT, PORCH, TREE, House


def commands_switch_the_relay(bench):
    """`mosquitto_pub` ON, OFF, TOGGLE and JSON move the relay, and its topic follows."""
    house = House(bench).up()
    for payload, wanted in [
        ("ON", True),
        ("OFF", False),
        ("TOGGLE", True),
        ("TOGGLE", False),
        (json.dumps({"state": "ON", "for": "45m", "transaction": "t-1"}), True),
        (json.dumps({"state": "OFF", "until": "next_change"}), False),
    ]:
        since = house.watch.mark()
        house.broker.publish(f"heattrax/{MAT}/set", payload)
        house.dual.wait_relay(1, wanted)
        house.watch.state(MAT, "ON" if wanted else "OFF", since=since)
        check(not house.dual.relay(2), "the other outlet is left alone")
    house.broker.publish("heattrax/garden_plug/2/set", "ON")
    house.garden.wait_relay(2, True)
    house.watch.state("garden_plug/2", "ON")
    check(not house.garden.relay(1), "the EP40M's outlets are not mixed up")


def a_wish_has_an_end_and_a_reason(bench):
    """`{"for":"3s"}` ends by itself, and the decision says who asked and until when."""
    house = House(bench).up()
    house.broker.publish(f"heattrax/{PORCH}/set", json.dumps({"state": "ON", "for": "3s"}))
    house.watch.state(PORCH, "ON")
    decision = house.decision(PORCH, reason="manual_on", control="on")
    check(decision.get("until") and decision.get("sentence"), f"the decision has an end and a sentence: {decision}")
    house.dual.wait_relay(2, False, 8)
    house.watch.state(PORCH, "OFF")
    house.decision(PORCH, control="auto", mode="idle")


def groups_control_and_vacation(bench):
    """A group switches its outlets, `control` off holds against ON, and vacation ends what runs."""
    house = House(bench).up()
    house.broker.publish("heattrax/group/garden/set", "ON")
    house.garden.wait_relay(1, True)
    house.garden.wait_relay(2, True)
    house.watch.wait("heattrax/group/garden", lambda it: it.json()["state"] == "ON")
    house.broker.publish(f"heattrax/{TREE}/control/set", "off")
    house.garden.wait_relay(1, False)
    house.watch.wait("heattrax/group/garden", lambda it: it.json()["state"] == "MIXED")
    since = house.watch.mark()
    house.broker.publish("heattrax/vacation/set", "ON")
    house.garden.wait_relay(2, False)
    house.watch.wait("heattrax/vacation", "ON", since=since)
    house.broker.publish("heattrax/vacation/set", "OFF")
    house.watch.wait("heattrax/vacation", "OFF", since=since)
    house.decision(TREE, control="off")


def retained_commands_are_refused(bench):
    """A retained command from before the start is not followed, is cleared at the broker and reported; with MQTT 5 a live one too."""
    house = House(bench)
    topic = f"heattrax/{MAT}/set"
    house.broker.publish(topic, "ON", retain=True)
    house.up()
    house.watch.event("retained_command_ignored")
    eventually("the retained command is cleared", lambda: topic not in house.broker.retained("heattrax/#"))
    stays("the relay stays open", lambda: not house.dual.relay(1), 2)
    if bench.protocol != "5":
        # There the broker takes the flag away from what it passes on at once: it is a command like any other, until the next start.
        return
    since = house.watch.mark()
    house.broker.publish("heattrax/garden_plug/1/set", "ON", retain=True)
    house.watch.event("retained_command_ignored", since=since)
    eventually("the live one is cleared", lambda: not any(it.endswith("/set") for it in house.broker.retained("heattrax/#")))
    check(not house.garden.relay(1), "the live one is not followed")


def garbage_changes_nothing(bench):
    """Payloads that cannot be read, up to half a MiB, are reported and change nothing; the next command works."""
    house = House(bench).up()
    garbage = [
        b"\xff\xfe\x00\x01",
        b"on please",
        b"{",
        b"[]",
        b'{"state":"ON","for":"-5m"}',
        b'{"state":"ON","for":"25h"}',
        b'{"state":"ON","sudo":true}',
        b"[" * 50_000,
        os.urandom(512 * 1024),
        b"ON" + b" " * 512 * 1024,
    ]
    for payload in garbage:
        since = house.watch.mark()
        house.broker.publish(f"heattrax/{MAT}/set", payload)
        house.watch.event("bad_payload", since=since)
    house.broker.publish("heattrax/no_such_device/1/set", "ON")
    house.broker.publish("heattrax/walkway_mat/9/set", "ON")
    house.broker.publish(f"heattrax/{MAT}/control/set", "sometimes")
    house.broker.publish("heattrax/group/nobody/set", "ON")
    house.broker.publish(f"heattrax/{MAT}/set", "")
    eventually(
        "each but the empty one is reported",
        lambda: sum('"bad_payload"' in it.payload for it in house.watch.messages("heattrax/bridge/event"))
        >= len(garbage) + 4,
    )
    check(not house.dual.relay(1) and not house.dual.relay(2), "no relay has moved")
    check(house.bridge.runs(), "the bridge still runs")
    house.broker.publish(f"heattrax/{MAT}/set", "ON")
    house.dual.wait_relay(1, True)
    check(house.watch.last("heattrax/bridge/availability").payload == "online", "the bridge was never lost")


def requests_are_answered(bench):
    """`bridge/request/health_check` and `info` are answered with their transaction, unknown verbs with an error."""
    house = House(bench).up()
    for verb, status in [("health_check", "ok"), ("info", "ok"), ("self_destruct", "error")]:
        mark = f"mark-{verb}"
        house.broker.publish(f"heattrax/bridge/request/{verb}", json.dumps({"transaction": mark}))
        answer = house.watch.wait(f"heattrax/bridge/response/{verb}").json()
        check(answer["status"] == status and answer.get("transaction") == mark, f"{verb} is answered by {answer}")


def the_log_and_the_config_follow_requests(bench):
    """`log_level` holds until `restart`, which reads the config anew in the same process and leaves a heater on."""
    house = House(bench).up()

    def ask(verb, **payload):
        since = house.watch.mark()
        house.broker.publish(f"heattrax/bridge/request/{verb}", json.dumps(payload))
        answer = house.watch.wait(f"heattrax/bridge/response/{verb}", since=since).json()
        check(answer["status"] == "ok", f"{verb} is answered by {answer}")
        return answer["data"]

    check(ask("log_level")["level"] == "info", "the level of the config is told")
    check("DEBUG" not in house.bridge.text(), "nothing but info is logged")
    ask("log_level", level="debug")
    eventually("more is logged", lambda: "DEBUG" in house.bridge.text())
    house.broker.publish(f"heattrax/{MAT}/set", '{"state":"ON","for":"1h"}')
    house.watch.state(MAT, "ON")
    house.watch.wait(f"heattrax/{MAT}", lambda it: it.json().get("device_timer_off_at"))
    house.write(house.config(safety={"max_runtime_hours": 5, "cooldown_minutes": 30}))
    pid, since = house.bridge.child.pid, house.watch.mark()
    ask("restart")
    house.watch.wait("heattrax/bridge/info", lambda it: '"max_runtime_hours":5' in it.payload, since=since)
    said = [it.payload for it in house.watch.messages("heattrax/bridge/availability", since)]
    check(said == ["offline", "online"], f"it has gone and come back: {said}")
    stays("the mat stays on", lambda: house.dual.relay(1), 3)
    check(house.bridge.runs() and house.bridge.child.pid == pid, "it is the same process")
    house.decision(MAT, reason="manual_on")
    check(ask("log_level")["level"] == "info", "the level of the config holds again")


def a_pause_silences_the_rules(bench):
    """`automation/pause` switches off what a schedule wants, a person still rules, and `resume` ends it."""
    always = {"name": "always", "all_day": True}
    house = House(bench)
    house.watch = house.broker.watch()
    house.write(house.config(schedules=[always])).run().ready()
    house.watch.state(PORCH, "ON")
    since = house.watch.mark()
    house.broker.publish("heattrax/bridge/request/automation/pause", '{"for":"30m","reason":"a film"}')
    paused = house.watch.event("automation_paused", since=since)
    check("a film" in paused["message"], f"the reason is told: {paused}")
    house.watch.state(PORCH, "OFF", since=since)
    house.decision(PORCH, reason="paused", since=since)
    house.broker.publish(f"heattrax/{PORCH}/set", '{"state":"ON","for":"5m","reason":"popcorn"}')
    house.watch.state(PORCH, "ON", since=since)
    decision = house.decision(PORCH, reason="manual_on", since=since)
    check("popcorn" in json.dumps(decision), f"why is shown: {decision}")
    house.broker.publish(f"heattrax/{PORCH}/control/set", "auto")
    house.watch.state(PORCH, "OFF", since=house.watch.mark() - 1)
    house.broker.publish("heattrax/bridge/request/automation/resume", "{}")
    house.watch.event("automation_resumed", since=since)
    house.decision(PORCH, reason="schedule", since=since)
    house.dual.wait_relay(2, True)


SCENARIOS = [
    the_log_and_the_config_follow_requests,
    a_pause_silences_the_rules,
    commands_switch_the_relay,
    a_wish_has_an_end_and_a_reason,
    groups_control_and_vacation,
    retained_commands_are_refused,
    garbage_changes_nothing,
    requests_are_answered,
]
