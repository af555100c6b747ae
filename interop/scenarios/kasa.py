"""python-kasa, a client that others wrote, against the emulated plugs."""

import pathlib
import subprocess
import sys

from bench import Failed
from peers import ACCOUNT, Plug

KASA = pathlib.Path(__file__).resolve().parent.parent / "kasa"
FAMILIES = {
    "P210M": "SMART.TAPOPLUG",
    "EP40M": "SMART.KASAPLUG",
    "P400M": "SMART.TAPOPLUG",
    "P300": "SMART.TAPOPLUG",
    "P110M": "SMART.TAPOPLUG",
    "P100": "SMART.TAPOPLUG",
}


def _python():
    """A Python that has python-kasa: a virtual environment beside the suite, made once for each list of requirements."""
    home = KASA.parent / ".venv"
    python = home / "bin" / "python"
    requirements = KASA / "requirements.txt"
    made_for = home / "requirements.txt"
    if made_for.is_file() and made_for.read_text() == requirements.read_text():
        return python
    _run([sys.executable, "-m", "venv", "--clear", home], 120)
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], 600)
    made_for.write_text(requirements.read_text())
    return python


def _run(argv, seconds):
    """Runs something with the environment as it is, for pip may need a proxy."""
    words = " ".join(map(str, argv))
    try:
        done = subprocess.run(
            [str(it) for it in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"`{words}` did not end within {seconds} s") from None
    if done.returncode:
        raise Failed(f"`{words}` ended with {done.returncode}:\n{done.stdout[-3000:]}")


def _scenario(model):
    def play(bench):
        python = _python()
        plug = Plug(bench, model)
        account = ["--user", ACCOUNT[0], "--password", ACCOUNT[1]]
        _run([python, KASA / "check.py", *account, "--family", FAMILIES[model], plug.address], 120)

    play.__name__ = f"kasa_{model.lower()}"
    play.__doc__ = f"python-kasa logs in to an emulated {model}, reads and switches it, and is let in by no other password."
    return play


SCENARIOS = [_scenario(model) for model in FAMILIES]
