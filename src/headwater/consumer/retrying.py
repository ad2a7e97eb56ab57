"""Retrying: retries the keys that are due, one entry and one transaction at a time.

The lock is that of the watermark, as for following the log, so retries and new entries have one order. An entry leaves
the queue in the transaction of its effect. After the last one its key is no longer set aside. When an entry has used up
its retries, the key is parked.
"""

import time
from datetime import timedelta
from enum import Enum

from headwater.clock import Clock
from headwater.commit import write_payloads
from headwater.consumer.consumer import Consumer
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import ConsumerError, TooNew, Unreadable, WatermarkLost
from headwater.consumer.failure import FailureClassifier, Interrupted, cause_of
from headwater.consumer.following import failure_of
from headwater.consumer.limits import Limits, Step
from headwater.consumer.occurrences import EventApplied, KeyRecovered
from headwater.consumer.runner import CallFailed, Runner
from headwater.consumer.transaction import commit, unpack
from headwater.consumer.watermark import ClaimOutcome, RetryClaim, WatermarkKey, applied, claim_retry, postpone
from headwater.db import FOREIGN, Connection, DbError, Pool, translate
from headwater.log import Position
from headwater.observe import report


class Retried(Enum):
    """How one transaction ended."""

    DONE = "done"
    """One entry was applied, or failed once more."""
    NOTHING = "nothing"
    """No key is due, or another worker has the partition."""
    STOPPED = "stopped"
    """The entry needs newer code: see `obstacle`."""


class Retrying:
    """Tries again what one lane has set aside."""

    def __init__(
        self, watermark_key: WatermarkKey, consumer: Consumer, pool: Pool, clock: Clock, limits: Limits, step: Step
    ) -> None:
        self.obstacle: ConsumerError | None = None
        self._watermark_key = watermark_key
        self._consumer = consumer
        self._clock = clock
        self._step = step
        self._runner = Runner(consumer, limits.cancel_grace)
        self._classifier = FailureClassifier(pool, consumer.throttle, limits.contention_tries)
        self._condemned: dict[bytes, Exception] = {}
        """The entry whose call did not come back, by its position."""

    def forget(self) -> None:
        """Drop what is remembered."""
        self._condemned.clear()

    async def once(self, connection: Connection) -> Retried:
        """One transaction; raises `Interrupted`, and asyncpg's errors when the connection is lost."""
        await connection.execute("begin")
        claimed = await claim_retry(
            connection,
            self._watermark_key,
            self._clock.now(),
            alone=self._consumer.throttle.alone,
            server_limit=self._consumer.server_limit,
        )
        if claimed.outcome is not ClaimOutcome.CLAIMED:
            await connection.execute("rollback")
            return Retried.NOTHING
        self._step("retry claimed")
        if (error := self._condemned.pop(claimed.position, None)) is not None:
            await connection.execute("rollback")
            return await self._postpone(connection, claimed, error)
        return await self._try(connection, claimed)

    async def _try(self, connection: Connection, claimed: RetryClaim) -> Retried:
        try:
            delivery = self._read(claimed)
            waiting = await self._apply(connection, claimed, delivery)
        except TooNew as obstacle:
            await connection.execute("rollback")
            self.obstacle = obstacle
            return Retried.STOPPED
        except Unreadable as error:
            await connection.execute("rollback")
            return await self._postpone(connection, claimed, error)
        except CallFailed as failure:
            return await self._failed(connection, claimed, failure)
        self._classifier.settle()
        if delivery is not None:
            self._report_applied(delivery)
        if not waiting:
            report(
                KeyRecovered(
                    consumer=self._watermark_key.consumer, partition=self._watermark_key.partition, key=claimed.key
                )
            )
        return Retried.DONE

    def _read(self, claimed: RetryClaim) -> Delivery | None:
        entry = unpack(claimed.position, claimed.entry)
        return self._consumer.reader.read(self._watermark_key.partition, entry, claimed.failures + 1)

    async def _apply(self, connection: Connection, claimed: RetryClaim, delivery: Delivery | None) -> bool:
        """The effect, and the entry out of its queue, in one commit; whether more entries stand behind it.

        An entry that the subscription no longer wants leaves without an effect.
        """
        emitted: list[bytes] = []
        if delivery is not None:
            await self._runner.run(connection, [delivery], emitted, time.monotonic())
        try:
            await write_payloads(connection, emitted)
            self._step("retry effects done")
            waiting = await applied(connection, self._watermark_key, claimed.key, claimed.position, self._clock.now())
            if waiting is None:
                raise WatermarkLost(consumer=self._watermark_key.consumer, partition=self._watermark_key.partition)
            self._step("retry dequeued")
            await commit(connection)
        except (DbError, *FOREIGN) as error:
            ours = error if isinstance(error, DbError) else translate(error)
            raise CallFailed(0, 1, ours) from error
        self._step("retry committed")
        return waiting

    def _report_applied(self, delivery: Delivery) -> None:
        report(
            EventApplied(
                consumer=delivery.consumer,
                partition=delivery.partition,
                key=delivery.key,
                position=str(delivery.position),
                attempt=delivery.attempt,
            )
        )

    async def _failed(self, connection: Connection, claimed: RetryClaim, failure: CallFailed) -> Retried:
        if failure.spoilt:
            self._condemned[claimed.position] = failure.error
            raise Interrupted(failure.error, 0.0, spoilt=True)
        await self._classifier.weigh(failure.error, connection, alone=True)
        return await self._postpone(connection, claimed, failure.error)

    async def _postpone(self, connection: Connection, claimed: RetryClaim, error: Exception) -> Retried:
        """Count the failure, in a transaction of its own: the next try, or, retries used up, parked."""
        self._step("retry failed")
        attempt, subscription, cause = claimed.failures + 1, self._consumer.subscription, cause_of(error)
        pause = subscription.backoff.delay(attempt) if attempt <= subscription.retries else None
        retry_at = None if pause is None else self._clock.now() + timedelta(seconds=pause)
        if await postpone(connection, self._watermark_key, claimed.key, claimed.failures, retry_at, cause):
            self._step("postponed")
            self._classifier.settle()
            position = Position.from_bytes(claimed.position)
            report(failure_of(self._watermark_key, claimed.key, position, attempt, pause, cause))
        return Retried.DONE
