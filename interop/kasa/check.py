"""Does the real python-kasa get along with the emulated devices?

    heattrax emulate --listen 127.0.0.1:9001 --model P210M --user user@example.com --password hunter2
    python check.py 127.0.0.1:9001 [more addresses]

Connects to each address, lists the outlets, switches each of them on, off and on, reads back after every step, and reads the
meter where there is one. Prints `OK <model>` for each device. Exits with 1 if anything was not as it should be.
"""

import argparse
import asyncio
import sys
import traceback

from kasa import AuthenticationError, Credentials, Device, DeviceConfig, Module
from kasa import DeviceConnectionParameters as Connection
from kasa import DeviceEncryptionType as Encryption
from kasa import DeviceFamily as Family

#: Seconds for everything that is done with one device.
DEADLINE = 60


class Wrong(Exception):
    """The device did not do what it was told, or the client did not see it."""


def expect(so, what):
    if not so:
        raise Wrong(what)


def config(address, credentials, family):
    host, _, port = address.rpartition(":")
    connection = Connection(family, Encryption.Klap, login_version=2)
    return DeviceConfig(host=host, port_override=int(port), credentials=credentials, connection_type=connection, timeout=5)


async def switch(device, outlet, on):
    """Switches one outlet and finds it so after a fresh look."""
    await (outlet.turn_on() if on else outlet.turn_off())
    await device.update()
    expect(outlet.is_on == on, f"{outlet.alias} is {'off' if on else 'on'} after it was switched {'on' if on else 'off'}")


async def read_meter(outlet):
    """Reads the meter, if there is one, in its own words."""
    energy = outlet.modules.get(Module.Energy)
    if energy is None:
        return ""
    expect(energy.current_consumption is not None, f"{outlet.alias} has a meter and tells no power")
    expect(energy.consumption_today is not None, f"{outlet.alias} has a meter and tells no energy")
    volts = f", {energy.voltage} V" if energy.voltage is not None else ""
    return f" {energy.current_consumption} W{volts}, {energy.consumption_today} kWh today"


async def try_auto_off(device, outlet):
    """Sets the auto-off timer where there is one, and sees it run."""
    auto_off = outlet.modules.get(Module.AutoOff)
    if auto_off is None:
        return ""
    await auto_off.set_enabled(True)
    await device.update()
    await auto_off.set_delay(5)
    await switch(device, outlet, False)
    await switch(device, outlet, True)
    expect(auto_off.is_timer_active and auto_off.delay == 5, f"the auto-off timer of {outlet.alias} does not run")
    await auto_off.set_enabled(False)
    return ", auto-off"


async def check(address, credentials, family):
    device = await Device.connect(config=config(address, credentials, family))
    try:
        await device.update()
        outlets = list(device.children) or [device]
        for outlet in outlets:
            for on in (True, False, True):
                await switch(device, outlet, on)
            others = [it for it in outlets if it is not outlet]
            expect(not any(it.is_on for it in others), f"{outlet.alias} was switched on, and another one with it")
            meter = await read_meter(outlet)
            timer = await try_auto_off(device, outlet)
            print(f"   {outlet.alias}: on, off, on{meter}{timer}")
            await switch(device, outlet, False)
        print(f"OK {device.model} ({len(outlets)} outlets, {device.hw_info['sw_ver']})")
    finally:
        await device.disconnect()


async def check_wrong_password(address, credentials, family):
    wrong = Credentials(credentials.username, credentials.password + "?")
    try:
        device = await Device.connect(config=config(address, wrong, family))
    except AuthenticationError:
        return
    await device.disconnect()
    raise Wrong("a wrong password was taken")


async def main():
    words = argparse.ArgumentParser(description="Does python-kasa get along with the emulated devices?")
    words.add_argument("addresses", nargs="+", metavar="HOST:PORT")
    words.add_argument("--user", default="user@example.com")
    words.add_argument("--password", default="hunter2")
    words.add_argument("--family", default="SMART.TAPOPLUG", help="SMART.TAPOPLUG or SMART.KASAPLUG")
    given = words.parse_args()
    credentials, family = Credentials(given.user, given.password), Family(given.family)
    failed = False
    for address in given.addresses:
        try:
            async with asyncio.timeout(DEADLINE):
                await check(address, credentials, family)
                await check_wrong_password(address, credentials, family)
        except Exception as error:  # one device that fails must not hide the others
            failed = True
            print(f"FAILED {address}: {type(error).__name__}: {error}")
            if not isinstance(error, Wrong):
                traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
