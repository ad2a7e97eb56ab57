"""A relay in a process of its own, whose memory can be measured: ``python -m tests.integration.wal.huge URL SLOT``.

It relays until its standard input ends, and then says by how many megabytes it grew at the most.
"""

import asyncio
import resource
import sys

from headwater.settings import Settings
from headwater.wal import run_relay


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(url: str, slot: str) -> None:
    idle, stop = peak_mb(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stop.set)
    await run_relay(url, Settings(slot=slot), stop)
    print(peak_mb() - idle, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
