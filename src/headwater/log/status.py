"""The status of the log: its head, the size and age of its segments, and the WAL that is not processed."""

from datetime import datetime

import asyncpg
import msgspec

from headwater.log.head import Head, read_head
from headwater.log.segments import list_segments


class SegmentSize(msgspec.Struct, frozen=True):
    """The size of one segment."""

    name: str
    bytes: int
    batches: int
    entries: int
    oldest: datetime | None
    newest: datetime | None


class LogStatus(msgspec.Struct, frozen=True):
    """The log at one time."""

    head: Head
    segments: list[SegmentSize]
    behind_bytes: int
    """WAL that PostgreSQL has written and the relay has not processed."""

    @property
    def bytes(self) -> int:
        return sum(segment.bytes for segment in self.segments)


_SIZE = """
select pg_total_relation_size('headwater.{segment}') as bytes, count(*) as batches,
       coalesce(sum(count), 0)::bigint as entries, min(appended_at) as oldest, max(appended_at) as newest
  from headwater.{segment}
"""


async def read_status(connection: asyncpg.Connection, slot: str) -> LogStatus:
    """Raises `LogNotPrepared` without a log."""
    head = await read_head(connection, slot)
    segments = []
    for segment in await list_segments(connection):
        row = await connection.fetchrow(_SIZE.format(segment=segment.name))
        segments.append(SegmentSize(segment.name, *row))
    now = int(await connection.fetchval("select pg_current_wal_insert_lsn()"))
    return LogStatus(head=head, segments=segments, behind_bytes=max(now - head.scanned, 0))
