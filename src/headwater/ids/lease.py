"""Leases: a worker number belongs to one process for a period of time, by PostgreSQL's clock.

Two rules ensure that no two processes make the same id, and they depend on the database's clock alone:

- The leases of a number never overlap in time. A number is leased again only after its lease has expired, and the new
  lease starts no earlier than the old one ended, even if the database's clock was set back in between.
- The time in an id is inside the lease, and it is the database's time: the one at which the lease was taken, plus what
  the process's monotonic clock has counted since. A process that was suspended, or that did not notice that its lease
  had expired, can only make ids with a time that no other process uses.
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
"""Lease the number that expired the longest ago: $1 epoch, $2 holder, $3 milliseconds."""

RENEW: Final = f"""
update headwater.id_worker
set until = greatest(until, {_NOW} + $3::bigint)
where number = $4 and holder = $2
returning number, {_NOW} as now, until
"""
"""Extend the lease of a number, also an expired one if no other process has taken the number."""

RELEASE: Final = f"""
update headwater.id_worker
set holder = null, until = least(until, greatest({_NOW}, $3::bigint))
where number = $4 and holder = $2
"""
"""End the lease; $3 is the first millisecond that no id uses."""


class Lease(NamedTuple):
    """`now` and `until` are milliseconds since the epoch by PostgreSQL's clock; `until` is exclusive."""

    number: int
    now: int
    until: int


async def take_lease(pool: Pool, holder: UUID, seconds: float = LEASE_SECONDS) -> Lease:
    """Lease a free number to `holder`; raises `NoWorkerFree`, or a `DbError`."""
    row = await _fetch(pool, TAKE, holder, _milliseconds(seconds))
    if row is None:
        raise NoWorkerFree(count=WORKERS, seconds=seconds)
    return Lease(*row)


async def renew_lease(pool: Pool, holder: UUID, number: int, seconds: float = LEASE_SECONDS) -> Lease | None:
    """The extended lease, or None if another process has taken the number; raises a `DbError`."""
    row = await _fetch(pool, RENEW, holder, _milliseconds(seconds), number)
    return Lease(*row) if row is not None else None


async def release_lease(pool: Pool, holder: UUID, number: int, unused: int) -> None:
    """Free the number from the millisecond `unused` on; raises a `DbError`."""
    await _fetch(pool, RELEASE, holder, unused, number)


async def _fetch(pool: Pool, sql: str, *arguments: Any) -> Any:
    async with pool.acquire() as connection:
        return await connection.fetchrow(sql, EPOCH, *arguments)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
