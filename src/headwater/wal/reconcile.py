"""The way out of a gap: list the rows that changed in it, then continue in a new epoch.

A commit after the last append that can no longer be decoded leaves one trace: its rows. `xmin` of a row names the
transaction that wrote it, and every transaction below the head's horizon is in the log. So rows at or above the
horizon were inserted or updated in the gap, or at the very end of the log. Deleted rows leave no trace.
"""

from typing import Any, ClassVar, Final

import asyncpg
import msgspec

from headwater.log import Head, Position, format_lsn, read_head
from headwater.observe import Level, Occurrence, report
from headwater.settings import Settings
from headwater.wal.control import control
from headwater.wal.prepare import lock_log, make_slot
from headwater.wal.publication import create_publication
from headwater.wal.slot import Gap, PublicationMissing, begin_epoch, check_log, check_ours, next_epoch, read_slot
from headwater.wal.stream import ReplicationStream, System
from headwater.wal.unfinished import drop_unfinished

SAMPLE_ROWS: Final = 20


class EpochForced(Occurrence, frozen=True):
    """An operator opened a new epoch."""

    level: ClassVar[Level] = "warning"
    epoch: int
    after: str
    begins_at: str


class SuspectTable(msgspec.Struct, frozen=True):
    """A table with rows that may have changed without an entry in the log."""

    table: str
    rows: int
    sample: list[dict[str, Any]]
    """The keys of the first `SAMPLE_ROWS` of them."""


class Reconciliation(msgspec.Struct, frozen=True):
    """What is known about a gap."""

    head: Head
    tables: list[SuspectTable]


_TABLES = """
select format('%I.%I', n.nspname, c.relname) as name,
       array(select format('%I', a.attname)
               from pg_index i
              cross join unnest(i.indkey) with ordinality as k(attnum, place)
               join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
              where i.indrelid = c.oid and i.indisprimary
              order by k.place) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relpersistence = 'p'
   and n.nspname not in ('headwater', 'information_schema') and n.nspname !~ '^pg_'
 order by 1
"""

# A frozen row keeps its old xmin, whose age may have wrapped around and be negative.
_RECENT = "from only {table} where age(xmin) between 0 and age('{horizon}'::xid8::xid)"


async def reconcile(connection: asyncpg.Connection, slot: str) -> Reconciliation:
    """Look through every table for rows written since the log's horizon. Reads whole tables.

    Raises `LogNotPrepared`.
    """
    head = await read_head(connection, slot)
    tables = []
    for table in await connection.fetch(_TABLES):
        recent = _RECENT.format(table=table["name"], horizon=head.horizon)
        if count := await connection.fetchval(f"select count(*) {recent}"):
            key = ", ".join(table["key"]) or "ctid::text as ctid"
            sample = await connection.fetch(f"select {key} {recent} limit {SAMPLE_ROWS}")
            tables.append(SuspectTable(table["name"], count, [dict(row) for row in sample]))
    return Reconciliation(head, tables)


_LOCK = "select from headwater.log where slot = $1 for update"

_OPEN = """
update headwater.log
   set position = $2, scanned = $3, horizon = $4, term = term + 1, system_identifier = $5, timeline = $6
 where slot = $1
"""


async def open_epoch(url: str, settings: Settings) -> Position:
    """Continue the log in a new epoch; returns where that begins.

    A slot that can continue the log is kept, and nothing is lost. That is for a restore which the start check cannot
    detect. Any other slot is created anew, and commits in the gap will never be in the log.
    Raises `LogNotPrepared`, `ForeignSlot` for a slot of another application, and, as `prepare_log` does, `DbError`,
    `StreamLost` and `ReplicationRefused`.
    """
    async with (
        control(url, "headwater reconcile") as connection,
        await ReplicationStream.connect(url, application_name="headwater reconcile") as stream,
    ):
        return await _open(connection, stream, settings.slot)


async def _open(connection: asyncpg.Connection, stream: ReplicationStream, slot: str) -> Position:
    await lock_log(connection, slot)
    system = await stream.identify()
    anew = await _mend(connection, stream, slot, system)
    async with connection.transaction():
        await connection.execute(_LOCK, slot)
        head = await read_head(connection, slot)
        await drop_unfinished(connection, head.position)
        if anew is None:
            position, scanned, horizon = next_epoch(head), head.scanned, head.horizon
        else:
            scanned, horizon = anew
            position = begin_epoch(head.position.epoch + 1, scanned)
        await connection.execute(_OPEN, slot, bytes(position), scanned, horizon, system.identifier, system.timeline)
    report(EpochForced(epoch=position.epoch, after=str(head.position), begins_at=format_lsn(scanned)))
    return position


async def _mend(
    connection: asyncpg.Connection, stream: ReplicationStream, slot: str, system: System
) -> tuple[int, int] | None:
    """Create what is missing. For a new slot, returns its first LSN and the new horizon: every transaction below it
    had ended before the slot was created, and the operator has accepted what is missing of them."""
    try:
        await check_log(connection, slot, system)
    except PublicationMissing:
        await create_publication(connection, slot)
    except Gap:
        if (state := await read_slot(connection, slot)) is not None:
            check_ours(slot, state, system)
            await connection.execute("select pg_drop_replication_slot($1)", slot)
        await create_publication(connection, slot)
        horizon = await connection.fetchval("select pg_snapshot_xmin(pg_current_snapshot())")
        return await make_slot(connection, stream, slot), horizon
    return None
