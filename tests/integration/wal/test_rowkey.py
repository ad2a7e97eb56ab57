"""What tells the rows of a table apart in the log, and what they were before, under every replica identity."""

import asyncio
from typing import Any

import msgspec
import pytest

from headwater.log import CHANGE
from tests.integration.wal.harness import Log, emit, eventually, named, new_log, reports
from tests.integration.wal.test_gate import set_standby, standby_missing

FULL = """
create table public.item (id int primary key, name text, price int);
alter table public.item replica identity full;
"""


async def changes(log: Log) -> list[tuple[Any, ...]]:
    """Of every change: operation, key, the old values, and how it is ordered."""
    bodies = [msgspec.json.decode(entry.body) for entry in await log.entries() if entry.kind == CHANGE]
    return [(body["operation"], body["key"], body.get("old", {}), body["id"]) for body in bodies]


async def test_an_update_of_a_whole_row_is_one_update_under_its_primary_key(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(FULL)
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a', 10)")
            await log.connection.execute("update public.item set name = 'b'")
            await log.connection.execute("update public.item set id = 2")
            await log.connection.execute("delete from public.item")
            await log.wait_caught_up()
        assert await changes(log) == [
            ("insert", {"id": 1}, {}, "1"),
            ("update", {"id": 1}, {}, "1"),
            ("delete", {"id": 1}, {}, "1"),
            ("insert", {"id": 2}, {}, "2"),
            ("delete", {"id": 2}, {}, "2"),
        ]


async def test_a_table_without_a_primary_key_has_its_whole_rows_for_keys(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("create table public.item (id int, name text)")
        await log.connection.execute("alter table public.item replica identity full")
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a')")
            await log.connection.execute("update public.item set name = 'b'")
            await log.wait_caught_up()
        a, b = {"id": 1, "name": "a"}, {"id": 1, "name": "b"}
        assert await changes(log) == [("insert", a, {}, "1,a"), ("delete", a, {}, "1,a"), ("insert", b, {}, "1,b")]


@pytest.mark.parametrize(
    ("columns", "key"),
    [("(code)", {"code": "x"}), ("(id, code)", {"id": 1})],
    ids=["an index without the primary key", "an index with it"],
)
async def test_the_primary_key_counts_if_the_replica_identity_has_it(
    server: str, columns: str, key: dict[str, Any]
) -> None:
    async with new_log(server) as log:
        await log.connection.execute(
            f"""
            create table public.item (id int primary key, code text not null, name text);
            create unique index identity on public.item {columns};
            alter table public.item replica identity using index identity;
            """
        )
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'x', 'a')")
            await log.connection.execute("update public.item set name = 'b'")
            await log.connection.execute("delete from public.item")
            await log.wait_caught_up()
        assert [change[:2] for change in await changes(log)] == [("insert", key), ("update", key), ("delete", key)]


async def test_columns_that_a_key_only_includes_are_no_part_of_it(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute("create table public.item (id int, name text, primary key (id) include (name))")
        await log.connection.execute("alter table public.item replica identity full")
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a')")
            await log.connection.execute("update public.item set name = 'b'")
            await log.wait_caught_up()
        assert [change[:2] for change in await changes(log)] == [("insert", {"id": 1}), ("update", {"id": 1})]


async def test_a_primary_key_that_changes_counts_from_the_transaction_of_its_change_on(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(FULL)
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a', 10)")
            await log.wait_caught_up()
            async with log.connection.transaction():
                await log.connection.execute(
                    "alter table public.item drop constraint item_pkey, add primary key (name)"
                )
                await log.connection.execute("update public.item set price = 11")
            await log.connection.execute("update public.item set price = 12")
            await log.wait_caught_up()
        name = {"name": "a"}
        assert [change[:2] for change in await changes(log)] == [
            ("insert", {"id": 1}),
            ("update", name),
            ("update", name),
        ]


async def test_a_table_that_is_gone_by_the_time_its_rows_are_read_has_whole_rows_for_keys(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(FULL)
        await log.prepare("public.item")
        await log.connection.execute("insert into public.item values (1, 'a', 10)")
        await log.connection.execute("drop table public.item")
        async with log.relay():
            await log.wait_caught_up()
        assert [change[1] for change in await changes(log)] == [{"id": 1, "name": "a", "price": 10}]


async def test_a_look_at_the_catalog_waits_for_the_transaction_that_it_belongs_to(server: str) -> None:
    async with new_log(server) as log, standby_missing(log):
        await log.connection.execute(FULL)
        await log.prepare("public.item")
        await log.connection.execute("insert into public.item values (1, 'a', 10)")
        async with log.relay():
            await log.wait_caught_up()
        await emit(log.connection, 1)
        async with log.another(server_settings={"synchronous_commit": "on"}) as other:
            altering = asyncio.create_task(
                other.execute(
                    "begin; alter table public.item drop constraint item_pkey, add primary key (name);"
                    "update public.item set price = 11; commit"
                )
            )
            await eventually(lambda: _waits_for_standby(log))
            with reports() as told:
                async with log.relay():
                    await eventually(lambda: named(told, "CatalogUnseen"))
                    assert await log.numbers() == [1], "what is visible comes meanwhile"
                    await set_standby(log.connection, "")
                    await altering
                    await log.wait_caught_up()
        assert [change[:2] for change in await changes(log)] == [("insert", {"id": 1}), ("update", {"name": "a"})]


async def _waits_for_standby(log: Log) -> bool:
    found: bool = await log.connection.fetchval(
        "select exists (select from pg_stat_activity"
        "                where datname = current_database() and wait_event = 'SyncRep')"
    )
    return found


async def test_old_values_are_there_where_they_are_declared_and_logged(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(FULL)
        await log.connection.execute("create table public.plain (id int primary key, price int)")
        with reports() as told:
            await log.prepare("public.item", "public.plain", old=["price", "id"])
        [warning] = named(told, "OldValuesNotLogged")
        assert (warning.table, warning.columns) == ("public.plain", ["price"])
        async with log.relay():
            for table in ("item", "plain"):
                await log.connection.execute(f"insert into public.{table} (id, price) values (1, 10)")
                await log.connection.execute(f"update public.{table} set price = 11")
                await log.connection.execute(f"update public.{table} set id = 2")
                await log.connection.execute(f"delete from public.{table}")
            await log.wait_caught_up()
        assert [change[:3] for change in await changes(log)] == [
            ("insert", {"id": 1}, {}),
            ("update", {"id": 1}, {"id": 1, "price": 10}),
            ("delete", {"id": 1}, {"id": 1, "price": 11}),
            ("insert", {"id": 2}, {}),
            ("delete", {"id": 2}, {"id": 2, "price": 11}),
            ("insert", {"id": 1}, {}),
            ("update", {"id": 1}, {"id": 1}),
            ("delete", {"id": 1}, {"id": 1}),
            ("insert", {"id": 2}, {}),
            ("delete", {"id": 2}, {"id": 2}),
        ]


async def test_a_relay_at_work_learns_of_old_values_that_are_declared_anew(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(FULL)
        await log.prepare("public.item")
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a', 10)")
            await log.wait_caught_up()
            await log.prepare("public.item", old=["price"])
            await log.connection.execute("update public.item set price = 11")
            await log.prepare("public.item", old=["name"])
            await log.connection.execute("update public.item set price = 12")
            await log.prepare("public.item", exact=True)
            await log.connection.execute("update public.item set price = 13")
            await log.wait_caught_up()
        assert [change[2] for change in await changes(log)] == [{}, {"price": 10}, {"price": 11, "name": "a"}, {}]


async def test_of_partitions_that_do_not_log_whole_rows_only_the_key_is_known(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(
            """
            create table public.item (id int primary key, name text, price int) partition by range (id);
            create table public.low partition of public.item for values from (0) to (10);
            create table public.high partition of public.item for values from (10) to (20);
            alter table public.item replica identity full;
            alter table public.low replica identity full;
            """
        )
        await log.prepare("public.item", old=["price"])
        async with log.relay():
            await log.connection.execute("insert into public.item values (1, 'a', 10), (11, 'b', 20)")
            await log.connection.execute("update public.item set price = 0 where id = 11")
            await log.connection.execute("update public.item set id = 12 where id = 11")
            await log.wait_caught_up()
            await log.connection.execute("alter table public.high replica identity full")
            await log.connection.execute("alter table public.item add column note text")
            await log.connection.execute("update public.item set price = 1 where id = 12")
            await log.wait_caught_up()
        assert [change[:3] for change in await changes(log)] == [
            ("insert", {"id": 1}, {}),
            ("insert", {"id": 11}, {}),
            ("update", {"id": 11}, {}),
            ("delete", {"id": 11}, {}),
            ("insert", {"id": 12}, {}),
            ("update", {"id": 12}, {"price": 0}),
        ]


async def test_an_entry_says_which_transaction_committed_it(server: str) -> None:
    async with new_log(server) as log:
        await log.connection.execute(FULL)
        await log.prepare("public.item")
        xids = []
        async with log.relay():
            for number in range(3):
                async with log.connection.transaction():
                    await emit(log.connection, number)
                    async with log.connection.transaction():  # a savepoint, with an id of its own
                        await log.connection.execute("insert into public.item values ($1)", number)
                    xids += [int(await log.connection.fetchval("select pg_current_xact_id()"))] * 2
            await log.wait_caught_up()
        assert [entry.xid for entry in await log.entries()] == xids
