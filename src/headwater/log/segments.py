"""Segments: the pieces in which the log is stored and dropped.

A segment is a native partition of ``headwater.batch`` that covers a range of LSNs of one epoch. So its bounds are known
before it has rows, and PostgreSQL prunes by position. It is attached when the log grows into it (ATTACH takes no lock
that readers or the relay would wait for) and dropped as a whole when it is past retention.

A transaction that has already read the log does not see a segment attached since, because PostgreSQL notices changed
tables only when it takes a new lock. So to get all entries up to the head, read the head first, and then the batches,
for the first time in that transaction.

Source: PostgreSQL manual, "ALTER TABLE" (ATTACH PARTITION, DETACH PARTITION … CONCURRENTLY, FINALIZE).
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, NamedTuple

import asyncpg

from headwater.log.position import Position

SEGMENT_BYTES: Final = 1 << 30
"""LSNs that one segment covers."""


class Segment(NamedTuple):
    """A range of LSNs of one epoch, from `begin` to before `end`. Segments compare in the order of the log."""

    epoch: int
    begin: int
    end: int

    @property
    def name(self) -> str:
        """Its table in the schema ``headwater``."""
        return f"batch_{self.epoch}_{self.begin:x}_{self.end:x}"

    @classmethod
    def named(cls, name: str) -> "Segment":
        """Parse the name of a segment's table."""
        _, epoch, begin, end = name.split("_")
        return cls(int(epoch), int(begin, 16), int(end, 16))

    def covers(self, position: Position) -> bool:
        """Whether a batch that ends at `position` belongs to this segment."""
        return self.epoch == position.epoch and self.begin <= position.commit_lsn < self.end


class Segments:
    """The existing segments, as the relay knows them. Only the relay creates segments."""

    def __init__(self, connection: asyncpg.Connection, span: int = SEGMENT_BYTES) -> None:
        self._connection = connection
        self._span = span
        self._latest: Segment | None = None

    async def ensure(self, position: Position) -> None:
        """Create a segment for a batch that ends at `position`, unless there is one."""
        if self._latest is not None and self._latest.covers(position):
            return
        known = await list_segments(self._connection)
        self._latest = next((segment for segment in known if segment.covers(position)), None)
        if self._latest is None:
            segment = segment_for(position, known, self._span)
            await self._attach(segment)
            self._latest = segment

    async def _attach(self, segment: Segment) -> None:
        """Created with the bounds as a constraint, so that ATTACH need not scan for rows outside them."""
        async with self._connection.transaction():
            await self._connection.execute(f"""
                create table headwater.{segment.name} (
                    like headwater.batch including defaults including constraints
                );
                alter table headwater.{segment.name}
                    alter payload set storage external,
                    add primary key (partition, last),
                    add constraint span check (last >= {_lower(segment)} and last < {_upper(segment)});
                alter table headwater.batch attach partition headwater.{segment.name}
                    for values from ({_lower(segment)}) to ({_upper(segment)});
                alter table headwater.{segment.name} drop constraint span;
            """)


def segment_for(position: Position, known: Iterable[Segment], span: int) -> Segment:
    """A new segment that covers `position`: the aligned range around it, without what `known` ones cover already."""
    begin = position.commit_lsn - position.commit_lsn % span
    end = begin + span
    for segment in known:
        if segment.epoch == position.epoch:
            if segment.end <= position.commit_lsn:
                begin = max(begin, segment.end)
            else:
                end = min(end, segment.begin)
    return Segment(position.epoch, begin, end)


_LIST = """
select c.relname
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'headwater.batch'::regclass and not i.inhdetachpending
"""

_HALF_DETACHED = """
select c.relname
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'headwater.batch'::regclass and i.inhdetachpending
"""

_DETACHED = """
select c.relname
  from pg_class c
 where c.relnamespace = 'headwater'::regnamespace and c.relkind = 'r'
   and c.relname ~ '^batch_[0-9]+_[0-9a-f]+_[0-9a-f]+$'
   and not exists (select from pg_inherits i where i.inhrelid = c.oid)
"""

_FORGETTABLE = """
select not exists (select from headwater.{segment} where appended_at > now() - $1::interval)
   and not exists (
        select from headwater.consumer c
        join headwater.layout l on l.generation = c.generation
        cross join (select partition, max(last::bytea) as last from headwater.{segment} group by partition) s
        left join headwater.watermark w on w.consumer = c.name and w.partition = s.partition
        where s.last > l.after and (w.position is null or w.position < s.last))
"""


async def list_segments(connection: asyncpg.Connection) -> list[Segment]:
    """Every segment of the log, oldest first."""
    return sorted(Segment.named(row["relname"]) for row in await connection.fetch(_LIST))


async def drop_old_segments(connection: asyncpg.Connection, keep: timedelta) -> list[Segment]:
    """Drop the oldest segments that are past retention and applied by every consumer; returns them.

    Stops at the first segment that must stay, so that the log has no holes. What a consumer has not applied is never
    dropped, however old; remove a consumer that no longer runs with ``headwater log forget``. Waits for transactions
    that still read the log, without blocking others. The next call finishes an interrupted one. Must not be called
    inside a transaction.
    """
    dropped: list[Segment] = []
    async with _alone(connection) as alone:
        if not alone:
            return dropped
        await _finish_interrupted(connection)
        for segment in (await list_segments(connection))[:-1]:
            if not await connection.fetchval(_FORGETTABLE.format(segment=segment.name), keep):
                break
            await connection.execute(f"alter table headwater.batch detach partition {_table(segment)} concurrently")
            await connection.execute(f"drop table {_table(segment)}")
            dropped.append(segment)
    return dropped


async def _finish_interrupted(connection: asyncpg.Connection) -> None:
    """A detached segment uses disk until it is dropped, and a half-detached one prevents the next detach."""
    for row in await connection.fetch(_HALF_DETACHED):
        table = _table(Segment.named(row["relname"]))
        await connection.execute(f"alter table headwater.batch detach partition {table} finalize")
    for row in await connection.fetch(_DETACHED):
        await connection.execute(f"drop table {_table(Segment.named(row['relname']))}")


@asynccontextmanager
async def _alone(connection: asyncpg.Connection) -> AsyncIterator[bool]:
    """Whether this is the only caller that drops segments in this database meanwhile."""
    alone = await connection.fetchval("select pg_try_advisory_lock(hashtextextended('headwater segments', 0))")
    try:
        yield alone
    finally:
        if alone and not connection.is_closed():
            await connection.execute("select pg_advisory_unlock(hashtextextended('headwater segments', 0))")


def _table(segment: Segment) -> str:
    return f"headwater.{segment.name}"


def _lower(segment: Segment) -> str:
    return _bound(Position(segment.epoch, segment.begin, 0))


def _upper(segment: Segment) -> str:
    return _bound(Position(segment.epoch, segment.end, 0))


def _bound(position: Position) -> str:
    return f"'\\x{bytes(position).hex()}'"
