"""The throttle: limits how much of a consumer's work runs at once, after collisions with other transactions.

Several partitions at once and many events per transaction are fast as long as they touch different rows. Where they
touch the same ones (a projection that sums over all keys, a row that commands write too), such transactions deadlock
with one another, and PostgreSQL needs a second to detect each deadlock. So after a collision a consumer runs *alone*,
in one partition at a time over all workers; if that is not enough, in shorter and shorter transactions. Transactions
grow again while they succeed. Running alone ends after a time that doubles when it was too short.
"""

import time
from collections.abc import Callable
from typing import Final

_FIRST_ALONE_SECONDS: Final = 60.0
_LONGEST_ALONE_SECONDS: Final = 3600.0
_SHORTER: Final = 4
_SUCCESSES_TO_GROW: Final = 10


class Throttle:
    """The throttle of one consumer in this process."""

    __slots__ = ("_alone_seconds", "_alone_until", "_clock", "_limit", "_successes", "entries")

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.entries = limit
        """Events that one transaction may apply."""
        self._limit = limit
        self._clock = clock
        self._alone_seconds = _FIRST_ALONE_SECONDS
        self._alone_until = 0.0
        self._successes = 0

    @property
    def alone(self) -> bool:
        """Whether only one partition may run at a time."""
        return self._clock() < self._alone_until

    def collide(self) -> None:
        """A transaction of several events was lost to another one."""
        now = self._clock()
        if now < self._alone_until:
            self.entries = max(1, self.entries // _SHORTER)
            self._successes = 0
        else:
            too_short = self._alone_until > 0 and now - self._alone_until < self._alone_seconds
            longer = min(self._alone_seconds * 2, _LONGEST_ALONE_SECONDS)
            self._alone_seconds = longer if too_short else _FIRST_ALONE_SECONDS
        self._alone_until = now + self._alone_seconds

    def succeed(self) -> None:
        """A transaction was committed."""
        if self.entries < self._limit:
            self._successes += 1
            if self._successes >= _SUCCESSES_TO_GROW:
                self.entries, self._successes = min(self._limit, self.entries * 2), 0
