"""How long python-kasa takes for what the bridge does, on emulated dual plugs. Started by `cargo bench --bench outlets`.

    HEATTRAX_KASA_PYTHON=interop/.venv/bin/python cargo bench --bench outlets

Prints one JSON object: lists of times in ms. What the device was asked for is counted by whoever started this: the marks on
standard output say when, and a line on standard input says that the count was taken.
"""

import argparse
import asyncio
import json
import sys
import time

from kasa import Credentials, Device, DeviceConfig
from kasa import DeviceConnectionParameters as Connection
from kasa import DeviceEncryptionType as Encryption
from kasa import DeviceFamily as Family

#: Connections that are opened at once.
AT_ONCE = 50


async def connect(address, credentials, gate):
    host, _, port = address.rpartition(":")
    connection = Connection(Family.SmartTapoPlug, Encryption.Klap, login_version=2)
    config = DeviceConfig(
        host=host, port_override=int(port), credentials=credentials, connection_type=connection, timeout=30
    )
    async with gate:
        device = await Device.connect(config=config)
        await device.update()
    return device


async def timed(times, what):
    began = time.perf_counter()
    await what
    times.append((time.perf_counter() - began) * 1000)


def mark(word):
    """Says what comes next, and waits until the requests so far were counted."""
    print(word, flush=True)
    sys.stdin.readline()


async def switch_and_look(device, on):
    outlet = device.children[0]
    await (outlet.turn_on() if on else outlet.turn_off())
    # There is no smaller look: it reads the meters too.
    await device.update()
    if outlet.is_on != on:
        sys.exit("it has not followed")


async def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--first", type=int, required=True, help="the port of the first plug")
    words.add_argument("--count", type=int, default=1, help="how many plugs, on consecutive ports")
    words.add_argument("--rounds", type=int, default=0, help="rounds of updates of all plugs at once")
    words.add_argument("--switches", type=int, default=0)
    words.add_argument("--polls", type=int, default=0)
    words.add_argument("--user", required=True)
    words.add_argument("--password", required=True)
    given = words.parse_args()
    credentials, gate = Credentials(given.user, given.password), asyncio.Semaphore(AT_ONCE)
    ports = range(given.first, given.first + given.count)
    devices = await asyncio.gather(*(connect(f"127.0.0.1:{port}", credentials, gate) for port in ports))
    said = {"switch": [], "poll": [], "round": []}
    mark("switch")
    for at in range(given.switches):
        await timed(said["switch"], switch_and_look(devices[0], at % 2 == 0))
    if given.polls:
        for outlet in devices[0].children:
            await outlet.turn_on()
    mark("poll")
    for _ in range(given.polls):
        await timed(said["poll"], devices[0].update())
    mark("round")
    for _ in range(given.rounds):
        await timed(said["round"], asyncio.gather(*(it.update() for it in devices)))
    mark("end")
    print(json.dumps(said))
    for device in devices:
        await device.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
