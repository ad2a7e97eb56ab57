"""Exponential backoff with full jitter: how long to wait after consecutive failures.

The delay is uniform between 0 and a ceiling that doubles with each failure, as in "Exponential Backoff And Jitter"
(AWS Architecture Blog, 2015), so that clients which failed together do not retry together. The caller keeps a
`Backoff` and counts its own failures.
"""

import random
from collections.abc import Callable
from typing import Final

import msgspec

_MOST_DOUBLINGS: Final = 60


class Backoff(msgspec.Struct, frozen=True):
    """In seconds: up to `first` after the first failure, twice that after each further one, at most `most`."""

    first: float = 0.5
    most: float = 300.0

    def ceiling(self, failures: int) -> float:
        """The longest delay after so many consecutive failures (1 or more)."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))

    def delay(self, failures: int, pick: Callable[[float, float], float] = random.uniform) -> float:
        """Seconds to wait after so many consecutive failures."""
        return pick(0.0, self.ceiling(failures))
