"""How long to wait after failures in a row: exponentially longer, anywhere between at once and the ceiling.

Full jitter, as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): what failed together does not
come back together. Who waits keeps a `Backoff` and counts its own failures.
"""

import random
from collections.abc import Callable
from typing import Final

import msgspec

_MOST_DOUBLINGS: Final = 60


class Backoff(msgspec.Struct, frozen=True):
    """Seconds: up to `first` after the first failure, twice that after each further one, never more than `most`."""

    first: float = 0.5
    most: float = 300.0

    def ceiling(self, failures: int) -> float:
        """The longest that may be waited after so many failures in a row (1 or more)."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))

    def delay(self, failures: int, pick: Callable[[float, float], float] = random.uniform) -> float:
        """Seconds to wait after so many failures in a row."""
        return pick(0.0, self.ceiling(failures))
