"""The observer: reads the log as it grows and looks at once whether what it reads can be true.

An event whose ledger row cannot be read was published before it was visible. A transaction of which only a part lies
below the head was published in pieces.
"""

import asyncio
from collections import Counter
from uuid import UUID

import asyncpg
import msgspec

from headwater.commit import read_envelope
from headwater.log import EVENT, START, Entry, Position, Wakeups, read, read_head
from tests.crash.facts import Moved

_MISSING = """
select event from unnest($1::uuid[]) as seen(event)
 where not exists (select from crash.ledger l where l.event = seen.event)
"""
_SIZES = "select tx, count(*) from crash.ledger where tx = any ($1) group by tx"
_SIGHT = "insert into crash.sighting (kind, detail, position) values ($1, $2, $3)"


async def observe_until(url: str, slot: str, stop: asyncio.Event) -> None:
    """Watch until told to stop, through every restart of PostgreSQL."""
    after = START
    while not stop.is_set():
        try:
            after = await _observe(url, slot, after, stop)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.02)


async def _observe(url: str, slot: str, after: Position, stop: asyncio.Event) -> Position:
    connection = await asyncpg.connect(url, timeout=5)
    moved = asyncio.Event()
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: moved.set())
    try:
        async with Wakeups(url, application_name="crash observer") as wakeups:
            wakeups.subscribe(lambda position, partitions: moved.set())
            while not stop.is_set():
                moved.clear()
                head = (await read_head(connection, slot)).position
                entries = [entry async for entry in read(connection, slot=slot, after=after) if entry.position <= head]
                await _look(connection, entries)
                after = max(after, head)
                await moved.wait()
        return after
    finally:
        stopping.cancel()
        connection.terminate()


async def _look(connection: asyncpg.Connection, entries: list[Entry]) -> None:
    events = [
        (entry.position, msgspec.json.decode(read_envelope(entry.body).data, type=Moved))
        for entry in entries
        if entry.kind == EVENT
    ]
    positions = {event.event: position for position, event in events}
    for (event,) in await connection.fetch(_MISSING, list(positions)):
        await connection.execute(_SIGHT, "visible before published", f"{event} has no row yet", str(positions[event]))
    sizes: dict[UUID, int] = dict(await connection.fetch(_SIZES, list({event.tx for _, event in events})))
    for tx, count in Counter(event.tx for _, event in events).items():
        if sizes.get(tx, count) != count:
            place = next(position for position, event in events if event.tx == tx)
            await connection.execute(_SIGHT, "published whole", f"{count} of {sizes[tx]} events of {tx}", str(place))
