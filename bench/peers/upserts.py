"""The same upserts by bare asyncpg: transactions of 500, one statement after the other, from events in memory."""

import asyncio
import sys
import time
from collections.abc import Sequence

import asyncpg
import uvloop

from bench.ours.apply import Applied
from bench.process import say
from bench.tally import UPSERT, Counted, counted

BATCH = 500


async def upsert(url: str, events: int, connections: int) -> Applied:
    """Apply them over so many connections; each key stays on one, as it must to be in order."""
    shares: list[list[Counted]] = [[] for _ in range(connections)]
    for event in counted(events):
        shares[hash(event.key) % connections].append(event)
    begun, cpu = time.perf_counter(), time.process_time()
    transactions = sum(await asyncio.gather(*(_apply(url, share) for share in shares)))
    return Applied(time.perf_counter() - begun, time.process_time() - cpu, transactions)


async def _apply(url: str, events: Sequence[Counted]) -> int:
    connection = await asyncpg.connect(url)
    for first in range(0, len(events), BATCH):
        async with connection.transaction():
            for event in events[first : first + BATCH]:
                await connection.execute(UPSERT, event.key, event.amount)
    await connection.close()
    return -(-len(events) // BATCH)


if __name__ == "__main__":
    say(uvloop.run(upsert(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
