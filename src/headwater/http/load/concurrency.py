"""Concurrency: how many requests of one route run at once in this process.

Above the limit a short queue forms: at most `limit` requests wait, for a second at most. Without a queue, one of two
requests that arrive in the same millisecond would be refused although the first is done in the next. In a long queue,
requests would wait until their clients have given up. A queue of `limit` is served within about the duration of one
request. If requests take longer than the second, hardly any would be served from the queue, and the timeout refuses
them.
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
    """A semaphore with `limit` permits, first come, first served; each permit must be given back exactly once.

    At most `queue` requests wait, for `wait` seconds at most.
    """

    def __init__(self, limit: int, queue: int | None = None, wait: float = WAIT_SECONDS) -> None:
        self.limit = limit
        self._queue = limit if queue is None else queue
        self._wait_seconds = wait
        self._taken = 0
        self._waiters: dict[asyncio.Future[None], None] = {}  # in order of arrival

    def take_nowait(self) -> bool:
        """Take a permit if one is available."""
        if self._taken >= self.limit:
            return False
        self._taken += 1
        return True

    async def take_later(self) -> None:
        """Wait for a permit; raises `Shed` if too many wait already, or if it takes too long."""
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
        """Pass the permit to the longest waiting request."""
        while self._waiters:
            waiter = next(iter(self._waiters))
            del self._waiters[waiter]
            if not waiter.done():
                waiter.set_result(None)
                return
        self._taken -= 1

    def statistics(self) -> dict[str, Any]:
        """The permits that are taken, and the requests that wait for one."""
        return {"limit": self.limit, "taken": self._taken, "waiting": len(self._waiters)}

    def _expire(self, waiter: asyncio.Future[None]) -> None:
        if self._waiters.pop(waiter, waiter) is None and not waiter.done():
            waiter.set_exception(_refused(self.limit))


class ConcurrencyLimiters:
    """The limiter of the routes of one process; the versions of a route share theirs."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[Any, ...], ConcurrencyLimiter] = {}

    def of(self, route: Route, limit: int) -> ConcurrencyLimiter:
        """The limiter of a route with this limit."""
        identity = (route.app, route.method, route.path, route.location, limit)
        return self._limiters.setdefault(identity, ConcurrencyLimiter(limit))


def concurrency_of(route: Route) -> int | None:
    """The concurrency limit of a route, or None; raises `OptionInvalid`."""
    limit = route.option(LoadOption).concurrency
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        refuse_option(route, f"concurrency={limit!r}", "it must be a number of requests, at least 1")
    return limit


def with_concurrency(call: Call, limit: int, operation: Operation, services: Services) -> Call:
    """The call while holding a permit; a stream holds it until the stream ends."""
    limiter = services[ConcurrencyLimiters].of(operation.route, limit)
    take_nowait, take_later, give_back = limiter.take_nowait, limiter.take_later, limiter.give_back

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
