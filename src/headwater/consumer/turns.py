"""The turn queue: whose turn it is, so that a slow consumer delays only itself (guarantee G7).

Lanes that work hold a connection each, and connections are few. Rules, with S slots and C connections, C > S:

- A turn is short by itself: a transaction takes no further event after a fifth of a second. So whoever waits for one
  of the S slots waits for a moment only, unless a single call of a handler takes long.
- A turn that lasts longer nevertheless is *slow*: it no longer counts among the S, and another lane may start beside
  it, up to C in all.
- A consumer starts at most S - 1 lanes, so a burst of one leaves a slot for the others. One with slow turns may start
  its share of the C, which is the smaller, the more consumers are slow: up to C - 1 that hang leave room for the next,
  and a key that hangs leaves room for the other partitions of its consumer.
- A consumer that collides with itself starts one (`headwater.consumer.throttle`).
- Among those that wait, the consumer with the fewest lanes at work is next; then the one that has waited longest.

No clock and no I/O in here: the worker says when a turn has become slow.
"""

from collections import deque
from typing import Generic, Protocol, TypeVar


class Waiter(Protocol):
    """What wants a slot."""

    @property
    def consumer_name(self) -> str: ...

    @property
    def alone(self) -> bool:
        """Whether nothing else of its consumer is to work at the same time."""
        ...


L = TypeVar("L", bound=Waiter)


class TurnQueue(Generic[L]):
    """Bookkeeping of who works and who waits."""

    def __init__(self, slots: int, connections: int) -> None:
        self._slots = slots
        self._connections = connections
        self._waiting: dict[str, deque[L]] = {}
        self._working: dict[str, set[L]] = {}
        self._slow: dict[str, set[L]] = {}
        self._count = 0
        self._slow_count = 0

    def offer(self, lane: L) -> None:
        """A lane wants to work; it must be neither waiting nor working."""
        self._waiting.setdefault(lane.consumer_name, deque()).append(lane)

    def withdraw(self, lane: L) -> None:
        """A waiting lane does not want to work any more."""
        lanes = self._waiting[lane.consumer_name]
        lanes.remove(lane)
        if not lanes:
            del self._waiting[lane.consumer_name]

    def take(self) -> L | None:
        """The lane that may begin now, if one may."""
        if self._count >= self._connections or self._count - self._slow_count >= self._slots:
            return None
        name = min(filter(self._may_start, self._waiting), key=self._at_work, default=None)
        if name is None:
            return None
        lane = self._next_of(name)
        self._working.setdefault(name, set()).add(lane)
        self._count += 1
        return lane

    def mark_slow(self, lane: L) -> None:
        """The turn of a lane at work lasts long."""
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
            most = max(1, self._slots - 1)
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
