"""The page in a real browser, on a phone and on a desk."""

import json
import re
import signal
from http.client import HTTPConnection

import browser
from bench import check, eventually, http
from house import MAT, House


def browser_shows_every_view(bench):
    """Every view at 360 and 1280 px, light and dark: nothing to complain of, no serious accessibility finding, and light enough."""
    house = House(bench)
    config = house.config()
    # The first in every list is long, and breaks where it can.
    config["devices"]["groups"]["garden"]["items"][0]["name"] = "At the shed of the neighbours on the left"
    house.write(config).run().ready()
    print(f"    {browser.do('views', url=house.web)}", flush=True)
    browser.do("forecast", url=house.web)
    browser.do("past", url=house.web)


def browser_switches_the_relay(bench):
    """ON, OFF and AUTO on a phone move the relay, and the page shows what the plug reported; a plug that is gone is said so."""
    house = House(bench).up()
    browser.do("press", url=house.web, group="walkway", button="ON", shows="ON")
    check(house.dual.relay(1), "the mat is on")
    house.decision(MAT, reason="manual_on", control="on")
    browser.do("press", url=house.web, group="walkway", button="OFF", shows="OFF")
    check(not house.dual.relay(1), "the mat is off")
    browser.do("press", url=house.web, group="walkway", button="AUTO", shows="OFF", pressed=True)
    house.decision(MAT, control="auto")
    browser.do("press", url=house.web, path="/control", group="walkway", button="ON", shows="ON")
    check(house.dual.relay(1), "the mat is on, by the page for phones")
    browser.do("press", url=house.web, path="/control", group="walkway", button="OFF", shows="OFF")
    check(not house.dual.relay(1), "the mat is off, by the page for phones")
    browser.do("unanswered", url=house.web, group="walkway")
    house.garden.do("vanish")
    house.watch.wait("heattrax/garden_plug/availability", "offline", 30)
    browser.do("press", url=house.web, group="garden", button="ON", answer="cannot be reached")


def browser_waits_for_a_hand(bench):
    """A button that is held while there is something new to show is pressed all the same, on the page and on the one for phones."""
    house = House(bench).up()
    for path in ("/#now", "/control"):
        for button in ("ON", "OFF"):
            browser.do("hold", url=house.web, path=path, group="walkway", button=button, other="porch")
            check(house.dual.relay(1) == (button == "ON"), f"the mat is {button}, by a button that was held at {path}")


def browser_needs_no_mouse(bench):
    """With the keyboard alone an outlet is switched, and the keyboard stays where it was while the page is drawn anew."""
    house = House(bench).up()
    browser.do("keyboard", url=house.web, group="walkway")
    eventually("the relay is on", lambda: house.dual.relay(1))


def browser_signs_in(bench):
    """With a password nobody sees the house without it; a PIN does too."""
    house = House(bench)
    password = "a long enough password"
    bench.secrets.append(password)
    house.up(web={"bind_host": "127.0.0.1", "port": house.web_port, "password": password, "pin": "4711"})
    check(http("GET", f"{house.web}/api/house")[0] == 401, "the house is not shown")
    browser.do("signIn", url=house.web, secret=password)
    browser.do("signIn", url=house.web, secret="4711")
    browser.do("signIn", url=f"{house.web}/control", secret="4711")


def browser_comes_on_with_a_pin_alone(bench):
    """With no more than a PIN, whoever can read the log signs in with its one-time code, and may edit; once, and nobody else."""
    house = House(bench)
    house.up(web={"bind_host": "127.0.0.1", "port": house.web_port, "pin": "4711"})
    browser.do("signIn", url=house.web, secret="4711")
    code = eventually("the log tells the code", lambda: re.search(r"one-time code is ([A-Z2-9]{8})", house.bridge.text()))
    # Who knows the PIN may read the log on the page: the code is not in it.
    line = HTTPConnection("127.0.0.1", house.web_port, timeout=10)
    line.request("POST", "/api/auth/login", json.dumps({"pin": "4711"}), {"Content-Type": "application/json"})
    answer = line.getresponse()
    answer.read()
    line.request("GET", "/api/logs", headers={"Cookie": answer.headers["Set-Cookie"].split(";")[0]})
    answer = line.getresponse()
    told = answer.read().decode()
    check(answer.status == 200 and "the page is at" in told, f"the log is shown: {answer.status} {told[:300]}")
    check(code.group(1) not in told and "one-time" not in told, "the code is not in it")
    browser.do("signIn", url=house.web, secret=code.group(1), toggle="I have the one-time code of the log", edits=True)
    body = json.dumps({"password": code.group(1)}).encode()
    status, told = http("POST", f"{house.web}/api/auth/login", 10, body, Content_Type="application/json")
    check(status == 401, f"the code is good once: {status} {told}")


def browser_edits_schedules(bench):
    """A schedule is added, edited, silenced and deleted on the page, and the file says so; of two editors the second is told."""
    house = House(bench).up()
    for does, word in (("add", "05:30"), ("edit", "Dawn"), ("silence", "false")):
        browser.do("schedule", url=house.web, group="porch", does=does)
        check(word in house.file.read_text(), f"the file says so: {house.file.read_text()[-600:]}")
    here = f"{house.web}/api/groups/porch/schedules"

    def listed():
        return [(it["name"], it["off"]["value"]) for it in json.loads(http("GET", here)[1])["schedules"]]

    def other(method, path="", name=None):
        it = {"name": name, "on": {"type": "time", "value": "18:00"}, "off": {"type": "time", "value": "20:00"}}
        status, told = http(method, here + path, 10, json.dumps(it).encode() if name else None, Content_Type="application/json")
        check(status in (200, 201), f"somebody else changes the list: {status} {told}")

    def go(person):
        person.stdin.write("go\n")
        person.stdin.flush()

    other("POST", name="Dusk")
    person = browser.start("schedule", url=house.web, group="porch", does="open")
    browser.heard(person, "open")
    other("DELETE", "/0")
    other("POST", name="Noon")
    go(person)
    browser.heard(person, "again")
    check(listed() == [("Dusk", "21:00"), ("Noon", "20:00")], f"it is saved in its own place: {listed()}")
    other("DELETE", "/0")
    go(person)
    browser.end(person)
    check(listed() == [("Noon", "20:00"), ("Dusk", "23:00")], f"what was gone is a new one: {listed()}")
    other("DELETE", "/0")
    browser.do("schedule", url=house.web, group="porch", does="delete")
    check("Dusk" not in house.file.read_text(), "the file says so")


def browser_repairs_a_wrong_config(bench):
    """A wrong config starts setup mode; the page shows what is wrong and where, takes the right one, and the house is there."""
    house = House(bench)
    config = json.dumps(house.config(), indent=2)
    house.write(config.replace('"max_runtime_hours": 6', '"max_runtime_hours": -6')).run()
    browser.do("repair", url=house.web, problem="safety.max_runtime_hours", group="walkway", **{"from": '"max_runtime_hours": -6', "to": '"max_runtime_hours": 6'})
    house.ready()


def browser_sets_every_value(bench):
    """The config as a form: what is wrong is said at its place, items come and go, secrets are never shown, and the file keeps its comments."""
    house = House(bench)
    secret = "a-secret-topic-of-ntfy"
    text = json.dumps(house.config(notifications={"ntfy": {"enabled": False, "topic": secret}}), indent=1)
    house.write(text.replace('"safety": {', '# mine: do not touch\n "safety": {'))
    house.run("--log-format", "text").ready()
    browser.do("form", url=house.web, secret=secret, held={"field": "#form-logging-format", "words": "Held by an option of the command line"})
    text = house.file.read_text()
    check("# mine: do not touch" in text and secret in text and "cooldown_minutes" not in text, f"the file keeps the rest: {text}")
    check('"max_runtime_hours": 5' in text and "Pond" not in text and '"light"' in text, f"the file says so: {text}")


def browser_keeps_what_is_not_saved(bench):
    """What is typed in the config and the schedules outlives a look at another view, is not closed over, and can be thrown away."""
    house = House(bench).up()
    browser.do("keep", url=house.web, group="porch")
    text = house.file.read_text()
    check("Half" in text and "31" in text and "# typed" not in text, f"the file has what was saved: {text}")


def browser_sets_up_from_nothing(bench):
    """With no more than the page's address in the config, the page asks for account, place and plugs, writes the file, and the bridge starts with it."""
    house = House(bench)
    house.write(f"# mine\nweb: {{ bind_host: 127.0.0.1, port: {house.web_port} }}\n").run()
    eventually("the page is there", lambda: http("GET", f"{house.web}/healthz")[0] == 200)
    browser.do("first_config", url=house.web, address=house.dual.address)
    text = house.file.read_text()
    check("# mine" in text and "Walkway mat" in text and "Europe/Zurich" in text, f"the file says so: {text}")


def browser_says_that_it_is_cut_off(bench):
    """While the bridge is gone the page says that it shows the past; when it is back, the page is live again by itself."""
    house = House(bench).up()
    person = browser.start("loss", url=house.web)
    browser.heard(person, "open")
    house.bridge.kill()
    browser.heard(person, "lost")
    house.run().ready()
    browser.end(person)


def browser_knows_a_bridge_that_says_nothing(bench):
    """A bridge that hangs, or a line that is gone without a word: after half a minute without a sign of life the page says that it shows the past."""
    house = House(bench).up()
    person = browser.start("loss", url=house.web)
    browser.heard(person, "open")
    house.bridge.child.send_signal(signal.SIGSTOP)
    try:
        browser.heard(person, "lost")
    finally:
        house.bridge.child.send_signal(signal.SIGCONT)
    browser.end(person)


SCENARIOS = [
    browser_shows_every_view,
    browser_switches_the_relay,
    browser_waits_for_a_hand,
    browser_needs_no_mouse,
    browser_signs_in,
    browser_comes_on_with_a_pin_alone,
    browser_edits_schedules,
    browser_repairs_a_wrong_config,
    browser_sets_every_value,
    browser_keeps_what_is_not_saved,
    browser_sets_up_from_nothing,
    browser_says_that_it_is_cut_off,
    browser_knows_a_bridge_that_says_nothing,
]
