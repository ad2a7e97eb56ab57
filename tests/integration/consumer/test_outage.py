"""PostgreSQL goes away and comes back: workers go on by themselves, and no event is blamed for it."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from headwater.commit import Tx
from headwater.consumer import BatchInterrupted, EventFailed, KeyParked, Limits, Subscription, WorkerInterrupted
from headwater.db import migrate, platform_source
from headwater.engines import EmbeddedPostgres
from headwater.testing import Databases
from tests.integration.consumer.harness import Happened, Log, Told, World, connected, in_order, world, write_down


async def ledger(tx: Tx, event: Happened) -> None:
    await write_down(tx, event)


LEDGER = Subscription(name="test.ledger", app="test", events=(Happened,), handler=ledger, retries=0)


async def test_connections_cut_in_the_middle_park_nothing(headwater_databases: Databases) -> None:
    inside = asyncio.Queue[int]()
    go_on = asyncio.Semaphore(0)

    async def handler(tx: Tx, event: Happened) -> None:
        await write_down(tx, event)
        if event.does == "wait":
            inside.put_nowait(event.number)
            await go_on.acquire()
            await tx.run("select 1")

    subscription = Subscription(name="test.ledger", app="test", events=(Happened,), handler=handler, retries=0)
    async with world(headwater_databases, partitions=1) as here:
        with Told() as told:
            async with here.worker(subscription):
                await here.log.append(Happened(key="a", number=0), Happened(key="a", number=1, does="wait"))
                for _ in range(3):
                    await inside.get()
                    await _cut(here)
                    go_on.release()
                await inside.get()
                go_on.release()
                await here.settled()
        assert await here.applied() == {"a": [0, 1]}
        assert [*told.of(EventFailed), *told.of(KeyParked)] == []
        assert len(told.of(BatchInterrupted)) >= 3


async def test_a_restart_of_postgresql_is_survived() -> None:
    async with _own_postgres() as engine, connected(engine.url, partitions=4) as here:
        with Told() as told:
            async with here.worker(LEDGER, limits=Limits(poll=0.2)):
                await here.log.fill(keys=10, each=10)
                await here.wait_for("select count(*) > 0 from ledger")
                await engine.stop()
                await told.wait_for(WorkerInterrupted)
                await engine.start()
                await _reconnect(here, engine.url)
                await here.log.append(*(Happened(key=f"key-{key}", number=10) for key in range(10)))
                await here.settled()
        assert in_order(10, 11) == await here.applied()
        assert [*told.of(EventFailed), *told.of(KeyParked)] == []


async def _cut(here: World) -> None:
    await here.connection.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = current_database() and application_name like 'headwater consumer%'"
    )


@asynccontextmanager
async def _own_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server that a test may stop."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-"))
    os.chmod(folder, 0o711)
    engine = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        await engine.start()
        await migrate(engine.url, [platform_source()])
        yield engine
    finally:
        await engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _reconnect(here: World, url: str) -> None:
    """The test's own connection, after a restart."""
    position, lsn = here.log.position, here.log.lsn
    await here.connection.close()
    here.connection = await asyncpg.connect(url)
    here.log = Log(here.connection, here.log.partitions)
    here.log.position, here.log.lsn = position, lsn
