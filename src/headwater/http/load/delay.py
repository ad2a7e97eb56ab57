"""Controlled delay: how much queueing delay is tolerated now, by whether the queue was empty recently. No I/O.

A queue that forms and empties again is good: it absorbs a burst. A standing queue is bad: every request waits, and none
is served sooner. CoDel (RFC 8289; Nichols and Jacobson, "Controlling Queue Delay", ACM Queue, 2012) distinguishes them
by the minimum wait within an interval, not by length or average. Its control law, drops at decreasing intervals,
assumes senders that slow down after each drop; clients of an API are independent. So we use Facebook's variant for
requests (Maurer, "Fail at Scale", ACM Queue, 2015): a queue that was empty within the last `interval` may delay
requests by `interval`, any other queue by `target`. Facebook checks when a request leaves the queue. We check before it
enters, with the wait estimated from the service rate (Little's law), because a request that is refused at once has lost
nothing.

A queue that refusals keep short is empty now and then. It would then be allowed a whole interval again, and grow to it
again and again; CoDel, too, remembers that it was dropping. So the queue counts as overloaded for as long as requests
are refused.
"""

from typing import Final

SHORT_SHARE: Final = 0.1
"""Share of the target: a wait this short counts as none. Even a request that is served at once waits for the event
loop."""


class Delay:
    """`target` and `interval` are in seconds. `record` is called regularly with the wait of the first in the queue.

    It is `overloaded` once all waits of an interval were long (RFC 8289 section 4.2), until a wait is short and no
    request was refused for an interval.
    """

    def __init__(self, target: float, interval: float) -> None:
        self._target = target
        self._interval = interval
        self._since: float | None = None
        self._refused = 0.0
        self.overloaded = False

    def record(self, wait: float, now: float) -> None:
        """Record the queue's wait at the time `now`, both in seconds."""
        if self.is_short(wait):
            self._since = None
            self.overloaded = self.overloaded and now - self._refused < self._interval
        elif self._since is None:
            self._since = now
        elif now - self._since >= self._interval:
            self.overloaded = True

    def refuse(self, now: float) -> None:
        """Record a refusal: a queue that is short because of refusals is still overloaded."""
        self._refused = now

    def is_short(self, wait: float) -> bool:
        """Whether a wait counts as none."""
        return wait <= self._target * SHORT_SHARE

    @property
    def bound(self) -> float:
        """Seconds of queueing delay that are tolerated now."""
        return self._target if self.overloaded else self._interval


class ServiceRate:
    """The service rate of a queue per second, over about the last `span` seconds in which it was not empty."""

    def __init__(self, span: float = 1.0) -> None:
        self._span = span
        self._rate = self._elapsed = 0.0

    def record(self, served: int, seconds: float) -> None:
        """Record that `served` were served in the last `seconds`, during which the queue was never empty."""
        self._elapsed = min(self._elapsed + seconds, self._span)
        self._rate += (served / seconds - self._rate) * seconds / self._elapsed

    def reset(self) -> None:
        """The queue is empty: start a new measurement."""
        self._rate = self._elapsed = 0.0

    def wait_of(self, position: int) -> float:
        """Seconds until the one at `position`, counted from 1, is served; 0 if the rate is unknown."""
        return position / self._rate if self._rate else 0.0
