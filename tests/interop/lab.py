"""A Home Assistant to try things with: the three programs of HEATTRAX_HA, and its WebSocket for what its registries hold."""

import base64
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "interop"))
sys.dont_write_bytecode = True

from bench import Failed, eventually  # noqa: E402

PORT = 1883
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Socket:
    """As much of RFC 6455 as Home Assistant's API needs: whole text messages, masked as a client must."""

    def __init__(self, url, seconds):
        place = urllib.parse.urlsplit(url)
        self.held = b""
        self.socket = socket.create_connection((place.hostname, place.port), seconds)
        key = base64.b64encode(os.urandom(16)).decode()
        asked = (
            f"GET /api/websocket HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(asked.encode())
        while b"\r\n\r\n" not in self.held:
            self._more()
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Failed(f"no WebSocket: {head[:200]!r}")

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise OSError("Home Assistant closed the WebSocket")
        self.held += data

    def _take(self, count):
        while len(self.held) < count:
            self._more()
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def say(self, value, kind=0x1):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0xFE, size)
        mask = os.urandom(4)
        self.socket.sendall(bytes([0x80 | kind]) + length + mask + bytes(it ^ mask[n % 4] for n, it in enumerate(data)))

    def hear(self):
        """The next message."""
        text = b""
        while True:
            first, size = self._take(2)
            if size == 126:
                size = struct.unpack("!H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._take(8))[0]
            data, kind = self._take(size), first & 0x0F
            if kind == 0x9:
                self.say(data, 0xA)
            elif kind == 0x8:
                raise OSError("Home Assistant closed the WebSocket")
            elif kind in (0x0, 0x1):
                text += data
                if first & 0x80:
                    return json.loads(text)

    def close(self):
        self.socket.close()


class HomeAssistant:
    """Home Assistant, as somebody else brings it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.url = self.log = self.token = self.socket = None
        self.read_from = self.number = 0

    def up(self):
        """Starts it, if it does not run. Returns when it is joined to the broker."""
        ran = subprocess.run(
            [self.folder / "up", "127.0.0.1", str(PORT)], capture_output=True, text=True, timeout=900, check=False
        )
        if ran.returncode:
            raise Failed(f"up: {ran.stderr.strip()[-400:]}")
        told = json.loads(ran.stdout.strip().splitlines()[-1])
        self.url, self.log = told["url"], pathlib.Path(told["log"])
        self._login(pathlib.Path(told["token_file"]))
        # It answers long before it has heard what the broker holds.
        eventually("Home Assistant runs", lambda: self.rest("GET", "/api/config")["state"] == "RUNNING", 120)
        return self

    def down(self):
        """Stops it, and waits until it is gone: it writes its registries at its end."""
        self.hang_up()
        subprocess.run([self.folder / "down"], timeout=60, check=True, capture_output=True)
        eventually("Home Assistant has stopped", lambda: not self._answers(), 60)
        # The log of a new start begins at nothing.
        self.read_from = 0
        time.sleep(1)

    def forget(self):
        """Stops it and throws away all that it knows."""
        subprocess.run([self.folder / "down", "--forget"], timeout=60, check=True, capture_output=True)
        self.read_from = 0

    def _answers(self):
        place = urllib.parse.urlsplit(self.url)
        with socket.socket() as probe:
            return probe.connect_ex((place.hostname, place.port)) == 0

    def _login(self, token_file):
        saved = json.loads(token_file.read_text())
        grant = {"client_id": self.url + "/", "grant_type": "refresh_token", "refresh_token": saved["refresh_token"]}
        asked = urllib.request.Request(self.url + "/auth/token", urllib.parse.urlencode(grant).encode())
        with _DIRECT.open(asked, timeout=30) as answer:
            self.token = json.loads(answer.read())["access_token"]

    def rest(self, method, path, body=None, plain=False):
        """The answer of the REST API; `plain` where it is text and no JSON."""
        data = None if body is None else json.dumps(body).encode()
        head = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            with _DIRECT.open(urllib.request.Request(self.url + path, data, head, method=method), timeout=60) as answer:
                found = answer.read()
                return found.decode() if plain else json.loads(found or "null")
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read().decode()[:300]}") from None

    def hang_up(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, kind, **more):
        """The answer of the WebSocket API."""
        if self.socket is None:
            self.socket = Socket(self.url, 30)
            self.socket.hear()
            self.socket.say({"type": "auth", "access_token": self.token})
            if self.socket.hear()["type"] != "auth_ok":
                raise Failed("Home Assistant does not let us in")
        self.number += 1
        self.socket.say({"id": self.number, "type": kind, **more})
        while True:
            answer = self.socket.hear()
            if answer.get("id") == self.number and answer["type"] == "result":
                if not answer["success"]:
                    raise Failed(f"{kind}: {answer['error']}")
                return answer["result"]

    def tool(self, *words, seconds=120):
        """What `ha.py` prints."""
        ran = subprocess.run(
            [sys.executable, self.folder / "ha.py", *words], capture_output=True, text=True, timeout=seconds, check=False
        )
        if ran.returncode:
            raise Failed(f"ha.py {' '.join(words)}: {(ran.stderr or ran.stdout).strip()[-400:]}")
        return ran.stdout.strip()

    def call(self, service, entity, **data):
        domain, name = service.split(".")
        self.rest("POST", f"/api/services/{domain}/{name}", {"entity_id": entity, **data})

    def states(self):
        """Entity id → state, with its attributes."""
        return {it["entity_id"]: it for it in self.ask("get_states")}

    def state(self, entity):
        return self.states().get(entity, {}).get("state")

    def wait_state(self, entity, wanted, seconds=10.0):
        eventually(f"{entity} is {wanted} in Home Assistant", lambda: self.state(entity) == wanted, seconds)

    def entities(self):
        """Unique id → what the registry holds of it, for all that came by MQTT."""
        found = [it for it in self.ask("config/entity_registry/list") if it["platform"] == "mqtt"]
        return {it["unique_id"]: it for it in found}

    def devices(self):
        """The devices that came by MQTT."""
        ours = self.entry("mqtt")
        every = self.ask("config/device_registry/list")
        # A child device names its entry otherwise.
        return [it for it in every if ours in it.get("config_entries", [it.get("config_entry_id")])]

    def entry(self, domain):
        """The id of an integration's config entry."""
        entries = self.rest("GET", "/api/config/config_entries/entry")
        return next((it["entry_id"] for it in entries if it["domain"] == domain), None)

    def said(self):
        """What it has logged since it was last asked."""
        with self.log.open("rb") as log:
            log.seek(self.read_from)
            data = log.read()
        self.read_from += len(data)
        return data.decode("utf-8", "replace").splitlines()
