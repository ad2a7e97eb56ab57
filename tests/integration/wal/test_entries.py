"""What becomes of each kind of change and message, on a real stream."""

import msgspec
import pytest

from headwater.log import CHANGE, MALFORMED, partition_of, read_entries
from headwater.log.position import Position
from tests.integration.wal.harness import Fact, emit, emit_many, named, new_log, reports

ITEM = "create table public.item (id int primary key, name text)"


async def test_a_message_outside_any_transaction_is_refused_and_told(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        with reports() as told:
            async with log.relay():
                await log.connection.execute("select pg_logical_emit_message(false, 'headwater', 'x', true)")
                await log.connection.execute("select pg_logical_emit_message(false, 'somebody', 'x', true)")
                await emit(log.connection, 1)
                await log.wait_caught_up()
                assert await log.numbers() == [1]
        assert len(named(told, "RefusedMessage")) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"no json",
        b"",
        b'{"type":"Tested"}',
        b'{"type":"T","version":"one","app":"a","key":"k"}',
        b'{"type":"T","version":1,"app":"a","key":"a\\u0000b"}',
        b'{"type":"T","version":1,"app":"a","key":"\xff"}',
        b'{"type":"T","version":1,"app":"a","key":"k","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["not JSON", "empty", "fields missing", "wrong type", "NUL in key", "not UTF-8", "too deep"],
)
async def test_what_is_no_envelope_is_kept_and_told_and_holds_up_nothing(server: str, content: bytes) -> None:
    async with new_log(server) as log:
        await log.prepare()
        with reports() as told:
            async with log.relay():
                await log.connection.execute("select pg_logical_emit_message(true, 'headwater', $1::bytea)", content)
                await emit(log.connection, 1)
                await log.wait_caught_up()
                assert await log.facts() == [Fact("malformed", "", content), Fact("event", "k", 1)]
                assert (await log.entries())[0].kind == MALFORMED
        assert len(named(told, "MalformedEvent")) == 1


async def test_messages_of_others_are_counted_and_not_kept(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            async with log.connection.transaction():
                await log.connection.execute("select pg_logical_emit_message(true, 'somebody', 'x')")
                await emit(log.connection, 1)
            await log.wait_caught_up()
            assert [entry.position.ordinal for entry in await log.entries()] == [1]


async def test_an_update_that_changes_the_key_is_a_delete_and_an_insert(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(ITEM)
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a')")
            await log.connection.execute("update public.item set name = 'b'")
            await log.connection.execute("update public.item set id = 2")
            await log.connection.execute("delete from public.item")
            await log.wait_caught_up()
            assert await log.facts() == [
                Fact("insert", "1", {"id": 1, "name": "a"}),
                Fact("update", "1", {"id": 1, "name": "b"}),
                Fact("delete", "1", {}),
                Fact("insert", "2", {"id": 2, "name": "b"}),
                Fact("delete", "2", {}),
            ]


async def test_a_truncate_stands_in_every_partition_and_is_read_once(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(ITEM)
        await log.connection.execute("create table public.other (id int primary key)")
        await log.prepare("public.item", "public.other")
        async with log.relay():
            await log.connection.execute("truncate public.item, public.other")
            await log.wait_caught_up()
            assert await log.facts() == [Fact("truncate", "", {}), Fact("truncate", "", {})]
        batches = await log.connection.fetch("select partition, last, payload from headwater.batch order by 1")
        assert [row["partition"] for row in batches] == [0, 1, 2, 3]
        for row in batches:
            entries = list(read_entries(Position.from_bytes(row["last"]).epoch, row["payload"]))
            assert [msgspec.json.decode(entry.body)["table"] for entry in entries] == ["public.item", "public.other"]


async def test_a_row_and_an_event_that_names_it_share_a_partition(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("create table public.thing (id uuid primary key)")
        await log.prepare("public.thing")
        key = "0193a7b2-1111-7111-8111-000000000000"
        async with log.relay():
            async with log.connection.transaction():
                await emit(log.connection, 1, key)
                await log.connection.execute("insert into public.thing values ($1)", key)
            await log.wait_caught_up()
        batch = await log.connection.fetchrow("select partition, count from headwater.batch")
        assert tuple(batch) == (partition_of(key, 4), 2)


async def test_a_partitioned_table_is_published_as_one(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(
            """
            create table public.part (id int primary key, name text) partition by range (id);
            create table public.part_low partition of public.part for values from (0) to (100);
            create table public.part_high partition of public.part for values from (100) to (200);
            """
        )
        await log.prepare("public.part")
        await log.prepare("public.part")  # a second start finds it published
        async with log.relay():
            await log.connection.execute("insert into public.part values (1, 'low'), (101, 'high')")
            await log.connection.execute("update public.part set id = id + 99 where id = 1")
            await log.wait_caught_up()
            tables = [msgspec.json.decode(e.body)["table"] for e in await log.entries() if e.kind == CHANGE]
            assert tables == ["public.part"] * 4
            assert [(fact.kind, fact.key) for fact in await log.facts()] == [
                ("insert", "1"),
                ("insert", "101"),
                ("delete", "1"),
                ("insert", "100"),
            ]


async def test_a_table_published_later_gives_a_transaction_in_the_log_no_other_positions(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(ITEM)
        await log.prepare()
        async with log.relay():
            async with log.connection.transaction():
                await log.connection.execute("insert into public.item values (1, 'unseen')")
                await emit(log.connection, 1)
            await log.wait_caught_up()
        before = await log.entries()
        await log.prepare("public.item")
        async with log.relay():
            async with log.connection.transaction():
                await log.connection.execute("insert into public.item values (2, 'seen')")
                await emit(log.connection, 2)
            await log.wait_caught_up()
        entries = await log.entries()
        assert entries[:1] == before
        assert [entry.position.ordinal for entry in entries] == [0, 0, 1]


async def test_an_event_larger_than_a_fragment_is_there_at_once_and_after_a_restart(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit_many(log.connection, [1], padding=3 * 1024 * 1024)
            mark = await log.mark()
            await log.wait_caught_up()
            assert mark
        async with log.relay():
            await log.wait_caught_up()
            assert await log.numbers() == [1]
