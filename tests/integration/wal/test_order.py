"""What is committed is in the log: all of it, whole, in the order of the commits (guarantee G3)."""

import asyncio
import itertools
import random

from headwater.log import Entry, Position
from tests.integration.wal.harness import Fact, Log, emit, emit_many, eventually, new_log, number_of

LEDGER = "create table public.ledger (number bigint primary key, writer int not null)"
ITEM = "create table public.item (id int primary key, name text)"


async def test_concurrent_writers_lose_nothing_and_split_nothing(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(LEDGER)
        await log.prepare()
        async with log.relay():
            await asyncio.gather(*(write_and_sometimes_roll_back(log, writer) for writer in range(6)))
            await log.wait_caught_up()
        entries = await log.entries()
        committed = {row["number"]: row["writer"] for row in await log.connection.fetch("select * from public.ledger")}

    assert sorted(number_of(entry) for entry in entries) == sorted(committed)
    assert_strictly_increasing(entries)
    for _, transaction in itertools.groupby(entries, lambda entry: entry.position.commit_lsn):
        assert len({number_of(entry) // 100 for entry in transaction}) == 1, "a transaction is split or mixed"
    for writer in range(6):
        own = [number_of(entry) for entry in entries if committed[number_of(entry)] == writer]
        assert own == sorted(own)


async def write_and_sometimes_roll_back(log: Log, writer: int) -> None:
    """Transaction t of a writer has the numbers from (writer * 1000 + t) * 100 on; the ledger says which committed."""
    dice = random.Random(writer)
    async with log.another() as connection:
        for transaction in range(25):
            try:
                async with connection.transaction():
                    for event in range(dice.randint(1, 4)):
                        number = (writer * 1000 + transaction) * 100 + event
                        await connection.execute("insert into public.ledger values ($1, $2)", number, writer)
                        await emit(connection, number, f"w{writer}")
                        await asyncio.sleep(0)
                    if dice.random() < 0.2:
                        raise Regretted
            except Regretted:
                continue


class Regretted(Exception):
    """Rolls a transaction back."""


async def test_transactions_stand_in_the_order_of_their_commits_not_of_their_events(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay(), log.another() as first, log.another() as second:
            late, early = first.transaction(), second.transaction()
            await late.start()
            await emit(first, 1)
            await early.start()
            await emit(second, 2)
            await emit(first, 3)
            await early.commit()
            await emit(first, 4)
            await late.commit()
            await log.wait_caught_up()
            assert await log.numbers() == [2, 1, 3, 4]


async def test_rows_of_one_copy_share_an_lsn_and_have_positions_of_their_own(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(ITEM)
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.copy_records_to_table(
                "item", schema_name="public", records=[(n, f"item {n}") for n in range(500)]
            )
            await log.wait_caught_up()
            entries = await log.entries()
            assert [fact.key for fact in await log.facts()] == [str(n) for n in range(500)]
            assert [entry.position.ordinal for entry in entries] == list(range(500))
            assert len({entry.position.commit_lsn for entry in entries}) == 1


async def test_a_message_and_the_row_after_it_stand_one_after_the_other(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(ITEM)
        await log.prepare("public.item")
        async with log.relay():
            async with log.connection.transaction():
                for n in range(3):
                    await emit(log.connection, n, f"e{n}")
                    await log.connection.execute("insert into public.item values ($1, 'x')", n)
            await log.wait_caught_up()
            assert [(fact.kind, fact.key) for fact in await log.facts()] == [
                (kind, key) for n in range(3) for kind, key in (("event", f"e{n}"), ("insert", f"{n}"))
            ]


async def test_what_a_savepoint_took_back_leaves_nothing(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(ITEM)
        await log.prepare("public.item")
        async with log.relay():
            async with log.connection.transaction():
                await emit(log.connection, 1)
                try:
                    async with log.connection.transaction():
                        await emit(log.connection, 2)
                        await log.connection.execute("insert into public.item values (2, 'phantom')")
                        raise Regretted
                except Regretted:
                    await emit(log.connection, 3)
                async with log.connection.transaction():
                    await emit(log.connection, 4)
            await log.wait_caught_up()
            assert await log.facts() == [Fact("event", "k", n) for n in (1, 3, 4)]


async def test_a_transaction_that_postgres_spills_to_disk_is_as_any_other(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("alter role current_user set logical_decoding_work_mem = '64kB'")
        try:
            await log.prepare()
            async with log.relay(), log.another() as other:
                async with other.transaction():
                    await emit_many(other, range(5000), padding=100)
                    await emit(log.connection, -1)
                await log.wait_caught_up()
                assert await log.numbers() == [-1, *range(5000)]
                await eventually(lambda: spilled(log))
        finally:
            await log.connection.execute("alter role current_user reset logical_decoding_work_mem")


async def spilled(log: Log) -> bool:
    sql = "select spill_txns > 0 from pg_stat_replication_slots where slot_name = $1"
    return bool(await log.connection.fetchval(sql, log.slot))


async def test_the_first_commit_after_the_slot_was_made_is_in_the_log(server: str) -> None:
    async with new_log(server) as log:
        async with log.another() as busy:
            await emit(busy, 0)
            await log.prepare()
            await emit(busy, 1)
        async with log.relay():
            await log.wait_caught_up()
            assert await log.numbers() == [1]


async def test_nothing_that_the_head_has_not_passed_is_read(server: str) -> None:
    async with new_log(server) as log:
        await log.prepare()
        async with log.relay():
            await emit(log.connection, 1)
            await log.wait_caught_up()
        head = (await log.head()).position
        beyond = Position(head.epoch, head.commit_lsn + 8, 0)
        await log.connection.execute(
            "insert into headwater.batch (partition, last, first, count, payload) values (0, $1, $1, 1, 'x')",
            bytes(beyond),
        )
        assert await log.numbers() == [1]


def assert_strictly_increasing(entries: list[Entry]) -> None:
    positions = [entry.position for entry in entries]
    assert all(before < after for before, after in itertools.pairwise(positions))
