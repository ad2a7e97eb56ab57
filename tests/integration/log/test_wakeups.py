"""Who listens learns at once that the head moved, and after a reconnect that it has to look."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from headwater.log import Position, Wakeups, partition_of
from tests.integration.wal.harness import Log, emit, eventually, named, new_log, reports

KILL_LISTENER = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and application_name = 'listens'"
)
LOOK: Final[tuple[None, list[int]]] = (None, [])


@asynccontextmanager
async def listening(log: Log) -> AsyncIterator[tuple[Wakeups, list[Any]]]:
    told: list[Any] = []
    async with Wakeups(log.url, application_name="listens") as wakeups:
        wakeups.subscribe(lambda position, partitions: told.append((position, sorted(partitions))))
        await wakeups.wait_listening()
        yield wakeups, told


async def test_an_append_tells_the_head_and_the_partitions_that_grew(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay(), listening(log) as (_, told):
            await emit(log.connection, 1, "k")
            await eventually(lambda: len(told) == 2)
            assert told == [LOOK, ((await log.entries())[0].position, [partition_of("k", 4)])]


async def test_a_heartbeat_tells_the_head_and_no_partition(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay(), listening(log) as (_, told):
            mark = await log.mark()
            await eventually(lambda: len(told) == 2)
            position, partitions = told[1]
            assert isinstance(position, Position)
            assert position.commit_lsn >= mark
            assert partitions == []


async def test_a_lost_connection_is_made_again_and_says_look_yourself(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        with reports() as occurrences:
            async with log.relay(), listening(log) as (wakeups, told):
                await log.connection.execute(KILL_LISTENER, log.slot)
                await eventually(lambda: named(occurrences, "WakeupsLost"))
                await wakeups.wait_listening()
                await eventually(lambda: told.count(LOOK) == 2)
                await emit(log.connection, 1)
                await eventually(lambda: told[-1][0] is not None)


async def test_a_notification_of_somebody_else_says_look_yourself(server: str) -> None:
    async with new_log(server) as log, listening(log) as (_, told):
        await log.connection.execute("notify headwater, 'what is this'")
        await log.connection.execute("notify headwater")
        await eventually(lambda: len(told) == 3)
        assert told == [LOOK] * 3


async def test_who_ended_the_subscription_is_told_no_more(server: str) -> None:
    async with new_log(server) as log, listening(log) as (wakeups, told):
        own: list[Any] = []
        end = wakeups.subscribe(lambda position, partitions: own.append(position))
        end()
        await log.connection.execute("notify headwater")
        await eventually(lambda: len(told) == 2)
        assert own == []


async def test_waiting_ends_with_the_block(server: str) -> None:
    async with new_log(server) as log:
        async with listening(log):
            pass

        async def nobody_listens() -> bool:
            sql = "select count(*) = 0 from pg_stat_activity where datname = $1 and application_name = 'listens'"
            return bool(await log.connection.fetchval(sql, log.slot))

        await eventually(nobody_listens)
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "wake-ups"]
