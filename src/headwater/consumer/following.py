"""Following: applies the entries of the log, one transaction at a time.

The usual transaction costs four round trips and has no savepoint: begin, claim (the lock, and what to read), the
handler's own statements, the watermark, commit. If a call fails, everything is rolled back and the failing event is
found by bisection (`headwater.consumer.bisection`). Then one transaction moves the watermark over it and sets its key
aside. Later entries of that key queue up behind it; every other key goes on.

Entries that the consumer does not want are passed over without a write: the watermark moves later, together with those
of other lanes, or with the next effect.
"""

import time
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from headwater.clock import Clock
from headwater.commit import write_payloads
from headwater.consumer.bisection import Bisection
from headwater.consumer.consumer import Consumer
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import ConsumerError, TooNew
from headwater.consumer.failure import FailureClassifier, Interrupted, cause_of, storable_key
from headwater.consumer.limits import Limits, Step
from headwater.consumer.occurrences import EventFailed, EventsApplied, KeyParked
from headwater.consumer.reader import Portion
from headwater.consumer.runner import CallFailed, Runner
from headwater.consumer.transaction import commit, pack, queued
from headwater.consumer.watermark import (
    Claim,
    ClaimOutcome,
    WatermarkKey,
    claim,
    keys_aside,
    move,
    queue_behind,
    set_aside,
)
from headwater.db import FOREIGN, Connection, DbError, Pool, translate
from headwater.log import Entry, Position
from headwater.observe import report

_PERSIST_SECONDS: Final = 1.0
"""A lane that only passes over entries moves its watermark after so long."""

_REACH_AFTER_FAILURE: Final = 4
_GROWTH: Final = 4


class TransactionEnd(Enum):
    """How one transaction ended; the values are those of a lane's turn."""

    DONE = "done"
    MORE = "more"
    LOCKED = "locked"
    MOVED = "moved"
    STOPPED = "stopped"
    """The next entry needs newer code: see `obstacle`."""


class _Round:
    """One transaction under way."""

    __slots__ = ("behind", "claimed", "connection", "deliveries", "portion", "started")

    def __init__(self, connection: Connection, claimed: Claim, portion: Portion, started: float) -> None:
        self.connection = connection
        self.claimed = claimed
        self.portion = portion
        self.deliveries = portion.deliveries
        self.behind: list[Delivery] = []
        self.started = started


class Following:
    """Applies the log to one lane."""

    def __init__(
        self, watermark_key: WatermarkKey, consumer: Consumer, pool: Pool, clock: Clock, limits: Limits, step: Step
    ) -> None:
        self.known: Position | None = None
        self.seen: Position | None = None
        self.due_at: datetime | None = None
        self.obstacle: ConsumerError | None = None
        self.passing = False
        """Entries were passed over, and the watermark in the database is not past them yet."""
        self.applied = 0
        """Events applied by this process."""
        self._watermark_key = watermark_key
        self._consumer = consumer
        self._clock = clock
        self._limits = limits
        self._step = step
        self._runner = Runner(consumer, limits.cancel_grace)
        self._classifier = FailureClassifier(pool, consumer.throttle, limits.contention_tries)
        self._bisection = Bisection()
        self._reach = limits.entries
        """Events per transaction: few after a failure, since more may follow, and each repeats the transaction."""
        self._moved_at = time.monotonic()
        self._condemned: dict[Position, Exception] = {}
        """Entries whose calls did not return. They are set aside without another call."""

    def believe(self, watermark: Position, seen: Position) -> None:
        """Note that the watermark is here, and that no entry up to `seen` is for this consumer."""
        if self.known != watermark or self.seen is None:
            self.known, self.seen, self.passing = watermark, seen, False
        else:
            self.seen = max(self.seen, seen)

    def forget(self) -> None:
        """Drop what is remembered."""
        self.known = self.seen = self.due_at = None
        self.passing = False
        self._bisection.clear()
        self._condemned.clear()

    async def once(self, connection: Connection) -> TransactionEnd:
        """One transaction; raises `Interrupted`, and asyncpg's errors when the connection is lost."""
        started = time.monotonic()
        await connection.execute("begin")
        claimed = await self._claim(connection)
        if claimed.outcome is not ClaimOutcome.CLAIMED:
            await connection.execute("rollback")
            return TransactionEnd(claimed.outcome.value)
        self._step("claimed")
        work = _Round(connection, claimed, self._read(claimed), started)
        if not work.deliveries:
            return await self._pass_over(work)
        if claimed.sets_aside:
            await self._split(work)
        if (error := self._condemnation(work)) is not None:
            await connection.execute("rollback")
            return await self._set_delivery_aside(work, error)
        try:
            end = await self._apply(work)
        except CallFailed as failure:
            return await self._failed(work, failure)
        return self._applied(work, end)

    async def _claim(self, connection: Connection) -> Claim:
        return await claim(
            connection,
            self._watermark_key,
            known=self.known,
            seen=self.seen,
            entries=self._take(),
            bytes_=self._limits.batch_bytes,
            alone=self._consumer.throttle.alone,
            server_limit=self._consumer.server_limit,
        )

    def _read(self, claimed: Claim) -> Portion:
        watermark = Position.from_bytes(claimed.watermark)
        self.believe(watermark, watermark)
        self.due_at = claimed.due_at
        return self._consumer.reader.portion(
            self._watermark_key.partition,
            claimed.batches,
            after=watermark,
            end=Position.from_bytes(claimed.readable) if claimed.ended else None,
            cut=self._bisection.next_after(watermark),
            limit=self._take(),
        )

    def _take(self) -> int:
        return min(self._consumer.throttle.entries, self._reach)

    async def _pass_over(self, work: _Round) -> TransactionEnd:
        """There is nothing to apply."""
        portion = work.portion
        if portion.passed and work.started - self._moved_at > _PERSIST_SECONDS:
            await move(work.connection, self._watermark_key, work.claimed.watermark, bytes(portion.end))
            await commit(work.connection)
            self._moved_to(portion.end)
        else:
            await work.connection.execute("rollback")
            self.passing = self.passing or portion.passed > 0
        if portion.obstacle is not None:
            return await self._meet(work, portion.obstacle)
        assert self.known is not None
        self.believe(self.known, portion.end)
        return self._ended(work, portion.end)

    async def _meet(self, work: _Round, obstacle: ConsumerError) -> TransactionEnd:
        """The next entry cannot be read: stop, or set it aside."""
        if isinstance(obstacle, TooNew):
            self.obstacle = obstacle
            return TransactionEnd.STOPPED
        assert work.portion.obstructing is not None
        entry = work.portion.obstructing
        return await self._set_aside(work, obstacle.key, entry, obstacle)

    async def _split(self, work: _Round) -> None:
        """Separate the deliveries that must queue behind the failed entry of their key."""
        keys = [storable_key(delivery.key) for delivery in work.deliveries]
        aside = await keys_aside(work.connection, self._watermark_key, keys)
        if aside:
            work.behind = [delivery for delivery in work.deliveries if storable_key(delivery.key) in aside]
            work.deliveries = [delivery for delivery in work.deliveries if storable_key(delivery.key) not in aside]

    # Applying.

    async def _apply(self, work: _Round) -> Position:
        """Commit effects and watermark together; returns the new watermark. Raises `CallFailed`."""
        end, behind, emitted = work.portion.end, work.behind, list[bytes]()
        if work.deliveries:
            until = work.started + self._limits.transaction
            done = await self._runner.run(work.connection, work.deliveries, emitted, until)
            if done < len(work.deliveries):
                end = work.deliveries[done - 1].position
                behind = [delivery for delivery in behind if delivery.position < end]
        try:
            await self._finish(work, end, behind, emitted)
        except (DbError, *FOREIGN) as error:
            ours = error if isinstance(error, DbError) else translate(error)
            raise CallFailed(0, len(work.deliveries), ours) from error
        self._step("committed")
        return end

    async def _finish(self, work: _Round, end: Position, behind: list[Delivery], emitted: list[bytes]) -> None:
        if behind:
            await queue_behind(work.connection, self._watermark_key, [queued(delivery) for delivery in behind])
        await write_payloads(work.connection, emitted)
        self._step("effects done")
        await move(work.connection, self._watermark_key, work.claimed.watermark, bytes(end))
        self._step("watermark moved")
        await commit(work.connection)

    def _applied(self, work: _Round, end: Position) -> TransactionEnd:
        self._classifier.settle()
        self._moved_to(end)
        events = sum(delivery.position <= end for delivery in work.deliveries)
        self.applied += events
        report(
            EventsApplied(
                consumer=self._watermark_key.consumer,
                partition=self._watermark_key.partition,
                position=str(end),
                events=events,
                passed=work.portion.passed,
                seconds=time.monotonic() - work.started,
            )
        )
        self._reach = min(self._reach * _GROWTH, self._limits.entries)
        return self._ended(work, end)

    def _ended(self, work: _Round, end: Position) -> TransactionEnd:
        whole = work.claimed.ended and bytes(end) >= work.claimed.readable
        return TransactionEnd.DONE if whole else TransactionEnd.MORE

    def _moved_to(self, watermark: Position) -> None:
        self.known = self.seen = watermark
        self.passing = False
        self._moved_at = time.monotonic()

    # Failing.

    async def _failed(self, work: _Round, failure: CallFailed) -> TransactionEnd:
        """Bisect, or, if there was one delivery only, set it aside. Raises `Interrupted`."""
        if not failure.spoilt:
            await self._classifier.weigh(failure.error, work.connection, alone=len(work.portion.deliveries) == 1)
        if not work.deliveries:
            raise failure.error
        culprits = work.deliveries[failure.first : failure.past]
        positions = [delivery.position for delivery in work.portion.deliveries]
        if len(positions) > 1:
            first, last = positions.index(culprits[0].position), positions.index(culprits[-1].position)
            self._bisection.close_in(positions, first, last + 1)
        if failure.spoilt:
            if len(culprits) == 1:
                self._condemned[culprits[0].position] = failure.error
            raise Interrupted(failure.error, 0.0, spoilt=True)
        return await self._set_delivery_aside(work, failure.error) if len(positions) == 1 else TransactionEnd.MORE

    def _condemnation(self, work: _Round) -> Exception | None:
        """The error with which the only delivery of this transaction is known to fail, if it is."""
        alone = len(work.portion.deliveries) == len(work.deliveries) == 1
        return self._condemned.pop(work.deliveries[0].position, None) if alone else None

    async def _set_delivery_aside(self, work: _Round, error: Exception) -> TransactionEnd:
        delivery = work.deliveries[0]
        return await self._set_aside(work, delivery.key, delivery.entry, error)

    async def _set_aside(self, work: _Round, key: str, entry: Entry, error: Exception) -> TransactionEnd:
        """Move the watermark over an entry that failed alone, and set its key aside, in one transaction."""
        self._step("failed alone")
        position = entry.position
        subscription, cause = self._consumer.subscription, cause_of(error)
        pause = subscription.backoff.delay(1) if subscription.retries > 0 else None
        retry_at = None if pause is None else self._clock.now() + timedelta(seconds=pause)
        moved = await set_aside(
            work.connection,
            self._watermark_key,
            old=work.claimed.watermark,
            failed=bytes(position),
            key=storable_key(key),
            entry=pack(entry),
            retry_at=retry_at,
            cause=cause,
        )
        if moved:
            self._step("set aside")
            self._classifier.settle()
            self._moved_to(position)
            self._reach = _REACH_AFTER_FAILURE
            report(failure_of(self._watermark_key, key, position, 1, pause, cause))
        return TransactionEnd.MORE


def failure_of(
    watermark_key: WatermarkKey, key: str, position: Position, attempt: int, pause: float | None, cause: str
) -> EventFailed | KeyParked:
    """The log event of a failure: the key is retried after `pause`, or, without one, parked."""
    if pause is None:
        return KeyParked(
            consumer=watermark_key.consumer,
            partition=watermark_key.partition,
            key=key,
            position=str(position),
            attempt=attempt,
            cause=cause,
        )
    return EventFailed(
        consumer=watermark_key.consumer,
        partition=watermark_key.partition,
        key=key,
        position=str(position),
        attempt=attempt,
        retry_in_seconds=pause,
        cause=cause,
    )
