"""Snowflakes: the ids of a process. A worker number is leased for the first id, and renewed while ids are made."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

from headwater.clock import Clock, SystemClock
from headwater.db import DbError, Pool
from headwater.ids.generator import Generator, SequenceExhausted
from headwater.ids.lease import LEASE_SECONDS, Lease, release_lease, renew_lease, take_lease

_RETRY_SHARE = 0.1


class Snowflakes:
    """The ids of this process; a handler parameter of this type receives it.

    Ids are unique across all processes of the database, and strictly increasing in each. The lease of the worker number
    is renewed by the first id after half of its time; without ids it expires, and the next id leases a number again.
    Nothing is leased before the first id.

    The time in an id is the database's, on which all processes agree. When `clock` jumps, the lease is over, and the
    next id renews it with the database's time.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        clock: Clock | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._pool = pool
        clock = clock or SystemClock()
        self._monotonic = clock.monotonic
        self._sleep = clock.sleep
        self._seconds = lease_seconds
        self._holder = uuid4()
        self._leasing = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None
        self._held: _Held | None = None
        self._given = 0
        self._waits = 0
        self._leases = 0

    async def next(self) -> int:
        """A new id. Waits only for a lease, or when 4096 ids were made in this millisecond.

        Raises `NoWorkerFree`, `ClockWentBack`, or a `DbError` if a lease is needed and the database is unreachable.
        """
        while True:
            held = self._held
            now = held.now(self._monotonic()) if held is not None else 0
            if held is None or now >= held.until:
                await self._lease()
                continue
            if now >= held.renew_at and self._renewing is None:
                self._renew_beside()
            try:
                id = held.generator.take(now)
            except SequenceExhausted as exhausted:
                self._waits += 1
                await self._sleep(exhausted.milliseconds / 1000)
                continue
            self._given += 1
            return id

    async def take(self, count: int) -> list[int]:
        """`count` new ids in ascending order; raises as `next` does."""
        return [await self.next() for _ in range(count)]

    async def close(self) -> None:
        """Free the worker number; if the database is unreachable, it becomes free when its lease expires."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        held, self._held = self._held, None
        if held is not None:
            with suppress(DbError):
                await release_lease(self._pool, self._holder, held.generator.worker, held.generator.last + 1)

    def statistics(self) -> dict[str, Any]:
        """The worker number, if one is leased, and counts of ids, waits and leases."""
        worker = self._held.generator.worker if self._held is not None else None
        return {"worker": worker, "given": self._given, "waits": self._waits, "leases": self._leases}

    async def _lease(self) -> None:
        """Renew the lease, or take one of another number."""
        async with self._leasing:
            held = self._held
            if held is not None and held.now(self._monotonic()) < held.until:
                return  # another task was here first
            asked = self._monotonic()
            lease = None
            if held is not None:
                lease = await renew_lease(self._pool, self._holder, held.generator.worker, self._seconds)
            if lease is None:
                held, lease = None, await take_lease(self._pool, self._holder, self._seconds)
            self._hold(lease, asked, held)

    def _hold(self, lease: Lease, asked: float, before: "_Held | None") -> None:
        self._leases += 1
        generator = before.generator if before is not None else Generator(lease.number, lease.now)
        self._held = _Held(generator, lease, asked)

    def _renew_beside(self) -> None:
        self._renewing = asyncio.create_task(self._renew(), name="renew worker number")

    async def _renew(self) -> None:
        """Renew before the lease expires. A failure is retried by a later id, and raised once the lease has expired."""
        held = self._held
        assert held is not None, "only a held lease is renewed"
        asked = self._monotonic()
        try:
            with suppress(DbError):
                held.renew_at += round(self._seconds * _RETRY_SHARE * 1000)  # not again at once, should it fail
                lease = await renew_lease(self._pool, self._holder, held.generator.worker, self._seconds)
                if self._held is held:
                    if lease is None:
                        self._held = None
                    else:
                        self._hold(lease, asked, held)
        finally:
            self._renewing = None


class _Held:
    """A lease, and the database's clock as it was when the lease was taken.

    `asked` is the monotonic time before the query, so that `now` is never behind the database's clock and the lease is
    never assumed to last longer than it does.
    """

    __slots__ = ("_asked", "_now", "generator", "renew_at", "until")

    def __init__(self, generator: Generator, lease: Lease, asked: float) -> None:
        self.generator = generator
        self.until = lease.until
        self.renew_at = (lease.now + lease.until) // 2
        self._now = lease.now
        self._asked = asked

    def now(self, monotonic: float) -> int:
        """Milliseconds since the epoch, by the database's clock."""
        return self._now + int((monotonic - self._asked) * 1000)
