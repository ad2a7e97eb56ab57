"""A log to follow without a relay, workers to follow it, and a ledger of what they did.

Every event that a handler applies leaves a row in ``ledger``, in the same transaction: its order there is the order
of application, and a row too many or too few is an event applied twice or lost.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg
import msgspec

from headwater.clock import SystemClock
from headwater.commit import Origin, Tx, key_of, write_envelope
from headwater.consumer import Limits, Subscription, lag, run_consumers, settled
from headwater.db import Pool, platform_source
from headwater.log import CHANGE, EVENT, Entry, Position, Segments, partition_of, write_entry
from headwater.observe import Occurrence, subscribe
from headwater.testing import Databases, eventually
from headwater.types import Event

SLOT = "test"
EPOCH = 1
SEGMENT_BYTES = 1 << 20
WAIT_SECONDS = 20.0

QUICK = Limits(poll=0.1, foreign_poll=0.05, stopped_pause=0.2, cancel_grace=0.2, transaction=WAIT_SECONDS)
"""What would make a test wait is short, and no transaction is cut because the machine is busy."""

LEDGER = """
create table ledger (
    place bigint generated always as identity,
    consumer text not null,
    key text not null,
    number integer not null,
    attempt integer not null default 1
);
create table ledger_seen (consumer text, key text, number integer, primary key (consumer, key, number));
"""


class Happened(Event, key="key"):
    """Numbers count per key."""

    key: str
    number: int
    does: str = ""
    """What the handler is to do with it."""


class Ignored(Event, key="key"):
    key: str


class Log:
    """Appends as a relay does, one call one transaction."""

    def __init__(self, connection: asyncpg.Connection, partitions: int) -> None:
        self._connection = connection
        self._segments = Segments(connection, span=SEGMENT_BYTES)
        self.lsn = 0x1000
        self.partitions = partitions
        self.generation = 1
        self.position = Position(EPOCH, 0, 0)

    async def prepare(self) -> None:
        start = bytes(self.position)
        await self._connection.execute(
            "insert into headwater.layout (generation, partitions, after) values (1, $1, $2)", self.partitions, start
        )
        await self._connection.execute(
            "insert into headwater.log (slot, position, scanned, horizon, system_identifier, timeline) "
            "values ($1, $2, '0/0', '3', 'test', 1)",
            SLOT,
            start,
        )

    async def append(self, *events: Event, traceparent: str | None = None) -> Position:
        """One transaction of events; returns the head."""
        return await self.append_raw(self.entries(*events, traceparent=traceparent))

    async def append_change(self, table: str, operation: str, key: dict[str, Any], row: dict[str, Any]) -> Position:
        """One row change; a truncate goes to every partition."""
        text = ",".join(str(value) for value in key.values())
        body = msgspec.json.encode({"table": table, "operation": operation, "key": key, "row": row, "id": text})
        return await self.append_raw([(None if operation == "truncate" else text, CHANGE, body)])

    def entries(self, *events: Event, traceparent: str | None = None) -> list[tuple[str, int, bytes]]:
        origin = Origin(app="test", command="test", traceparent=traceparent)
        return [(key_of(event), EVENT, write_envelope(event, origin, SystemClock())) for event in events]

    async def append_raw(self, entries: Sequence[tuple[str | None, int, bytes]], *, whole: bool = True) -> Position:
        """Entries of one transaction; when it is not `whole`, the head stays and nobody may read them yet."""
        self.lsn += 0x100
        runs: dict[int, list[tuple[Position, bytearray]]] = defaultdict(list)
        for ordinal, (key, kind, body) in enumerate(entries):
            for partition in range(self.partitions) if key is None else (partition_of(key, self.partitions),):
                into = bytearray()
                write_entry(into, Entry(Position(EPOCH, self.lsn, ordinal), kind, body, self.lsn))
                runs[partition].append((Position(EPOCH, self.lsn, ordinal), into))
        last = Position(EPOCH, self.lsn, len(entries) - 1)
        await self._segments.ensure(last)
        outcome = await self._connection.fetchval(
            "select outcome from headwater.append($1, 0, $2, $3, $4, '0/0', '3', '{}', $5, $6, $7, $8, $9)",
            SLOT,
            self.generation,
            bytes(self.position),
            bytes(last if whole else self.position),
            list(runs),
            [bytes(run[-1][0]) for run in runs.values()],
            [bytes(run[0][0]) for run in runs.values()],
            [len(run) for run in runs.values()],
            [b"".join(bytes(entry) for _, entry in run) for run in runs.values()],
        )
        assert outcome == "appended", outcome
        if whole:
            self.position = last
        return self.position

    async def follow_layout(self) -> None:
        """What a relay does when it learns that the layout changed."""
        self.generation, self.partitions = await self._connection.fetchrow(
            "select generation, partitions from headwater.layout order by generation desc limit 1"
        )

    def begin_segment(self) -> None:
        """What is appended next stands in a new segment."""
        self.lsn = (self.lsn // SEGMENT_BYTES + 1) * SEGMENT_BYTES

    async def fill(self, keys: int, each: int) -> int:
        """So many events of so many keys, in transactions of mixed sizes; returns how many."""
        events = [Happened(key=f"key-{key}", number=number) for number in range(each) for key in range(keys)]
        at = 0
        for size in _sizes():
            if at >= len(events):
                return len(events)
            await self.append(*events[at : at + size])
            at += size
        raise AssertionError("sizes never end")


def _sizes() -> Iterable[int]:
    while True:
        yield from (1, 3, 40, 2, 7)


class World:
    """A database with a log, and what a test asks of it."""

    def __init__(self, url: str, pool: Pool, connection: asyncpg.Connection, log: Log) -> None:
        self.url = url
        self.pool = pool
        self.connection = connection
        self.log = log

    @asynccontextmanager
    async def worker(self, *subscriptions: Subscription, **options: Any) -> AsyncIterator[None]:
        """A worker that looks after its partitions by the time the block begins."""
        stop, ready = asyncio.Event(), asyncio.Event()
        options.setdefault("limits", QUICK)
        task = asyncio.create_task(run_consumers(self.url, subscriptions, stop=stop, ready=ready.set, **options))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            yield
        finally:
            waiting.cancel()
            stop.set()
            await task

    async def settled(self, *consumers: str, **options: Any) -> None:
        await settled(self.pool, consumers or None, within=WAIT_SECONDS, **options)

    async def applied(self, consumer: str = "test.ledger") -> dict[str, list[int]]:
        """The numbers that were applied of each key, in the order of application."""
        found: dict[str, list[int]] = defaultdict(list)
        for row in await self.connection.fetch(
            "select key, number from ledger where consumer = $1 order by place", consumer
        ):
            found[row["key"]].append(row["number"])
        return dict(found)

    async def count(self, table: str) -> int:
        found: int = await self.connection.fetchval(f"select count(*) from {table}")
        return found

    async def lag_of(self, consumer: str) -> Any:
        return next(each for each in await lag(self.pool) if each.consumer == consumer)

    async def wait_for(self, sql: str, *args: Any) -> Any:
        """The value of a query once it is neither null nor false."""
        return await eventually(lambda: self.connection.fetchval(sql, *args), seconds=WAIT_SECONDS, what=sql)


@asynccontextmanager
async def world(databases: Databases, partitions: int = 4) -> AsyncIterator[World]:
    """A fresh database with an empty log and an empty ledger."""
    async with databases.database([platform_source()]) as url, connected(url, partitions) as opened:
        yield opened


@asynccontextmanager
async def connected(url: str, partitions: int = 4) -> AsyncIterator[World]:
    """An empty log and an empty ledger in a database that has the platform's tables."""
    connection = await asyncpg.connect(url)
    opened = World(url, Pool(url, size=6, application_name="test"), connection, Log(connection, partitions))
    try:
        await connection.execute(LEDGER)
        await opened.log.prepare()
        yield opened
    finally:
        await opened.pool.close()
        await opened.connection.close()


class Told:
    """Occurrences as they are reported; ``with Told() as told``."""

    def __init__(self) -> None:
        self.all: list[Occurrence] = []
        self._waiters: list[tuple[type[Occurrence], asyncio.Future[Any]]] = []
        self._end: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._end = subscribe(self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def of(self, kind: type[Occurrence]) -> list[Any]:
        return [each for each in self.all if isinstance(each, kind)]

    async def wait_for(self, kind: type[Occurrence]) -> Any:
        """The first of its kind, now or when it comes."""
        if found := self.of(kind):
            return found[0]
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((kind, waiter))
        async with asyncio.timeout(WAIT_SECONDS):
            return await waiter

    def _hear(self, occurrence: Occurrence) -> None:
        self.all.append(occurrence)
        for kind, waiter in self._waiters:
            if isinstance(occurrence, kind) and not waiter.done():
                waiter.set_result(occurrence)


async def write_down(tx: Tx, event: Happened, consumer: str = "test.ledger", attempt: int = 1) -> None:
    await tx.run(
        "insert into ledger (consumer, key, number, attempt) values ($1, $2, $3, $4)",
        consumer,
        event.key,
        event.number,
        attempt,
    )


def in_order(keys: int, each: int) -> dict[str, list[int]]:
    """What the ledger holds after `Log.fill` when everything was applied once and in order."""
    return {f"key-{key}": list(range(each)) for key in range(keys)}
