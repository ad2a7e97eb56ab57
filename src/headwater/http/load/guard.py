"""The guard: refuses a request at the door, rather than let it wait for what it will not get in time.

Per process, and by three things, of which the first is what protects memory and the others what protects everybody's
latency: how many requests are being worked on; how late the event loop is; and how long one waits for a connection of
the pool that the request is going to need (`headwater.http.load.delay` says how long is too long). A request that has
less time than the present wait is refused in any case. Who needs no connection is not refused for want of one.

What it costs: several times a second somebody looks, in `look`, and sets `most`. A request compares that with the
number in flight, and only above it the rest is asked. Up to `FLOOR` requests at once nothing is ever refused: they are
fewer than a pool has connections, and what is slow then is not a queue of ours.
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
    """What a request waits for on its way: ``reads``, ``writes``; and its deadline in seconds, 0 for none."""

    @property
    def waits_for(self) -> frozenset[str]: ...

    @property
    def deadline(self) -> float: ...


class Guard:
    """`lines` are the pools, under ``reads`` and ``writes``. `most` requests may be in flight without being asked."""

    def __init__(
        self, settings: Settings, lines: Mapping[Reason, WaitQueue], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._sheds = settings.shed
        self._limit = settings.in_flight
        self._monotonic = monotonic
        self._flowing = 0
        self._loop = LoopQueue(_delay(settings))
        pools = [PoolQueue(reason, line, _delay(settings)) for reason, line in lines.items()]
        self._queues: list[LoopQueue | PoolQueue] = [self._loop, *pools]
        self._looked = monotonic()
        self._calm = True
        self._timer: asyncio.TimerHandle | None = None
        self.most = 0.0
        self._set_most()

    def start(self) -> None:
        """Begin to look, in the running loop."""
        if self._sheds:
            self._looked = self._monotonic()
            self._look_later()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check(self, request: WaitingRequest, in_flight: float) -> None:
        """Raises `Shed` if there is no room for one more."""
        if in_flight - self._flowing > self._limit:
            raise _refused("in_flight")
        self.check_waits(request, request.deadline)

    def check_waits(self, request: WaitingRequest, deadline: float) -> None:
        """Raises `Shed` for a wait that is too long, by itself or with so many seconds left (0 for any)."""
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
        """One more stream flows, or one less: in flight for as long as its client likes, it waits for nothing."""
        self._flowing += change
        self._set_most()

    def look(self) -> None:
        """See how the queues stand."""
        now, since = self._monotonic(), self._looked
        self._looked = now
        for queue in self._queues:
            queue.look(now, since)
        self._calm = all(queue.quiet() for queue in self._queues)
        self._set_most()

    def expect_look(self, seconds: float) -> None:
        """The next look comes after so many."""
        self._loop.expect(self._monotonic() + seconds)

    def statistics(self) -> dict[str, Any]:
        """Whether the queues are short, and which of them stand."""
        standing = [queue.reason for queue in self._queues if queue.delay.stands]
        return {"calm": self._calm, "standing": standing, "flowing": self._flowing}

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
