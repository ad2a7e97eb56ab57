"""The ranges behind a place, for every order, place and placing of nulls: each row behind it once, and in order."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

import asyncpg
import pytest

from headwater.http.page.order import Order, Term
from headwater.http.page.select import Select
from tests.integration.db.servers import connected, execute, fresh_database

TABLE: Final = """
create table spot (id serial primary key, a integer not null, b integer, c integer);
insert into spot (a, b, c) select a, b, c
  from (values (1), (2)) a(a), (values (null), (1), (2)) b(b), (values (null), (1), (2)) c(c)
"""
NULLABLE: Final = ("b", "c")
LIMIT: Final = 5


@pytest.fixture(scope="module")
def spots(server: str) -> Iterator[str]:
    with fresh_database(server) as url:
        asyncio.run(execute(url, TABLE))
        yield url


def terms(column: str) -> list[Term]:
    """The column in both directions, with its nulls at both ends."""
    nulls_first = (False, True) if column in NULLABLE else (False,)
    return [Term(column, *each) for each in product((False, True), (column in NULLABLE,), nulls_first)]


def in_order(rows: Sequence[Mapping[str, int | None]], order: Order) -> list[Mapping[str, int | None]]:
    def rank(row: Mapping[str, int | None]) -> list[tuple[bool, int]]:
        values = [(term, row[term.column]) for term in order]
        return [
            (term.nulls_first if value is not None else not term.nulls_first, _directed(term, value))
            for term, value in values
        ]

    return sorted(rows, key=rank)


def _directed(term: Term, value: int | None) -> int:
    return 0 if value is None else -value if term.descending else value


async def found(
    connection: asyncpg.Connection, order: Order, values: Sequence[int | None] | None, inclusive: bool
) -> list[int]:
    select = Select("spot", [], [])
    sql = select.rows(["id", "a", "b", "c"], order, values, inclusive, LIMIT)
    return [row["id"] for row in await connection.fetch(sql, *select.arguments)]


@pytest.mark.parametrize("columns", ["id", "a,id", "b,id", "a,b,id", "b,a,id", "b,c,id"])
async def test_every_row_behind_a_place_is_found_once_and_in_its_order(spots: str, columns: str) -> None:
    async with connected(spots) as connection:
        rows = await connection.fetch("select * from spot")
        for order in product(*map(terms, columns.split(","))):
            ranked = in_order(rows, order)
            expected = [row["id"] for row in ranked]
            assert await found(connection, order, None, False) == expected[:LIMIT]
            for at, row in enumerate(ranked):
                values = [row[term.column] for term in order]
                assert await found(connection, order, values, False) == expected[at + 1 :][:LIMIT], (order, values)
                assert await found(connection, order, values, True) == expected[at:][:LIMIT], (order, values)
