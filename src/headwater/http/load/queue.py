"""A queue that requests wait in, seen from outside: for a connection of a pool, or for a turn of the event loop."""

from collections.abc import Mapping
from typing import Protocol

from headwater.http.load.delay import Delay, Pace
from headwater.http.load.refusal import Reason


class Line(Protocol):
    """What a pool tells about those who wait for it."""

    @property
    def waiting(self) -> int:
        """How many wait."""
        ...

    @property
    def served(self) -> int:
        """How many have been served after waiting, since the start."""
        ...

    def oldest(self) -> float:
        """Seconds that the first of them has waited; 0 if nobody waits."""
        ...


class Lines:
    """The pools in whose queues requests wait, by the reason that a request is refused for."""

    def __init__(self, by_reason: Mapping[Reason, Line]) -> None:
        self.by_reason = by_reason


class PoolQueue:
    """Those who wait for a connection.

    A request that finds one free is not counted anywhere: everything here is what the pool knows of its waiters.
    """

    def __init__(self, reason: Reason, line: Line, delay: Delay) -> None:
        self.reason = reason
        self.delay = delay
        self._line = line
        self._pace = Pace()
        self._served = line.served
        self._had = False

    def look(self, now: float, since: float) -> None:
        """Note how it stands; `since` is when it was looked at before."""
        served, line = self._served, self._line
        self._served = line.served
        if not line.waiting:
            self._pace.rest()
        elif self._had:
            self._pace.note(self._served - served, now - since)
        self._had = bool(line.waiting)
        self.delay.note(line.oldest(), now)

    def quiet(self) -> bool:
        """Whether nobody waits for long, and nobody has of late."""
        return not self.delay.stands and self.delay.is_short(self._line.oldest())

    def wait(self, now: float) -> float:
        """Seconds that one who comes now would wait, as far as anybody can tell."""
        waiting = self._line.waiting
        return max(self._line.oldest(), self._pace.wait_of(waiting + 1)) if waiting else 0.0


class LoopQueue:
    """Those who wait for a turn of the event loop: how late a timer is that was due."""

    reason: Reason = "loop"

    def __init__(self, delay: Delay) -> None:
        self.delay = delay
        self._late = 0.0
        self._due = float("inf")

    def look(self, now: float, since: float) -> None:
        """Note how late this look is."""
        self._late = max(0.0, now - self._due)
        self.delay.note(self._late, now)

    def expect(self, due: float) -> None:
        """The next look is due then."""
        self._due = due

    def quiet(self) -> bool:
        """Whether it has been on time within the last interval."""
        return not self.delay.stands

    def wait(self, now: float) -> float:
        """Seconds that a turn takes: the last one known, or the one that has not ended.

        0 unless it has been late for an interval: of a single long turn nothing is left when anybody can ask.
        """
        return max(self._late, now - self._due) if self.delay.stands else 0.0
