"""The relay as the product runs it, from its first connection until so many entries are committed in the log."""

import asyncio
import sys
import time

import msgspec
import uvloop

from bench.process import peak_memory_mb, say
from headwater.observe import Occurrence, subscribe
from headwater.settings import Settings
from headwater.wal import run_relay
from headwater.wal.occurrences import Appended, RelayInterrupted


class Drained(msgspec.Struct, frozen=True):
    """What it took."""

    seconds: float
    cpu_seconds: float
    appends: int
    idle_mb: float
    """Memory before, with everything imported."""
    peak_mb: float


async def drain(url: str, slot: str, entries: int) -> Drained:
    """Relay until `entries` are in the log; raises `RuntimeError` if the relay had to begin anew meanwhile."""
    stop, appends, left = asyncio.Event(), 0, entries
    interruptions: list[RelayInterrupted] = []

    def listen(occurrence: Occurrence) -> None:
        nonlocal appends, left
        if isinstance(occurrence, Appended):
            appends, left = appends + 1, left - occurrence.entries
            if left <= 0:
                stop.set()
        elif isinstance(occurrence, RelayInterrupted):
            interruptions.append(occurrence)
            stop.set()

    subscribe(listen)
    idle, begun, cpu = peak_memory_mb(), time.perf_counter(), time.process_time()
    await run_relay(url, Settings(slot=slot), stop)
    if interruptions:
        raise RuntimeError(interruptions[0].reason)
    return Drained(
        seconds=time.perf_counter() - begun,
        cpu_seconds=time.process_time() - cpu,
        appends=appends,
        idle_mb=idle,
        peak_mb=peak_memory_mb(),
    )


if __name__ == "__main__":
    say(uvloop.run(drain(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
