"""A relay with nothing to do, or kept from doing it: it holds no WAL, stays alive, and costs nothing."""

import asyncio
import time
from datetime import timedelta

import pytest

from headwater.wal import relay as relays
from headwater.wal.relay import Relay
from tests.integration.wal.harness import (
    Log,
    connected,
    emit,
    emit_many,
    eventually,
    named,
    new_log,
    read_fragments,
    reports,
    running,
)

REPLY = """
select reply_time from pg_stat_replication
 where pid = (select active_pid from pg_replication_slots where slot_name = $1)
"""
MUCH_WAL = "select count(pg_logical_emit_message(false, 'elsewhere', repeat('x', 10000))) from generate_series(1, 300)"


async def test_heartbeats_move_the_head_and_the_slot_of_an_idle_database(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "HEARTBEAT_SECONDS", 0.05)
    async with new_log(server) as log:
        await log.prepare()
        before, confirmed = (await log.head()).position, await log.confirmed()
        async with log.relay():
            await eventually(lambda: head_beyond(log, before.commit_lsn))
            await eventually(lambda: confirmed_beyond(log, confirmed))
            horizon = (await log.head()).horizon
            await eventually(lambda: horizon_beyond(log, horizon))
        assert await log.entries() == []


async def test_the_slot_moves_over_wal_of_another_database(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay(), connected(server) as elsewhere:
            await elsewhere.execute(MUCH_WAL)
            mark = await log.now()
            await eventually(lambda: confirmed_beyond(log, mark - relays.ADVANCE_BYTES))
        assert await log.entries() == []


async def test_the_slot_moves_over_wal_of_tables_that_are_not_published(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("create table public.unseen (text text)")
        await log.prepare()
        async with log.relay():
            await log.connection.execute(
                "insert into public.unseen select repeat('x', 1000) from generate_series(1, 3000)"
            )
            mark = await log.now()
            await eventually(lambda: confirmed_beyond(log, mark - relays.ADVANCE_BYTES))
            assert (await log.head()).scanned > mark - relays.ADVANCE_BYTES


async def test_the_slot_does_not_move_over_an_open_transaction_that_will_count(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay(), connected(server) as elsewhere, log.another() as slow:
            async with slow.transaction():
                await emit(slow, 1)
                await elsewhere.execute(MUCH_WAL)
                mark = await log.now()
                await eventually(lambda: confirmed_beyond(log, mark - relays.ADVANCE_BYTES))
            await log.wait_caught_up()
            assert await log.numbers() == [1]


async def test_the_slot_does_not_move_over_what_was_read_and_is_not_yet_in_the_log(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay:
            begun = (await log.head()).scanned
            await emit(log.connection, 1)
            begin = await eventually(lambda: first_message(relay))
            relay._seen_lsn = await log.now()

            assert begin is not None
            relay._assembler.feed(begin)
            await relay._advance()
            assert (await log.head()).scanned == begun, "inside a transaction"

            for fragment in await eventually(lambda: read_fragments(relay)):
                relay._put(fragment)
            await relay._advance()
            assert (await log.head()).scanned == begun, "queued"

            await relay._append_group(relay._take())
            await relay._advance()
            assert (await log.head()).scanned == relay._seen_lsn


def first_message(relay: Relay) -> bytes | None:
    """The first of what is at hand, the rest of which comes back with the next read."""
    size, data = relay._stream._connection.get_copy_data(1)
    if size <= 0:
        relay._stream._connection.consume_input()
        return None
    return bytes(data[25:]) if bytes(data[:1]) == b"w" else None


async def test_a_short_sender_timeout_does_not_end_a_relay_at_rest(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(f"alter database {log.slot} set wal_sender_timeout = '500ms'")
        await log.prepare()
        with reports() as told:
            async with log.relay():
                await outlive(log, timedelta(seconds=1.2))
                await log.wait_caught_up()
        assert not named(told, "RelayInterrupted")


async def test_a_relay_that_cannot_append_stops_reading_burns_nothing_and_outlives_the_sender_timeout(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "QUEUE_BYTES", 256 * 1024)
    monkeypatch.setattr(relays, "APPEND_BYTES", 64 * 1024)
    async with new_log(server) as log:
        await log.connection.execute(f"alter database {log.slot} set wal_sender_timeout = '500ms'")
        await log.prepare()
        async with log.holding() as relay, running(relay) as task, log.another() as holder:
            lock = holder.transaction()
            await lock.start()
            await holder.execute("select from headwater.log for update")
            for first in range(0, 10_000, 100):
                await emit_many(log.connection, range(first, first + 100), padding=100)
            await eventually(lambda: relay.statistics()["queued_bytes"] >= relays.QUEUE_BYTES)
            assert await cpu_share(0.5) < 0.5
            await outlive(log, timedelta(seconds=1.2))
            assert relay.statistics()["queued_bytes"] < 3 * relays.QUEUE_BYTES
            await lock.rollback()
            await log.wait_caught_up()
            assert not task.done()
        assert await log.numbers() == list(range(10_000))


async def outlive(log: Log, time: timedelta) -> None:
    """Until the walsender has heard of the relay after so much more time."""
    begun = await eventually(lambda: log.connection.fetchval(REPLY, log.slot))

    async def heard() -> bool:
        return bool(await log.connection.fetchval(REPLY, log.slot) > begun + time)

    await eventually(heard)


async def test_a_resting_relay_burns_nothing(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await log.wait_caught_up()
            assert await cpu_share(0.5) < 0.5


async def cpu_share(seconds: float) -> float:
    """Of one core, by this process, while nothing is asked of it."""
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


async def head_beyond(log: Log, lsn: int) -> bool:
    return (await log.head()).position.commit_lsn > lsn


async def horizon_beyond(log: Log, xid: int) -> bool:
    return (await log.head()).horizon > xid


async def confirmed_beyond(log: Log, lsn: int) -> bool:
    return await log.confirmed() > lsn
