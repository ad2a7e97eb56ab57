"""A transaction too large for memory: appended in parts, read by nobody until it is whole."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater.log import Position, Wakeups
from tests.integration.wal.harness import Log, emit, emit_many, eventually, new_log, running

MANY = 60_000
LARGE = 300_000
GROWTH_MB = 60


async def test_its_parts_are_invisible_until_it_is_whole(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay, running(relay), Wakeups(log.url) as wakeups:
            heads: list[Position | None] = []
            wakeups.subscribe(lambda position, partitions: heads.append(position))
            await wakeups.wait_listening()
            await emit(log.connection, -1)
            await emit_many(log.connection, range(MANY), padding=100)
            async with stopped_halfway(log):
                assert await parts(log) > 1
                assert await log.numbers() == [-1]
            await log.wait_caught_up()
            assert len(heads) == len(set(heads)), "a part woke somebody"
            assert await log.numbers() == [-1, *range(MANY)]
            assert len({entry.position.commit_lsn for entry in await log.entries()}) == 2


async def test_its_parts_go_when_the_relay_dies_and_it_comes_whole_from_the_next(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay, running(relay):
            await emit_many(log.connection, range(MANY), padding=100)
            async with stopped_halfway(log):
                left = await parts(log)
        assert await parts(log) >= left > 1
        async with log.holding() as relay:
            assert await parts(log) == 0
            async with running(relay):
                await log.wait_caught_up()
        assert await log.numbers() == list(range(MANY))


async def test_memory_stays_bounded(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        await emit_many(log.connection, range(LARGE), keys=1000, padding=100)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.wal.huge",
            log.url,
            log.slot,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await log.wait_caught_up()
        grown, _ = await child.communicate(b"")
        assert float(grown) < GROWTH_MB
        counted = "select sum(count) from headwater.batch where last <= (select position from headwater.log)"
        assert await log.connection.fetchval(counted) == LARGE


@asynccontextmanager
async def stopped_halfway(log: Log) -> AsyncIterator[None]:
    """Within the block, a lock keeps the relay from appending the next part."""
    async with log.another() as holder, holder.transaction():
        await eventually(lambda: parts(log))
        await holder.execute("select from headwater.log for update")
        yield


async def parts(log: Log) -> int:
    """Batches beyond the head."""
    sql = "select count(distinct appended_at) from headwater.batch where last > (select position from headwater.log)"
    return int(await log.connection.fetchval(sql))
