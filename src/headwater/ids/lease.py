"""Leases: a worker number belongs to one process for a window of time, by PostgreSQL's clock.

That no two processes ever make the same id rests on two things, and on no other clock than the database's:

- The windows of a number never overlap. A number is taken only once its window is over, and the new window begins where
  the old one ended at the earliest, even if the database's clock was set back in between.
- An id carries a time inside the window of its lease, and that time is the database's too: what it said when the
  lease was taken, plus what the process's monotonic clock has counted since. A process that was frozen, or whose lease
  has run out unnoticed, can therefore only make ids of a time that nobody else makes ids of.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

from headwater.db import Pool
from headwater.ids.errors import NoWorkerFree
from headwater.ids.layout import EPOCH, WORKERS

LEASE_SECONDS: Final = 60.0

_NOW: Final = "floor(extract(epoch from clock_timestamp() - $1::timestamptz) * 1000)::bigint"

TAKE: Final = f"""
with free as (
    select number, until from headwater.id_worker
    where until <= {_NOW}
    order by until, number
    limit 1
    for update skip locked
)
update headwater.id_worker as worker
set holder = $2, until = greatest({_NOW}, free.until) + $3::bigint
from free
where worker.number = free.number
returning worker.number, greatest({_NOW}, free.until) as now, worker.until
"""
"""A number whose window is over, the one that has rested longest: $1 epoch, $2 holder, $3 milliseconds."""

RENEW: Final = f"""
update headwater.id_worker
set until = greatest(until, {_NOW} + $3::bigint)
where number = $4 and holder = $2
returning number, {_NOW} as now, until
"""
"""The same number for longer, also when its window is over, if nobody has taken it."""

RELEASE: Final = f"""
update headwater.id_worker
set holder = null, until = least(until, greatest({_NOW}, $3::bigint))
where number = $4 and holder = $2
"""
"""Give it back; $3 is the first millisecond that no id has."""


class Lease(NamedTuple):
    """`now` and `until` are milliseconds since the epoch by PostgreSQL's clock; nothing of `until` belongs to it."""

    number: int
    now: int
    until: int


async def take_lease(pool: Pool, holder: UUID, seconds: float = LEASE_SECONDS) -> Lease:
    """A number for `holder` alone; raises `NoWorkerFree`, or a `DbError`."""
    row = await _fetch(pool, TAKE, holder, _milliseconds(seconds))
    if row is None:
        raise NoWorkerFree(count=WORKERS, seconds=seconds)
    return Lease(*row)


async def renew_lease(pool: Pool, holder: UUID, number: int, seconds: float = LEASE_SECONDS) -> Lease | None:
    """The lease with more time, None if another process has the number by now; raises a `DbError`."""
    row = await _fetch(pool, RENEW, holder, _milliseconds(seconds), number)
    return Lease(*row) if row is not None else None


async def release_lease(pool: Pool, holder: UUID, number: int, unused: int) -> None:
    """Let others have the number from the millisecond `unused` on; raises a `DbError`."""
    await _fetch(pool, RELEASE, holder, unused, number)


async def _fetch(pool: Pool, sql: str, *arguments: Any) -> Any:
    async with pool.acquire() as connection:
        return await connection.fetchrow(sql, EPOCH, *arguments)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
