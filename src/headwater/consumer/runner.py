"""Running a handler over deliveries, inside a transaction and inside its time.

The calls are made one after another by a task of their own, so that a handler which does not return can be cancelled,
and one that ignores even that be left behind with its connection closed under it, without losing the lane. Watching
costs one reading of the clock per call.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from headwater.commit import Tx
from headwater.consumer.consumer import Consumer
from headwater.consumer.delivery import Delivery
from headwater.consumer.errors import ConsumerError, HandlerTimeout
from headwater.consumer.occurrences import HandlerAbandoned
from headwater.db.connection import Connection
from headwater.observe import report

_ABANDONED: Final[set[asyncio.Task[int]]] = set()
"""Held here, since the event loop alone would let them be collected."""


class HandlerCancelled(ConsumerError):
    """The handler let a cancellation of its own escape."""


class CallFailed(Exception):  # noqa: N818 - a fact on its way to the lane, never seen outside
    """A call for the deliveries from `first` to before `past` raised `error`.

    `spoilt`: it was cancelled in the middle, so the state of the connection is not known.
    """

    def __init__(self, first: int, past: int, error: Exception, *, spoilt: bool = False) -> None:
        super().__init__(first, past, error)
        self.first = first
        self.past = past
        self.error = error
        self.spoilt = spoilt


class Runner:
    """Runs one consumer's handler."""

    __slots__ = ("_batch", "_call", "_caused", "_consumer", "_first", "_grace", "_past", "_started", "_timeout")

    def __init__(self, consumer: Consumer, cancel_grace: float) -> None:
        self._consumer = consumer
        self._call = consumer.call
        self._batch = consumer.subscription.batch
        self._timeout = consumer.subscription.timeout
        self._grace = cancel_grace
        self._first = 0
        self._past = 0
        self._started = 0.0

    async def run(self, connection: Connection, tx: Tx, deliveries: Sequence[Delivery], until: Callable[[], float]) -> int:
        """Apply deliveries in order; after the time `until` no further call begins. Says how many were applied.

        Raises `CallFailed`.
        """
        work = self._apply_one_by_one if self._batch is None else self._apply_in_batches
        self._started = time.monotonic()
        task = asyncio.get_running_loop().create_task(work(tx, deliveries, until))
        try:
            expired = await self._watch(task)
        except asyncio.CancelledError:
            await self._end(task, connection, deliveries)
            raise
        if expired:
            await self._end(task, connection, deliveries)
            raise CallFailed(self._first, self._past, HandlerTimeout(seconds=self._timeout), spoilt=True)
        if task.cancelled():
            raise CallFailed(self._first, self._past, HandlerCancelled(), spoilt=True)
        return task.result()

    async def _apply_one_by_one(self, tx: Tx, deliveries: Sequence[Delivery], until: Callable[[], float]) -> int:
        call, caused, timeout, clock = self._call, self._caused, self._timeout, time.monotonic
        for index, delivery in enumerate(deliveries):
            self._first, self._past = index, index + 1
            caused(tx, delivery)
            try:
                await call(tx, delivery)
            except Exception as error:
                raise CallFailed(index, index + 1, error) from error
            now = clock()
            if now - self._started > timeout:
                raise CallFailed(index, index + 1, HandlerTimeout(seconds=timeout))
            if now > until():
                return index + 1
            self._started = now
        return len(deliveries)
