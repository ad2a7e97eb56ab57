"""Consumer lag: how far consumers are behind the head of the log, and waiting until they have reached it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.backoff import Backoff
from headwater.consumer.aside import parked
from headwater.consumer.errors import KeysParked, NotSettled
from headwater.db import Pool, Session
from headwater.log import START, Position

COUNTED_BATCHES: Final = 2000
"""At most so many batches are counted per consumer and partition, which keeps the query cheap."""

_LOOK_AGAIN: Final = Backoff(first=0.01, most=0.1)

# The watermark of each consumer in every partition that exists or existed. Before a barrier, entries behind it, in
# partitions that the consumer's own layout does not have, are counted from the barrier on.
_PLACES: Final = """
select c.name, c.handler, c.generation, p.partition, w.position as watermark, w.moved_at,
       coalesce(w.position, (select after from headwater.layout where generation = c.generation + 1)) as position
  from headwater.consumer c
 cross join generate_series(0, (select max(partitions) from headwater.layout) - 1) as p(partition)
  left join headwater.watermark w on w.consumer = c.name and w.partition = p.partition
"""

_LAG: Final = f"""
select c.name, c.handler, c.generation, h.position as head,
       array_agg(c.partition order by c.partition) filter (where c.watermark is not null) as partitions,
       array_agg(c.watermark order by c.partition) filter (where c.watermark is not null) as watermarks,
       coalesce(min(c.watermark) filter (where b.batches > 0), h.position) as position,
       sum(b.batches)::bigint as batches, coalesce(sum(b.entries), 0)::bigint as entries,
       min(b.oldest) as oldest, min(greatest(c.moved_at, b.oldest)) filter (where b.batches > 0) as still_since,
       clock_timestamp() as now,
       (select count(*) from headwater.retry where consumer = c.name) as in_retry,
       (select count(*) from headwater.parked where consumer = c.name) as parked
  from ({_PLACES}) c
 cross join (select position from headwater.log order by position desc limit 1) h
 cross join lateral (
        select count(*) as batches, sum(count) as entries, min(appended_at) as oldest from (
            select count, appended_at from headwater.batch
             where partition = c.partition and last > c.position and last <= h.position
             order by last limit {COUNTED_BATCHES}) first) b
 group by c.name, c.handler, c.generation, h.position
 order by c.name
"""

_HEAD: Final = "select position from headwater.log order by position desc limit 1"

_BEHIND: Final = f"""
select distinct c.name
  from ({_PLACES}) c
 where ($2::text[] is null or c.name = any($2))
   and (exists (select from headwater.batch
                 where partition = c.partition and last > c.position and last <= $1)
        or exists (select from headwater.retry
                    where consumer = c.name and ($3::timestamptz is null or next_attempt_at <= $3)))
 order by c.name
"""


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How far one consumer is behind the head of the log."""

    consumer: str
    handler: str
    generation: int
    head: Position
    position: Position
    """Everything up to here is applied or not for this consumer; the head when it is not behind."""
    watermarks: dict[int, Position]
    """The watermark of each partition. It does not move while the partition gets no entries."""
    batches: int
    """Batches that are not completely applied, also those without entries for it; at most `COUNTED_BATCHES` per
    partition."""
    entries: int
    """In those batches."""
    seconds: float
    """Since the oldest of them was appended; 0 without one."""
    still_seconds: float
    """The longest time for which a partition has had batches to apply and has not moved its watermark; 0 without one.
    It tells a stuck consumer from a slow one."""
    in_retry: int
    """Keys that will be retried automatically."""
    parked: int
    """Parked keys, which wait for an operator."""


async def lag(pool: Pool) -> list[Lag]:
    """The lag of every registered consumer, by name."""
    async with pool.acquire() as connection:
        return [_lag(row) for row in await Session(connection).all(dict, _LAG)]


def _lag(row: dict[str, Any]) -> Lag:
    positions = map(Position.from_bytes, row["watermarks"] or ())
    return Lag(
        consumer=row["name"],
        handler=row["handler"],
        generation=row["generation"],
        head=Position.from_bytes(row["head"]),
        position=Position.from_bytes(row["position"]),
        watermarks=dict(zip(row["partitions"] or (), positions, strict=True)),
        batches=row["batches"],
        entries=row["entries"],
        seconds=_since(row["oldest"], row["now"]),
        still_seconds=_since(row["still_since"], row["now"]),
        in_retry=row["in_retry"],
        parked=row["parked"],
    )


def _since(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


async def settled(
    pool: Pool,
    consumers: Sequence[str] | None = None,
    *,
    upto: Position | None = None,
    due_by: datetime | None = None,
    within: float = 10.0,
) -> None:
    """Wait until these consumers, or all that are registered, have applied everything up to the present head.

    It waits for keys in retry; with `due_by` only for those that are due by then. Raises `KeysParked` with the causes
    if a key was parked, `NotSettled` after `within` seconds. Events that handlers emit meanwhile come after that head:
    settle again for them. `upto` replaces the head by another position.
    """
    deadline, looks = time.monotonic() + within, 0
    wanted = None if consumers is None else list(consumers)
    async with pool.acquire() as connection:
        session = Session(connection)
        target = bytes(upto) if upto is not None else await session.maybe(bytes, _HEAD) or bytes(START)
        while behind := await session.all(str, _BEHIND, target, wanted, due_by):
            if time.monotonic() > deadline:
                raise NotSettled(seconds=within, position=Position.from_bytes(target), behind=", ".join(behind))
            looks += 1
            await asyncio.sleep(_LOOK_AGAIN.delay(looks))
    if aside := await parked(pool, consumers):
        causes = "\n".join(f"{key.consumer}, key {key.key!r}, at {key.position}: {key.cause}" for key in aside)
        raise KeysParked(causes=causes)
