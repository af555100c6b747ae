"""Node-RED and a page of its dashboard, as peers: installed from npm, headless, driven by the admin API and by socket.io."""

import json
import pathlib
import shutil
import subprocess

from bench import Bench, Failed, Program, check, eventually, free_port, http, parsed, stays

HERE = pathlib.Path(__file__).resolve().parent
FLOWS = HERE.parent / "examples" / "node-red"
PINNED = HERE / "nodered"
HOME = HERE.parent / "target" / "node-red"

# Nothing of it leaves the machine or asks for updates.
SETTINGS = """module.exports = {{
    uiHost: "127.0.0.1",
    uiPort: {port},
    flowFile: "flows.json",
    credentialSecret: false,
    mqttReconnectTime: 200,
    telemetry: {{ enabled: false, updateNotification: false }},
    externalModules: {{ palette: {{ allowInstall: false }}, modules: {{ allowInstall: false }} }},
    logging: {{ console: {{ level: "info", metrics: false, audit: false }} }},
}};
"""


def _run(argv, seconds, folder):
    words = " ".join(map(str, argv))
    # The environment as it is, for npm may need a proxy.
    try:
        done = subprocess.run(
            [str(it) for it in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            cwd=folder,
            check=False,
        )
    except FileNotFoundError:
        raise Failed(f"`{argv[0]}` is not installed: apt-get install nodejs npm") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"`{words}` did not end within {seconds} s") from None
    if done.returncode:
        raise Failed(f"`{words}` ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def installed_from(pinned, home):
    """The folder with the packages that are pinned in another, installed once for each lock file."""
    lock = pinned / "package-lock.json"
    made_for = home / "made-for"
    if made_for.is_file() and made_for.read_text() == lock.read_text() and (home / "node_modules").is_dir():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(pinned / name, home / name)
    # Optional native parts are for passwords and serial ports, which nobody needs here.
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], 600, home)
    made_for.write_text(lock.read_text())
    return home


def installed():
    """The `red.js` of the pinned version."""
    return installed_from(PINNED, HOME) / "node_modules" / "node-red" / "red.js"


def version():
    """The versions of Node and of what is pinned."""
    node = _run(["node", "--version"], 20, HERE).strip()
    pinned = json.loads((PINNED / "package.json").read_text())["dependencies"]
    return f"node {node}, " + ", ".join(f"{name} {it}" for name, it in pinned.items())


def flow(name, port):
    """A flow of the examples as it is, but for the address of the broker."""
    nodes = json.loads((FLOWS / name).read_text("utf-8"))
    brokers = [it for it in nodes if it["type"] == "mqtt-broker"]
    check(len(brokers) == 1, f"{name} has one broker")
    brokers[0].update(broker="127.0.0.1", port=str(port))
    return nodes


class NodeRed:
    """One of its own, with its own folder."""

    def __init__(self, bench: Bench):
        red = installed()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        folder = bench.folder / "node-red"
        folder.mkdir()
        settings = folder / "settings.js"
        settings.write_text(SETTINGS.format(port=port))
        argv = ["node", red, "--userDir", folder, "--settings", settings]
        self.program = bench.start(Program("node-red", argv, bench.folder, HOME=str(folder)))
        # The admin API answers before the runtime takes flows.
        eventually("Node-RED has started its flows", lambda: "Started flows" in self.program.text(), 60)

    def deploy(self, *flows):
        """Takes these flows, and nothing else, into use by the admin API; fails if one has a node of an unknown type."""
        nodes = [it for one in flows for it in one]
        headers = {"Content_Type": "application/json", "Node_RED_Deployment_Type": "full"}
        status, text = http("POST", f"{self.url}/flows", 20, json.dumps(nodes).encode(), **headers)
        check(status in (200, 204), f"Node-RED takes the flows: {status} {text}")
        _, text = http("GET", f"{self.url}/flows")
        kept = {it["id"] for it in json.loads(text)}
        check({it["id"] for it in nodes} == kept, "Node-RED kept every node")
        return self

    def connected(self, brokers=1):
        """Waits until so many broker nodes are connected."""
        eventually("the flows are connected", lambda: self.program.text().count("Connected to broker") >= brokers, 15)
        return self

    def press(self, node):
        """The button of an inject node."""
        status, text = http("POST", f"{self.url}/inject/{node}")
        check(status == 200, f"the inject node {node} is pressed: {status} {text}")

    def heard(self):
        """What the flow heard last, by its own HTTP node."""
        status, text = http("GET", f"{self.url}/heattrax")
        check(status == 200 and parsed(text) is not None, f"GET /heattrax gives JSON: {status} {text[:300]}")
        return json.loads(text)

    def wait(self, what, look, seconds=10.0):
        """Waits until what the flow heard is as wanted."""
        try:
            return eventually(f"the flow heard {what}", lambda: look(self.heard()), seconds)
        except Failed as failure:
            raise Failed(f"{failure}; it heard {json.dumps(self.heard())[:1500]}") from None

    def complaints(self):
        """Warnings and errors in its log."""
        words = ("[error]", "[warn]", "Missing node", "missing types", "Uncaught")
        # Before its first start it says which of its features are off.
        said = self.program.text().partition("Started flows")[2]
        return [it for it in said.splitlines() if any(word in it for word in words)]


class Page:
    """A browser's side of a dashboard page: socket.io over HTTP polling, which needs nothing but the standard library."""

    def __init__(self, url):
        self.base = f"{url}/dashboard/socket.io/?EIO=4&transport=polling"
        _, text = http("GET", self.base)
        check(text.startswith("0{"), f"the dashboard opens a session: {text[:200]}")
        self.base += f"&sid={json.loads(text[1:])['sid']}"
        self._post("40")
        self.events = []

    def _post(self, packet):
        status, text = http("POST", self.base, 10, packet.encode(), Content_Type="text/plain;charset=UTF-8")
        check(status == 200, f"the dashboard takes a packet: {status} {text}")

    def _poll(self):
        # The server holds a poll open while there is nothing to tell.
        status, text = http("GET", self.base, 1.0)
        for packet in text.split("\x1e") if status == 200 else []:
            if packet == "2":
                self._post("3")
            elif packet.startswith("42"):
                self.events.append(json.loads(packet[2:]))

    def emit(self, *event):
        """Says something to the dashboard."""
        self._post("42" + json.dumps(event))

    def _payloads(self, widget):
        """What it shows, asking anew as a page does that was just opened; the newest is last."""
        self.emit("widget-load", widget)
        self._poll()
        names = (f"widget-load:{widget}", f"widget-sync:{widget}", f"msg-input:{widget}")
        found = [rest[0].get("payload") for name, *rest in self.events if name in names and rest and rest[0]]
        self.events.clear()
        return found

    def shows(self, widget, wanted, seconds=10.0):
        """Waits until a widget has this payload."""
        last = []

        def look():
            last.extend(self._payloads(widget))
            return last and (wanted(last[-1]) if callable(wanted) else last[-1] == wanted)

        try:
            eventually(f"the widget {widget} shows what it should", look, seconds)
        except Failed as failure:
            raise Failed(f"{failure}; it shows {last[-1:]}") from None

    def keeps(self, widget, wanted, seconds):
        """Fails if a widget shows anything else within the time."""
        stays(f"the widget {widget} shows {wanted}", lambda: set(self._payloads(widget)) <= {wanted}, seconds)


if __name__ == "__main__":
    installed()
    print(version())
