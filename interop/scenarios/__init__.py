"""The scenarios: functions whose name and first line say what must hold."""

import dataclasses
import typing

from scenarios import alone, broker, browser, commands, devices, homeassistant, nodered, proxy, restart, schedule, setup
from scenarios import kasa as python_kasa


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One of them."""

    name: str
    about: str
    play: typing.Callable
    # Is it about MQTT, so that it is played with every broker and version?
    in_matrix: bool = False


def _of(function, in_matrix):
    about = " ".join(function.__doc__.split())
    return Scenario(function.__name__, about.rstrip("."), function, in_matrix)


def every(kasa=True, node_red=True, with_browser=True):
    """All of them, in the order in which they are played."""
    rooms = [homeassistant, commands, schedule, devices, broker, restart, setup, alone]
    if kasa:
        rooms.append(python_kasa)
    if node_red:
        rooms.append(nodered)
    if with_browser:
        rooms += [browser, proxy]
    about_mqtt = (homeassistant, commands, broker, restart)
    return [_of(function, room in about_mqtt) for room in rooms for function in room.SCENARIOS]
