"""What an operator asks of the log: how far, how large, how old, and how much WAL is held for it."""

from datetime import datetime

import asyncpg
import msgspec

from headwater.log.head import Head, read_head
from headwater.log.segments import list_segments


class SegmentSize(msgspec.Struct, frozen=True):
    """One segment's weight."""

    name: str
    bytes: int
    batches: int
    entries: int
    oldest: datetime | None
    newest: datetime | None


class LogStatus(msgspec.Struct, frozen=True):
    """The log at one moment."""

    head: Head
    segments: list[SegmentSize]
    behind_bytes: int
    """WAL that PostgreSQL has written and the relay has not yet looked at."""

    @property
    def bytes(self) -> int:
        return sum(segment.bytes for segment in self.segments)


_SIZE = """
select pg_total_relation_size('headwater.{segment}') as bytes, count(*) as batches,
       coalesce(sum(count), 0)::bigint as entries, min(appended_at) as oldest, max(appended_at) as newest
  from headwater.{segment}
"""


async def read_status(connection: asyncpg.Connection, slot: str) -> LogStatus:
    """Raises `LogNotPrepared` when there is no log."""
    head = await read_head(connection, slot)
    segments = []
    for segment in await list_segments(connection):
        row = await connection.fetchrow(_SIZE.format(segment=segment.name))
        segments.append(SegmentSize(segment.name, *row))
    now = int(await connection.fetchval("select pg_current_wal_insert_lsn()"))
    return LogStatus(head=head, segments=segments, behind_bytes=max(now - head.scanned, 0))
