"""Reading the log across its partitions, in the order of the commits."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import asyncpg

from headwater.commit import decode_header
from headwater.log.batch import CHANGE, EVENT, Entry, partition_of, read_entries
from headwater.log.change import decode_change
from headwater.log.head import read_head
from headwater.log.position import Position
from headwater.log.wakeups import Wakeups

_BATCHES_PER_PARTITION: Final = 16
_LOOK_EVERY_SECONDS: Final = 1.0

_LAYOUTS = "select partitions from headwater.layout"

_NEXT = """
select b.partition, b.last, b.payload
  from unnest($1::smallint[]) as wanted(partition)
 cross join lateral (
        select partition, last, payload from headwater.batch
         where partition = wanted.partition and last > $2 and last <= $3
         order by last limit $4) b
"""


async def read(
    connection: asyncpg.Connection, *, slot: str, after: Position, key: str | None = None
) -> AsyncIterator[Entry]:
    """Every entry after `after` up to the present head, in order; with `key`, only those of that key."""
    head = await read_head(connection, slot)
    async for entry in _read_between(connection, after, head.position, key):
        yield entry


async def follow(
    connection: asyncpg.Connection, url: str, *, slot: str, after: Position, key: str | None = None
) -> AsyncIterator[Entry]:
    """Like `read`; afterwards every entry that is appended, without end."""
    moved = asyncio.Event()
    async with Wakeups(url, application_name="headwater tail") as wakeups:
        wakeups.subscribe(lambda position, partitions: moved.set())
        while True:
            moved.clear()
            head = await read_head(connection, slot)
            async for entry in _read_between(connection, after, head.position, key):
                yield entry
            after = max(after, head.position)
            try:
                async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                    await moved.wait()
            except TimeoutError:
                continue


async def _read_between(
    connection: asyncpg.Connection, after: Position, upto: Position, key: str | None
) -> AsyncIterator[Entry]:
    """The entries in (after, upto], fetched in chunks."""
    partitions = await _partitions(connection, key)
    while after < upto:
        rows = await connection.fetch(_NEXT, partitions, bytes(after), bytes(upto), _BATCHES_PER_PARTITION)
        safe = _safe_upto(rows, upto)
        for entry in _merge(rows, after, safe):
            if key is None or _has_key(entry, key):
                yield entry
        after = safe


async def _partitions(connection: asyncpg.Connection, key: str | None) -> list[int]:
    """The partitions that can hold the wanted entries, under any layout so far."""
    layouts = [row["partitions"] for row in await connection.fetch(_LAYOUTS)]
    if key is None:
        return list(range(max(layouts)))
    return sorted({partition_of(key, partitions) for partitions in layouts})


def _safe_upto(rows: list[asyncpg.Record], upto: Position) -> Position:
    """The position up to which these rows are complete. A partition that may hold more limits it to its last batch."""
    counts: dict[int, int] = {}
    lasts: dict[int, bytes] = {}
    for row in rows:
        counts[row["partition"]] = counts.get(row["partition"], 0) + 1
        lasts[row["partition"]] = max(lasts.get(row["partition"], b""), row["last"])
    full = [lasts[partition] for partition, count in counts.items() if count == _BATCHES_PER_PARTITION]
    return min([upto, *(Position.from_bytes(last) for last in full)])


def _merge(rows: list[asyncpg.Record], after: Position, upto: Position) -> list[Entry]:
    """The entries in (after, upto], each position once. An entry for every partition is stored in each of them."""
    entries = {
        entry.position: entry
        for row in rows
        for entry in read_entries(Position.from_bytes(row["last"]).epoch, row["payload"])
        if after < entry.position <= upto
    }
    return [entries[position] for position in sorted(entries)]


def _has_key(entry: Entry, key: str) -> bool:
    """A truncate concerns every key; a malformed entry has none."""
    if entry.kind == EVENT:
        return decode_header(entry.body).key == key
    return entry.kind == CHANGE and decode_change(entry.body).id in ("", key)
