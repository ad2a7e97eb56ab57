"""The runner: calls a handler for deliveries, within a transaction and a timeout.

A separate task makes the calls one after another, so a handler that does not return can be cancelled. One that ignores
its cancellation is abandoned and its connection closed, and the lane goes on. The timeout costs one reading of the
clock per call.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from headwater.consumer.consumer import Consumer
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import HandlerCancelled, HandlerTimeout
from headwater.consumer.occurrences import HandlerAbandoned
from headwater.db import Connection, TransactionFailed
from headwater.observe import report

_abandoned: Final[set[asyncio.Task[int]]] = set()
"""Held here, since the event loop alone would let them be collected."""


class CallFailed(Exception):
    """A call for the deliveries from `first` to before `past` raised `error`; a fact for the lane, never seen outside.

    `spoilt`: it was stopped in the middle, so the state of the connection is not known.
    """

    def __init__(self, first: int, past: int, error: Exception, *, spoilt: bool = False) -> None:
        super().__init__(first, past, error)
        self.first = first
        self.past = past
        self.error = error
        self.spoilt = spoilt


class Runner:
    """Runs one consumer's handler for one lane."""

    __slots__ = ("_batch", "_consumer", "_first", "_grace", "_past", "_started", "_timeout")

    def __init__(self, consumer: Consumer, cancel_grace: float) -> None:
        self._consumer = consumer
        self._batch = consumer.subscription.batch
        self._timeout = consumer.subscription.timeout
        self._grace = cancel_grace
        self._first = 0
        self._past = 0
        self._started = 0.0

    async def run(
        self, connection: Connection, deliveries: Sequence[Delivery], emitted: list[bytes], until: float
    ) -> int:
        """Apply deliveries in order; after the monotonic time `until` no further call begins. Returns their number.

        What the handlers emitted is added to `emitted`, in order. Raises `CallFailed`.
        """
        work = self._one_by_one if self._batch is None else self._in_batches
        self._first = self._past = 0
        self._started = time.monotonic()
        task = asyncio.get_running_loop().create_task(work(connection, deliveries, emitted, until))
        try:
            expired = await self._expires(task)
        except asyncio.CancelledError:
            await self._stop(task, connection, deliveries)
            raise
        if expired:
            await self._stop(task, connection, deliveries)
            raise self._failed(HandlerTimeout(seconds=self._timeout), spoilt=True)
        if task.cancelled():
            raise self._failed(HandlerCancelled(), spoilt=True)
        return task.result()

    async def _one_by_one(
        self, connection: Connection, deliveries: Sequence[Delivery], emitted: list[bytes], until: float
    ) -> int:
        call, transaction, clock = self._consumer.call, self._consumer.transaction, time.monotonic
        for index, delivery in enumerate(deliveries):
            self._first, self._past = index, index + 1
            tx = transaction(connection, delivery)
            try:
                await call(tx, delivery)
            except Exception as error:
                raise self._failed(error) from error
            emitted += tx.drain()
            now = clock()
            self._check_time(now)
            if now > until:
                return index + 1
            self._started = now
        return len(deliveries)

    async def _in_batches(
        self, connection: Connection, deliveries: Sequence[Delivery], emitted: list[bytes], until: float
    ) -> int:
        assert self._batch is not None
        for first in range(0, len(deliveries), self._batch):
            batch = deliveries[first : first + self._batch]
            self._first, self._past = first, first + len(batch)
            tx = self._consumer.transaction_for_all(connection, batch)
            try:
                await self._consumer.call(tx, batch)
            except Exception as error:
                raise self._failed(error) from error
            emitted += tx.drain()
            now = time.monotonic()
            self._check_time(now)
            if now > until:
                return self._past
            self._started = now
        return len(deliveries)

    def _check_time(self, now: float) -> None:
        """A handler that blocked the event loop for too long has failed as well."""
        if now - self._started > self._timeout:
            raise self._failed(HandlerTimeout(seconds=self._timeout))

    def _failed(self, error: Exception, *, spoilt: bool = False) -> CallFailed:
        # What finds the transaction broken off does so because of an earlier call, or of itself: it is not known which.
        first = 0 if isinstance(error, TransactionFailed) else self._first
        return CallFailed(first, self._past, error, spoilt=spoilt)

    async def _expires(self, task: asyncio.Task[int]) -> bool:
        """Wait for the calls to end; True when one of them has taken too long first."""
        left = self._timeout
        while not (await asyncio.wait((task,), timeout=left))[0]:
            left = self._started + self._timeout - time.monotonic()
            if left <= 0:
                return True
        return False

    async def _stop(self, task: asyncio.Task[int], connection: Connection, deliveries: Sequence[Delivery]) -> None:
        """Cancel the calls. If they do not end, close the connection, which releases the lock."""
        task.cancel()
        if (await asyncio.wait((task,), timeout=self._grace))[0]:
            if not task.cancelled():
                task.exception()
            return
        connection.terminate()
        _abandoned.add(task)
        task.add_done_callback(_forget)
        delivery = deliveries[self._first]
        report(
            HandlerAbandoned(consumer=delivery.consumer, partition=delivery.partition, position=str(delivery.position))
        )


def _forget(task: asyncio.Task[int]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()
