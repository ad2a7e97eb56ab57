"""What an operator is told of the log."""

import pytest

from headwater.log import LogNotPrepared, partition_of, read_head, read_status
from tests.integration.log.writing import Writer
from tests.integration.wal.harness import connected, database_url, emit, emit_many, new_log


async def test_status_tells_the_head_the_segments_and_how_far_behind_it_is(server: str) -> None:
    async with new_log(server) as log:
        writer = Writer(log)
        await writer.begin()
        await writer.append(5, 6, 7)
        await writer.append(1500)
        status = await read_status(log.connection, log.slot)
        assert status.head == await log.head()
        assert [(segment.name, segment.entries) for segment in status.segments] == [
            ("batch_1_0_3e8", 3),
            ("batch_1_3e8_7d0", 1),
        ]
        assert status.segments[0].batches == len({partition_of(f"k{n}", 4) for n in (5, 6, 7)})
        assert status.bytes == sum(segment.bytes for segment in status.segments) > 0
        assert status.segments[0].oldest is not None
        assert status.behind_bytes > 0


async def test_a_relay_at_rest_is_hardly_behind(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit_many(log.connection, range(100))
            await emit(log.connection, 100)
            await log.wait_caught_up()
            status = await read_status(log.connection, log.slot)
            assert status.behind_bytes < 100_000
            assert sum(segment.entries for segment in status.segments) == 101


async def test_a_log_that_is_not_there_says_what_makes_it(server: str) -> None:
    async with new_log(server) as log:
        with pytest.raises(LogNotPrepared, match="headwater migrate"):
            await read_status(log.connection, log.slot)
        with pytest.raises(LogNotPrepared, match=log.slot):
            await read_head(log.connection, log.slot)


async def test_a_database_without_our_schema_is_told_the_same(server: str) -> None:
    async with connected(database_url(server, "postgres")) as connection:
        with pytest.raises(LogNotPrepared, match="headwater migrate"):
            await read_status(connection, "nobody")
