"""Segments: the pieces in which the log is stored and forgotten.

A segment is a native partition of ``headwater.batch`` that covers a fixed span of LSNs, so that its bounds are
known before anything is in it and readers prune by position. It is attached when the log grows into it (ATTACH
takes no lock that readers or the relay would wait for) and dropped whole when past retention.
"""

from datetime import timedelta
from typing import Final, NamedTuple

import asyncpg

from headwater.log.position import Position

SEGMENT_BYTES: Final = 1 << 30
"""LSNs that one segment covers."""


class Segment(NamedTuple):
    """One span of one epoch."""

    epoch: int
    number: int
    span: int

    @property
    def name(self) -> str:
        return f"batch_{self.epoch}_{self.number:012x}_{self.span:x}"

    @property
    def start(self) -> Position:
        return Position(self.epoch, self.number * self.span, 0)

    @property
    def end(self) -> Position:
        return Position(self.epoch, (self.number + 1) * self.span, 0)

    @classmethod
    def at(cls, position: Position, span: int = SEGMENT_BYTES) -> "Segment":
        return cls(position.epoch, position.commit_lsn // span, span)

    @classmethod
    def named(cls, name: str) -> "Segment":
        _, epoch, number, span = name.split("_")
        return cls(int(epoch), int(number, 16), int(span, 16))


class Segments:
    """The segments that exist, as the relay knows them."""

    def __init__(self, connection: asyncpg.Connection, span: int = SEGMENT_BYTES) -> None:
        self._connection = connection
        self._span = span
        self._known: set[Segment] | None = None

    async def ensure(self, position: Position) -> None:
        """Make sure that a batch ending at `position` has a segment to stand in."""
        segment = Segment.at(position, self._span)
        if self._known is None:
            self._known = set(await list_segments(self._connection))
        if segment not in self._known:
            await self._attach(segment)
            self._known.add(segment)

    async def _attach(self, segment: Segment) -> None:
        async with self._connection.transaction():
            await self._connection.execute(f"""
                create table headwater.{segment.name} (
                    like headwater.batch including defaults including constraints
                );
                alter table headwater.{segment.name}
                    alter payload set storage external,
                    add primary key (partition, last),
                    add constraint span check ({_within(segment)});
                alter table headwater.batch attach partition headwater.{segment.name}
                    for values from ({_bound(segment.start)}) to ({_bound(segment.end)});
                alter table headwater.{segment.name} drop constraint span;
            """)


_LIST = """
select c.relname
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'headwater.batch'::regclass and not i.inhdetachpending
 order by c.relname
"""

_FORGETTABLE = """
select not exists (select from headwater.{segment} where appended_at > now() - $1::interval)
   and not exists (
        select from headwater.consumer c
        join headwater.layout l on l.generation = c.generation
        cross join (select distinct on (partition) partition, last
                      from headwater.{segment} order by partition, last desc) s
        left join headwater.watermark w on w.consumer = c.name and w.partition = s.partition
        where s.last > l.after and (w.position is null or w.position < s.last))
"""


async def list_segments(connection: asyncpg.Connection) -> list[Segment]:
    """Every segment of the log, oldest first."""
    return sorted(Segment.named(row["relname"]) for row in await connection.fetch(_LIST))


async def drop_old_segments(connection: asyncpg.Connection, keep: timedelta) -> list[Segment]:
    """Drop the oldest segments that are past retention and applied by every consumer; returns them.

    Stops at the first segment that must stay: the log has no holes. What a consumer has not applied is never
    dropped, however old; a consumer that nobody runs any more is removed by ``headwater log forget``.
    """
    dropped: list[Segment] = []
    for segment in (await list_segments(connection))[:-1]:
        if not await connection.fetchval(_FORGETTABLE.format(segment=segment.name), keep):
            break
        await connection.execute(f"alter table headwater.batch detach partition headwater.{segment.name} concurrently")
        await connection.execute(f"drop table headwater.{segment.name}")
        dropped.append(segment)
    return dropped


def _bound(position: Position) -> str:
    return f"'\\x{bytes(position).hex()}'"


def _within(segment: Segment) -> str:
    return f"last >= {_bound(segment.start)} and last < {_bound(segment.end)}"
