"""What must stand before the first command commits: the log's row, the publication, the slot.

An event committed before the slot exists is in no log, so this runs before any web worker does. The log's row is
written first and the slot made second: a row that was never scanned is the intent, and whatever happens in between,
the next call goes on from it.
"""

from collections.abc import Iterable

import asyncpg

from headwater.log.head import read_head
from headwater.log.position import Position
from headwater.settings import Settings
from headwater.wal.slot import check_slot, read_slot
from headwater.wal.stream import ReplicationStream

_FIRST_EPOCH = 1

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

_QUOTED = """
select format('%I.%I', n.nspname, c.relname)
  from unnest($1::text[]) as named(name)
  join pg_class c on c.oid = named.name::regclass
  join pg_namespace n on n.oid = c.relnamespace
"""

_PUBLISHED = "select format('%I.%I', schemaname, tablename) from pg_publication_tables where pubname = $1"


async def prepare_log(url: str, settings: Settings, tables: Iterable[str] = (), *, exact: bool = False) -> None:
    """Make the log, its publication and its slot, where they are missing.

    `tables` (each ``schema.table``) are published; with `exact` no others stay published, which is right only when
    no other release follows this log.
    Raises the `Gap` that applies when a log exists and its slot cannot continue it.
    """
    connection = await asyncpg.connect(url, server_settings={"application_name": "headwater prepare"})
    try:
        async with await ReplicationStream.connect(url, application_name="headwater prepare") as stream:
            await _prepare(connection, stream, settings, tables, exact)
    finally:
        await connection.close()


async def _prepare(
    connection: asyncpg.Connection, stream: ReplicationStream, settings: Settings, tables: Iterable[str], exact: bool
) -> None:
    slot = settings.slot
    system = await stream.identify()
    start = bytes(Position(_FIRST_EPOCH, 0, 0))
    await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", f"headwater prepare {slot}")
    async with connection.transaction():
        await connection.execute(_FIRST_LAYOUT, settings.partitions, start)
        await connection.execute(_INTENT, slot, start, system.identifier, system.timeline)
        await publish(connection, slot, tables, exact=exact)
    head = await read_head(connection, slot)
    state = await read_slot(connection, slot)
    if head.scanned == 0:
        begin = state.confirmed_flush_lsn if state is not None else await stream.create_slot(slot)
        assert begin is not None
        await connection.execute(_BEGIN_AT, slot, bytes(Position(_FIRST_EPOCH, begin, 0)), begin)
    else:
        check_slot(head, state, system)


async def publish(connection: asyncpg.Connection, publication: str, tables: Iterable[str], *, exact: bool) -> None:
    """Let the publication hold `tables`; with `exact`, nothing else."""
    name = await connection.fetchval("select quote_ident($1)", publication)
    if not await connection.fetchval("select exists (select from pg_publication where pubname = $1)", publication):
        await connection.execute(f"create publication {name}")
    wanted = {row[0] for row in await connection.fetch(_QUOTED, list(tables))}
    present = {row[0] for row in await connection.fetch(_PUBLISHED, publication)}
    if missing := sorted(wanted - present):
        await connection.execute(f"alter publication {name} add table {', '.join(missing)}")
    if exact and (extra := sorted(present - wanted)):
        await connection.execute(f"alter publication {name} drop table {', '.join(extra)}")
