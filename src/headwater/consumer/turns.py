"""The turn queue: whose turn it is, so that a slow consumer delays only itself (guarantee G7).

A running lane holds a connection, and connections are few. The rules, with T turns at once and C connections, C > T:

- A turn is short: a transaction takes no further event after a fifth of a second. So a lane waits briefly for one of
  the T turns, unless a single call of a handler takes long.
- A turn that lasts longer is *slow*. It no longer counts among the T, and another lane may start beside it, up to C in
  all.
- A consumer runs at most T - 1 lanes, so a burst of one leaves a turn for the others. One with slow turns may run its
  share of the C, which is smaller the more consumers are slow. So up to C - 1 hanging turns leave a connection for the
  next consumer, and a hanging key leaves connections for the other partitions of its consumer.
- A consumer whose lanes collide runs one (`headwater.consumer.throttle`).
- Next is the consumer with the fewest running lanes; among equals the one that has waited longest.

There is no clock and no I/O here: the scheduler says when a turn has become slow.
"""

from collections import deque
from typing import Generic, Protocol, TypeVar


class Waiter(Protocol):
    """What waits for a turn."""

    @property
    def consumer_name(self) -> str: ...

    @property
    def alone(self) -> bool:
        """Whether nothing else of its consumer may run at the same time."""
        ...


L = TypeVar("L", bound=Waiter)


class TurnQueue(Generic[L]):
    """The running and the waiting lanes."""

    def __init__(self, turns: int, connections: int) -> None:
        self._turns = turns
        self._connections = connections
        self._waiting: dict[str, deque[L]] = {}
        self._working: dict[str, set[L]] = {}
        self._slow: dict[str, set[L]] = {}
        self._count = 0
        self._slow_count = 0

    def offer(self, lane: L) -> None:
        """Add a lane, which must neither wait nor run."""
        self._waiting.setdefault(lane.consumer_name, deque()).append(lane)

    def withdraw(self, lane: L) -> None:
        """Remove a waiting lane."""
        lanes = self._waiting[lane.consumer_name]
        lanes.remove(lane)
        if not lanes:
            del self._waiting[lane.consumer_name]

    def take(self) -> L | None:
        """The lane that may start now, if there is one."""
        if self._count >= self._connections or self._count - self._slow_count >= self._turns:
            return None
        name = min(filter(self._may_start, self._waiting), key=self._at_work, default=None)
        if name is None:
            return None
        lane = self._next_of(name)
        self._working.setdefault(name, set()).add(lane)
        self._count += 1
        return lane

    def mark_slow(self, lane: L) -> None:
        """The turn of a running lane has become slow."""
        if lane in self._working.get(lane.consumer_name, ()):
            slow = self._slow.setdefault(lane.consumer_name, set())
            if lane not in slow:
                slow.add(lane)
                self._slow_count += 1

    def give_back(self, lane: L) -> None:
        """A lane has ended its turn."""
        self._discard(self._working, lane)
        self._count -= 1
        if lane in self._slow.get(lane.consumer_name, ()):
            self._discard(self._slow, lane)
            self._slow_count -= 1

    def statistics(self) -> dict[str, int]:
        return {
            "working": self._count,
            "slow": self._slow_count,
            "waiting": sum(len(lanes) for lanes in self._waiting.values()),
        }

    def _may_start(self, name: str) -> bool:
        if self._waiting[name][0].alone:
            most = 1
        elif name in self._slow:
            most = max(1, (self._connections - 1) // (len(self._slow) + 1))
        else:
            most = max(1, self._turns - 1)
        return self._at_work(name) < most

    def _at_work(self, name: str) -> int:
        return len(self._working.get(name, ()))

    def _next_of(self, name: str) -> L:
        lanes = self._waiting.pop(name)
        lane = lanes.popleft()
        if lanes:
            self._waiting[name] = lanes  # at the end: the others are served before it comes again
        return lane

    def _discard(self, sets: dict[str, set[L]], lane: L) -> None:
        lanes = sets[lane.consumer_name]
        lanes.remove(lane)
        if not lanes:
            del sets[lane.consumer_name]
