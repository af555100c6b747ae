"""A house to try the bridge in: a broker, a P210M with a mat and a porch light, an EP40M in the garden, and the bridge."""

import json

from bench import Bench, Program, check, eventually, free_port, http
from peers import ACCOUNT, Broker, Plug

MAT = "walkway_mat/1"
PORCH = "walkway_mat/2"
TREE = "garden_plug/1"
FOUNTAIN = "garden_plug/2"
OUTLETS = (MAT, PORCH, TREE, FOUNTAIN)


class House:
    """The parts, started one by one, so that a scenario can do something in between."""

    def __init__(self, bench: Bench, garden_password=ACCOUNT[1], users=None):
        self.bench = bench
        bench.secrets.append(ACCOUNT[1])
        self.broker = Broker(bench, users=users).up()
        self.dual = Plug(bench, "P210M")
        self.garden = Plug(bench, "EP40M", garden_password)
        self.web_port = free_port()
        self.file = bench.folder / "heattrax.yaml"
        self.data = bench.folder / "data"
        self.bridge = None
        self.watch = None

    @property
    def web(self):
        """Where the bridge answers."""
        return f"http://127.0.0.1:{self.web_port}"

    def config(self, schedules=None, **sections):
        """The config as a dictionary: JSON is YAML too."""
        garden = {"name": "Garden plug", "ip_address": self.garden.address, "poll_seconds": 1}
        mat = {"name": "Walkway mat", "ip_address": self.dual.address, "outlets": [0], "poll_seconds": 1}
        porch = {"name": "Porch light", "ip_address": self.dual.address, "outlets": [1]}
        groups = {
            "walkway": {"class": "heater", "items": [mat]},
            "porch": {"class": "light", "items": [porch], "schedules": schedules or []},
            "garden": {"class": "generic", "items": [garden]},
        }
        return {
            "location": {"latitude": 44.9778, "longitude": -93.265, "timezone": "America/Chicago"},
            "weather_api": {"enabled": False},
            "devices": {"credentials": {"username": ACCOUNT[0], "password": ACCOUNT[1]}, "groups": groups},
            "safety": {"max_runtime_hours": 6, "cooldown_minutes": 30},
            "mqtt": {"host": "127.0.0.1", "port": self.broker.port, "protocol": self.bench.protocol},
            "web": {"bind_host": "127.0.0.1", "port": self.web_port},
            **sections,
        }

    def write(self, config):
        """Writes the config file."""
        self.file.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
        return self

    def run(self, *arguments):
        """Starts the bridge, without waiting."""
        count = sum(it.name.startswith("heattrax") for it in self.bench.programs)
        argv = [self.bench.heattrax, "run", "--config", self.file, "--data", self.data, *arguments]
        self.bridge = self.bench.start(Program(f"heattrax-{count + 1}", argv, self.bench.folder))
        return self

    def ready(self, seconds=15.0):
        """Waits until broker and devices have been asked once."""

        def look():
            check(self.bridge.runs(), f"the bridge ended with {self.bridge.child.returncode}")
            return http("GET", f"{self.web}/readyz")[0] == 200

        eventually("the bridge is ready", look, seconds)
        return self

    def up(self, **config):
        """Everything at once, and somebody who listens."""
        self.watch = self.broker.watch()
        self.write(self.config(**config)).run().ready()
        for outlet in OUTLETS:
            self.watch.state(outlet, "OFF")
        return self

    def decision(self, outlet, seconds=10.0, since=0, **fields):
        """Waits for a decision with these fields. Returns it."""
        topic = f"heattrax/{outlet}/decision"
        message = self.watch.wait(
            topic,
            lambda it: all((it.json() or {}).get(key) == wanted for key, wanted in fields.items()),
            seconds,
            since,
        )
        return message.json()

    def remembered(self, outlet, holds):
        """Waits until what the memory on disk says of an outlet `holds`."""

        def written():
            try:
                memory = json.loads((self.data / "memory.json").read_text(encoding="utf-8"))["memory"]
            except FileNotFoundError:
                return False
            return outlet in memory["outlets"] and holds(memory["outlets"][outlet])

        eventually(f"the memory knows it of {outlet}", written)
