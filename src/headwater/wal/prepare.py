"""Prepares the log before the first command commits: the log's row, the publication, the slot.

An event that is committed before the slot exists is lost to the log, so this runs before any web worker. The log's row
is written first and the slot created second. A row that was never scanned records the intent: after an interruption
the next call continues from it.
"""

import asyncio
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import ClassVar

import asyncpg

from headwater.log.head import Head, read_head
from headwater.log.position import Position
from headwater.observe import Level, Occurrence, report
from headwater.settings import Settings
from headwater.wal.control import control
from headwater.wal.publication import publish
from headwater.wal.slot import begin_epoch, check_log, check_ours, read_slot
from headwater.wal.stream import ReplicationStream, System

_FIRST_EPOCH = 1
PATIENCE_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.05


class SlotWaits(Occurrence, frozen=True):
    """PostgreSQL creates a slot only after the transactions that write now have ended. `pids` are their processes."""

    level: ClassVar[Level] = "warning"
    slot: str
    pids: list[int]


_FIRST_LAYOUT = """
insert into headwater.layout (generation, partitions, after)
select 1, $1, $2 where not exists (select from headwater.layout)
"""

_INTENT = """
insert into headwater.log (slot, position, scanned, horizon, system_identifier, timeline, generation)
select $1, $2, '0/0', pg_snapshot_xmin(pg_current_snapshot()), $3, $4, max(generation) from headwater.layout
on conflict do nothing
"""

_BEGIN_AT = """
update headwater.log set position = $2, scanned = $3 where slot = $1 and scanned = '0/0'
"""

_WRITING = "select pid from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid() order by 1"


async def prepare_log(
    url: str, settings: Settings, tables: Mapping[str, Collection[str]] = MappingProxyType({}), *, exact: bool = False
) -> None:
    """Create the log, its publication and its slot, where they are missing.

    `tables` (each ``schema.table``, with the columns whose old values are declared) are published. With `exact` no
    others stay published, which is right only when no other release follows this log.
    Raises the `Gap` that applies when a log exists and its slot cannot continue it, `ForeignSlot`, and
    `NoReplicaIdentity` for a table that cannot be published; `DbError` and `StreamLost` when PostgreSQL cannot be
    reached or refuses a statement (for instance without the migrations), `ReplicationRefused` when it creates no slot.
    """
    async with (
        control(url, "headwater prepare") as connection,
        await ReplicationStream.connect(url, application_name="headwater prepare") as stream,
    ):
        await _prepare(connection, stream, settings, tables, exact)


async def lock_log(connection: asyncpg.Connection, slot: str) -> None:
    """Lock the log against other preparations and repairs, until `connection` is closed."""
    await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", f"headwater prepare {slot}")


async def _prepare(
    connection: asyncpg.Connection,
    stream: ReplicationStream,
    settings: Settings,
    tables: Mapping[str, Collection[str]],
    exact: bool,
) -> None:
    slot = settings.slot
    await lock_log(connection, slot)
    system = await stream.identify()
    if (state := await read_slot(connection, slot)) is not None:
        check_ours(slot, state, system)
    head = await _intend(connection, settings, system)
    if head.scanned != 0:
        await check_log(connection, slot, system)
    async with connection.transaction():
        await publish(connection, slot, tables, exact=exact)
    if head.scanned == 0:
        begin = await _begin_of_slot(connection, slot) or await make_slot(connection, stream, slot)
        await connection.execute(_BEGIN_AT, slot, bytes(begin_epoch(_FIRST_EPOCH, begin)), begin)


async def _intend(connection: asyncpg.Connection, settings: Settings, system: System) -> Head:
    """The log's row; if there is none, it is written now, as never scanned."""
    start = bytes(Position(_FIRST_EPOCH, 0, 0))
    async with connection.transaction():
        await connection.execute(_FIRST_LAYOUT, settings.partitions, start)
        await connection.execute(_INTENT, settings.slot, start, system.identifier, system.timeline)
    return await read_head(connection, settings.slot)


async def _begin_of_slot(connection: asyncpg.Connection, slot: str) -> int | None:
    """The first LSN of a slot that an interrupted call created; None without one.

    Since this caller holds the lock, an unfinished slot is being created for a caller that has ended. It is dropped.
    """
    while (state := await read_slot(connection, slot)) is not None:
        if state.confirmed_flush_lsn is not None:
            return state.confirmed_flush_lsn
        await connection.execute("select pg_terminate_backend($1)", state.active_pid)
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return None


async def make_slot(connection: asyncpg.Connection, stream: ReplicationStream, slot: str) -> int:
    """Create the slot and return its first LSN; reports what it waits for if that takes long."""
    making = asyncio.create_task(stream.create_slot(slot))
    try:
        if not (await asyncio.wait({making}, timeout=PATIENCE_SECONDS))[0]:
            writing = await connection.fetch(_WRITING)
            report(SlotWaits(slot=slot, pids=[row["pid"] for row in writing]))
        return await making
    finally:
        making.cancel()
