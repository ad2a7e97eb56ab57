"""A database of the first release: its log is read on, and goes on, after an upgrade in place.

``recorded/first_format.json`` is what that release left in its tables: batches of entries without a transaction, a
consumer in the middle of them, and a key that it had parked with its entry. See `_record` for what was committed.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from headwater.commit import Tx
from headwater.consumer import Subscription, retry_now, run_consumers, settled
from headwater.db import Pool, Source, migrate, platform_source
from headwater.log import CHANGE, EVENT, MALFORMED, Position, Segments
from headwater.settings import Settings
from headwater.types import Changed, Event, Row
from headwater.wal import open_epoch
from tests.integration.wal.harness import Log, connected, database_url, drop_slot, emit_many
from tests.integration.wal.test_offsets import assert_offsets_are_dense

RECORDED = msgspec.json.decode((Path(__file__).parent / "recorded" / "first_format.json").read_bytes())
TABLES = ("layout", "log", "batch", "consumer", "watermark", "retry", "parked", "queued")
MIGRATIONS = 8
"""Of the first release."""


class Happened(Event, key="key"):
    key: str
    number: int
    does: str = ""


class Item(Row, table="shop.item"):
    id: int


async def note(tx: Tx, event: Happened) -> None:
    await tx.run("insert into ledger (consumer, key, number) values ('test.note', $1, $2)", event.key, event.number)


async def note_row(tx: Tx, change: Changed[Item]) -> None:
    key = change.operation if change.operation == "truncate" else f"{change.operation} {change.key['id']}"
    await tx.run("insert into ledger (consumer, key, number) values ('test.note_row', $1, 0)", key)


NOTE = Subscription(name="test.note", app="test", events=(Happened,), handler=note)
NOTE_ROW = Subscription(name="test.note_row", app="test", events=(Changed[Item],), handler=note_row)


@asynccontextmanager
async def upgraded(server: str, folder: Path) -> AsyncIterator[Log]:
    """The recorded database in the schema of the first release, brought to that of today."""
    name = "first_format"
    async with connected(server) as connection:
        await connection.execute(f"create database {name}")
    url = database_url(server, name)
    try:
        await migrate(url, [_first_release(folder)])
        async with connected(url) as connection:
            log = Log(url, Settings(postgres_url=url, slot=name), connection)
            await _record(log)
            await migrate(url, [platform_source()])
            yield log
    finally:
        async with connected(server) as connection:
            await drop_slot(connection, name)
            await connection.execute(f"drop database {name} with (force)")


def _first_release(folder: Path) -> Source:
    """Its migrations made the functions too."""
    source = platform_source()
    for path in sorted(source.folder.glob("*.sql"))[:MIGRATIONS]:
        shutil.copy(path, folder)
    return Source(source.app, source.schema, folder, ())


async def _record(log: Log) -> None:
    """Six transactions of an event and an inserted row, the fifth event set aside; then one transaction of six events,
    an update, a delete, a row under REPLICA IDENTITY FULL inserted and updated, a truncate and a message that is no
    envelope; then one event. The consumer had come to the end of the six."""
    connection = log.connection
    await connection.execute(
        "create table ledger (place bigint generated always as identity, consumer text, key text, number int)"
    )
    segments = Segments(connection)
    for row in RECORDED["batch"]:
        await segments.ensure(Position.from_bytes(bytes.fromhex(row["last"][2:])))
    for table in TABLES:
        columns = ", ".join(f'"{name}"' for name in RECORDED[table][0]) if RECORDED[table] else "*"
        await connection.execute(
            f"insert into headwater.{table} ({columns}) select {columns} "
            f"from jsonb_populate_recordset(null::headwater.{table}, $1)"
            if RECORDED[table]
            else "select $1::jsonb",
            msgspec.json.encode(RECORDED[table]).decode(),
        )
    await connection.execute("update headwater.log set slot = $1", log.slot)
    for row in RECORDED["ledger"]:
        await connection.execute(
            "insert into ledger (consumer, key, number) values ($1, $2, $3)", row["consumer"], row["key"], row["number"]
        )


async def test_its_entries_are_read_as_they_were(server: str, tmp_path: Path) -> None:
    async with upgraded(server, tmp_path) as log:
        entries = await log.entries()
        assert [[bytes(entry.position).hex(), entry.kind, entry.body.hex()] for entry in entries] == RECORDED["entries"]
        assert {entry.kind for entry in entries} == {EVENT, CHANGE, MALFORMED}
        assert {entry.xid for entry in entries} == {None}


async def test_a_consumer_in_the_middle_of_old_batches_reads_on_into_new_ones(server: str, tmp_path: Path) -> None:
    async with upgraded(server, tmp_path) as log:
        pool = Pool(log.url, size=6, application_name="test")
        await open_epoch(log.url, log.settings)  # the slot was not recorded
        assert await retry_now(pool, "test.note", "k1")
        async with log.relay(), _working(log.url, NOTE, NOTE_ROW):
            await settled(pool, within=20)
            async with log.connection.transaction():
                for number in range(13, 16):
                    content = {"key": f"k{number % 3}", "number": number}
                    await _emit(log, content)
            await log.wait_caught_up()
            await settled(pool, within=20)
        assert await _ledger(log, "test.note") == {
            "k0": [0, 3, 6, 9, 15],
            "k1": [1, 4, 7, 10, 12, 13],
            "k2": [2, 5, 8, 11, 14],
        }
        rows = await _ledger(log, "test.note_row")
        assert {key: len(found) for key, found in rows.items()} == {
            **{f"insert {n}": 1 for n in range(6)},
            "update 1": 1,
            "delete 2": 1,
            "truncate": 4,
        }
        assert [entry.xid is None for entry in await log.entries()] == [True] * len(RECORDED["entries"]) + [False] * 3
        await pool.close()


async def test_its_batches_are_numbered_and_new_ones_go_on_from_there(server: str, tmp_path: Path) -> None:
    async with upgraded(server, tmp_path) as log:
        await open_epoch(log.url, log.settings)
        async with log.relay():
            await emit_many(log.connection, range(40))
            await log.wait_caught_up()
        recorded = sum(row["count"] for row in RECORDED["batch"])
        await assert_offsets_are_dense(log)
        assert (
            await log.connection.fetchval("select sum(o) from headwater.log, unnest(next_offsets) o") == recorded + 40
        )


async def test_its_watermarks_are_said_to_have_moved_at_the_upgrade_at_the_latest(server: str, tmp_path: Path) -> None:
    async with upgraded(server, tmp_path) as log:
        assert await log.connection.fetchval("select bool_and(moved_at <= now()) from headwater.watermark")


async def _emit(log: Log, data: dict[str, Any]) -> None:
    envelope = {
        "id": "0193a7b2-1111-7111-8111-000000000000",
        "type": "Happened",
        "version": 1,
        "app": "test",
        "key": data["key"],
        "at": "2026-11-30T00:00:00Z",
        "command": "test",
        "data": data,
    }
    await log.connection.execute(
        "select pg_logical_emit_message(true, 'headwater', $1::bytea)", msgspec.json.encode(envelope)
    )


@asynccontextmanager
async def _working(url: str, *subscriptions: Subscription) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(run_consumers(url, subscriptions, stop=stop, ready=ready.set))
    try:
        await ready.wait()
        yield
    finally:
        stop.set()
        await task


async def _ledger(log: Log, consumer: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in await log.connection.fetch(
        "select key, number from ledger where consumer = $1 order by place", consumer
    ):
        found.setdefault(row["key"], []).append(row["number"])
    return found
