"""Keys that are set aside: in retry or parked (others say dead letter), and what an operator can do about them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from headwater.clock import Clock, SystemClock
from headwater.db import Pool, Session
from headwater.log import Position


class SetAsideKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that is set aside, with its oldest entry, which failed, and the number of entries queued behind it."""

    consumer: str
    key: str
    partition: int
    position: Position
    attempts: int
    behind: int
    cause: str
    since: datetime
    """The time of its last failure, or when it was parked."""
    next_attempt_at: datetime | None
    """None for a parked key."""

    @property
    def is_parked(self) -> bool:
        return self.next_attempt_at is None


_PARKED = """
select consumer, key, partition, attempts, cause, parked_at as since, null::timestamptz as next_attempt_at
  from headwater.parked
"""
_IN_RETRY = """
select consumer, key, partition, attempts, cause, failed_at as since, next_attempt_at
  from headwater.retry
"""
_WITH_QUEUE = """
select a.*, q.position, q.count - 1 as behind
  from ({aside}) a
 cross join lateral (
        select (array_agg(position order by position))[1] as position, count(*) as count
          from headwater.queued where consumer = a.consumer and key = a.key) q
 where $1::text[] is null or a.consumer = any($1)
 order by a.consumer, a.since, a.key
"""
_RETRY_NOW = "select headwater.retry_now($1, $2, $3)"
_DROP = "select headwater.drop_queued($1, $2, $3, $4)"


async def parked(pool: Pool, consumers: Sequence[str] | None = None) -> list[SetAsideKey]:
    """The parked keys of these consumers, or of all; the one parked longest comes first."""
    async with pool.acquire() as connection:
        return await _list(Session(connection), _PARKED, consumers)


async def in_retry(pool: Pool, consumers: Sequence[str] | None = None) -> list[SetAsideKey]:
    """The keys of these consumers, or of all, that will be retried automatically."""
    async with pool.acquire() as connection:
        return await _list(Session(connection), _IN_RETRY, consumers)


async def retry_now(pool: Pool, consumer: str, key: str, clock: Clock | None = None) -> bool:
    """Retry a key that is parked or in retry at once, with all its retries.

    The failed entry is applied first, then those queued behind it. Returns False if the key is not set aside.
    """
    async with pool.acquire() as connection:
        return await Session(connection).one(bool, _RETRY_NOW, consumer, key, _now(clock))


async def drop(
    pool: Pool, consumer: str, key: str, position: Position | None = None, clock: Clock | None = None
) -> int:
    """Delete the set-aside entry of a key at `position`, or all entries of the key; returns their number.

    They are never applied. A key without further entries continues with the log; otherwise its next entry is retried.
    Waits for the consumer's present transaction; raises `LockTimeout` if that takes long.
    """
    async with pool.acquire() as connection:
        place = None if position is None else bytes(position)
        return await Session(connection).one(int, _DROP, consumer, key, place, _now(clock))


async def _list(session: Session, aside: str, consumers: Sequence[str] | None) -> list[SetAsideKey]:
    wanted = None if consumers is None else list(consumers)
    rows = await session.all(dict, _WITH_QUEUE.format(aside=aside), wanted)
    return [SetAsideKey(**{**row, "position": Position.from_bytes(row["position"])}) for row in rows]


def _now(clock: Clock | None) -> datetime:
    return (clock or SystemClock()).now()
