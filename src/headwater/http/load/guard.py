"""The guard: sheds load by refusing a request before any work on it, if it would wait too long.

It decides per process, by three measures: the number of requests in flight, which protects memory; the lag of the event
loop; and the wait for a connection of the pool that the request needs (`headwater.http.load.delay` defines how long is
too long). The last two protect latency. A request whose deadline is shorter than the present wait is always refused. A
request that needs no connection is not refused because of a pool.

Its cost: `look` runs several times a second and sets `most`. A request compares `most` with the number in flight; only
above it are the queues checked. Up to `FLOOR` concurrent requests nothing is refused: they are fewer than a pool has
connections, so no queue of ours is slow.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from headwater.http.load.delay import Delay
from headwater.http.load.queue import LoopQueue, PoolQueue, WaitQueue
from headwater.http.load.refusal import Reason, Shed
from headwater.settings import Settings

FLOOR: Final = 10
LOOK_SECONDS: Final = 0.05


class WaitingRequest(Protocol):
    """The pools that a request waits for, ``reads`` or ``writes``, and its deadline in seconds, 0 for none."""

    @property
    def waits_for(self) -> frozenset[str]: ...

    @property
    def deadline(self) -> float: ...


class Guard:
    """`queues` are the pools, under ``reads`` and ``writes``. `most` requests may be in flight without being asked."""

    def __init__(
        self, settings: Settings, queues: Mapping[Reason, WaitQueue], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._sheds = settings.shed
        self._limit = settings.in_flight
        self._monotonic = monotonic
        self._flowing = 0
        self._loop = LoopQueue(_delay(settings))
        pools = [PoolQueue(reason, queue, _delay(settings)) for reason, queue in queues.items()]
        self._queues: list[LoopQueue | PoolQueue] = [self._loop, *pools]
        self._looked = monotonic()
        self._calm = True
        self._timer: asyncio.TimerHandle | None = None
        self.most = 0.0
        self._set_most()

    def start(self) -> None:
        """Start looking periodically, in the running loop."""
        if self._sheds:
            self._looked = self._monotonic()
            self._look_later()

    def stop(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check(self, request: WaitingRequest, in_flight: float) -> None:
        """Raise `Shed` if the process has no capacity for one more request."""
        if in_flight - self._flowing > self._limit:
            raise _refused("in_flight")
        self.check_waits(request, request.deadline)

    def check_waits(self, request: WaitingRequest, deadline: float) -> None:
        """Raise `Shed` if the wait is too long, absolutely or for the `deadline` in seconds (0 for none)."""
        now = self._monotonic()
        for queue in self._queues:
            if queue.reason == "loop" or queue.reason in request.waits_for:
                wait = queue.wait(now)
                if wait > queue.delay.bound:
                    queue.delay.refuse(now)
                    raise _refused(queue.reason, wait)
                if deadline and wait >= deadline:
                    raise _refused("deadline", wait)

    def flow(self, change: int) -> None:
        """Count a stream that starts (1) or ends (-1): it may be in flight for any time, but waits for nothing."""
        self._flowing += change
        self._set_most()

    def look(self) -> None:
        """Measure the queues."""
        now, since = self._monotonic(), self._looked
        self._looked = now
        for queue in self._queues:
            queue.look(now, since)
        self._calm = all(queue.quiet() for queue in self._queues)
        self._set_most()

    def expect_look(self, seconds: float) -> None:
        """Expect the next look after `seconds`."""
        self._loop.expect(self._monotonic() + seconds)

    def statistics(self) -> dict[str, Any]:
        """Whether all queues are short, and which are overloaded."""
        overloaded = [queue.reason for queue in self._queues if queue.delay.overloaded]
        return {"calm": self._calm, "overloaded": overloaded, "flowing": self._flowing}

    def _set_most(self) -> None:
        if self._sheds:
            self.most = self._flowing + (self._limit if self._calm else min(FLOOR, self._limit))
        else:
            self.most = float("inf")

    def _look_now(self) -> None:
        self.look()
        self._look_later()

    def _look_later(self) -> None:
        self.expect_look(LOOK_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_now)


def _delay(settings: Settings) -> Delay:
    return Delay(settings.shed_target_seconds, settings.shed_interval_seconds)


_DETAILS: Final[dict[Reason, str]] = {
    "in_flight": "Too many requests are in flight.",
    "loop": "The server is overloaded.",
    "reads": "Too many requests wait for the database.",
    "writes": "Too many requests wait for the database.",
    "deadline": "The request would exceed its deadline.",
}


def _refused(reason: Reason, seconds: float = 1.0) -> Shed:
    return Shed(reason, _DETAILS[reason], seconds)
