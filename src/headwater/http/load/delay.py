"""Controlled delay: how long a queue may be at this moment, by whether it has been empty of late. No I/O.

A queue that forms and empties again is good: it takes in a burst. One that stands is bad: everybody waits in it and
nobody is served any sooner, since the rate at which it is served is what it is. CoDel (RFC 8289; Nichols and Jacobson,
"Controlling Queue Delay", ACM Queue, 2012) tells them apart by the least wait within an interval, and not by length or
average. Its control law, drops that come closer and closer, is meant for senders that slow down after each; requests
come from many who do not know of each other. So we take what Facebook made of it for requests (Maurer, "Fail at Scale",
ACM Queue, 2015): a queue that was empty within the last `interval` may hold that much waiting, and one that was not may
hold `target`. There it is asked when a request leaves the queue; we ask before it enters, with what the wait will be by
how fast the queue has been moving (Little's law), because who is refused at once has lost nothing.

A queue that is kept short by refusals gets empty now and then, where those who are served leave it in rounds. Then it
would be allowed an interval's worth again, and grow to it again and again; CoDel, too, remembers that it has just been
dropping. So it counts as standing for as long as anybody has to be refused.
"""

from typing import Final

SHORT_SHARE: Final = 0.1
"""Of the target: a wait this short is none. One request that is served at once waits for a turn of the loop, too."""


class Delay:
    """`target` and `interval` are in seconds. Now and then it is told how long the first in the queue waits.

    It `stands` once each of these waits has been long for an interval (RFC 8289 section 4.2), until one is short and
    nobody has been refused for an interval, either.
    """

    def __init__(self, target: float, interval: float) -> None:
        self._target = target
        self._interval = interval
        self._since: float | None = None
        self._refused = 0.0
        self.stands = False

    def note(self, wait: float, now: float) -> None:
        """The queue's wait at the moment `now`, both in seconds."""
        if self.is_short(wait):
            self._since = None
            self.stands = self.stands and now - self._refused < self._interval
        elif self._since is None:
            self._since = now
        elif now - self._since >= self._interval:
            self.stands = True

    def refuse(self, now: float) -> None:
        """Somebody was refused: that the queue is short is because of that, and no sign that it would be without."""
        self._refused = now

    def is_short(self, wait: float) -> bool:
        """Whether a wait is as good as none."""
        return wait <= self._target * SHORT_SHARE

    @property
    def bound(self) -> float:
        """Seconds of waiting that there may be."""
        return self._target if self.stands else self._interval


class ServiceRate:
    """How many a second are served from a queue, over about the last `span` seconds in which there was one."""

    def __init__(self, span: float = 1.0) -> None:
        self._span = span
        self._rate = self._elapsed = 0.0

    def note(self, served: int, seconds: float) -> None:
        """So many were served in the last `seconds`, in which there was a queue all the time."""
        self._elapsed = min(self._elapsed + seconds, self._span)
        self._rate += (served / seconds - self._rate) * seconds / self._elapsed

    def rest(self) -> None:
        """The queue is empty; what comes next is measured anew."""
        self._rate = self._elapsed = 0.0

    def wait_of(self, place: int) -> float:
        """Seconds until the one at `place`, counted from 1, is served; 0 if nothing is known."""
        return place / self._rate if self._rate else 0.0
