"""A real browser at the page: Chromium, driven by playwright-core from npm."""

import atexit
import json
import os
import pathlib
import shutil
import subprocess

from bench import Failed, environment
from node_red import installed_from

HERE = pathlib.Path(__file__).resolve().parent
PINNED = HERE / "browser"
HOME = HERE.parent / "target" / "browser"


def installed():
    """The folder with the pinned packages, installed once for each lock file."""
    return installed_from(PINNED, HOME)


def chromium():
    """Debian's browser."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise Failed("there is no Chromium: apt-get install chromium")


def start(what, **given):
    """A person who does something at the page."""
    env = {**environment(), "MODULES": str(installed()), "CHROMIUM": chromium(), "HOME": os.environ.get("HOME", "/tmp")}
    argv = ["node", PINNED / "browse.mjs", what, json.dumps(given)]
    person = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # A scenario that fails halfway leaves nobody behind.
    atexit.register(lambda: person.poll() is None and person.kill())
    return person


def heard(person, word):
    """Waits until the person says this word; their own sentence if they end without it."""
    said = person.stdout.readline().strip()
    if said == word:
        return
    person.kill()
    _, err = person.communicate(timeout=30)
    raise Failed(f"the person at the page said `{said}` instead of `{word}`: {err.strip()[-2500:]}")


def end(person, seconds=180):
    """What came of it; the person's own words if it went wrong."""
    try:
        out, err = person.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        person.kill()
        raise Failed(f"the browser did not end within {seconds} s") from None
    if person.returncode:
        raise Failed(err.strip()[-2500:] or f"the browser ended with {person.returncode}")
    return json.loads(out.strip().splitlines()[-1])


def do(what, seconds=180, **given):
    """Does something at the page and says what came of it."""
    return end(start(what, **given), seconds)


if __name__ == "__main__":
    installed()
    print(chromium())
