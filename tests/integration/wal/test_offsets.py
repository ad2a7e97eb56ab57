"""Offsets: the entries of a partition count from 0 on, without a gap, whatever happens to log and relay."""

from datetime import timedelta

import pytest

from headwater.log import drop_old_segments
from headwater.log.segments import Segments
from headwater.wal import open_epoch
from tests.integration.wal.harness import Log, drop_slot, emit, emit_many, eventually, new_log, running
from tests.integration.wal.test_huge import MANY, parts, stopped_halfway


async def assert_offsets_are_dense(log: Log, since: int = 0) -> None:
    """In every partition up to the head, and the head knows which comes next."""
    rows = await log.connection.fetch(
        """
        select partition, base_offset, count, headwater.log.next_offsets
          from headwater.batch, headwater.log where last <= headwater.log.position order by partition, last
        """
    )
    ends: dict[int, int] = {}
    for partition, base_offset, count, _ in rows:
        assert base_offset == ends.get(partition, base_offset if since else 0), (partition, base_offset)
        ends[partition] = base_offset + count
    assert sum(ends.values()) >= since
    heads = rows[0]["next_offsets"]
    assert {partition: end for partition, end in enumerate(heads) if end} == ends


async def test_they_count_the_entries_of_a_partition(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            for number in range(30):
                await emit(log.connection, number, f"k{number % 7}")
            await emit_many(log.connection, range(100))
            await log.wait_caught_up()
        await assert_offsets_are_dense(log, 130)


async def test_the_parts_of_a_large_transaction_are_counted_on(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, -1)
            await emit_many(log.connection, range(MANY), padding=100)
            await emit(log.connection, MANY, "k3")
            await log.wait_caught_up()
        assert await log.connection.fetchval("select count(*) from headwater.batch") > 20
        await assert_offsets_are_dense(log, MANY + 2)


async def test_parts_that_a_relay_leaves_behind_leave_no_hole(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay, running(relay):
            await emit(log.connection, -1)
            await emit_many(log.connection, range(MANY), padding=100)
            async with stopped_halfway(log):
                assert await parts(log) > 1
        async with log.relay():
            await log.wait_caught_up()
        await assert_offsets_are_dense(log, MANY + 1)


async def test_they_go_on_over_every_change_of_layout(server: str) -> None:
    async with new_log(server, partitions=2) as log:
        await log.prepare()
        async with log.relay():
            for partitions in (5, 1, 3):
                await emit_many(log.connection, range(40))
                await log.wait_caught_up()
                await log.connection.execute("select headwater.repartition($1)", partitions)
            await emit_many(log.connection, range(40_000), padding=100)
            await eventually(lambda: parts(log))
            await log.connection.execute("select headwater.repartition(4::smallint)")
            await log.wait_caught_up()
        await assert_offsets_are_dense(log, 40_120)


async def test_they_go_on_in_a_new_epoch_and_when_the_oldest_entries_are_dropped(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Segments.__init__, "__defaults__", (4096,))
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit_many(log.connection, range(50))
            await log.wait_caught_up()
        await drop_slot(log.connection, log.slot)
        await open_epoch(log.url, log.settings)
        async with log.relay():
            for _ in range(3):
                await emit_many(log.connection, range(50), padding=200)
                await log.wait_caught_up()
        assert await drop_old_segments(log.connection, timedelta())
        async with log.relay():
            await emit_many(log.connection, range(50))
            await log.wait_caught_up()
        assert await log.connection.fetchval("select min(base_offset) from headwater.batch") > 0
        assert await log.connection.fetchval("select sum(o) from headwater.log, unnest(next_offsets) o") == 250
        await assert_offsets_are_dense(log, 250)


async def test_a_log_begun_without_them_is_numbered_by_the_next_relay(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit_many(log.connection, range(50))
            await log.wait_caught_up()
            await log.connection.execute("update headwater.log set next_offsets = null")
            await log.connection.execute("update headwater.batch set base_offset = null")
            await emit_many(log.connection, range(50))
            await log.wait_caught_up()
        assert await log.connection.fetchval("select count(base_offset) from headwater.batch") == 0
        async with log.relay():
            await emit_many(log.connection, range(50))
            await log.wait_caught_up()
        await assert_offsets_are_dense(log, 150)
