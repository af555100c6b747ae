"""The programs around the bridge: the broker and its clients from mosquitto, and emulated plugs."""

import dataclasses
import json
import shutil
import signal
import subprocess
import threading
import time

from bench import Bench, Failed, Program, check, environment, eventually, free_port, http, parsed

ACCOUNT = ("user@example.com", "hunter2-of-the-plugs")


def tool(name):
    """Where a program of mosquitto is. Debian keeps the broker out of an ordinary PATH."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Failed(f"`{name}` is not installed: apt-get install mosquitto mosquitto-clients")
    return path


@dataclasses.dataclass(frozen=True)
class Message:
    """What `mosquitto_sub` received."""

    topic: str
    payload: str
    retain: bool

    def json(self):
        """The payload, if it is JSON."""
        return parsed(self.payload)


def _message(line):
    it = json.loads(line)
    return Message(it["topic"], it["payload"] or "", bool(it["retain"]))


class Broker:
    """A mosquitto that forgets everything when it ends. With `users`, only they are let in; the suite is the first of them."""

    def __init__(self, bench: Bench, port=None, users=None):
        self.bench = bench
        self.port = port or free_port()
        self.program = None
        self.users = users or {}
        self.login = []
        for name, password in list(self.users.items())[:1]:
            self.login = ["-u", name, "-P", password]

    def up(self):
        """Starts it and waits until it lets clients in."""
        if self.bench.embedded and not self.users:
            self.program = self.bench.start(Program("broker", [self.bench.embedded, str(self.port)], self.bench.folder))
            eventually("the broker lets clients in", lambda: self._publish("interop/hello", "1").returncode == 0)
            return self
        config = self.bench.folder / "mosquitto.conf"
        text = f"listener {self.port} 127.0.0.1\npersistence false\nlog_dest stdout\n"
        if self.users:
            passwords = self.bench.folder / "passwords"
            passwords.write_text("".join(f"{name}:{password}\n" for name, password in self.users.items()))
            subprocess.run([tool("mosquitto_passwd"), "-U", passwords], check=True, timeout=10)
            passwords.chmod(0o644)
            text += f"allow_anonymous false\npassword_file {passwords}\n"
        else:
            text += "allow_anonymous true\n"
        config.write_text(text)
        self.program = self.bench.start(Program("mosquitto", [tool("mosquitto"), "-c", config], self.bench.folder))
        eventually("the broker lets clients in", lambda: self._publish("interop/hello", "1").returncode == 0)
        return self

    def kill(self):
        """`kill -9`."""
        self.program.kill()

    def freeze(self):
        """Stops it as it stands: connections stay open and nothing is answered."""
        self.program.child.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Lets it go on."""
        self.program.child.send_signal(signal.SIGCONT)

    def publish_lines(self, topic, lines):
        """One `mosquitto_pub` that sends each line as a message, as fast as it can."""
        argv = [*self._pub(topic), "-l"]
        data = "".join(f"{it}\n" for it in lines).encode()
        done = subprocess.run(argv, input=data, capture_output=True, env=environment(), timeout=30, check=False)
        check(done.returncode == 0, f"mosquitto_pub -l on {topic} ended with {done.returncode}")

    def _pub(self, topic):
        return [tool("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(self.port), *self.login, "-q", "1", "-t", topic]

    def _publish(self, topic, payload, *options):
        data = payload if isinstance(payload, bytes) else payload.encode()
        argv = [*self._pub(topic), *options, "-s" if data else "-n"]
        return subprocess.run(
            argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(), timeout=10, check=False
        )

    def publish(self, topic, payload, retain=False):
        """`mosquitto_pub`. An empty payload clears what is retained."""
        options = ["-r"] if retain else []
        done = self._publish(topic, payload, *options)
        check(done.returncode == 0, f"mosquitto_pub on {topic}: {done.stdout.decode('utf-8', 'replace').strip()}")

    def retained(self, *filters, seconds=1):
        """Everything that is retained below the filters, by topic, as a newcomer sees it."""
        argv = [tool("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(self.port), *self.login]
        # Not --retained-only: that one ends at the first message which is not.
        argv += ["-W", str(seconds), "-F", "%j"] + [it for one in filters for it in ("-t", one)]
        done = subprocess.run(argv, capture_output=True, env=environment(), timeout=seconds + 10, check=False)
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        return {it.topic: it for it in map(_message, filter(None, lines)) if it.retain}

    def wait_retained(self, topic, payload):
        """Waits until a newcomer finds this on the topic."""
        eventually(
            f"{topic} is retained as {payload}",
            lambda: (it := self.retained(topic).get(topic)) and it.payload == payload,
        )

    def watch(self, *filters):
        """Follows the filters from now on."""
        return Watch(self, filters or ("heattrax/#", "homeassistant/#"))


class Watch(Program):
    """`mosquitto_sub`: every message since it began, in order."""

    def __init__(self, broker, filters):
        argv = [tool("mosquitto_sub"), "-h", "127.0.0.1", "-p", broker.port, *broker.login]
        argv += ["-q", "1", "-F", "%j", "-t", "interop/#"]
        for one in filters:
            argv += ["-t", one]
        count = sum(it.name.startswith("mosquitto_sub") for it in broker.bench.programs)
        super().__init__(f"mosquitto_sub-{count + 1}", argv, broker.bench.folder)
        broker.bench.start(self)
        self.read = 0
        self.seen = []
        self.lock = threading.Lock()
        mark = f"interop/watch/{count + 1}"

        def listens():
            broker.publish(mark, "?")
            return self.messages(topic=mark)

        eventually("mosquitto_sub listens", listens)

    def messages(self, topic=None, since=0):
        """What has come, from number `since` on."""
        with self.lock:
            with self.log.open("rb") as log:
                log.seek(self.read)
                data = log.read()
            whole = data[: data.rfind(b"\n") + 1]
            self.read += len(whole)
            # Not splitlines(): a payload that quotes rubbish may hold one of the many characters which Unicode counts as a line's end.
            for line in whole.decode("utf-8", "replace").split("\n"):
                if line.startswith("{"):
                    self.seen.append(_message(line))
            return [it for it in self.seen[since:] if topic in (None, it.topic)]

    def mark(self):
        """The number of the next message."""
        return len(self.messages())

    def last(self, topic):
        """The newest message on a topic."""
        found = self.messages(topic)
        return found[-1] if found else None

    def wait(self, topic, what=None, seconds=10.0, since=0):
        """Waits until the newest message on `topic` is as wanted: a text, or a question about it."""
        wanted = what if callable(what) else (lambda it: what is None or it.payload == what)

        def look():
            found = self.messages(topic, since)
            return found[-1] if found and wanted(found[-1]) else None

        try:
            return eventually(f"{topic} is as wanted", look, seconds)
        except Failed as failure:
            raise Failed(f"{failure}; the last was {self.last(topic)}") from None

    def event(self, kind, since=0, seconds=10.0, **fields):
        """Waits for an event of this type with these fields."""

        def look():
            for message in self.messages("heattrax/bridge/event", since):
                event = message.json() or {}
                if event.get("event_type") == kind and all(event.get(key) == it for key, it in fields.items()):
                    return event
            return None

        try:
            return eventually(f"the event {kind} {fields or ''}", look, seconds)
        except Failed as failure:
            heard = [(it.json() or {}).get("event_type") for it in self.messages("heattrax/bridge/event", since)]
            raise Failed(f"{failure}; heard were {heard}") from None

    def state(self, outlet, wanted, seconds=10.0, since=0):
        """Waits until an outlet's topic says ON or OFF."""
        return self.wait(f"heattrax/{outlet}", lambda it: (it.json() or {}).get("state") == wanted, seconds, since)


class Plug:
    """`heattrax emulate`: one device, and the hand that presses its buttons."""

    def __init__(self, bench: Bench, model, password=ACCOUNT[1], port=None):
        self.model = model
        self.port = port or free_port()
        self.panel = f"127.0.0.1:{free_port()}"
        argv = [bench.heattrax, "emulate", "--listen", f"127.0.0.1:{self.port}", "--model", model]
        argv += ["--user", ACCOUNT[0], "--password", password, "--control", self.panel]
        self.program = bench.start(Program(f"plug-{model}-{self.port}", argv, bench.folder))
        eventually(f"the emulated {model} is there", lambda: http("GET", f"http://{self.panel}/state")[0] == 200)

    @property
    def address(self):
        """As the config names it."""
        return f"127.0.0.1:{self.port}"

    def device(self):
        """What the device itself knows."""
        status, text = http("GET", f"http://{self.panel}/state")
        check(status == 200, f"the emulated {self.model} does not show its state: {status} {text}")
        return json.loads(text)["devices"][0]

    def relay(self, slot):
        """Is the relay closed?"""
        return next(it["on"] for it in self.device()["outlets"] if it["slot"] == slot)

    def wait_relay(self, slot, on, seconds=10.0):
        """Waits until the relay is as wanted. Returns how long that took."""
        began = time.monotonic()
        word = "closed" if on else "open"
        eventually(f"the relay {slot} of the {self.model} is {word}", lambda: self.relay(slot) == on, seconds)
        return time.monotonic() - began

    def do(self, what):
        """A request to the control panel such as `press?slot=1`."""
        status, text = http("POST", f"http://{self.panel}/{what}")
        check(status == 200, f"the emulated {self.model} does not do {what}: {status} {text}")
