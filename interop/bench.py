"""What every scenario stands on: waiting with a deadline, free ports, programs that end with the scenario."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

# Children must not be led through a proxy to the loopback address, nor inherit somebody's real settings.
_LEFT_OUT = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """Something is not as the contract says."""


def environment(**more):
    """The environment of a child."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in _LEFT_OUT and not name.startswith("HEATTRAX_")
    }
    return {**kept, **more}


def check(holds, what):
    """Fails unless `holds`."""
    if not holds:
        raise Failed(what)


def eventually(what, look, seconds=10.0):
    """Looks again and again until `look()` returns something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def stays(what, look, seconds):
    """Fails as soon as `look()` returns something false within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        check(look(), f"{what}: not for all of {seconds:g} s")
        time.sleep(0.05)


# Each is given out once: two that are drawn before anybody listens could be the same.
_GIVEN = set()


def free_port():
    """A port of the loopback address that nobody listens on, and that nobody else is given."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def http(method, url, timeout=5.0, body=None, **headers):
    """Status and body of a request; `(None, reason)` when nobody answers. `Content_Type` is the header of that name."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=named, method=method)
    try:
        with _DIRECT.open(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        return None, str(error)


def parsed(text):
    """The JSON in `text`, or None."""
    try:
        return json.loads(text)
    except ValueError:
        return None


class Program:
    """A program that was started here, and that is ended here. Everything that it prints goes into a file."""

    def __init__(self, name, argv, folder, **env):
        self.name = name
        self.log = pathlib.Path(folder) / f"{name}.log"
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(
                [str(it) for it in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment(**env),
                cwd=folder,
            )

    def text(self):
        """What it has printed so far."""
        return self.log.read_text("utf-8", "replace")

    def runs(self):
        """Is it still there?"""
        return self.child.poll() is None

    def kill(self):
        """Ends it without a word of warning."""
        self.child.kill()
        self.child.wait(10)

    def terminate(self, seconds=10.0):
        """Asks it to end. Returns its exit code and how long it took; fails if it does not."""
        began = time.monotonic()
        self.child.terminate()
        try:
            return self.child.wait(seconds), time.monotonic() - began
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within {seconds:g} s of SIGTERM") from None

    def end(self):
        """Ends it, if it has not ended by itself."""
        if self.runs():
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()


class Bench:
    """A folder and the programs of one scenario. Leaving it ends every one of them."""

    def __init__(self, folder, heattrax, keep=False, protocol="5", embedded=None):
        self.folder = pathlib.Path(folder)
        self.heattrax = heattrax
        self.keep = keep
        # The MQTT version that the bridge begins with.
        self.protocol = protocol
        # The embedded broker as a program of its own; mosquitto if there is none.
        self.embedded = embedded
        self.programs = []
        self.secrets = []

    def __enter__(self):
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, kind, value, trace):
        for program in reversed(self.programs):
            program.end()
        if kind is None and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, program):
        """Takes a program in, to be ended with the scenario."""
        self.programs.append(program)
        return program

    def call(self, *arguments, seconds=20.0, **env):
        """Runs `heattrax` to its end. Returns the finished process, with text in `stdout` and `stderr`."""
        try:
            return subprocess.run(
                [str(self.heattrax), *(str(it) for it in arguments)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                env=environment(**env),
                cwd=self.folder,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"`heattrax {' '.join(map(str, arguments))}` did not end within {seconds:g} s") from None

    def audit(self):
        """What must hold of every scenario: no panic, and no secret in any log."""
        for program in self.programs:
            text = program.text()
            check("panicked at" not in text, f"{program.name} panicked")
            for secret in self.secrets:
                check(secret not in text, f"{program.name} prints a password")

    def tails(self, lines=15):
        """The end of every log, for the report of a failure."""
        for program in self.programs:
            state = "runs" if program.runs() else f"ended with {program.child.returncode}"
            yield f"--- {program.name} ({state}): {program.log}"
            for line in program.text().splitlines()[-lines:]:
                yield line if len(line) <= 400 else f"{line[:400]} … ({len(line)} characters)"
