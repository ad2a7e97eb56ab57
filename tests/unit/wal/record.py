"""Records what PostgreSQL really sends: ``python -m tests.unit.wal.record`` writes the files in ``recorded/``.

Each scenario runs hostile SQL against a PostgreSQL of its own and says, in plain words of its own, what the log must
hold afterwards: a list of transactions, each a list of entries ``[ordinal, kind, key, content]``. Beside that stands
the stream, a run of pgoutput messages with their lengths. The tests need neither PostgreSQL nor this script.
"""

import asyncio
import gzip
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from headwater.engines import EmbeddedPostgres
from headwater.wal.stream import ReplicationStream
from tests.integration.wal.harness import folder_for_servers

FOLDER = Path(__file__).parent / "recorded"
PUBLICATION = "recording"
_LENGTH = struct.Struct(">I")

Transaction = list[tuple[int, str, str | None, Any]]


class Recording(msgspec.Struct, frozen=True):
    """A stream and what it must become."""

    messages: list[bytes]
    transactions: list[Transaction]


def read(name: str) -> Recording:
    """What was recorded under this name."""
    data = gzip.decompress((FOLDER / f"{name}.pgoutput.gz").read_bytes())
    messages, at = [], 0
    while at < len(data):
        (size,) = _LENGTH.unpack_from(data, at)
        messages.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    transactions = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=list[Transaction])
    return Recording(messages, transactions)


def write(name: str, recording: Recording) -> None:
    data = b"".join(_LENGTH.pack(len(message)) + message for message in recording.messages)
    (FOLDER / f"{name}.pgoutput.gz").write_bytes(gzip.compress(data, mtime=0))
    lines = b",\n".join(msgspec.json.encode(transaction) for transaction in recording.transactions)
    (FOLDER / f"{name}.json").write_bytes(b"[\n" + lines + b"\n]\n")


class Stage:
    """Where a scenario plays: connections to one database, and what it expects so far."""

    def __init__(self, first: asyncpg.Connection, second: asyncpg.Connection) -> None:
        self.first = first
        self.second = second
        self.expected: list[Transaction] = []

    def expect(self, *entries: tuple[int, str, str | None, Any]) -> None:
        """The next transaction of the log; the commits of a scenario come one after the other."""
        self.expected.append(list(entries))


Scenario = Callable[[Stage], Awaitable[None]]


def event(ordinal: int, key: str) -> tuple[int, str, str, Any]:
    return ordinal, "event", key, None


def change(ordinal: int, operation: str, id: str, key: Any, row: Any, table: str = "shop.item") -> Any:
    return ordinal, "change", id, {"table": table, "operation": operation, "key": key, "row": row, "id": id}


def truncated(ordinal: int, table: str) -> Any:
    body = {"table": table, "operation": "truncate", "key": {}, "row": {}, "id": ""}
    return ordinal, "change", None, body


async def emit(connection: asyncpg.Connection, key: str, prefix: str = "headwater") -> None:
    envelope = f'{{"type":"Recorded","version":1,"app":"shop","key":"{key}","data":{{}}}}'
    await connection.execute("select pg_logical_emit_message(true, $1, convert_to($2, 'UTF8'))", prefix, envelope)


@asynccontextmanager
async def rolled_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A savepoint that is taken back."""
    savepoint = connection.transaction()
    await savepoint.start()
    yield
    await savepoint.rollback()


async def interleaved(stage: Stage) -> None:
    """Commits that overtake each other, savepoints, messages between rows."""
    await stage.first.execute("create table shop.item (id int primary key, name text)")
    async with stage.first.transaction():
        await emit(stage.first, "late 1")
        async with stage.second.transaction():
            await emit(stage.second, "early 1")
            await stage.second.execute("insert into shop.item values (1, 'early')")
            await emit(stage.first, "late 2")
            await emit(stage.second, "of somebody else", prefix="somebody")
            await emit(stage.second, "early 2")
        await stage.first.execute("insert into shop.item values (2, 'late')")
    early = change(1, "insert", "1", {"id": 1}, {"id": 1, "name": "early"})
    stage.expect(event(0, "early 1"), early, event(3, "early 2"))
    late = change(2, "insert", "2", {"id": 2}, {"id": 2, "name": "late"})
    stage.expect(event(0, "late 1"), event(1, "late 2"), late)

    async with stage.first.transaction():
        await emit(stage.first, "kept")
        async with rolled_back(stage.first):
            await emit(stage.first, "phantom")
            await stage.first.execute("insert into shop.item values (3, 'phantom')")
        async with stage.first.transaction():
            await stage.first.execute("update shop.item set name = 'kept' where id = 1")
            async with rolled_back(stage.first):
                await stage.first.execute("delete from shop.item")
        await emit(stage.first, "kept too")
    kept = change(1, "update", "1", {"id": 1}, {"id": 1, "name": "kept"})
    stage.expect(event(0, "kept"), kept, event(2, "kept too"))

    await stage.first.execute("select pg_logical_emit_message(false, 'headwater', 'outside')")
    rolled = stage.first.transaction()
    await rolled.start()
    await emit(stage.first, "never")
    await rolled.rollback()


async def copied(stage: Stage) -> None:
    """Rows of one COPY share one LSN; a transaction larger than what PostgreSQL decodes in memory."""
    await stage.first.execute("create table shop.item (id int primary key, name text)")
    rows = [(n, f"item {n}") for n in range(500)]
    await stage.first.copy_records_to_table("item", schema_name="shop", records=rows)
    stage.expect(*(change(n, "insert", str(n), {"id": n}, {"id": n, "name": name}) for n, name in rows))
    async with stage.first.transaction():
        await stage.first.execute("update shop.item set name = 'again ' || id")
        await emit(stage.first, "the end")
    again = [change(n, "update", str(n), {"id": n}, {"id": n, "name": f"again {n}"}) for n in range(500)]
    stage.expect(*again, event(500, "the end"))


async def identities(stage: Stage) -> None:
    """Every replica identity, keys that change, values too large to be sent again."""
    large, large_key = "x" * 3_000, "".join(f"{n:05d}" for n in range(500))
    await stage.first.execute(
        """
        create table shop.item (id int primary key, name text, large text);
        create table shop.whole (id int primary key, name text, large text);
        create table shop.indexed (id int primary key, code text not null, name text);
        create table shop.keyed (code text primary key, name text);
        alter table shop.item alter large set storage external;
        alter table shop.whole alter large set storage external, replica identity full;
        alter table shop.keyed alter code set storage external;
        create unique index code on shop.indexed (code);
        alter table shop.indexed replica identity using index code;
        """
    )
    for table in ("item", "whole"):
        await stage.first.execute(f"insert into shop.{table} values (1, 'a', $1)", large)
        await stage.first.execute(f"update shop.{table} set name = 'b'")
        await stage.first.execute(f"update shop.{table} set id = 2")
        await stage.first.execute(f"delete from shop.{table}")
    stage.expect(change(0, "insert", "1", {"id": 1}, {"id": 1, "name": "a", "large": large}))
    stage.expect(change(0, "update", "1", {"id": 1}, {"id": 1, "name": "b"}))
    moved = change(1, "insert", "2", {"id": 2}, {"id": 2, "name": "b"})
    stage.expect(change(0, "delete", "1", {"id": 1}, {}), moved)
    stage.expect(change(0, "delete", "2", {"id": 2}, {}))

    def whole(ordinal: int, operation: str, id: int, name: str) -> Any:
        row = {"id": id, "name": name, "large": large}
        shown = {} if operation == "delete" else row
        return change(ordinal, operation, f"{id},{name},{large}", row, shown, "shop.whole")

    stage.expect(whole(0, "insert", 1, "a"))
    stage.expect(whole(0, "delete", 1, "a"), whole(1, "insert", 1, "b"))
    stage.expect(whole(0, "delete", 1, "b"), whole(1, "insert", 2, "b"))
    stage.expect(whole(0, "delete", 2, "b"))

    await stage.first.execute("insert into shop.indexed values (1, 'A', 'a')")
    await stage.first.execute("update shop.indexed set id = 2")
    await stage.first.execute("update shop.indexed set code = 'B'")
    await stage.first.execute("delete from shop.indexed")
    a, b = {"code": "A"}, {"code": "B"}
    stage.expect(change(0, "insert", "A", a, {"id": 1, "code": "A", "name": "a"}, "shop.indexed"))
    stage.expect(change(0, "update", "A", a, {"id": 2, "code": "A", "name": "a"}, "shop.indexed"))
    stage.expect(
        change(0, "delete", "A", a, {}, "shop.indexed"),
        change(1, "insert", "B", b, {"id": 2, "code": "B", "name": "a"}, "shop.indexed"),
    )
    stage.expect(change(0, "delete", "B", b, {}, "shop.indexed"))

    await stage.first.execute("insert into shop.keyed values ($1, 'a')", large_key)
    await stage.first.execute("update shop.keyed set name = 'b'")
    key = {"code": large_key}
    stage.expect(change(0, "insert", large_key, key, {"code": large_key, "name": "a"}, "shop.keyed"))
    stage.expect(change(0, "update", large_key, key, {"code": large_key, "name": "b"}, "shop.keyed"))


async def altered(stage: Stage) -> None:
    """A table changes its shape in the middle of a transaction; several are truncated at once."""
    await stage.first.execute(
        "create table shop.item (id int primary key, name text); create table shop.other (id int primary key)"
    )
    async with stage.first.transaction():
        await stage.first.execute("insert into shop.item values (1, 'before')")
        await stage.first.execute("alter table shop.item add stock int default 5, drop name, add title text")
        await stage.first.execute("insert into shop.item values (2, 7, 'after')")
        await stage.first.execute("alter table shop.item rename title to label")
        await stage.first.execute("update shop.item set label = 'later' where id = 1")
    stage.expect(
        change(0, "insert", "1", {"id": 1}, {"id": 1, "name": "before"}),
        change(1, "insert", "2", {"id": 2}, {"id": 2, "stock": 7, "title": "after"}),
        change(2, "update", "1", {"id": 1}, {"id": 1, "stock": 5, "label": "later"}),
    )
    await stage.first.execute("alter table shop.item alter id type text")  # rewrites the table, which is no change
    await stage.first.execute("insert into shop.item values ('three')")
    stage.expect(change(0, "insert", "three", {"id": "three"}, {"id": "three", "stock": 5, "label": None}))
    await stage.first.execute("truncate shop.item, shop.other")
    stage.expect(truncated(0, "shop.item"), truncated(1, "shop.other"))
    await stage.first.execute('create table shop."Odd, name" ("Key" int, "no, ""key" text, primary key ("Key"))')
    await stage.first.execute("""insert into shop."Odd, name" values (1, 'ä€😀')""")
    stage.expect(change(0, "insert", "1", {"Key": 1}, {"Key": 1, 'no, "key': "ä€😀"}, "shop.Odd, name"))


async def typed(stage: Stage) -> None:
    """Columns of every family of types."""
    await stage.first.execute(
        """
        create domain shop.price as int check (value >= 0);
        create type shop.mood as enum ('good', 'bad');
        create table shop.item (
            id uuid primary key, yes boolean, small smallint, large bigint, exact numeric(30, 2), single real,
            double double precision, bytes bytea, day date, local timestamp, moment timestamptz, span interval,
            document jsonb, source json, tags text[], price shop.price, mood shop.mood, fixed char(4), nothing text,
            made int generated always as (small * 2) stored
        )
        """
    )
    id = "0193a7b2-1111-7111-8111-000000000000"
    await stage.first.execute(
        f"""
        insert into shop.item (
            id, yes, small, large, exact, single, double, bytes, day, local, moment, span, document, source, tags,
            price, mood, fixed
        ) values (
            '{id}', true, -7, 9223372036854775807, 12345678901234567890.12, 1.5, 'NaN', '\\x00ff10', '2026-11-24',
            '2026-11-24 07:00:00.25', '2026-11-24 08:00:00.25+01', '1 day 2 hours', '{{"a": [1, null]}}',
            ' {{ "a" : 1e2 }} ', '{{a,"b c"}}', 5, 'good', 'ab'
        )
        """
    )
    row = {
        "id": id,
        "yes": True,
        "small": -7,
        "large": 9223372036854775807,
        "exact": "12345678901234567890.12",
        "single": 1.5,
        "double": "NaN",
        "bytes": "AP8Q",
        "day": "2026-11-24",
        "local": "2026-11-24T07:00:00.25",
        "moment": "2026-11-24T07:00:00.25Z",
        "span": "P1DT2H",
        "document": {"a": [1, None]},
        "source": {"a": 100.0},
        "tags": '{a,"b c"}',
        "price": "5",
        "mood": "good",
        "fixed": "ab  ",
        "nothing": None,
    }
    stage.expect(change(0, "insert", id, {"id": id}, row))
    await stage.first.execute("update shop.item set nothing = '', mood = null")
    stage.expect(change(0, "update", id, {"id": id}, {**row, "nothing": "", "mood": None}))


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario for scenario in (interleaved, copied, identities, altered, typed)
}


async def record_all() -> None:
    with folder_for_servers() as folder:
        settings = {"synchronous_commit": "on", "logical_decoding_work_mem": "64kB", "autovacuum": "off"}
        engine = EmbeddedPostgres(folder / "postgres", settings=settings, durable=False)
        await engine.start()
        try:
            for name, scenario in SCENARIOS.items():
                write(name, await record(engine.url, name, scenario))
        finally:
            await engine.stop()


async def record(server: str, name: str, scenario: Scenario) -> Recording:
    connection = await asyncpg.connect(server)
    await connection.execute(f"create database {name}")
    await connection.close()
    url = server.replace("/headwater?", f"/{name}?")
    first, second = await asyncpg.connect(url), await asyncpg.connect(url)
    await first.execute(f"create schema shop; create publication {PUBLICATION} for all tables")
    async with await ReplicationStream.connect(url, application_name="recording") as stream:
        await stream.create_slot(name)
        stage = Stage(first, second)
        await scenario(stage)
        await emit(first, "end of recording")
        await stream.start(name, PUBLICATION)
        messages = await received(stream)
    await first.close()
    await second.close()
    return Recording(messages, stage.expected)


async def received(stream: ReplicationStream) -> list[bytes]:
    """Every message up to the transaction that ends the recording."""
    messages: list[bytes] = []
    while True:
        found = stream.read_nowait()
        if found is None:
            await stream.wait_readable()
            continue
        messages += found.messages
        ends = [at for at, message in enumerate(messages) if b"end of recording" in message]
        if ends:
            return messages[: last_begin(messages, ends[0])]


def last_begin(messages: Sequence[bytes], before: int) -> int:
    return max(at for at in range(before) if messages[at][:1] == b"B")


if __name__ == "__main__":
    asyncio.run(record_all())
