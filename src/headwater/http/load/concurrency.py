"""Slots: how many requests of one route are worked on at once in this process.

Over the limit a short queue forms, as long as the limit and for a second at most. Without any, two requests that come
in the same millisecond would be one refusal, though the first is done in the next; with a long one everybody would wait
for what nobody waits for any more. A queue of `limit` is served within about the time that one request takes, if they
take less than the second; if they take more, hardly anybody would be served from it, and the second says so.
"""

import asyncio
from typing import Any, Final

from headwater.binding import Services
from headwater.http.load.options import LoadOption
from headwater.http.load.refusal import Shed
from headwater.http.message.answer import Answer
from headwater.http.message.request import Request
from headwater.http.route.call import Call
from headwater.http.route.route import Route, refuse_option
from headwater.http.step.operation import Operation

WAIT_SECONDS: Final = 1.0


class ConcurrencyLimiter:
    """At most `limit` taken at once, first come, first served; each must be given back exactly once.

    `queue` requests wait for `wait` seconds at most.
    """

    def __init__(self, limit: int, queue: int | None = None, wait: float = WAIT_SECONDS) -> None:
        self.limit = limit
        self._queue = limit if queue is None else queue
        self._wait_seconds = wait
        self._taken = 0
        self._waiters: dict[asyncio.Future[None], None] = {}  # in order of arrival

    def take_nowait(self) -> bool:
        """Whether one was free."""
        if self._taken >= self.limit:
            return False
        self._taken += 1
        return True

    async def take_later(self) -> None:
        """Wait for one; raises `Shed` if too many do already, or if it takes too long."""
        if len(self._waiters) >= self._queue:
            raise _refused(self.limit)
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters[waiter] = None
        timer = loop.call_later(self._wait_seconds, self._expire, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.give_back()
            raise
        finally:
            timer.cancel()

    def give_back(self) -> None:
        """Hand the slot to whoever has waited longest."""
        while self._waiters:
            waiter = next(iter(self._waiters))
            del self._waiters[waiter]
            if not waiter.done():
                waiter.set_result(None)
                return
        self._taken -= 1

    def statistics(self) -> dict[str, Any]:
        """Slots that are taken, and requests that wait for one."""
        return {"limit": self.limit, "taken": self._taken, "waiting": len(self._waiters)}

    def _expire(self, waiter: asyncio.Future[None]) -> None:
        if self._waiters.pop(waiter, waiter) is None and not waiter.done():
            waiter.set_exception(_refused(self.limit))


class ConcurrencyLimiters:
    """The slots of the routes of one process; the versions of a route share theirs."""

    def __init__(self) -> None:
        self._slots: dict[tuple[Any, ...], ConcurrencyLimiter] = {}

    def of(self, route: Route, limit: int) -> ConcurrencyLimiter:
        """The slots of a route with this limit."""
        identity = (route.app, route.method, route.path, route.location, limit)
        return self._slots.setdefault(identity, ConcurrencyLimiter(limit))


def concurrency_of(route: Route) -> int | None:
    """None for a route without a limit; raises `OptionInvalid`."""
    limit = route.option(LoadOption).concurrency
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        refuse_option(route, f"concurrency={limit!r}", "it must be a number of requests, at least 1")
    return limit


def with_concurrency(call: Call, limit: int, operation: Operation, services: Services) -> Call:
    """The same with a slot, from before the call until it has answered; that of a stream, until the stream ends."""
    slots = services[ConcurrencyLimiters].of(operation.route, limit)
    take_nowait, take_later, give_back = slots.take_nowait, slots.take_later, slots.give_back

    async def call_limited(request: Request) -> Answer:
        if not take_nowait():
            await take_later()
        try:
            answer = await call(request)
        except BaseException:
            give_back()
            raise
        if answer.stream is None:
            give_back()
        else:
            request.hold(give_back)
        return answer

    return call_limited


def _refused(limit: int) -> Shed:
    return Shed("concurrency", f"At most {limit} requests of this route run at once.")
