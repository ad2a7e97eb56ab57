"""What cannot be decoded any more is named, with the way out; nothing is mended quietly (guarantee G10)."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from headwater.engines import EmbeddedPostgres
from headwater.log import LogError, LogNotPrepared, Position, format_lsn
from headwater.wal import open_epoch, read_slot, reconcile
from headwater.wal.appender import AppendResult
from headwater.wal.assembler import Fragment
from headwater.wal.slot import (
    ForeignSlot,
    ForeignSystem,
    PublicationMissing,
    SlotAhead,
    SlotInvalidated,
    SlotMissing,
)
from tests.integration.wal.harness import (
    Log,
    connected,
    drop_slot,
    emit,
    eventually,
    named,
    new_log,
    read_fragments,
    release_slot,
    reports,
)

END_SECONDS = 60.0
"""A relay that refuses ends at once; this is for a busy machine."""

Breakage = Callable[[Log], Awaitable[None]]


async def drop(log: Log) -> None:
    await drop_slot(log.connection, log.slot)


async def invalidate(log: Log) -> None:
    """More WAL than the server may keep for a slot."""
    await log.connection.execute("alter system set max_slot_wal_keep_size = '1MB'")
    await log.connection.execute("select pg_reload_conf()")
    try:
        for _ in range(3):
            await log.connection.execute("select pg_logical_emit_message(false, 'flood', 'x'), pg_switch_wal()")
        await log.connection.execute("checkpoint")

        async def lost() -> bool:
            state = await read_slot(log.connection, log.slot)
            return state is not None and state.wal_status == "lost"

        await eventually(lost)
    finally:
        await log.connection.execute("alter system reset max_slot_wal_keep_size")
        await log.connection.execute("select pg_reload_conf()")


async def advance(log: Log) -> None:
    await emit(log.connection, 99)
    await release_slot(log.connection, log.slot)
    await log.connection.execute("select pg_replication_slot_advance($1, pg_current_wal_lsn())", log.slot)


async def recreate(log: Log) -> None:
    """What a helpful person does to a slot that is gone."""
    await drop(log)
    await log.connection.execute("select pg_create_logical_replication_slot($1, 'pgoutput')", log.slot)


async def restore_older_log(log: Log) -> None:
    """The log's row as a backup of yesterday has it, beside the slot of today."""
    older = bytes(Position(1, 16, 0))
    await log.connection.execute("update headwater.log set position = $1, scanned = '0/10'", older)


async def move_to_other_system(log: Log) -> None:
    await log.connection.execute("update headwater.log set system_identifier = '123456789'")


async def drop_publication(log: Log) -> None:
    await log.connection.execute(f"drop publication {log.slot}")


BREAKAGES = [
    (drop, SlotMissing),
    (invalidate, SlotInvalidated),
    (advance, SlotAhead),
    (recreate, SlotAhead),
    (restore_older_log, SlotAhead),
    (move_to_other_system, ForeignSystem),
    (drop_publication, PublicationMissing),
]


@pytest.mark.parametrize(("break_it", "error"), BREAKAGES, ids=[breakage.__name__ for breakage, _ in BREAKAGES])
async def test_a_gap_stops_the_relay_is_named_and_a_person_goes_on(
    server: str, break_it: Breakage, error: type[LogError]
) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
        await break_it(log)
        head = await log.head()

        with pytest.raises(error) as raised:
            await run_until_it_ends(log)
        message = str(raised.value)
        assert type(raised.value) is error
        assert str(head.position) in message
        assert format_lsn(head.scanned) in message
        assert "headwater log reconcile" in message

        with pytest.raises(error):
            await log.prepare()

        position = await open_epoch(log.url, log.settings)
        assert position > head.position
        assert position.epoch == head.position.epoch + 1
        before = await log.entries()
        async with log.relay():
            await emit(log.connection, 2)
            await log.wait_caught_up()
            entries = await log.entries()
        assert entries[: len(before)] == before
        assert (await log.numbers())[-1] == 2
        assert all(entry.position > position for entry in entries[len(before) :])
        await log.prepare()


async def run_until_it_ends(log: Log) -> None:
    """Raises what ended the relay, and `TimeoutError` if it has accepted what it should refuse."""
    async with log.relay() as running, asyncio.timeout(END_SECONDS):
        await running


@pytest.mark.parametrize(
    "make",
    [
        "select pg_create_logical_replication_slot($1, 'test_decoding')",
        "select pg_create_physical_replication_slot($1)",
    ],
    ids=["other plugin", "physical"],
)
async def test_a_slot_of_somebody_else_is_left_alone(server: str, make: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        await drop(log)
        await log.connection.execute(make, log.slot)
        for attempt in (run_until_it_ends(log), log.prepare(), open_epoch(log.url, log.settings)):
            with pytest.raises(ForeignSlot, match="HEADWATER_SLOT"):
                await attempt
        assert await read_slot(log.connection, log.slot) is not None


async def test_a_slot_of_somebody_else_keeps_a_new_log_from_being_made(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("select pg_create_logical_replication_slot($1, 'test_decoding')", log.slot)
        with pytest.raises(ForeignSlot, match="test_decoding"):
            await log.prepare()
        with pytest.raises(LogNotPrepared):
            await log.head()


async def test_a_log_that_was_never_prepared_says_so(server: str) -> None:
    async with new_log(server) as log:
        with pytest.raises(LogNotPrepared, match="headwater migrate"):
            await run_until_it_ends(log)


async def test_reconcile_finds_the_rows_of_the_gap_and_no_others(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(
            """
            create table public.item (id int primary key, name text);
            create table public.pair (b int, a int, primary key (a, b));
            create table public.keyless (text text);
            create table public.untouched (id int primary key);
            create table public.parted (id int primary key) partition by range (id);
            create table public.part partition of public.parted default;
            """
        )
        await log.prepare()
        await log.connection.execute(
            """
            insert into public.item select n, 'before' from generate_series(1, 3) n;
            insert into public.untouched values (1);
            insert into public.pair values (1, 1);
            """
        )
        async with log.relay():
            await pass_horizon(log)
        await drop(log)
        assert (await reconcile(log.connection, log.slot)).tables == []

        await log.connection.execute(
            """
            insert into public.item values (4, 'in the gap');
            update public.item set name = 'in the gap' where id = 1;
            delete from public.item where id = 2;
            insert into public.pair values (7, 2);
            insert into public.keyless values ('in the gap');
            insert into public.parted values (5);
            """
        )
        found = await reconcile(log.connection, log.slot)
        assert found.head == await log.head()
        assert {table.table: table.rows for table in found.tables} == {
            "public.item": 2,
            "public.keyless": 1,
            "public.pair": 1,
            "public.part": 1,
        }
        samples = {table.table: table.sample for table in found.tables}
        assert sorted(samples["public.item"], key=str) == [{"id": 1}, {"id": 4}]
        assert samples["public.pair"] == [{"a": 2, "b": 7}]
        assert samples["public.part"] == [{"id": 5}]
        assert list(samples["public.keyless"][0]) == ["ctid"]

        await open_epoch(log.url, log.settings)
        assert (await reconcile(log.connection, log.slot)).tables == []


async def test_the_horizon_stays_below_what_is_not_yet_in_the_log(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.holding() as relay:
            xids = []
            for number in range(3):
                async with log.connection.transaction():
                    await emit(log.connection, number)
                    xids.append(await log.connection.fetchval("select pg_current_xact_id()"))
            fragments: list[Fragment] = []
            while len(fragments) < 3:
                fragments += await eventually(lambda: read_fragments(relay))
            for fragment, following in itertools.pairwise(fragments):
                assert await relay._appender.append([fragment]) is AppendResult.APPENDED
                assert (await log.head()).horizon <= xids[fragments.index(following)]


async def pass_horizon(log: Log) -> None:
    """Until everything committed before this call lies below the log's horizon."""
    xid: int = await log.connection.fetchval("select pg_current_xact_id()")

    async def beyond() -> bool:
        await log.mark()
        return (await log.head()).horizon > xid

    await eventually(beyond)


async def test_a_person_may_open_an_epoch_over_a_slot_that_lost_nothing(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
        await emit(log.connection, 2)
        with reports() as told:
            await open_epoch(log.url, log.settings)
            async with log.relay():
                await log.wait_caught_up()
                await open_epoch(log.url, log.settings)  # with a relay at work, which notices
                await emit(log.connection, 3)
                await log.wait_caught_up()
        assert await log.numbers() == [1, 2, 3]
        assert [entry.position.epoch for entry in await log.entries()] == [1, 2, 3]
        assert [opened.epoch for opened in named(told, "EpochForced")] == [2, 3]


async def leave_a_part(log: Log) -> None:
    position = (await log.head()).position
    beyond = bytes(Position(position.epoch, position.commit_lsn + 8, 0))
    sql = "insert into headwater.batch (partition, last, first, count, payload) values (1, $1, $1, 1, 'half')"
    await log.connection.execute(sql, beyond)


async def by_hand(log: Log) -> None:
    await open_epoch(log.url, log.settings)


async def by_timeline(log: Log) -> None:
    await log.connection.execute("update headwater.log set timeline = timeline + 7")


@pytest.mark.parametrize("begin_epoch", [by_hand, by_timeline])
async def test_parts_of_an_unfinished_transaction_do_not_come_to_light_in_a_new_epoch(
    server: str, begin_epoch: Breakage
) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
        await leave_a_part(log)
        await begin_epoch(log)
        async with log.relay():
            await log.wait_caught_up()
            assert (await log.head()).position.epoch == 2
        assert await log.numbers() == [1]


async def test_a_promotion_that_loses_nothing_opens_an_epoch_by_itself(own_server: EmbeddedPostgres) -> None:
    await own_server.start()
    async with new_log(own_server.url) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
        await emit(log.connection, 2)
        await own_server.stop()
        signal = own_server.data / "standby.signal"
        signal.touch()
        await own_server.start()
        async with connected(log.url) as connection:
            log.connection = connection
            assert await connection.fetchval("select pg_promote()")
            with reports() as told:
                async with log.relay():
                    await emit(connection, 3)
                    await log.wait_caught_up()
            assert await log.numbers() == [1, 2, 3]
            assert [entry.position.epoch for entry in await log.entries()] == [1, 2, 2]
            assert [(opened.epoch, opened.timeline) for opened in named(told, "EpochOpened")] == [(2, 2)]
