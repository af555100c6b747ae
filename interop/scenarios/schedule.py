"""Schedules that fire within seconds."""

from bench import check
from house import PORCH, House


def a_cron_schedule_switches(bench):
    """A cron schedule closes the relay, and opens it when its duration is over."""
    # Four seconds out of ten.
    often = {
        "name": "Often",
        "on": {"type": "cron", "value": "*/10 * * * * *"},
        "off": {"type": "duration", "value": 4 / 3600},
    }
    house = House(bench)
    house.watch = house.broker.watch()
    house.write(house.config(schedules=[often])).run().ready()
    for _ in range(2):
        since = house.watch.mark()
        house.dual.wait_relay(2, True, 12)
        house.watch.state(PORCH, "ON", since=since)
        decision = house.decision(PORCH, since=since, reason="schedule", mode="schedule")
        check("Often" in decision["sentence"], f"the sentence names the schedule: {decision['sentence']}")
        since = house.watch.mark()
        house.dual.wait_relay(2, False, 8)
        house.watch.state(PORCH, "OFF", since=since)


def an_off_beats_a_schedule(bench):
    """An all-day schedule switches on at once; a person's OFF beats it, and `control` auto gives it back."""
    always = {"name": "Always", "all_day": True}
    house = House(bench)
    house.watch = house.broker.watch()
    house.write(house.config(schedules=[always])).run().ready()
    house.dual.wait_relay(2, True)
    house.decision(PORCH, reason="schedule")
    house.broker.publish(f"heattrax/{PORCH}/set", "OFF")
    house.dual.wait_relay(2, False)
    decision = house.decision(PORCH, reason="manual_off")
    speaks = [it["voice"] for it in decision["voices"] if it.get("wish") == "ON"]
    check(speaks == ["schedule"], f"the schedule is still shown as wishing ON: {decision['voices']}")
    house.broker.publish(f"heattrax/{PORCH}/control/set", "auto")
    house.dual.wait_relay(2, True)
    house.decision(PORCH, reason="schedule", control="auto")


SCENARIOS = [a_cron_schedule_switches, an_off_beats_a_schedule]
