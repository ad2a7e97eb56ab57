"""A consumer worker as the product runs it, from its first connection until it has applied so many events."""

import asyncio
import sys
import time

import msgspec
import uvloop

from bench.process import say
from bench.tally import UPSERT, Counted
from headwater.commit import Tx
from headwater.consumer import EventsApplied, Subscription, run_consumers
from headwater.observe import Occurrence, subscribe


class Applied(msgspec.Struct, frozen=True):
    """What it took."""

    seconds: float
    cpu_seconds: float
    transactions: int


async def count(tx: Tx, event: Counted) -> None:
    """The handler, as a user would write it."""
    await tx.run(UPSERT, event.key, event.amount)


async def apply(url: str, consumer: str, events: int) -> Applied:
    """Apply the log from its start to its end."""
    stop, transactions, left = asyncio.Event(), 0, events

    def listen(occurrence: Occurrence) -> None:
        nonlocal transactions, left
        if isinstance(occurrence, EventsApplied):
            transactions, left = transactions + 1, left - occurrence.events
            if left <= 0:
                stop.set()

    subscribe(listen)
    subscription = Subscription(name=consumer, app="bench", events=(Counted,), handler=count)
    begun, cpu = time.perf_counter(), time.process_time()
    await run_consumers(url, [subscription], stop=stop)
    return Applied(time.perf_counter() - begun, time.process_time() - cpu, transactions)


if __name__ == "__main__":
    say(uvloop.run(apply(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
