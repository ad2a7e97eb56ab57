"""The head of the log: its last position, its writer, and its partition layout."""

import asyncpg
import msgspec

from headwater.log.errors import LogNotPrepared
from headwater.log.position import Position


class Head(msgspec.Struct, frozen=True):
    """One row of ``headwater.log``, with the layout in force."""

    slot: str
    position: Position
    """Readers read up to here: every transaction up to it is completely in the log."""
    scanned: int
    """Every commit that ends before this LSN is in the log."""
    horizon: int
    """Every transaction with a smaller 64-bit id is in the log, or was rolled back."""
    term: int
    generation: int
    partitions: int
    system_identifier: str
    timeline: int


_HEAD = """
select l.slot, l.position, l.scanned, l.horizon, l.term, l.generation, p.partitions, l.system_identifier, l.timeline
  from headwater.log l join headwater.layout p using (generation)
 where l.slot = $1
"""


CAN_CONTINUE = """
select exists (select from headwater.log l join pg_replication_slots s on s.slot_name = l.slot
                where l.slot = $1 and s.wal_status is distinct from 'lost')
"""
"""Whether what is committed now will reach the log: the slot exists and is not invalidated."""


async def read_head(connection: asyncpg.Connection, slot: str) -> Head:
    """The present head; raises `LogNotPrepared` without a log, or without its tables."""
    try:
        row = await connection.fetchrow(_HEAD, slot)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise LogNotPrepared(slot=slot) from error
    if row is None:
        raise LogNotPrepared(slot=slot)
    return Head(
        slot=row["slot"],
        position=Position.from_bytes(row["position"]),
        scanned=int(row["scanned"]),
        horizon=row["horizon"],
        term=row["term"],
        generation=row["generation"],
        partitions=row["partitions"],
        system_identifier=row["system_identifier"],
        timeline=row["timeline"],
    )
