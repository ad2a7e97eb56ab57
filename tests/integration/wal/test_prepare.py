"""What must stand before the first commit is made once, whoever calls, however often, and wherever it was cut off."""

import asyncio

import pytest

from headwater.engines.identity import NoReplicaIdentity
from headwater.log import LogNotPrepared
from headwater.wal import prepare as preparing
from headwater.wal import read_slot
from tests.integration.wal.harness import Log, emit, eventually, named, new_log, reports

PUBLISHED = "select schemaname || '.' || tablename from pg_publication_tables where pubname = $1 order by 1"


async def test_to_prepare_again_changes_nothing(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        head, confirmed = await log.head(), await log.confirmed()
        await log.prepare()
        assert await log.head() == head
        assert await log.confirmed() == confirmed
        assert head.position.epoch == 1
        assert head.scanned == confirmed
        assert head.position.commit_lsn < confirmed, "a commit that begins where the slot does comes after the head"


async def test_two_at_once_make_one_log(server: str) -> None:
    async with new_log(server) as log:
        await asyncio.gather(*(log.prepare() for _ in range(4)))
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
            assert await log.numbers() == [1]
        assert await log.connection.fetchval("select count(*) from headwater.log") == 1


class Cut(Exception):
    """Ends a call of prepare_log between two steps."""


async def test_a_row_without_its_slot_is_gone_on_from(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with new_log(server) as log:
        with monkeypatch.context() as patch:
            patch.setattr(preparing, "make_slot", cut)
            with pytest.raises(Cut):
                await log.prepare()
        assert await read_slot(log.connection, log.slot) is None
        assert (await log.head()).scanned == 0
        await prepares_well(log)


async def test_a_slot_that_the_row_does_not_know_of_is_gone_on_from(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with new_log(server) as log:
        with monkeypatch.context() as patch:
            patch.setattr(preparing, "begin_epoch", cut_now)
            with pytest.raises(Cut):
                await log.prepare()
        assert await read_slot(log.connection, log.slot) is not None
        assert (await log.head()).scanned == 0
        await emit(log.connection, 1)
        await prepares_well(log, 1)


async def test_a_relay_does_not_start_on_a_log_that_is_half_prepared(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with new_log(server) as log:
        monkeypatch.setattr(preparing, "make_slot", cut)
        with pytest.raises(Cut):
            await log.prepare()
        with pytest.raises(LogNotPrepared):
            async with log.holding():
                pass


async def cut(*_: object) -> int:
    raise Cut


def cut_now(*_: object) -> None:
    raise Cut


async def prepares_well(log: Log, *before: int) -> None:
    """From here on, everything is in the log."""
    await log.prepare()
    async with log.relay():
        await emit(log.connection, 2)
        await log.wait_caught_up()
        assert await log.numbers() == [*before, 2]


async def test_a_slot_waits_for_writers_and_says_for_whom(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "PATIENCE_SECONDS", 0.05)
    async with new_log(server) as log, log.another() as writer:
        slow = writer.transaction()
        await slow.start()
        await emit(writer, 1)
        with reports() as told:
            preparing_log = asyncio.create_task(log.prepare())
            await eventually(lambda: named(told, "SlotWaits"))
            await slow.commit()
            await preparing_log
        (waits,) = named(told, "SlotWaits")
        assert writer.get_server_pid() in waits.pids
        await prepares_well(log)


async def test_a_slot_that_a_dead_caller_left_unfinished_is_made_by_the_next(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "PATIENCE_SECONDS", 0.05)
    async with new_log(server) as log, log.another() as writer:
        slow = writer.transaction()
        await slow.start()
        await emit(writer, 1)
        with reports() as told:
            dying = asyncio.create_task(log.prepare())
            await eventually(lambda: named(told, "SlotWaits"))
            dying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dying
            state = await read_slot(log.connection, log.slot)
            assert state is not None
            assert state.confirmed_flush_lsn is None
            preparing_log = asyncio.create_task(log.prepare())
            await eventually(lambda: len(named(told, "SlotWaits")) == 2)
            await slow.commit()
            await preparing_log
        await prepares_well(log)


async def test_exactly_the_tables_asked_for_are_published(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(
            """
            create schema "Odd ""one";
            create table "Odd ""one"."a.b" (id int primary key);
            create table public.first (id int primary key);
            create table public.second (id int primary key);
            """
        )
        await log.prepare("public.first")
        assert await published(log) == ["public.first"]
        await log.prepare("public.second", '"Odd ""one"."a.b"')
        assert await published(log) == ['Odd "one.a.b', "public.first", "public.second"]
        await log.prepare("public.second", exact=True)
        assert await published(log) == ["public.second"]
        await log.prepare()
        assert await published(log) == ["public.second"]
        await log.prepare(exact=True)
        assert await published(log) == []


async def published(log: Log) -> list[str]:
    return [row[0] for row in await log.connection.fetch(PUBLISHED, log.slot)]


@pytest.mark.parametrize(
    "make",
    [
        "create table public.bare (id int)",
        "create table public.bare (id int primary key); alter table public.bare replica identity nothing",
        "create table public.bare (id int not null); create unique index i on public.bare (id);"
        "alter table public.bare replica identity using index i; drop index public.i",
        "create table public.tree (id int) partition by range (id);"
        "create table public.bare partition of public.tree default",
    ],
    ids=["no key", "nothing", "index dropped", "partition without key"],
)
async def test_a_table_without_replica_identity_is_refused_with_the_statement_that_mends_it(
    server: str, make: str
) -> None:
    async with new_log(server) as log:
        await log.connection.execute(make)
        table = "public.tree" if "tree" in make else "public.bare"
        with pytest.raises(NoReplicaIdentity, match="primary key") as raised:
            await log.prepare(table)
        assert await published(log) == []
        await log.connection.execute(raised.value.remedy)
        await log.prepare(table)
        assert await published(log) == [table]
        await log.connection.execute("insert into public.bare values (1)")
        await log.connection.execute("update public.bare set id = 2")


@pytest.mark.parametrize(
    "make",
    [
        "create table public.fine (id int primary key)",
        "create table public.fine (id int); alter table public.fine replica identity full",
        "create table public.fine (id int not null); create unique index i on public.fine (id);"
        "alter table public.fine replica identity using index i",
    ],
    ids=["primary key", "full", "index"],
)
async def test_a_table_with_replica_identity_is_published(server: str, make: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(make)
        await log.prepare("public.fine")
        assert await published(log) == ["public.fine"]


async def test_the_number_of_partitions_is_that_of_the_first_call(server: str) -> None:
    async with new_log(server, partitions=3) as log:
        await log.prepare()
        assert (await log.head()).partitions == 3


async def test_sessions_that_a_database_restricts_are_not(server: str) -> None:
    """What an administrator gave the database for its other users."""
    async with new_log(server) as log:
        for setting in (
            "default_transaction_read_only = on",
            "default_transaction_isolation = serializable",
            "statement_timeout = '1ms'",
        ):
            await log.connection.execute(f"alter database {log.slot} set {setting}")
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
            assert await log.numbers() == [1]
