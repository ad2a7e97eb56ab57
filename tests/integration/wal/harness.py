"""A log of a test's own on a shared PostgreSQL: its database, its slot, its relay, and what is to be seen of them."""

import asyncio
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec

from headwater.db import migrate, platform_source
from headwater.engines import EmbeddedPostgres
from headwater.log import CHANGE, EVENT, START, Entry, Head, Position, read, read_head
from headwater.observe import Occurrence, subscribe
from headwater.settings import Settings
from headwater.testing import eventually as eventually
from headwater.wal import prepare_log, run_relay, take_over
from headwater.wal.assembler import Fragment
from headwater.wal.relay import Relay

TEMPLATE = "migrated"

# Commits reach the WAL at once, as in the product: what is not flushed is not decoded.
SETTINGS = {
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "1GB",
    "max_replication_slots": "40",
    "max_wal_senders": "20",
    "autovacuum": "off",
}

_numbers = itertools.count(1)


class Fact(NamedTuple):
    """An entry as a test speaks of it: ``event`` with its key and number, or a row's change."""

    kind: str
    key: str
    detail: Any


class Log:
    """What a test has: a database with the platform's tables, a slot, and a connection to it."""

    def __init__(self, url: str, settings: Settings, connection: asyncpg.Connection) -> None:
        self.url = url
        self.settings = settings
        self.connection = connection

    @property
    def slot(self) -> str:
        return self.settings.slot

    async def prepare(self, *tables: str, old: Iterable[str] = (), **options: Any) -> None:
        """With the columns `old` of each table wanted as they were before."""
        await prepare_log(self.url, self.settings, dict.fromkeys(tables, tuple(old)), **options)

    async def head(self) -> Head:
        return await read_head(self.connection, self.slot)

    async def entries(self, after: Position = START) -> list[Entry]:
        """Everything that readers can see."""
        return [entry async for entry in read(self.connection, slot=self.slot, after=after)]

    async def facts(self) -> list[Fact]:
        return [fact(entry) for entry in await self.entries()]

    async def numbers(self) -> list[int]:
        """The numbers of all events, in the order of the log."""
        return [number_of(entry) for entry in await self.entries() if entry.kind == EVENT]

    async def mark(self) -> int:
        """A commit that moves the head; its LSN."""
        return int(await self.connection.fetchval("select pg_logical_emit_message(true, 'headwater.heartbeat', '')"))

    async def wait_caught_up(self) -> None:
        """Until everything committed before this call is in the log."""
        mark = await self.mark()

        async def passed() -> bool:
            return (await self.head()).position.commit_lsn >= mark

        await eventually(passed)

    async def confirmed(self) -> int:
        """How far the slot may forget."""
        return int(
            await self.connection.fetchval(
                "select confirmed_flush_lsn from pg_replication_slots where slot_name = $1", self.slot
            )
        )

    async def wait_acknowledged(self) -> None:
        """Until the slot may forget everything that is in the log."""

        async def acknowledged() -> bool:
            return await self.confirmed() >= (await self.head()).scanned

        await eventually(acknowledged)

    async def now(self) -> int:
        return int(await self.connection.fetchval("select pg_current_wal_insert_lsn()"))

    async def flushed(self) -> int:
        """What a standby can have at most."""
        return int(await self.connection.fetchval("select pg_current_wal_flush_lsn()"))

    @asynccontextmanager
    async def relay(self, **options: Any) -> AsyncIterator[asyncio.Task[None]]:
        """The relay at work as a task; what ended it before its time is raised."""
        stop = asyncio.Event()
        with reports() as told:
            running = asyncio.create_task(run_relay(self.url, self.settings, stop, **options))
            try:
                await eventually(lambda: running.done() or named(told, "RelayStarted", "RelayInterrupted"))
                yield running
            finally:
                stop.set()
                await asyncio.wait_for(asyncio.gather(running, return_exceptions=running.cancelled()), 10)

    @asynccontextmanager
    async def holding(self, **options: Any) -> AsyncIterator[Relay]:
        """A relay that has taken over, to be run by the test itself."""
        async with take_over(self.url, self.slot, **options) as relay:
            yield relay

    @asynccontextmanager
    async def another(self, **options: Any) -> AsyncIterator[asyncpg.Connection]:
        """One more connection to the database."""
        connection = await asyncpg.connect(self.url, **options)
        try:
            yield connection
        finally:
            connection.terminate()


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """That relay at work, until the end of the block or its own."""
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def read_fragments(relay: Relay) -> list[Fragment]:
    """What the relay has received and not yet appended."""
    received = relay._stream.read_nowait()
    messages = [] if received is None else received.messages
    return [fed for data in messages if isinstance(fed := relay._assembler.feed(data), Fragment)]


@contextmanager
def folder_for_servers() -> Any:
    folder = Path(tempfile.mkdtemp(prefix="headwater-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_server(folder: Path, **settings: str) -> EmbeddedPostgres:
    """Quick, and safe only as long as the machine stays up."""
    return EmbeddedPostgres(folder / "postgres", settings={**SETTINGS, **settings}, durable=False)


async def make_template(server: str) -> None:
    """A database with the platform's tables, to be copied."""
    async with connected(server) as connection:
        await connection.execute(f"create database {TEMPLATE}")
    await migrate(database_url(server, TEMPLATE), [platform_source()])


@asynccontextmanager
async def new_log(server: str, *, partitions: int = 4) -> AsyncIterator[Log]:
    """A database and the name of a slot that only this test has; both go at the end."""
    name = f"test_{next(_numbers)}"
    async with connected(server) as connection:
        await connection.execute(f"create database {name} template {TEMPLATE}")
    url = database_url(server, name)
    try:
        async with connected(url) as connection:
            yield Log(url, Settings(postgres_url=url, slot=name, partitions=partitions), connection)
    finally:
        async with connected(server) as connection:
            await drop_slot(connection, name)
            await connection.execute(f"drop database {name} with (force)")


async def release_slot(connection: asyncpg.Connection, slot: str) -> None:
    """A relay that has ended may leave a sender behind that PostgreSQL ends a little later."""
    await connection.execute(
        "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots "
        "where slot_name = $1 and active_pid is not null",
        slot,
    )


async def drop_slot(connection: asyncpg.Connection, slot: str) -> None:
    await release_slot(connection, slot)
    await connection.execute(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1", slot
    )


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        connection.terminate()


def database_url(server: str, name: str) -> str:
    return server.replace("/headwater?", f"/{name}?")


async def emit(connection: asyncpg.Connection, number: int, key: str = "k", **extra: Any) -> None:
    """An event, in the transaction at hand."""
    await connection.execute(
        "select pg_logical_emit_message(true, 'headwater', convert_to($1, 'UTF8'))", envelope(number, key, **extra)
    )


async def emit_many(connection: asyncpg.Connection, numbers: Iterable[int], keys: int = 10, padding: int = 0) -> None:
    """One event per number, in one statement; the keys take turns."""
    listed = list(numbers)
    await connection.execute(
        """
        select count(pg_logical_emit_message(true, 'headwater', convert_to(
                   format('{"type":"Tested","version":1,"app":"test","key":"k%s","data":{"n":%s,"pad":"%s"}}',
                          n % $2, n, repeat('x', $3)), 'UTF8')))
          from unnest($1::bigint[]) n
        """,
        listed,
        keys,
        padding,
    )


def envelope(number: int, key: str, **extra: Any) -> str:
    return json.dumps({"type": "Tested", "version": 1, "app": "test", "key": key, "data": {"n": number}, **extra})


def number_of(entry: Entry) -> int:
    return int(msgspec.json.decode(entry.body)["data"]["n"])


def fact(entry: Entry) -> Fact:
    if entry.kind == EVENT:
        return Fact("event", msgspec.json.decode(entry.body)["key"], number_of(entry))
    if entry.kind == CHANGE:
        body = msgspec.json.decode(entry.body)
        return Fact(body["operation"], body["id"], body["row"])
    return Fact("malformed", "", entry.body)


@contextmanager
def reports() -> Any:
    """Everything that is reported meanwhile."""
    told: list[Occurrence] = []
    unsubscribe = subscribe(told.append)
    try:
        yield told
    finally:
        unsubscribe()


def named(told: Iterable[Occurrence], *names: str) -> list[Any]:
    return [occurrence for occurrence in told if type(occurrence).__name__ in names]
