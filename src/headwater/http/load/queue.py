"""The queues that requests wait in, observed from outside: for a connection of a pool, and for the event loop."""

from collections.abc import Mapping
from typing import Protocol

from headwater.http.load.delay import Delay, ServiceRate
from headwater.http.load.refusal import Reason


class WaitQueue(Protocol):
    """The wait queue of a pool."""

    @property
    def waiting(self) -> int:
        """The number that wait."""
        ...

    @property
    def served(self) -> int:
        """The number served after waiting, since the start."""
        ...

    def oldest(self) -> float:
        """Seconds that the first has waited; 0 if the queue is empty."""
        ...


class WaitQueues:
    """The wait queues of the pools, by the reason of a refusal."""

    def __init__(self, by_reason: Mapping[Reason, WaitQueue]) -> None:
        self.by_reason = by_reason


class PoolQueue:
    """The requests that wait for a connection.

    A request that gets a connection at once is not counted: everything here comes from the pool's waiters.
    """

    def __init__(self, reason: Reason, queue: WaitQueue, delay: Delay) -> None:
        self.reason = reason
        self.delay = delay
        self._queue = queue
        self._rate = ServiceRate()
        self._served = queue.served
        self._had = False

    def look(self, now: float, since: float) -> None:
        """Measure it; `since` is the time of the previous measurement."""
        served, queue = self._served, self._queue
        self._served = queue.served
        if not queue.waiting:
            self._rate.reset()
        elif self._had:
            self._rate.record(self._served - served, now - since)
        self._had = bool(queue.waiting)
        self.delay.record(queue.oldest(), now)

    def quiet(self) -> bool:
        """Whether waits are short and were short recently."""
        return not self.delay.overloaded and self.delay.is_short(self._queue.oldest())

    def wait(self, now: float) -> float:
        """The estimated wait in seconds of a request that arrives now."""
        waiting = self._queue.waiting
        return max(self._queue.oldest(), self._rate.wait_of(waiting + 1)) if waiting else 0.0


class LoopQueue:
    """The queue of the event loop, measured by how late a timer fires."""

    reason: Reason = "loop"

    def __init__(self, delay: Delay) -> None:
        self.delay = delay
        self._late = 0.0
        self._due = float("inf")

    def look(self, now: float, since: float) -> None:
        """Measure how late this look is."""
        self._late = max(0.0, now - self._due)
        self.delay.record(self._late, now)

    def expect(self, due: float) -> None:
        """Set when the next look is due."""
        self._due = due

    def quiet(self) -> bool:
        """Whether looks were on time within the last interval."""
        return not self.delay.overloaded

    def wait(self, now: float) -> float:
        """Seconds that an iteration of the loop takes: the last one, or the current one.

        0 unless the loop has been late for an interval: a single long iteration is over when a request is checked.
        """
        return max(self._late, now - self._due) if self.delay.overloaded else 0.0
