"""The way out of a gap: see which rows changed in it, then go on in a new epoch.

What was committed after the last append and can no longer be decoded left one trace: the rows themselves. Each says
in `xmin` which transaction wrote it, and the head's horizon says below which transaction everything is in the log.
Rows at or above the horizon were inserted or updated at the end of the log or in the gap. Deleted rows leave no
trace; only their count could be missed.
"""

from typing import Any, Final

import asyncpg
import msgspec

from headwater.log import Head, Position, format_lsn, read_head
from headwater.observe import Occurrence, report
from headwater.settings import Settings
from headwater.wal.slot import read_slot
from headwater.wal.stream import ReplicationStream

SAMPLE_ROWS: Final = 20


class EpochForced(Occurrence, frozen=True):
    """A person opened a new epoch over a gap."""

    epoch: int
    after: str
    begins_at: str


class SuspectTable(msgspec.Struct, frozen=True):
    """A table with rows that may have changed without the log knowing."""

    table: str
    rows: int
    sample: list[dict[str, Any]]
    """The keys of the first `SAMPLE_ROWS` of them."""


class Reconciliation(msgspec.Struct, frozen=True):
    """What is known of a gap."""

    head: Head
    tables: list[SuspectTable]


_TABLES = """
select c.oid, format('%I.%I', n.nspname, c.relname) as name,
       array(select format('%I', a.attname) from pg_index i join pg_attribute a
                on a.attrelid = c.oid and a.attnum = any (i.indkey)
              where i.indrelid = c.oid and i.indisprimary order by array_position(i.indkey, a.attnum)) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and not c.relispartition is null and c.relpersistence = 'p'
   and n.nspname not in ('headwater', 'pg_catalog', 'information_schema') and n.nspname !~ '^pg_'
 order by 2
"""


async def reconcile(connection: asyncpg.Connection, slot: str) -> Reconciliation:
    """Look through every table for rows written since the log's horizon. Reads whole tables."""
    head = await read_head(connection, slot)
    tables = []
    for table in await connection.fetch(_TABLES):
        recent = f"from {table['name']} where age(xmin) <= age('{head.horizon}'::xid8::xid)"
        if count := await connection.fetchval(f"select count(*) {recent}"):
            key = ", ".join(table["key"]) or "ctid::text as ctid"
            sample = await connection.fetch(f"select {key} {recent} limit {SAMPLE_ROWS}")
            tables.append(SuspectTable(table["name"], count, [dict(row) for row in sample]))
    return Reconciliation(head, tables)


_OPEN = """
update headwater.log
   set position = $2, scanned = $3, horizon = pg_snapshot_xmin(pg_current_snapshot()), term = term + 1,
       system_identifier = $4, timeline = $5
 where slot = $1
"""


async def open_epoch(url: str, settings: Settings) -> Position:
    """Drop what is left of the slot, make it anew, and let the log go on from there; returns the first position.

    A person's decision: what was committed in the gap will never be in the log.
    """
    slot = settings.slot
    connection = await asyncpg.connect(url, server_settings={"application_name": "headwater reconcile"})
    try:
        async with await ReplicationStream.connect(url, application_name="headwater reconcile") as stream:
            system = await stream.identify()
            head = await read_head(connection, slot)
            if await read_slot(connection, slot) is not None:
                await connection.execute("select pg_drop_replication_slot($1)", slot)
            begin = await stream.create_slot(slot)
            position = Position(head.position.epoch + 1, begin, 0)
            await connection.execute(_OPEN, slot, bytes(position), begin, system.identifier, system.timeline)
            report(EpochForced(epoch=position.epoch, after=str(head.position), begins_at=format_lsn(begin)))
            return position
    finally:
        await connection.close()
