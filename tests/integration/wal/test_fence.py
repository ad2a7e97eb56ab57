"""One writer: whoever takes over ends the one before, and the layout changes under nobody's hands."""

import asyncio

import asyncpg
import pytest

from headwater.log import partition_of, read_entries
from headwater.log.position import Position
from headwater.wal import run_relay
from headwater.wal import slot as slots
from headwater.wal.appender import AppendResult, Fenced, LayoutChanged
from headwater.wal.slot import SlotState
from headwater.wal.stream import SlotBusy
from tests.integration.wal.harness import (
    Log,
    emit,
    emit_many,
    eventually,
    named,
    new_log,
    number_of,
    read_fragments,
    reports,
    running,
)

KILL_WALSENDER = "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1"


async def test_a_second_relay_waits_for_the_slot_and_then_goes_on(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        with reports() as told:
            async with log.holding() as first, running(first):
                with pytest.raises(SlotBusy, match=log.slot):
                    async with log.holding():
                        pass
                await emit(log.connection, 1)
                await log.wait_caught_up()
                assert not named(told, "RelayInterrupted")
            async with log.relay():
                await emit(log.connection, 2)
                await log.wait_caught_up()
        assert await log.numbers() == [1, 2]
        assert [started.term for started in named(told, "RelayStarted")] == [1, 2]


async def test_two_relays_at_once_write_everything_once(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        with reports() as told:
            async with log.relay(), log.relay():
                for n in range(20):
                    await emit(log.connection, n)
                    if n % 5 == 4:
                        await log.connection.execute(KILL_WALSENDER, log.slot)
                await log.wait_caught_up()
        assert await log.numbers() == list(range(20))
        assert not named(told, "SlotAhead")


async def test_a_relay_at_work_is_no_gap_for_one_that_looks(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two reads of the second, the first appends and acknowledges."""
    honest = slots.read_slot

    async def read_later(connection: asyncpg.Connection, slot: str) -> SlotState | None:
        confirmed = await log.confirmed()
        await emit(log.connection, 1)
        await eventually(lambda: acknowledged(log, confirmed))
        return await honest(connection, slot)

    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            monkeypatch.setattr(slots, "read_slot", read_later)
            with pytest.raises(SlotBusy):
                async with log.holding():
                    pass


async def acknowledged(log: Log, beyond: int) -> bool:
    return await log.confirmed() > beyond


async def test_a_zombie_cannot_append(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as zombie:
            await emit(log.connection, 1)
            fragments = await eventually(lambda: read_fragments(zombie))
            await log.connection.execute(KILL_WALSENDER, log.slot)
            async with log.holding() as successor:
                with pytest.raises(Fenced, match=log.slot):
                    await zombie._appender.append(fragments)
                async with running(successor):
                    await log.wait_caught_up()
                with pytest.raises(Fenced):
                    await zombie._appender.append(fragments)
                with pytest.raises(Fenced):
                    await zombie._appender.advance(await log.now())
        assert await log.numbers() == [1]


async def test_an_append_still_under_way_is_waited_for_by_the_successor(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.another() as holder, log.holding() as zombie:
            await zombie._appender._segments.ensure((await log.head()).position)
            lock = holder.transaction()
            await lock.start()
            await holder.execute("lock table headwater.batch in share mode")  # lets the head move, but no batch in
            await emit(log.connection, 1)
            fragments = await eventually(lambda: read_fragments(zombie))
            appending = asyncio.create_task(zombie._appender.append(fragments))
            await eventually(lambda: waiting(log, 1))
            await log.connection.execute(KILL_WALSENDER, log.slot)
            succeeding = asyncio.create_task(take_over_and_catch_up(log))
            await eventually(lambda: waiting(log, 2))
            await lock.rollback()
            assert await appending is AppendResult.APPENDED
            await succeeding
        assert await log.numbers() == [1]


async def waiting(log: Log, sessions: int) -> bool:
    """Whether so many sessions wait for a lock."""
    sql = "select count(*) from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'"
    return bool(await log.connection.fetchval(sql, log.slot) >= sessions)


async def take_over_and_catch_up(log: Log) -> None:
    async with log.holding() as successor, running(successor):
        await log.wait_caught_up()


async def test_the_layout_changes_under_a_relay_at_work(server: str) -> None:
    async with new_log(server, partitions=4) as log:
        await log.prepare()
        with reports() as told:
            async with log.relay():
                writing = asyncio.create_task(write_slowly(log, 60))
                for wanted in (7, 2, 16):
                    await eventually(lambda: log.entries())
                    await log.connection.execute("select headwater.repartition($1)", wanted)
                await writing
                await log.wait_caught_up()
        assert await log.numbers() == list(range(60))
        assert any("LayoutChanged" in interrupted.reason for interrupted in named(told, "RelayInterrupted"))
        await assert_every_entry_stands_where_its_layout_says(log)


async def write_slowly(log: Log, count: int) -> None:
    async with log.another() as connection:
        for n in range(count):
            await emit(connection, n, f"k{n}")
            await asyncio.sleep(0)


async def assert_every_entry_stands_where_its_layout_says(log: Log) -> None:
    layouts = await log.connection.fetch("select after, partitions from headwater.layout order by generation")
    seen = 0
    for row in await log.connection.fetch("select partition, last, payload from headwater.batch"):
        for entry in read_entries(Position.from_bytes(row["last"]).epoch, row["payload"]):
            partitions = [each["partitions"] for each in layouts if each["after"] < bytes(entry.position)][-1]
            assert row["partition"] == partition_of(f"k{number_of(entry)}", partitions)
            seen += 1
    assert seen == 60


async def test_a_layout_that_changes_inside_a_transaction_in_parts_takes_it_whole(server: str) -> None:
    async with new_log(server, partitions=2) as log:
        await log.prepare()
        async with log.relay():
            await emit_many(log.connection, range(40_000), padding=100)
            await eventually(lambda: log.connection.fetchval("select count(*) from headwater.batch"))
            await log.connection.execute("select headwater.repartition(5::smallint)")
            await log.wait_caught_up()
        assert await log.numbers() == list(range(40_000))
        used = await log.connection.fetch("select distinct partition from headwater.batch")
        assert {row["partition"] for row in used} == {partition_of(f"k{n}", 5) for n in range(10)}


async def test_relaid_is_told_apart_from_fenced(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay:
            await log.connection.execute("select headwater.repartition(5::smallint)")
            with pytest.raises(LayoutChanged):
                await relay._appender.advance(await log.now())


async def test_a_relay_that_waits_for_another_can_be_stopped(server: str) -> None:
    async with new_log(server) as log, log.another() as holder, holder.transaction():
        await log.prepare()
        await holder.execute("select from headwater.log for update")
        stop = asyncio.Event()
        relaying = asyncio.create_task(run_relay(log.url, log.settings, stop))
        await eventually(lambda: waiting(log, 1))
        stop.set()
        await asyncio.wait_for(relaying, 5)
