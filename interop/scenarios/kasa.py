"""python-kasa, a client that others wrote, against the emulated plugs."""

import pathlib
import subprocess
import sys

from bench import Failed, Program, check, eventually, free_port
from peers import ACCOUNT, Plug

KASA = pathlib.Path(__file__).resolve().parent.parent / "kasa"
HOST = "127.0.83.1"
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


def kasa_finds(bench):
    """python-kasa and `discover` find an emulated device by UDP, and python-kasa logs in to what it found."""
    python = _python()
    # Clients ask on one port only, so that the device gets a loopback address of its own.
    argv = [bench.heattrax, "emulate", "--listen", f"{HOST}:{free_port()}", "--udp", f"{HOST}:20002"]
    program = bench.start(Program("plug-found", argv, bench.folder))
    eventually("the emulated plug answers questions", lambda: "are answered at" in program.text())
    _run([python, KASA / "find.py", HOST], 60)
    done = bench.call("discover", "--target", HOST, "--timeout", "1")
    check(done.returncode == 0 and "P210M(US)" in done.stdout, f"discover finds it too: {done.stdout}{done.stderr}")


SCENARIOS = [_scenario(model) for model in FAMILIES] + [kasa_finds]
