"""The committer's double: commits to memory, so that what is in front of it can be tested without a database.

`tests/integration/commit/test_behaviour.py` holds it and the real one to the same behaviour.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from headwater.clock import Clock, SystemClock
from headwater.commit import IdempotencyKey, KeyReused, Origin, Outcome, Stored, Tx
from headwater.commit.committer import WAIT_SECONDS
from headwater.commit.flight import Flights
from headwater.commit.record import Record
from headwater.commit.retry import Retries
from headwater.db import Contention, LockTimeout

Work = Callable[[Tx], Awaitable[Stored]]


class MemoryCommitter:
    """Executes work once per key; remembers what it was asked for and what became of it.

    A transaction has no connection: work may emit, and run no statement.
    """

    def __init__(
        self, clock: Clock | None = None, *, keep: timedelta = timedelta(hours=24), wait: float = WAIT_SECONDS
    ) -> None:
        self.origins: list[Origin] = []
        self.committed: list[Stored] = []
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
        self._flights: Flights[tuple[Record, bool]] = Flights()
        self._retries = Retries(pick=lambda low, high: low)

    async def execute(self, work: Work, origin: Origin, key: IdempotencyKey | None = None) -> Outcome:
        self.origins.append(origin)
        if key is None:
            record, _ = await self._with_retries(work, origin, None)
            return Outcome(record.answer, replayed=False)
        (record, found), followed = await self._flights.lead_or_follow(
            key.scope, lambda: self._with_retries(work, origin, key), self._wait_seconds
        )
        if record.fingerprint != key.fingerprint:
            raise KeyReused
        return Outcome(record.answer, replayed=found or followed)

    async def _with_retries(self, work: Work, origin: Origin, key: IdempotencyKey | None) -> tuple[Record, bool]:
        attempt = 1
        while True:
            try:
                return await self._attempt(work, origin, key)
            except LockTimeout:
                raise
            except Contention:
                pause = self._retries.pause_after(attempt)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            attempt += 1

    async def _attempt(self, work: Work, origin: Origin, key: IdempotencyKey | None) -> tuple[Record, bool]:
        found = self._records.get(key.scope) if key is not None else None
        if found is not None and found.created_at > self._clock.now() - self._keep:
            return found, True
        no_connection: Any = None
        tx = Tx(no_connection, origin, self._clock)
        try:
            record = Record(key.fingerprint if key is not None else b"", await work(tx), self._clock.now())
            await self._commit()
        except Exception as error:
            self.rolled_back.append(error)
            raise
        finally:
            payloads = tx.drain()
            tx.end()
        self.committed.append(record.answer)
        self.payloads += payloads
        if key is not None:
            self._records[key.scope] = record
        self._retries.earn()
        return record, False

    async def _commit(self) -> None:
        if self.commit is not None:
            await self.commit()
        if self.attempts_lost:
            self.attempts_lost -= 1
            raise Contention(reason="another transaction was first")
