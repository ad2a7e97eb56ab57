"""Db and Session against a real PostgreSQL: what comes back, in which kind, and what is refused."""

import asyncio
import enum
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import pytest

from headwater.db import (
    CheckFailed,
    Conflict,
    Db,
    ManyRows,
    NoRow,
    Pool,
    QueryFailed,
    ReadOnly,
    ReferenceMissing,
    RowMismatch,
    Session,
    SessionBusy,
    StatementTimeout,
    StillReferenced,
    TransactionControl,
    TransactionFailed,
)
from headwater.types import Row
from tests.integration.db.servers import connected, execute, value

TABLES = """
create schema shop;
create table shop.product (
    id uuid primary key default gen_random_uuid(),
    name text not null unique,
    price integer not null check (price >= 0),
    parent uuid references shop.product
);
insert into shop.product (name, price) select 'product ' || i, i from generate_series(1, 1000) as i;
"""


class Product(Row):
    id: UUID
    name: str
    price: int
    parent: UUID | None


@asynccontextmanager
async def reading(url: str, **options: Any) -> AsyncIterator[Db]:
    await execute(url, TABLES)
    pool = await Pool.open(url, read_only=True, application_name="test", **options)
    try:
        yield Db(pool)
    finally:
        await pool.close()


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[Session]:
    """A session in a transaction that is rolled back."""
    await execute(url, TABLES)
    pool = await Pool.open(url, application_name="test")
    try:
        async with pool.acquire() as connection:
            await connection.execute("begin")
            yield Session(connection)
    finally:
        await pool.close()


class TestRows:
    async def test_one_is_the_only_row(self, url: str) -> None:
        async with reading(url) as db:
            product = await db.one(Product, "select * from shop.product where name = $1", "product 7")
            assert product == Product(id=product.id, name="product 7", price=7, parent=None)

    async def test_one_refuses_none_and_many(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(NoRow, match="Product"):
                await db.one(Product, "select * from shop.product where price = $1", -1)
            with pytest.raises(ManyRows, match="found 3") as caught:
                await db.one(Product, "select * from shop.product where price < $1", 4)
            assert caught.value.count == 3

    async def test_maybe_is_none_without_a_row_and_refuses_many(self, url: str) -> None:
        async with reading(url) as db:
            assert await db.maybe(Product, "select * from shop.product where price = -1") is None
            assert await db.maybe(int, "select price from shop.product where price = 5") == 5
            with pytest.raises(ManyRows):
                await db.maybe(Product, "select * from shop.product")

    async def test_all_keeps_the_order_of_the_query(self, url: str) -> None:
        async with reading(url) as db:
            products = await db.all(Product, "select * from shop.product order by price desc limit 3")
            assert [product.price for product in products] == [1000, 999, 998]
            assert await db.all(Product, "select * from shop.product where price = -1") == []

    async def test_a_column_added_by_a_migration_does_not_disturb_select_star(self, url: str) -> None:
        async with reading(url) as db:
            sql = "select * from shop.product where price = 1"
            assert (await db.one(Product, sql)).price == 1
            await execute(url, "alter table shop.product add column colour text not null default 'red'")
            assert (await db.one(Product, sql)).price == 1

    async def test_a_named_column_that_no_field_takes_is_a_mismatch(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(RowMismatch, match="Column 'colour' does not fit Product: there is no such field"):
                await db.one(
                    Product, "select id, name, price, parent, 'red' as colour from shop.product where price = 1"
                )

    async def test_a_missing_column_and_a_wrong_type_name_column_and_kind(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(RowMismatch) as caught:
                await db.all(Product, "select id, name, parent from shop.product")
            assert (caught.value.column, caught.value.kind) == ("price", "Product")
            with pytest.raises(RowMismatch, match=r"Column 'price' does not fit Product: expected `int`, got `str`"):
                await db.all(Product, "select id, name, price::text, parent from shop.product")
            with pytest.raises(RowMismatch, match=r"Column 'name'.*expected `str`, got `null`"):
                await db.one(Product, "select id, null as name, price, parent from shop.product where price = 1")

    async def test_a_column_twice_is_a_mismatch(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(RowMismatch, match=r"'id'.*more than once"):
                await db.all(Product, "select a.*, b.id from shop.product a join shop.product b using (name)")

    async def test_a_mismatch_in_a_later_row_is_found(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(RowMismatch, match="'n'"):
                await db.all(Number, "select nullif(i, 3) as n from generate_series(1, 5) i")


class Number(Row):
    n: int


class State(enum.Enum):
    PLACED = "placed"


class Address(msgspec.Struct):
    street: UUID
    since: datetime


class Everything(Row):
    amount: Decimal
    on: date
    at: datetime
    took: timedelta
    raw: bytes
    tags: list[str]
    ids: list[UUID]
    state: State
    anything: Any
    address: Address
    addresses: dict[str, Address]
    ratio: float


class Renamed(Row, rename="camel"):
    full_name: str
    zip_code: int = 0


@dataclass
class Plain:
    name: str
    price: int = 0


class Pair(NamedTuple):
    name: str
    price: int


class TestKinds:
    async def test_every_native_type_arrives_as_itself(self, url: str) -> None:
        one = uuid4()
        async with reading(url) as db:
            row = await db.one(
                Everything,
                """
                select 1.50::numeric as amount, date '2026-05-01' as on, timestamptz '2026-05-01 12:00Z' as at,
                       interval '90 seconds' as took, '\\x00ff'::bytea as raw, array['a', 'b'] as tags,
                       array[$1::uuid] as ids, 'placed' as state, '{"a": [1, null]}'::json as anything,
                       jsonb_build_object('street', $1::uuid, 'since', '2026-05-01T12:00:00Z') as address,
                       jsonb_build_object('x', jsonb_build_object('street', $1::uuid,
                           'since', '2026-05-01T12:00:00Z')) as addresses,
                       1 as ratio
                """,
                one,
            )
        at = datetime(2026, 5, 1, 12, tzinfo=UTC)
        assert row == Everything(
            amount=Decimal("1.50"),
            on=date(2026, 5, 1),
            at=at,
            took=timedelta(seconds=90),
            raw=b"\x00\xff",
            tags=["a", "b"],
            ids=[one],
            state=State.PLACED,
            anything={"a": [1, None]},
            address=Address(one, at),
            addresses={"x": Address(one, at)},
            ratio=1.0,
        )

    async def test_a_fault_inside_a_document_names_its_column(self, url: str) -> None:
        class Home(Row):
            address: Address

        async with reading(url) as db:
            with pytest.raises(RowMismatch, match="Column 'address' does not fit Home"):
                await db.one(Home, """select '{"street": 5}'::jsonb as address""")

    async def test_a_scalar_kind_takes_the_only_column(self, url: str) -> None:
        positive: Any = Annotated[int, msgspec.Meta(ge=1)]
        async with reading(url) as db:
            assert await db.one(int, "select count(*) from shop.product") == 1000
            assert await db.all(str, "select name from shop.product order by price limit 2") == [
                "product 1",
                "product 2",
            ]
            assert await db.one(list[int], "select array[1, 2]") == [1, 2]
            assert await db.one(positive, "select 3") == 3
            with pytest.raises(RowMismatch, match="expected one column, got 2"):
                await db.one(int, "select 1 as a, 2 as b")
            with pytest.raises(RowMismatch, match=r"'n'.*expected `int`, got `str`"):
                await db.one(int, "select 'one' as n")

    async def test_dicts_dataclasses_and_tuples_are_kinds(self, url: str) -> None:
        sql = "select name, price from shop.product where price = 4"
        async with reading(url) as db:
            assert await db.one(dict, sql) == {"name": "product 4", "price": 4}
            assert await db.one(dict[str, Any], sql) == {"name": "product 4", "price": 4}
            assert await db.one(Plain, sql) == Plain("product 4", 4)
            assert await db.one(Pair, sql) == Pair("product 4", 4)
            assert await db.all(tuple[str, int], sql) == [("product 4", 4)]
            with pytest.raises(RowMismatch, match="'price'"):
                await db.one(tuple[str, str], sql)

    async def test_a_renamed_field_still_takes_its_column(self, url: str) -> None:
        async with reading(url) as db:
            row = await db.one(Renamed, "select 'Ann' as full_name, 8000 as zip_code")
            assert row == Renamed(full_name="Ann", zip_code=8000)
            with pytest.raises(RowMismatch, match="'zip_code'"):
                await db.one(Renamed, "select 'Ann' as full_name, 'x' as zip_code")

    async def test_a_jsonb_argument_may_be_any_value(self, url: str) -> None:
        anything: Any = Any
        async with reading(url) as db:
            assert await db.one(anything, "select $1::jsonb", {"a": [1, "x"]}) == {"a": [1, "x"]}
            assert await db.one(str, "select $1::jsonb", "text") == "text"


class TestReadOnly:
    async def test_a_write_through_db_is_refused_and_says_where_it_belongs(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(ReadOnly, match="Write in a command"):
                await db.all(int, "insert into shop.product (name, price) values ('x', 1) returning price")
            with pytest.raises(ReadOnly):
                await db.all(Any, "create table shop.other (a int)")
            assert await db.one(int, "select count(*) from shop.product") == 1000

    async def test_transactions_are_not_the_callers_to_end(self, url: str) -> None:
        async with reading(url) as db:
            for sql in ["begin", "commit", "/* x */ rollback", "start transaction", "end", "abort"]:
                with pytest.raises(TransactionControl):
                    await db.all(int, sql)


class TestSnapshot:
    async def test_all_reads_see_one_moment(self, url: str) -> None:
        async with reading(url) as db, db.snapshot() as moment:
            before = await moment.one(int, "select count(*) from shop.product")
            await execute(url, "delete from shop.product where price > 500")
            assert await moment.one(int, "select count(*) from shop.product") == before
            assert await db.one(int, "select count(*) from shop.product") == 500
            async with moment.snapshot() as same:
                assert await same.one(int, "select count(*) from shop.product") == before

    async def test_two_reads_at_once_in_one_snapshot_are_refused(self, url: str) -> None:
        async with reading(url) as db, db.snapshot() as moment:
            results = await asyncio.gather(
                moment.one(int, "select 1 from pg_sleep(0.05)"), moment.one(int, "select 2"), return_exceptions=True
            )
            assert results[0] == 1
            assert isinstance(results[1], SessionBusy)


class TestStream:
    async def test_rows_arrive_in_chunks_and_complete(self, url: str) -> None:
        async with reading(url) as db:
            prices = [p.price async for p in db.stream(Product, "select * from shop.product order by price", chunk=7)]
            assert prices == list(range(1, 1001))

    async def test_a_stream_sees_one_snapshot(self, url: str) -> None:
        async with reading(url) as db, aclosing(db.stream(int, "select price from shop.product", chunk=10)) as stream:
            await anext(stream)
            await execute(url, "delete from shop.product")
            assert len([price async for price in stream]) == 999

    async def test_leaving_early_gives_the_connection_back(self, url: str) -> None:
        async with reading(url, size=1) as db:
            async with aclosing(db.stream(int, "select generate_series(1, 1000000)")) as stream:
                async for number in stream:
                    if number == 3:
                        break
            assert await db.one(int, "select 1") == 1

    async def test_memory_stays_constant_on_the_server_as_well(self, url: str) -> None:
        sql = "select generate_series(1, 100000000)"
        async with reading(url) as db, aclosing(db.chunks(int, sql, chunk=100)) as chunks:
            assert await anext(chunks) == list(range(1, 101))

    async def test_errors_in_the_middle_are_translated(self, url: str) -> None:
        async with reading(url) as db:
            with pytest.raises(QueryFailed, match="division by zero"):
                [n async for n in db.stream(int, "select 10 / (5 - i) from generate_series(1, 9) i", chunk=2)]
            assert await db.one(int, "select 1") == 1


class TestWrites:
    async def test_run_counts_the_rows_it_touched(self, url: str) -> None:
        async with writing(url) as session:
            assert await session.run("update shop.product set price = price + 1 where price <= $1", 10) == 10
            assert await session.run("delete from shop.product where price < 0") == 0
            assert await session.run("create table shop.other (a int)") == 0
            assert await session.run("insert into shop.other values (1), (2); insert into shop.other values (3)") == 1

    async def test_constraints_have_errors_of_their_own(self, url: str) -> None:
        async with writing(url) as session:
            insert = "insert into shop.product (name, price, parent) values ($1, $2, $3)"
            await _raises(session, Conflict, "product_name_key", insert, "product 1", 1, None)
            await _raises(session, CheckFailed, "product_price_check of shop.product", insert, "new", -1, None)
            await _raises(session, CheckFailed, "name not null", insert, None, 1, None)
            await _raises(session, ReferenceMissing, "product_parent_fkey", insert, "new", 1, uuid4())
            await session.run("update shop.product set parent = id where price = 1")
            await session.run("update shop.product set parent = (select id from shop.product where price = 2)")
            await _raises(session, StillReferenced, "product_parent_fkey", "delete from shop.product where price = 2")
            await _raises(session, QueryFailed, "42P01", "select * from nowhere")

    async def test_a_swallowed_error_is_named_at_the_next_statement(self, url: str) -> None:
        async with writing(url) as session:
            with pytest.raises(QueryFailed):
                await session.run("select 1 / 0")
            with pytest.raises(TransactionFailed, match="savepoint"):
                await session.run("select 1")

    async def test_a_savepoint_undoes_what_failed_inside_it(self, url: str) -> None:
        async with writing(url) as session:
            with pytest.raises(QueryFailed):
                await _delete_and_fail(session)
            async with session.savepoint():
                await session.run("delete from shop.product where price = 1")
            assert await session.one(int, "select count(*) from shop.product") == 999

    async def test_a_timeout_inside_a_savepoint_undoes_it_as_well(self, url: str) -> None:
        async with writing(url) as session:
            with pytest.raises(TimeoutError):
                await _delete_and_sleep(session)
            assert await session.one(int, "select count(*) from shop.product") == 1000

    async def test_the_statement_is_noted_on_the_error_and_its_arguments_are_not(self, url: str) -> None:
        async with writing(url) as session:
            with pytest.raises(QueryFailed) as caught:
                await session.one(int, "select 1 / $1::int from shop.product where name = $2", 0, "product 1")
            assert caught.value.__notes__ == ["in: select 1 / $1::int from shop.product where name = $2"]

    async def test_a_statement_that_takes_too_long_is_stopped(self, url: str) -> None:
        async with reading(url, statement_timeout=0.1) as db:
            with pytest.raises(StatementTimeout):
                await db.one(int, "select 1 from pg_sleep(10)")
            assert await db.one(int, "select 1") == 1


async def _delete_and_fail(session: Session) -> None:
    async with session.savepoint():
        await session.run("delete from shop.product")
        await session.run("select 1 / 0")


async def _delete_and_sleep(session: Session) -> None:
    async with asyncio.timeout(0.1), session.savepoint():
        await session.run("delete from shop.product")
        await session.run("select pg_sleep(100)")


async def _raises(session: Session, kind: type[Exception], text: str, sql: str, *args: object) -> None:
    with pytest.raises(kind, match=text):
        async with session.savepoint():
            await session.run(sql, *args)


class TestCopy:
    async def test_tuples_go_into_named_columns(self, url: str) -> None:
        async with writing(url) as session:
            rows = ((f"copied {i}", i) for i in range(5))
            assert await session.copy("shop.product", rows, columns=["name", "price"]) == 5
            assert await session.one(int, "select sum(price) from shop.product where name like 'copied%'") == 10

    async def test_structs_go_into_the_columns_of_their_fields(self, url: str) -> None:
        async def products() -> AsyncIterator[Product]:
            for i in range(3000):
                yield Product(id=uuid4(), name=f"copied {i}", price=i, parent=None)

        async with writing(url) as session:
            assert await session.copy("shop.product", products()) == 3000
            assert await session.copy("shop.product", [_named("a"), _named("b")], columns=["price", "name"]) == 2
            assert await session.one(int, "select count(*) from shop.product where price = 77") == 4

    async def test_nothing_is_no_error(self, url: str) -> None:
        async with writing(url) as session:
            assert await session.copy("shop.product", []) == 0

    async def test_an_error_of_the_rows_comes_through_as_it_is(self, url: str) -> None:
        def rows() -> Any:
            yield ("first", 1)
            raise FileNotFoundError("rows.csv")

        async with writing(url) as session:
            with pytest.raises(FileNotFoundError, match=r"rows\.csv"):
                async with session.savepoint():
                    await session.copy("shop.product", rows(), columns=["name", "price"])
            assert await session.one(int, "select count(*) from shop.product") == 1000

    async def test_an_error_of_the_table_is_translated(self, url: str) -> None:
        async with writing(url) as session:
            with pytest.raises(Conflict):
                async with session.savepoint():
                    await session.copy("shop.product", [("product 1", 1)], columns=["name", "price"])
            with pytest.raises(QueryFailed, match="nowhere"):
                await session.copy("shop.nowhere", [(1,)])

    async def test_the_time_limit_of_statements_does_not_stop_it_and_comes_back(self, url: str) -> None:
        async with writing(url) as session:
            limit = await session.one(str, "show statement_timeout")
            await session.copy("shop.product", [("copied", 1)], columns=["name", "price"])
            assert await session.one(str, "show statement_timeout") == limit == "30s"


def _named(name: str) -> Product:
    return Product(id=uuid4(), name=name, price=77, parent=None)


class TestSessionState:
    @pytest.mark.parametrize(
        ("leave", "ask", "clean"),
        [
            ("set application_name = 'left'", "show application_name", "test"),
            ("select set_config('application_name', 'left', false)", "show application_name", "test"),
            (
                "select pg_advisory_lock(5)::text",
                "select count(*)::text from pg_locks where locktype = 'advisory'",
                "0",
            ),
            ("listen headwater", "select count(*)::text from pg_listening_channels()", "0"),
        ],
    )
    async def test_nothing_is_left_to_the_next_reader(self, url: str, leave: str, ask: str, clean: str) -> None:
        async with reading(url, size=1) as db:
            await db.all(Any, leave)
            assert await db.one(str, ask) == clean

    async def test_a_connection_without_its_statements_is_not_used_again(self, url: str) -> None:
        async with reading(url, size=1) as db:
            assert await db.one(int, "select 1") == 1
            before = await db.one(int, "select pg_backend_pid()")
            await db.all(Any, "deallocate all")
            assert await db.one(int, "select 1") == 1
            assert await db.one(int, "select pg_backend_pid()") != before

    async def test_a_raw_connection_is_reset_when_it_comes_back(self, url: str) -> None:
        pool = await Pool.open(url, size=1, application_name="test")
        async with pool.acquire() as connection:
            await connection.execute("set application_name = 'left'; begin")
        async with pool.acquire() as connection:
            assert await connection.fetchval("show application_name") == "test"
            assert not connection.is_in_transaction()
        await pool.close()

    async def test_an_ordinary_read_costs_one_round_trip(self, url: str) -> None:
        """Counted by the server: between two reads of its statistics nothing but the read itself has run."""
        async with reading(url, size=1) as db:
            await db.one(int, "select 1")
            async with connected(url) as outside:
                sql = "select query from pg_stat_activity where application_name = 'test'"
                await db.one(int, "select 2")
                assert [row["query"] for row in await outside.fetch(sql)] == ["select 2"]


async def test_a_migration_between_two_reads_goes_unnoticed(url: str) -> None:
    async with reading(url, size=3) as db:
        sql = "select * from shop.product where price = 1"
        await asyncio.gather(*(db.one(dict, sql) for _ in range(3)))
        await execute(url, "alter table shop.product alter column price type bigint, add column extra int")
        rows = await asyncio.gather(*(db.one(dict, sql) for _ in range(6)))
        assert all("extra" in row for row in rows)


async def test_the_platform_sets_utc_and_its_name(url: str) -> None:
    async with reading(url) as db:
        assert await db.one(str, "show timezone") == "UTC"
        assert await value(url, "select count(*) from pg_stat_activity where application_name = 'test'") == 1
