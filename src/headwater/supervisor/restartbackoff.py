"""Restart backoff: how long to wait before a process that ended is restarted."""

import random
from collections.abc import Callable
from typing import Final

from headwater.backoff import Backoff

RESTART: Final = Backoff(first=0.2, most=10.0)
STABLE_SECONDS: Final = 15.0


class RestartBackoff:
    """Counts consecutive early ends; a stable run resets the count.

    `STABLE_SECONDS` is longer than the longest delay, so a run that just outlasts its delay does not count as stable.
    """

    def __init__(
        self,
        backoff: Backoff = RESTART,
        *,
        stable_seconds: float = STABLE_SECONDS,
        pick: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._backoff = backoff
        self._stable_seconds = stable_seconds
        self._pick = pick
        self._count = 0

    def delay_after(self, ran_seconds: float) -> float:
        """Seconds to wait after a run of `ran_seconds` that ended unexpectedly."""
        if ran_seconds >= self._stable_seconds:
            self._count = 0
        self._count += 1
        return self._backoff.delay(self._count, self._pick)
