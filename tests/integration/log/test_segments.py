"""Segments are made without keeping anybody waiting, and go only when nobody needs them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from headwater.log import START, Position, Segment, Segments, drop_old_segments, list_segments, partition_of
from tests.integration.log.writing import SPAN, Writer, add_consumer, apply_upto
from tests.integration.wal.harness import Log, emit, eventually, new_log

WEEK = timedelta(days=7)
EVERY = range(4)


@asynccontextmanager
async def written(server: str, *numbers: int) -> AsyncIterator[tuple[Log, Writer]]:
    """A log with these events, each appended on its own."""
    async with new_log(server) as log:
        writer = Writer(log)
        await writer.begin()
        for number in numbers:
            await writer.append(number)
        yield log, writer


async def test_the_log_grows_into_segments(server: str) -> None:
    async with written(server, 5, 999, 1000, 3500) as (log, _):
        assert await list_segments(log.connection) == [
            Segment(1, 0, SPAN),
            Segment(1, SPAN, 2 * SPAN),
            Segment(1, 3 * SPAN, 4 * SPAN),
        ]
        assert await log.numbers() == [5, 999, 1000, 3500]


async def test_segments_sort_as_the_log_does_across_epochs(server: str) -> None:
    async with written(server, 70_000) as (log, writer):
        await writer.append(5, epoch=2)
        assert [segment.epoch for segment in await list_segments(log.connection)] == [1, 2]
        assert await log.numbers() == [70_000, 5]


async def test_a_relay_with_another_span_goes_on_beside_the_segments_there_are(server: str) -> None:
    async with written(server, 5, 1500) as (log, _):
        wider = Segments(log.connection, span=10 * SPAN)
        await wider.ensure(Position(1, 1700, 0))
        await wider.ensure(Position(1, 2500, 0))
        await wider.ensure(Position(1, 9999, 0))
        await wider.ensure(Position(1, 10_000, 0))
        assert [(segment.begin, segment.end) for segment in await list_segments(log.connection)] == [
            (0, 1000),
            (1000, 2000),
            (2000, 10_000),
            (10_000, 20_000),
        ]


async def test_a_segment_is_attached_beside_a_reader_and_a_writer(server: str) -> None:
    async with (
        written(server, 5) as (log, writer),
        log.another() as reader,
        log.another() as appender,
        appender.transaction(),
    ):
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("select * from headwater.batch")
        await appender.execute(
            "insert into headwater.batch (partition, last, first, count, payload) values (0, $1, $1, 1, 'x')",
            bytes(Position(1, 7, 0)),
        )
        async with asyncio.timeout(5):
            await writer.append(1500)
        await reading.commit()
        assert len(await reader.fetch("select * from headwater.batch")) == 2


async def test_the_oldest_segments_go_once_past_retention(server: str) -> None:
    async with written(server, 5, 1500, 2500, 3500) as (log, writer):
        await writer.age(5, 1500, by=timedelta(days=8))
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [0, 1000]
        assert await log.numbers() == [2500, 3500]
        assert [segment.begin for segment in await list_segments(log.connection)] == [2000, 3000]
        assert await tables(log) == 2


async def test_the_newest_segment_stays_however_old(server: str) -> None:
    async with written(server, 5) as (log, writer):
        await writer.age(5, by=timedelta(days=80))
        assert await drop_old_segments(log.connection, WEEK) == []


async def test_what_lies_behind_a_segment_that_stays_stays_too(server: str) -> None:
    async with written(server, 5, 1500, 2500, 3500) as (log, writer):
        await writer.age(5, 2500, by=timedelta(days=8))
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [0]
        assert await log.numbers() == [1500, 2500, 3500]


async def test_what_a_consumer_has_not_applied_stays(server: str) -> None:
    async with written(server, 5, 6, 1500, 2500) as (log, writer):
        await writer.age(5, 6, 1500, by=timedelta(days=8))
        await add_consumer(log.connection, "quick")  # begins at the head
        await add_consumer(log.connection, "slow", START)
        assert await drop_old_segments(log.connection, WEEK) == []
        await apply_upto(log.connection, "slow", Position(1, 5, 0), EVERY)
        assert await drop_old_segments(log.connection, WEEK) == []
        await apply_upto(log.connection, "slow", Position(1, 6, 0), [partition_of("k6", 4)])
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [0]
        await log.connection.execute("delete from headwater.consumer where name = 'slow'")
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [1000]


async def test_a_consumer_before_a_barrier_keeps_what_lies_behind_it(server: str) -> None:
    async with written(server, 5) as (log, _):
        await add_consumer(log.connection, "old layout")
        await log.connection.execute("select headwater.repartition(16::smallint)")
        writer = Writer(log, partitions=16)
        new_only = [n for n in range(1500, 1600) if partition_of(f"k{n}", 16) >= 4][:3]
        for number in (*new_only, 2500):
            await writer.append(number)
        await writer.age(5, *new_only, by=timedelta(days=8))
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [0]
        assert await drop_old_segments(log.connection, WEEK) == []
        assert await log.connection.fetchval("select headwater.switch_layout('old layout')") == "switched"
        assert await drop_old_segments(log.connection, WEEK) == []
        await apply_upto(log.connection, "old layout", Position(1, 1600, 0), range(16))
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [1000]


async def test_partitions_of_a_layout_that_every_consumer_has_left_hold_nothing(server: str) -> None:
    async with new_log(server) as log:
        writer = Writer(log, partitions=16)
        await writer.begin()
        for number in range(1, 40):
            await writer.append(number)
        await add_consumer(log.connection, "moved on")
        await log.connection.execute("select headwater.repartition(2::smallint)")
        assert await log.connection.fetchval("select headwater.switch_layout('moved on')") == "switched"
        await Writer(log, partitions=2).append(1500)
        await writer.age(*range(1, 40), by=timedelta(days=8))
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [0]


async def test_dropping_waits_for_readers_without_keeping_others_waiting(server: str) -> None:
    async with written(server, 5, 1500) as (log, writer), log.another() as reader, log.another() as dropper:
        await writer.age(5, by=timedelta(days=8))
        reading = reader.transaction(isolation="repeatable_read")
        await reading.start()
        assert len(await reader.fetch("select * from headwater.batch")) == 2
        dropping = asyncio.create_task(drop_old_segments(dropper, WEEK))
        await eventually(lambda: half_detached(log))
        async with asyncio.timeout(5):
            assert await log.numbers() == [1500]
            await writer.append(1600)
            await writer.append(2600)
        assert await drop_old_segments(log.connection, WEEK) == [], "another is at it"
        assert not dropping.done()
        await reading.rollback()
        assert [segment.begin for segment in await dropping] == [0]
        assert await log.numbers() == [1500, 1600, 2600]


@pytest.mark.parametrize("left", ["half detached", "detached"])
async def test_what_an_interrupted_call_left_the_next_one_finishes(server: str, left: str) -> None:
    async with written(server, 5, 1500, 2500) as (log, writer):
        await writer.age(5, 1500, by=timedelta(days=8))
        if left == "detached":
            await log.connection.execute("alter table headwater.batch detach partition headwater.batch_1_0_3e8")
        else:
            await interrupt_detaching(log)
            assert await half_detached(log)
        assert await tables(log) == 3
        assert [segment.begin for segment in await drop_old_segments(log.connection, WEEK)] == [1000]
        assert await tables(log) == 1
        assert await log.numbers() == [2500]


async def interrupt_detaching(log: Log) -> None:
    async with log.another() as reader, log.another() as dropper, reader.transaction():
        await reader.fetch("select * from headwater.batch")
        dropping = asyncio.create_task(drop_old_segments(dropper, WEEK))
        await eventually(lambda: half_detached(log))
        await log.connection.execute("select pg_terminate_backend($1, 5000)", dropper.get_server_pid())
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await dropping


async def half_detached(log: Log) -> int:
    return int(await log.connection.fetchval("select count(*) from pg_inherits where inhdetachpending"))


async def tables(log: Log) -> int:
    sql = "select count(*) from pg_class where relname ~ '^batch_' and relkind = 'r'"
    return int(await log.connection.fetchval(sql))


async def test_a_relay_crosses_segments(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay:
            relay._appender._segments = Segments(relay._control, span=4096)
            running = asyncio.create_task(relay.run())
            for number in range(40):
                await emit(log.connection, number, f"k{number}", pad="x" * 4000)
                if number % 8 == 0:
                    await log.wait_caught_up()
            await log.wait_caught_up()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert len(await list_segments(log.connection)) > 3
        assert await log.numbers() == list(range(40))


async def test_readers_look_only_into_the_segments_they_need(server: str) -> None:
    async with written(server, 5, 1500, 2500, 3500, 4500) as (log, _):
        after, upto = (bytes(Position(1, lsn, 0)).hex() for lsn in (2600, 3600))
        plan = await log.connection.fetch(
            "explain select * from headwater.batch"
            f" where partition = 1 and last > '\\x{after}' and last <= '\\x{upto}' order by last"
        )
        text = "\n".join(row[0] for row in plan)
        assert "batch_1_7d0_bb8" in text
        assert "batch_1_bb8_fa0" in text
        assert "batch_1_0_3e8" not in text
        assert "batch_1_fa0_1388" not in text
        assert "Sort" not in text
