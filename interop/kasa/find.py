"""Does the real python-kasa find an emulated device by discovery, and log in to what it found?

    heattrax emulate --listen 127.0.83.1:9001 --udp 127.0.83.1:20002
    python find.py 127.0.83.1

Prints `OK <model> <mac>`. Exits with 1 if nothing is found or the login does not work.
"""

import argparse
import asyncio

from kasa import Credentials, Discover


async def find(host, credentials):
    device = await Discover.discover_single(host, credentials=credentials, discovery_timeout=5)
    try:
        await device.update()
        print(f"OK {device.model} {device.mac}", flush=True)
    finally:
        await device.disconnect()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("--user", default="user@example.com")
    parser.add_argument("--password", default="hunter2")
    given = parser.parse_args()
    asyncio.run(asyncio.wait_for(find(given.host, Credentials(given.user, given.password)), 30))


if __name__ == "__main__":
    main()
