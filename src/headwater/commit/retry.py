"""Retries of transactions after a conflict: a few times, after a random pause, within a budget.

The budget allows a tenth of the transactions to be retries in the long run. Contention beyond it is overload, which
retries would increase. No I/O; the random source is passed in.
"""

import random
from collections.abc import Callable

from headwater.backoff import Backoff

ATTEMPTS = 5
CONTENTION = Backoff(first=0.01, most=0.25)
BUDGET = 20.0
EARNED_PER_EXECUTION = 0.1


class Retries:
    """The retry budget of one process."""

    def __init__(self, pick: Callable[[float, float], float] = random.uniform) -> None:
        self._pick = pick
        self._budget = BUDGET

    def earn(self) -> None:
        """Credit one execution, which pays for a tenth of a retry."""
        self._budget = min(BUDGET, self._budget + EARNED_PER_EXECUTION)

    def pause_after(self, attempt: int) -> float | None:
        """Seconds to wait after the failed attempt (counted from 1), or None to give up."""
        if attempt >= ATTEMPTS or self._budget < 1.0:
            return None
        self._budget -= 1.0
        return CONTENTION.delay(attempt, self._pick)
