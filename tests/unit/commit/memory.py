"""The committer's double: commits to memory, so that what is in front of it can be tested without a database.

`tests/integration/commit/test_behaviour.py` holds it and the real one to the same behaviour.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

from headwater.clock import Clock, SystemClock
from headwater.commit import IdempotencyKey, KeyReused, Origin, Replay, Stored, Tx
from headwater.commit.committer import WAIT_SECONDS
from headwater.commit.flight import SingleFlight
from headwater.commit.record import Record
from headwater.commit.retry import Retries
from headwater.db import Contention, LockTimeout

Work = Callable[[Tx], Awaitable[Any]]


class _Landed(NamedTuple):
    """What a key stands for, and what its execution returned if it was this one."""

    record: Record
    executed: tuple[Any] | None


class MemoryCommitter:
    """Executes work once per key; remembers what it was asked for and what became of it.

    A transaction has no connection: work may emit, and run no statement.
    """

    def __init__(
        self, clock: Clock | None = None, *, keep: timedelta = timedelta(hours=24), wait: float = WAIT_SECONDS
    ) -> None:
        self.origins: list[Origin] = []
        self.committed: list[Any] = []
        """What was stored under a key, and what work without one returned."""
        self.payloads: list[bytes] = []
        """The events that were committed, as they would be written."""
        self.rolled_back: list[Exception] = []
        self.attempts_lost = 0
        """Commits that are lost to another transaction before one succeeds."""
        self.commit: Callable[[], Awaitable[None]] | None = None
        """What takes time when committing."""
        self._clock = clock or SystemClock()
        self._keep = keep
        self._wait_seconds = wait
        self._records: dict[bytes, Record] = {}
        self._flights: SingleFlight[_Landed] = SingleFlight()
        self._retries = Retries(pick=lambda low, high: low)

    async def execute(self, work: Work, origin: Origin) -> Any:
        self.origins.append(origin)
        return await self._with_retries(lambda: self._attempt(work, origin, lambda result: result))

    async def execute_once(
        self, work: Work, origin: Origin, key: IdempotencyKey, store: Callable[[Any], Stored]
    ) -> Any:
        self.origins.append(origin)
        landed, followed = await self._flights.lead_or_follow(
            key.scope,
            lambda: self._with_retries(lambda: self._attempt_once(work, origin, key, store)),
            self._wait_seconds,
        )
        if landed.record.fingerprint != key.fingerprint:
            raise KeyReused
        if followed or landed.executed is None:
            return Replay(landed.record.answer)
        return landed.executed[0]

    async def _with_retries(self, attempt: Callable[[], Awaitable[Any]]) -> Any:
        attempts = 1
        while True:
            try:
                return await attempt()
            except LockTimeout:
                raise
            except Contention:
                pause = self._retries.pause_after(attempts)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            attempts += 1

    async def _attempt_once(
        self, work: Work, origin: Origin, key: IdempotencyKey, store: Callable[[Any], Stored]
    ) -> _Landed:
        found = self._records.get(key.scope)
        if found is not None and found.created_at > self._clock.now() - self._keep:
            return _Landed(found, None)
        result = await self._attempt(work, origin, store)
        record = self._records[key.scope] = Record(key.fingerprint, self.committed[-1], self._clock.now())
        return _Landed(record, (result,))

    async def _attempt(self, work: Work, origin: Origin, store: Callable[[Any], Any]) -> Any:
        no_connection: Any = None
        tx = Tx(no_connection, origin, self._clock)
        try:
            result = await work(tx)
            stored = store(result)
            await self._commit()
            self.payloads += tx.drain()
        except Exception as error:
            self.rolled_back.append(error)
            raise
        finally:
            tx.end()
        self.committed.append(stored)
        self._retries.earn()
        return result

    async def _commit(self) -> None:
        if self.commit is not None:
            await self.commit()
        if self.attempts_lost:
            self.attempts_lost -= 1
            raise Contention(reason="another transaction was first")
