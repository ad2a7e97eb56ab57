"""The survey: finds which lanes have work, outside their own transactions.

The wide survey reads every watermark and relies on nothing. The narrow one reads what was appended since the last, once
for all consumers of a worker, so a batch that concerns two of thirty consumers wakes two.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from headwater.consumer.reader import topics_of
from headwater.db import Connection
from headwater.log import Position


class WatermarkState(NamedTuple):
    """One watermark, and the work behind it."""

    consumer: str
    handler: str
    generation: int
    partition: int
    position: Position
    tip: Position | None
    """The end of the last batch that can be read there."""
    due_at: datetime | None
    """When its next key in retry is due."""

    @property
    def is_behind(self) -> bool:
        return self.tip is not None and self.position < self.tip


class Survey(NamedTuple):
    """The result of the wide survey."""

    head: Position | None
    generation: int
    """The newest layout."""
    watermarks: list[WatermarkState]


_HEAD: Final = """
select (select position from headwater.log order by position desc limit 1) as head,
       coalesce((select max(generation) from headwater.layout), 0) as generation
"""

_STANDINGS: Final = """
with tips as materialized (
    select l.generation, p.partition, t.last as tip
      from headwater.layout l
     cross join lateral generate_series(0, l.partitions - 1) as p(partition)
      left join lateral (
            select b.last from headwater.batch b
             where b.partition = p.partition
               and b.last <= least($1, (select after from headwater.layout n where n.generation = l.generation + 1))
             order by b.last desc limit 1) t on true
     where l.generation in (select generation from headwater.consumer)
)
select c.name, c.handler, w.generation, w.partition, w.position, t.tip,
       (select min(r.next_attempt_at) from headwater.retry r
         where r.consumer = w.consumer and r.partition = w.partition) as due_at
  from headwater.watermark w
  join headwater.consumer c on c.name = w.consumer
  join tips t on t.generation = w.generation and t.partition = w.partition
"""

_APPENDED: Final = """
select partition, last, case when sum(octet_length(payload)) over () <= $4 then payload end
  from headwater.batch
 where partition = any($1) and last > $2 and last <= $3
"""

_PASS: Final = """
with free as (
    select w.consumer, w.partition, p.old,
           least(p.new, (select after from headwater.layout l where l.generation = p.generation + 1)) as new
      from unnest($1::text[], $2::smallint[], $3::integer[], $4::bytea[], $5::bytea[])
           as p(consumer, partition, generation, old, new)
      join headwater.watermark w on w.consumer = p.consumer and w.partition = p.partition
                                and w.generation = p.generation and w.position = p.old
       for update of w skip locked
)
update headwater.watermark w set position = free.new, moved_at = clock_timestamp()
  from free
 where w.consumer = free.consumer and w.partition = free.partition and w.position = free.old
returning w.consumer, w.partition, w.position
"""


async def survey(connection: Connection) -> Survey:
    """Read every watermark, and whether there is work behind it."""
    head, generation = await connection.fetchrow(_HEAD)
    rows = await connection.fetch(_STANDINGS, head)
    return Survey(None if head is None else Position.from_bytes(head), generation, [_state(row) for row in rows])


def _state(row: Sequence[Any]) -> WatermarkState:
    name, handler, generation, partition, position, tip, due_at = row
    return WatermarkState(
        name,
        handler,
        generation,
        partition,
        Position.from_bytes(position),
        None if tip is None else Position.from_bytes(tip),
        due_at,
    )


async def topics_appended(
    connection: Connection, partitions: list[int], after: Position, upto: Position, limit_bytes: int
) -> dict[int, set[str]] | None:
    """What the batches in (after, upto] of these partitions are about; None if they are too large to be read here."""
    topics: dict[int, set[str]] = {}
    for partition, last, payload in await connection.fetch(
        _APPENDED, partitions, bytes(after), bytes(upto), limit_bytes
    ):
        if payload is None:
            return None
        topics.setdefault(partition, set()).update(topics_of(last, payload))
    return topics


class Passage(NamedTuple):
    """A watermark that may move without an effect: nothing between the two positions concerns its consumer."""

    consumer: str
    partition: int
    generation: int
    old: Position
    new: Position


async def pass_over(connection: Connection, passages: Iterable[Passage]) -> dict[tuple[str, int], Position]:
    """Move the watermarks that are not locked and have not moved; returns those that moved, with their positions.

    The commit is asynchronous: if it is lost, the same entries are only read again.
    """
    columns = list(zip(*passages, strict=True))
    consumers, partitions, generations, olds, news = columns
    async with connection.transaction():
        await connection.execute("set local synchronous_commit to off")
        rows = await connection.fetch(
            _PASS, consumers, partitions, generations, [bytes(old) for old in olds], [bytes(new) for new in news]
        )
    return {(consumer, partition): Position.from_bytes(position) for consumer, partition, position in rows}
