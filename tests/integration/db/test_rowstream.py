"""Rows as lines of JSON: what PostgreSQL writes is what this side would, and otherwise this side does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.db import Db, Pool, RowMismatch
from headwater.db.errors import QueryFailed
from headwater.db.rowstream import WAITING_BYTES, RowStream
from headwater.types import Row
from tests.length import examples


class Line(Row):
    id: int
    text: str
    note: str | None
    flag: bool
    key: UUID
    day: date | None
    at: datetime


class Priced(Row):
    price: Decimal


class Short(Row):
    text: Annotated[str, msgspec.Meta(max_length=3)]


class Text(Row):
    text: str


LINES = (
    "select n as id, 'text ' || n as text, case when n % 2 = 0 then 'x:null' end as note, n % 3 = 0 as flag, "
    "md5(n::text)::uuid as key, case when n % 5 > 0 then date '2000-01-01' + n end as day, "
    "timestamptz '2026-01-01 12:00:00.5+02' + n * interval '1 s' as at from generate_series(1, $1::integer) n"
)


@asynccontextmanager
async def reading(url: str, size: int = 1) -> AsyncIterator[Db]:
    pool = await Pool.open(url, size=size, read_only=True, application_name="test")
    try:
        yield Db(pool)
    finally:
        await pool.close()


async def lines_of(stream: RowStream[Any]) -> bytes:
    return b"".join([piece async for piece in stream.json_lines()])


async def written_by_postgres(db: Db, kind: Any, sql: str, *args: Any) -> bool:
    """Whether the rows come without ever having been objects."""
    stream: RowStream[Any] = db.stream(kind, sql, *args)

    async def refuse() -> Any:
        raise AssertionError("as objects")
        yield

    stream._rows = refuse()
    try:
        await lines_of(stream)
    except AssertionError:
        return False
    return True


async def test_lines_are_the_rows_in_json(url: str) -> None:
    async with reading(url) as db:
        rows = await db.all(Line, LINES, 5_000)
        assert [row async for row in db.stream(Line, LINES, 5_000)] == rows
        assert await written_by_postgres(db, Line, LINES, 3)
        written = await lines_of(db.stream(Line, LINES, 5_000))
        assert msgspec.json.Decoder(Line).decode_lines(written) == rows
        assert await lines_of(db.stream(Line, LINES, 0)) == b""


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=20))
@settings(max_examples=examples(40), deadline=None)
async def test_no_text_can_break_out_of_its_line(server: str, texts: list[str]) -> None:
    async with reading(server) as db:
        sql = "select text from unnest($1::text[]) as text"
        assert await written_by_postgres(db, Text, sql, texts)
        written = await lines_of(db.stream(Text, sql, texts))
    assert [msgspec.json.decode(line)["text"] for line in written.split(b"\n")[:-1]] == texts


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (Priced, "select 1.50 as price"),
        (Short, "select 'abc' as text"),
        (Text, "select 'a'::\"char\"::name::text as text, 1 as more from pg_class where false"),
        (dict, "select 1 as one"),
        (int, "select 1"),
        (tuple[int, str], "select 1, 'a'"),
    ],
)
async def test_what_is_not_written_alike_is_written_here(url: str, kind: Any, sql: str) -> None:
    async with reading(url) as db:
        assert not await written_by_postgres(db, kind, sql)
        rows = await db.all(kind, sql)
        expected = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        assert await lines_of(db.stream(kind, sql)) == expected


async def test_a_snapshot_and_a_constraint_keep_their_own_way(url: str) -> None:
    async with reading(url) as db:
        async with db.snapshot() as snapshot:
            assert not await written_by_postgres(snapshot, Text, "select 'a' as text")
            assert await lines_of(snapshot.stream(Text, "select 'a' as text")) == b'{"text":"a"}\n'
        with pytest.raises(RowMismatch, match="text"):
            await lines_of(db.stream(Short, "select 'abcd' as text"))


async def test_a_null_where_none_can_be_is_told_and_a_text_that_looks_so_is_not(url: str) -> None:
    async with reading(url) as db:
        assert await lines_of(db.stream(Text, "select 'a \"b\":null' as text")) == b'{"text":"a \\"b\\":null"}\n'
        with pytest.raises(RowMismatch, match="Column 'text' does not fit Text"):
            await lines_of(
                db.stream(Text, "select case when n < 900 then 'a' end as text from generate_series(1, 1000) n")
            )
        with pytest.raises(RowMismatch, match="Column 'text' does not fit Line"):
            await lines_of(db.stream(Line, LINES.replace("'text ' || n", "null::text"), 10))


async def test_an_error_on_the_way_comes_out_after_what_came_before_it(url: str) -> None:
    sql = "select (10 / (50000 - n))::text as text from generate_series(1, 60000) n"
    pieces: list[bytes] = []
    async with reading(url) as db:

        async def take() -> None:
            async for piece in db.stream(Text, sql).json_lines():
                pieces.append(piece)

        with pytest.raises(QueryFailed, match="division by zero"):
            await take()
        assert pieces
        assert await db.one(int, "select 1") == 1
        with pytest.raises(QueryFailed, match="does not exist"):
            await lines_of(db.stream(Text, "select nothing from nowhere"))


async def test_who_stops_early_gives_the_connection_back(url: str) -> None:
    sql = "select repeat('x', 1000) as text from generate_series(1, 1000000) n"
    async with reading(url) as db:
        for _ in range(3):
            async with aclosing(db.stream(Text, sql).json_lines()) as pieces:
                assert await anext(pieces)
        assert await db.one(int, "select 1") == 1


async def test_postgres_waits_for_a_reader_that_takes_its_time(url: str) -> None:
    sql = "select repeat('x', 1000) as text from generate_series(1, 20000) n"
    async with reading(url) as db, aclosing(db.stream(Text, sql).json_lines()) as pieces:
        sizes = []
        async for piece in pieces:
            sizes.append(len(piece))
            for _ in range(20):  # let as much come in as will
                await asyncio.sleep(0)
    assert sum(sizes) == 20_000 * (1_000 + len('{"text":""}\n'))
    assert max(sizes) < WAITING_BYTES + 1024 * 1024
    assert len(sizes) > 10
