"""A primary and its standbys: base backups, the cable between them that a test can pull, promotion."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from headwater.engines import EmbeddedPostgres
from headwater.engines.account import Account, choose_account
from headwater.engines.process import STOP_PROGRAM, launch
from headwater.engines.programs import find_postgres
from headwater.settings import Settings
from tests.integration.wal.harness import (
    TEMPLATE,
    Log,
    connected,
    database_url,
    emit,
    eventually,
    folder_for_servers,
    new_server,
)

SOCKET = ".s.PGSQL.5432"
SLOT = "headwater"

FLUSHED = "select coalesce(pg_last_wal_receive_lsn(), '0/0') >= $1"
NOBODY_SYNCHRONIZES = """
select not exists (select from pg_stat_activity where backend_type = 'slotsync worker')
"""
SYNCED = """
select confirmed_flush_lsn from pg_replication_slots
 where slot_name = $1 and synced and not temporary and invalidation_reason is null
"""


class Cable:
    """Between a standby and its primary. Pulled, it passes nothing more of the stream; queries still get through, as
    those that synchronize slots do."""

    def __init__(self, folder: Path, primary: EmbeddedPostgres) -> None:
        self.folder = folder
        self._primary = socket_folder(primary) / SOCKET
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def lay(self) -> None:
        self.folder.mkdir(mode=0o755)
        self._server = await asyncio.start_unix_server(self._connect, self.folder / SOCKET)
        (self.folder / SOCKET).chmod(0o777)

    def pull(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()

    async def _connect(self, standby: asyncio.StreamReader, to_standby: asyncio.StreamWriter) -> None:
        primary, to_primary = await asyncio.open_unix_connection(self._primary)
        self._ends |= {to_standby, to_primary}
        hello = await standby.read(64 * 1024)
        to_primary.write(hello)
        try:
            await first_of(
                pump(standby, to_primary, None),
                pump(primary, to_standby, self._whole if b"replication" in hello else None),
            )
        finally:
            for end in (to_standby, to_primary):
                self._ends.discard(end)
                end.close()


async def first_of(*pumps: Coroutine[Any, Any, None]) -> None:
    """Until one side has nothing more to say."""
    tasks = [asyncio.ensure_future(each) for each in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, whole: asyncio.Event | None) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(64 * 1024):
            if whole is not None:
                await whole.wait()
            sink.write(data)
            await sink.drain()


class Standby:
    """A server made from a base backup of another, which streams through a physical slot of its own name."""

    def __init__(self, engine: EmbeddedPostgres, cable: Cable, slot: str) -> None:
        self.engine = engine
        self.cable = cable
        self.slot = slot

    async def ask(self, question: str, *arguments: object) -> Any:
        async with connected(database_url(self.engine.url, TEMPLATE)) as connection:
            return await connection.fetchval(question, *arguments)

    async def wait_flushed(self, lsn: int) -> None:
        await eventually(lambda: self.ask(FLUSHED, lsn))

    async def copied(self) -> int | None:
        """How far the standby's copy of our slot is; None until it is safe to promote the standby with it."""
        lsn = await self.ask(SYNCED, SLOT)
        return None if lsn is None else int(lsn)

    async def synchronize(self) -> int | None:
        """Let the standby take over the primary's slot at this moment, and never by itself from now on."""
        await self.ask("alter system set sync_replication_slots = off")
        await self.ask("select pg_reload_conf()")
        await eventually(lambda: self.ask(NOBODY_SYNCHRONIZES))
        await self.ask("select pg_sync_replication_slots()")
        return await self.copied()

    async def promote(self) -> None:
        self.cable.cut()
        assert await self.ask("select pg_promote()")


@asynccontextmanager
async def standby_of(primary: EmbeddedPostgres, slot: str) -> AsyncIterator[Standby]:
    with folder_for_servers() as folder:
        cable = Cable(folder / "cable", primary)
        await cable.lay()
        engine = new_server(
            folder,
            primary_conninfo=f"host={cable.folder} user=headwater dbname=headwater",
            primary_slot_name=slot,
            hot_standby_feedback="on",
            sync_replication_slots="on",
            wal_retrieve_retry_interval="200ms",
            wal_receiver_status_interval="1s",
        )
        account = choose_account(primary.data)
        make_data_folder(engine, account)
        await base_backup(engine, cable, slot, account)
        (engine.data / "standby.signal").touch()
        await engine.start()
        try:
            yield Standby(engine, cable, slot)
        finally:
            cable.cut()
            await engine.stop()


def make_data_folder(engine: EmbeddedPostgres, account: Account | None) -> None:
    engine.folder.mkdir(mode=0o711)
    engine.data.mkdir(mode=0o700)
    if account is not None:
        account.own(engine.data)


async def base_backup(engine: EmbeddedPostgres, cable: Cable, slot: str, account: Account | None) -> None:
    program = find_postgres().postgres.with_name("pg_basebackup")
    with (engine.folder / "backup.log").open("wb") as output:
        copying = launch(
            [program, "-h", cable.folder, "-U", "headwater", "-D", engine.data, "-C", "-S", slot, "-c", "fast", "-N"],
            account=account,
            output=output.fileno(),
            death_signal=signal.SIGTERM,
            paths=[],
        )
    try:
        status = await copying.wait()
    finally:
        await copying.end(STOP_PROGRAM)
    assert status == 0, (engine.folder / "backup.log").read_text()


def socket_folder(engine: EmbeddedPostgres) -> Path:
    return Path(parse_qs(urlsplit(engine.url).query)["host"][0])


async def kill(engine: EmbeddedPostgres) -> None:
    """As if the machine were gone: the server and everything that it started, at once."""
    postmaster = engine.statistics()["pid"]
    for pid in (postmaster, *children(postmaster)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await engine.wait()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def log_on(engine: EmbeddedPostgres) -> AsyncIterator[Log]:
    """The log of a server that nobody shares, wherever it has been promoted to."""
    url = database_url(engine.url, TEMPLATE)
    async with connected(url) as connection:
        yield Log(url, Settings(postgres_url=url, slot=SLOT, partitions=4), connection)


@asynccontextmanager
async def new_log_on(engine: EmbeddedPostgres) -> AsyncIterator[Log]:
    """With a table for what is committed together with each event."""
    await engine.start()
    async with log_on(engine) as log:
        await log.connection.execute("create table public.item (n bigint primary key)")
        await log.prepare()
        yield log


async def place(connection: asyncpg.Connection, number: int) -> None:
    """A row and its event, in one commit."""
    async with connection.transaction():
        await connection.execute("insert into public.item values ($1)", number)
        await emit(connection, number, f"k{number % 10}")


async def placed(log: Log) -> list[int]:
    """The numbers of all rows, in the order of their numbers."""
    return [row["n"] for row in await log.connection.fetch("select n from public.item order by n")]


async def make_ready(log: Log, standby: Standby) -> None:
    """Until the standby could be promoted, slot and all; with a relay at work."""

    async def synced() -> bool:
        await log.connection.execute("select pg_log_standby_snapshot()")
        await log.wait_caught_up()
        await standby.wait_flushed(await log.flushed())
        return await standby.copied() is not None

    await eventually(synced)


@asynccontextmanager
async def placing(log: Log, writers: int = 3) -> AsyncIterator[None]:
    """Writers that place numbers, each its own, until the server dies under them or the block ends."""
    begun = await log.connection.fetchval("select coalesce(max(n), 0) from public.item")
    async with AsyncExitStack() as stack:
        tasks = []
        for writer in range(1, writers + 1):
            connection = await stack.enter_async_context(log.another())
            tasks.append(asyncio.create_task(place_for_ever(connection, begun + writer, writers)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def place_for_ever(connection: asyncpg.Connection, number: int, step: int) -> None:
    while True:
        await place(connection, number)
        number += step
