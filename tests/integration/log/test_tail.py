"""Reading the log across its partitions, in the order of the commits."""

import asyncio
import itertools

import pytest

from headwater.log import CHANGE, EVENT, START, Entry, Head, Position, follow, partition_of, read, read_head
from headwater.log import tail as tailing
from tests.integration.log.writing import Writer, change
from tests.integration.wal.harness import Log, emit, emit_many, envelope, eventually, new_log, number_of


async def test_entries_come_in_order_however_they_are_chunked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "_BATCHES_PER_PARTITION", 2)
    async with new_log(server) as log:
        writer = Writer(log)
        await writer.begin()
        numbers = list(range(1, 120))
        for first in range(0, len(numbers), 7):
            await writer.append(*numbers[first : first + 7])
        assert await log.numbers() == numbers
        for after in (0, 1, 50, 118, 119, 500):
            found = [number_of(entry) for entry in await log.entries(Position(1, after, 0))]
            assert found == [number for number in numbers if number > after]


async def test_one_busy_partition_does_not_run_ahead_of_the_others(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "_BATCHES_PER_PARTITION", 2)
    async with new_log(server) as log:
        writer = Writer(log)
        await writer.begin()
        busy = [n for n in range(1, 60) if partition_of(f"k{n}", 4) == 1]
        rest = [n for n in range(60, 100) if partition_of(f"k{n}", 4) != 1][:3]
        for number in sorted([*busy, *rest]):
            await writer.append(number)
        assert await log.numbers() == sorted([*busy, *rest])


async def test_a_key_is_found_in_every_layout(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            for partitions in (4, 7, 2):
                await log.connection.execute("select headwater.repartition($1)", partitions)
                await log.wait_caught_up()
                await emit(log.connection, partitions, "wanted")
                await emit(log.connection, 100 + partitions, "other")
                await log.wait_caught_up()
        found = read(log.connection, slot=log.slot, after=START, key="wanted")
        assert [number_of(entry) async for entry in found] == [4, 7, 2]


async def test_a_key_finds_its_row_changes_and_truncates(server: str) -> None:
    async with new_log(server) as log:
        writer = Writer(log)
        await writer.begin()
        partition = partition_of("7,true", 4)
        await writer.write(
            partition,
            [
                (Position(1, 10, 0), CHANGE, change("shop.pair", "insert", "7,true")),
                (Position(1, 10, 1), CHANGE, change("shop.pair", "insert", "8,true")),
                (Position(1, 11, 0), EVENT, envelope(1, "7,true").encode()),
                (Position(1, 12, 0), 2, b"malformed"),
            ],
        )
        for each in range(4):
            await writer.write(each, [(Position(1, 20, 0), CHANGE, change("shop.pair", "truncate", ""))])
        await writer.move(Position(1, 20, 0))
        found = [entry.position async for entry in read(log.connection, slot=log.slot, after=START, key="7,true")]
        assert found == [Position(1, 10, 0), Position(1, 11, 0), Position(1, 20, 0)]


async def test_following_gives_each_entry_once_while_the_log_grows(server: str) -> None:
    async with new_log(server) as log, log.another() as reader:
        await log.prepare()
        await emit_many(log.connection, range(50))
        async with log.relay():
            found: list[Entry] = []
            following = asyncio.create_task(collect(log, reader, found))
            for first in range(50, 250, 10):
                await emit_many(log.connection, range(first, first + 10))
            await eventually(lambda: len(found) >= 250)
            await log.wait_caught_up()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert [number_of(entry) for entry in found] == list(range(250))


async def test_an_entry_that_comes_while_the_head_is_read_is_given_once(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with new_log(server) as log, log.another() as reader:
        await log.prepare()
        async with log.relay():
            found: list[Entry] = []
            numbers = iter(range(10))

            async def read_head_late(connection: object, slot: str) -> Head:
                for number in itertools.islice(numbers, 1):
                    await emit(log.connection, number)
                    await log.wait_caught_up()
                return await read_head(reader, slot)

            monkeypatch.setattr(tailing, "read_head", read_head_late)
            following = asyncio.create_task(collect(log, reader, found))
            await eventually(lambda: len(found) >= 10)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert [number_of(entry) for entry in found] == list(range(10))


async def test_following_wakes_at_once(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "_LOOK_EVERY_SECONDS", 600.0)
    async with new_log(server) as log, log.another() as reader:
        await log.prepare()
        async with log.relay():
            found: list[Entry] = []
            following = asyncio.create_task(collect(log, reader, found))
            await eventually(lambda: listening(log))
            for number in range(5):
                await emit(log.connection, number)
                await eventually(lambda: len(found) > number)  # noqa: B023
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert [number_of(entry) for entry in found] == list(range(5))


async def collect(log: Log, connection: object, found: list[Entry]) -> None:
    async for entry in follow(connection, log.url, slot=log.slot, after=START):
        found.append(entry)


async def listening(log: Log) -> bool:
    sql = "select count(*) > 0 from pg_stat_activity where datname = $1 and query ilike 'listen%'"
    return bool(await log.connection.fetchval(sql, log.slot))


async def test_python_and_sql_agree_on_the_partition_of_a_key(server: str) -> None:
    async with new_log(server) as log:
        for key in ("", "k", "0193a7b2-1111-7111-8111-000000000000", "ä€😀", "1,x"):
            for partitions in (1, 3, 16, 1024):
                found = await log.connection.fetchval("select headwater.partition_of($1, $2)", key, partitions)
                assert found == partition_of(key, partitions)
