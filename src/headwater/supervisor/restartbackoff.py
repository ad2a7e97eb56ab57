"""Early deaths: how long to wait before starting again what has died."""

import random
from collections.abc import Callable
from typing import Final

from headwater.backoff import Backoff

RESTART: Final = Backoff(first=0.2, most=10.0)
STABLE_SECONDS: Final = 15.0


class RestartBackoff:
    """Counts the early deaths in a row; a stable run starts the count anew.

    `STABLE_SECONDS` is longer than the longest delay: what merely outlives its delay is not yet stable.
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
        """Seconds to wait after a run of `ran_seconds` that ended unasked."""
        if ran_seconds >= self._stable_seconds:
            self._count = 0
        self._count += 1
        return self._backoff.delay(self._count, self._pick)
