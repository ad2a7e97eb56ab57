"""A lane: one consumer in one partition, where entries are applied in order.

A lane does everything under the lock of its watermark row, one transaction at a time: following the log
(`headwater.consumer.following`) and retrying what failed before (`headwater.consumer.retrying`). So an entry cannot
overtake the failed one of its key, however many workers there are.

What a lane remembers between transactions only saves work. In doubt it forgets everything, and reads the stored state
again under the lock.
"""

import asyncio
import time
from collections.abc import Set
from datetime import datetime
from enum import Enum

from headwater.clock import Clock
from headwater.consumer.consumer import Consumer
from headwater.consumer.errors import WatermarkLost
from headwater.consumer.failure import Interrupted, is_passing
from headwater.consumer.following import Following, TransactionEnd
from headwater.consumer.limits import RECONNECT, Limits, Step
from headwater.consumer.occurrences import BatchInterrupted, ConsumerResumed, ConsumerStopped
from headwater.consumer.retrying import Retried, Retrying
from headwater.consumer.watermark import WatermarkKey
from headwater.db import Connection, Pool
from headwater.log import Position
from headwater.observe import report


class Turn(Enum):
    """How a turn ended, and so when the next one is due."""

    DONE = "done"
    """Nothing is left to do."""
    MORE = "more"
    LOCKED = "locked"
    """Another worker holds the partition."""
    MOVED = "moved"
    """The watermark is gone from this layout."""
    STOPPED = "stopped"
    """The next entry needs newer code."""
    INTERRUPTED = "interrupted"
    """The transaction was lost, to PostgreSQL or to another transaction; see the lane's `pause`."""


class Lane:
    """One consumer in one partition. Only one task may use it at a time."""

    def __init__(
        self, watermark_key: WatermarkKey, consumer: Consumer, pool: Pool, clock: Clock, limits: Limits, step: Step
    ) -> None:
        self.watermark_key = watermark_key
        self.pause = 0.0
        """Seconds before the next turn, after one that was interrupted or found the partition locked."""
        self.stopped: str | None = None
        """Why this lane is stopped."""
        self._consumer = consumer
        self._pool = pool
        self._clock = clock
        self._limits = limits
        self._following = Following(watermark_key, consumer, pool, clock, limits, step)
        self._retrying = Retrying(watermark_key, consumer, pool, clock, limits, step)
        self._interruptions = 0
        self._locked = 0

    @property
    def consumer_name(self) -> str:
        return self.watermark_key.consumer

    @property
    def alone(self) -> bool:
        """Whether no other lane of this consumer may run at the same time."""
        return self._consumer.throttle.alone

    @property
    def due_at(self) -> datetime | None:
        """When the next key in retry is to be tried."""
        return self._following.due_at

    @property
    def known(self) -> Position | None:
        """The last known watermark; None in doubt."""
        return self._following.known

    @property
    def seen(self) -> Position | None:
        """No entry between `known` and here is for this consumer."""
        return self._following.seen

    @property
    def passing(self) -> bool:
        """Whether entries were passed over, and the watermark in the database is not past them yet."""
        return self._following.passing

    @property
    def applied(self) -> int:
        """Events that this process has applied here."""
        return self._following.applied

    def believe(self, watermark: Position, seen: Position, *, passing: bool = False) -> None:
        """Note that the watermark is here, and no entry up to `seen` is for it (with `passing`: but for others)."""
        self._following.believe(watermark, seen)
        if passing:
            self._following.passing = True

    def wants(self, topics: Set[str]) -> bool:
        """Whether a batch about these topics concerns this consumer."""
        return not self._consumer.reader.topics.isdisjoint(topics)

    def is_due(self) -> bool:
        """Whether a key in retry is to be tried now, as far as is known."""
        return self.due_at is not None and self.due_at <= self._clock.now()

    def forget(self) -> None:
        """Forget everything: there may have been changes that were not seen."""
        self._following.forget()
        self._retrying.forget()

    async def turn(self) -> Turn:
        """Run transactions until nothing is left, or until the time of a turn is over."""
        try:
            connection = await self._pool.take()
        except Exception as error:
            return self._interrupted(error)
        try:
            ended = await self._work(connection)
        except Interrupted as error:
            (self._pool.recover if error.spoilt else self._pool.put)(connection)
            return self._interrupted(error.error, error.pause)
        except Exception as error:
            self._pool.recover(connection)
            if isinstance(error, WatermarkLost) or is_passing(error):
                return self._interrupted(error)
            return self._stop(error)
        except BaseException:
            self._pool.recover(connection)
            raise
        self._pool.put(connection)
        return self._locked_out() if ended is Turn.LOCKED else self._let_in(ended)

    async def _work(self, connection: Connection) -> Turn:
        until = time.monotonic() + self._limits.turn
        while True:
            async with asyncio.timeout(self._consumer.dead_after):
                ended = await self._once(connection)
            if ended is not Turn.MORE or time.monotonic() > until:
                return ended

    async def _once(self, connection: Connection) -> Turn:
        followed = await self._following.once(connection)
        if followed is TransactionEnd.STOPPED:
            return self._stop(self._following.obstacle)
        if followed in (TransactionEnd.LOCKED, TransactionEnd.MOVED):
            return Turn(followed.value)
        if not self.is_due():
            self._resume()
            return Turn(followed.value)
        if await self._retrying.once(connection) is Retried.STOPPED:
            return self._stop(self._retrying.obstacle)
        return Turn.MORE

    def _locked_out(self) -> Turn:
        """Another worker holds the partition: try again with backoff."""
        self._locked += 1
        self.pause = self._limits.locked.delay(self._locked)
        return Turn.LOCKED

    def _let_in(self, ended: Turn) -> Turn:
        self._interruptions = self._locked = 0
        return ended

    def _interrupted(self, error: BaseException, pause: float | None = None) -> Turn:
        if pause is None:
            self._interruptions += 1
            pause = RECONNECT.delay(self._interruptions)
            self.forget()
        self.pause = pause
        report(
            BatchInterrupted(
                consumer=self.watermark_key.consumer,
                partition=self.watermark_key.partition,
                reason=f"{type(error).__name__}: {error}",
                retry_in_seconds=pause,
            )
        )
        return Turn.INTERRUPTED

    def _stop(self, obstacle: Exception | None) -> Turn:
        """Stop, and report it once: neither a retry nor parking would help."""
        reason = f"{type(obstacle).__name__}: {obstacle}"
        if self.stopped != reason:
            self.stopped = reason
            report(
                ConsumerStopped(
                    consumer=self.watermark_key.consumer,
                    partition=self.watermark_key.partition,
                    position=str(getattr(obstacle, "position", self.known)),
                    reason=reason,
                )
            )
        return Turn.STOPPED

    def _resume(self) -> None:
        if self.stopped is not None:
            self.stopped = None
            report(ConsumerResumed(consumer=self.watermark_key.consumer, partition=self.watermark_key.partition))
