"""Configs that are absent or wrong."""

import json
import re

from bench import check, eventually, http, stays
from house import House


def check_gives_every_place(bench):
    """`check` says OK with 0; a wrong config gives every problem with file:line:column and 2."""
    good = House(bench)
    good.write(good.config())
    done = bench.call("check", "--config", good.file)
    check(done.returncode == 0 and "OK" in done.stdout, f"a good config is OK: {done.returncode} {done.stdout}")
    text = json.dumps(good.config(), indent=2)
    text = text.replace('"max_runtime_hours": 6', '"max_runtime_hours": -6').replace('"timezone"', '"timezoen"')
    good.write(text)
    done = bench.call("check", "--config", good.file)
    shown = done.stdout + done.stderr
    check(done.returncode == 2, f"a wrong config ends with 2, not {done.returncode}")
    for key in ("max_runtime_hours", "timezoen"):
        line = next(number for number, it in enumerate(text.splitlines(), 1) if f'"{key}"' in it)
        wanted = rf"heattrax\.yaml:{line}:\d+.*{key}"
        check(re.search(wanted, shown), f"`{key}` is reported at line {line}: {shown}")
    check("timezone" in shown, "the nearest right key is named")
    done = bench.call("check", "--config", bench.folder / "nowhere.yaml")
    check(done.returncode == 2, f"an absent config ends with 2, not {done.returncode}")
    done = bench.call("check", "--no-such-flag")
    check(done.returncode == 2, f"a bad argument ends with 2, not {done.returncode}")


def a_wrong_config_starts_setup_mode(bench):
    """`run` with a wrong config switches nothing, stays alive, and bridge/info says what is wrong."""
    house = House(bench)
    house.watch = house.broker.watch()
    wrong = house.config(schedules=[{"name": "Always", "all_day": True}], sefety={})
    house.write(wrong).run()
    eventually("healthz says yes", lambda: http("GET", f"{house.web}/healthz")[0] == 200)
    info = house.watch.wait("heattrax/bridge/info").json()
    problems = json.dumps(info.get("setup"))
    check("sefety" in problems and "heattrax.yaml:" in problems, f"bridge/info says what is wrong and where: {info}")
    house.watch.wait("heattrax/bridge/availability", "online")
    status, told = http("GET", f"{house.web}/api/house")
    check(status == 200 and "sefety" in json.dumps(json.loads(told)["bridge"]["setup"]), f"the page is told that it is setup mode: {status}")
    stays("nothing is switched", lambda: not house.dual.relay(1) and not house.dual.relay(2), 3)
    check(json.loads(house.file.read_text()) == wrong, "the file is as it was")
    code, took = house.bridge.terminate()
    check(code == 0 and took < 3.5, f"it ends with {code} after {took:.1f} s")


def probes_tell_the_truth(bench):
    """`healthcheck` ends with 0 while the loop lives and 1 when nobody answers; reading changes nothing."""
    house = House(bench).up()
    done = bench.call("healthcheck", "--url", f"{house.web}/healthz")
    check(done.returncode == 0, f"healthcheck ends with 0, not {done.returncode}: {done.stderr}")
    since = house.watch.mark()
    for path in ("/", "/healthz", "/readyz"):
        status, _ = http("GET", f"{house.web}{path}")
        check(status == 200, f"GET {path} is answered by 200, not {status}")
    check(not house.watch.messages("heattrax/bridge/event", since), "nothing has happened by it")
    house.bridge.terminate()
    done = bench.call("healthcheck", "--url", f"{house.web}/healthz")
    check(done.returncode == 1, f"healthcheck ends with 1, not {done.returncode}")


SCENARIOS = [check_gives_every_place, a_wrong_config_starts_setup_mode, probes_tell_the_truth]
