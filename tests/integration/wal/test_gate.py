"""Nothing is published before others can see it (guarantee G4)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.integration.wal.harness import Log, emit, eventually, named, new_log, reports

DECODED = """
select count(*) from pg_logical_slot_peek_binary_changes($1, null, null,
    'proto_version', '1', 'publication_names', $2, 'messages', 'true') where get_byte(data, 0) = ascii('M')
"""


async def test_a_commit_that_waits_for_a_standby_is_decoded_and_not_published(server: str) -> None:
    async with new_log(server) as log, standby_missing(log):
        await log.prepare()
        await log.connection.execute("create publication observer")
        await log.connection.execute(
            "select pg_create_logical_replication_slot($1, 'pgoutput')", f"{log.slot}_observer"
        )
        with reports() as told:
            async with log.relay():
                await emit(log.connection, 1)
                async with hanging_commit(log, 2):
                    await eventually(lambda: decoded(log, 2))
                    await emit(log.connection, 3)
                    await eventually(lambda: named(told, "GateClosed"))
                    assert await log.numbers() == [1], "what is visible comes, and nothing behind what is not"
                    assert await visible(log) == 0
                    assert not [each for each in named(told, "GatePassed") if each.waited_seconds > 1]
                await log.wait_caught_up()
                assert len([each for each in named(told, "GatePassed") if each.waited_seconds > 1]) == 1
                assert await log.numbers() == [1, 2, 3]
                assert await visible(log) == 1
        await log.connection.execute("select pg_drop_replication_slot($1)", f"{log.slot}_observer")


async def test_the_slot_is_not_told_of_what_is_not_visible(server: str) -> None:
    async with new_log(server) as log, standby_missing(log):
        await log.prepare()
        with reports() as told:
            async with log.relay():
                await emit(log.connection, 1)
                await log.wait_caught_up()
                await log.wait_acknowledged()
                confirmed = await log.confirmed()
                async with hanging_commit(log, 2):
                    await eventually(lambda: named(told, "GateClosed"))
                    assert await log.confirmed() == confirmed
            async with hanging_commit(log, 3):
                pass
        async with log.relay():
            await log.wait_caught_up()
            assert await log.numbers() == [1, 2, 3]


@asynccontextmanager
async def standby_missing(log: Log) -> AsyncIterator[None]:
    """The server waits for a standby that never connects; sessions of this database ask not to, unless they do."""
    await log.connection.execute(f"alter database {log.slot} set synchronous_commit = local")
    await log.connection.execute("set synchronous_commit = local")
    await log.connection.execute("create table public.witness (number int)")
    await set_standby(log.connection, "nobody")
    try:
        yield
    finally:
        await set_standby(log.connection, "")


async def set_standby(connection: asyncpg.Connection, names: str) -> None:
    await connection.execute(f"alter system set synchronous_standby_names = '{names}'")
    await connection.execute("select pg_reload_conf()")


@asynccontextmanager
async def hanging_commit(log: Log, number: int) -> AsyncIterator[None]:
    """A commit that is in the WAL and waits for the standby within the block."""
    async with log.another(server_settings={"synchronous_commit": "on"}) as connection:
        pid = connection.get_server_pid()
        committing = asyncio.create_task(commit(connection, number))
        waits = "select wait_event = 'SyncRep' from pg_stat_activity where pid = $1"
        await eventually(lambda: log.connection.fetchval(waits, pid))
        try:
            yield
        finally:
            await log.connection.execute("select pg_cancel_backend($1)", pid)
            await committing


async def commit(connection: asyncpg.Connection, number: int) -> None:
    async with connection.transaction():
        await connection.execute("insert into public.witness values ($1)", number)
        await emit(connection, number)


async def decoded(log: Log, messages: int) -> bool:
    return bool(await log.connection.fetchval(DECODED, f"{log.slot}_observer", "observer") >= messages)


async def visible(log: Log) -> int:
    return int(await log.connection.fetchval("select count(*) from public.witness"))
