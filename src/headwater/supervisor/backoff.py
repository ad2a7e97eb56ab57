"""Backoff: how long to wait before starting again what has died."""

import random

FIRST_SECONDS = 0.1
LIMIT_SECONDS = 10.0
STABLE_SECONDS = 15.0


class Backoff:
    """Doubles the delay after every early death, up to a limit, and starts anew after a stable run.

    The delay is jittered by a quarter either way, so that processes killed by one cause do not return as one.
    `STABLE_SECONDS` is longer than the longest delay: what merely outlives its delay is not yet stable.
    """

    def __init__(
        self,
        *,
        first_seconds: float = FIRST_SECONDS,
        limit_seconds: float = LIMIT_SECONDS,
        stable_seconds: float = STABLE_SECONDS,
        dice: random.Random | None = None,
    ) -> None:
        self.first_seconds = first_seconds
        self.limit_seconds = limit_seconds
        self.stable_seconds = stable_seconds
        self._dice = dice or random.Random()
        self._early_deaths = 0

    def delay_after(self, ran_seconds: float) -> float:
        """Seconds to wait after a run of `ran_seconds` that ended unasked."""
        if ran_seconds >= self.stable_seconds:
            self._early_deaths = 0
        exponent = min(self._early_deaths, 32)
        self._early_deaths += 1
        delay: float = min(self.first_seconds * 2.0**exponent, self.limit_seconds)
        return delay * self._dice.uniform(0.75, 1.25)
