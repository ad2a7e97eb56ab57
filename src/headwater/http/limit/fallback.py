"""A fallback: limits are counted in Valkey, and in this process alone while Valkey is away.

A request never waits longer for its limit than a few hundredths of a second, and never fails because of it. A limit
that each process counts for itself lets through as many times its quota as there are processes, for as long as that
lasts: too many for a while is a smaller harm than none at all.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from headwater.backoff import Backoff
from headwater.clock import Clock
from headwater.http.limit.store import Charge, Store, Verdict
from headwater.observe import Level, Occurrence, report

SECONDS: Final = 0.05
"""What a limit may add to a request, at most."""
BACKOFF: Final = Backoff(first=0.5, most=10.0)


class LimitsLocal(Occurrence, frozen=True, kw_only=True):
    """Valkey does not answer; until it does, each process counts its limits for itself."""

    level: ClassVar[Level] = "warning"
    cause: str


class LimitsShared(Occurrence, frozen=True, kw_only=True):
    """Valkey answers again; limits are counted over all processes."""

    level: ClassVar[Level] = "info"


class Fallback:
    """`away` is told whether Valkey is away, whenever that changes."""

    def __init__(self, shared: Store, local: Store, clock: Clock, away: Callable[[bool], None]) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._away = away
        self._failures = 0
        self._again = 0.0

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing, wherever it can be done."""
        tries = self._failures
        if tries:
            now = self._clock.monotonic()
            if now < self._again:
                return await self._local.take(charges)
            self._again = now + SECONDS  # this request tries; others need not wait with it
        try:
            async with asyncio.timeout(SECONDS):
                verdict = await self._shared.take(charges)
        except Exception as error:  # whatever it is that its client raises, a limit is no reason to fail
            if tries == self._failures:  # of many that fail together, the first says it for all
                self._note_failure(error)
            return await self._local.take(charges)
        if self._failures:
            self._note_success()
        return verdict

    async def close(self) -> None:
        await self._shared.close()
        await self._local.close()

    def statistics(self) -> dict[str, Any]:
        """Where it counts now."""
        return {"away": bool(self._failures), "local": self._local.statistics(), "shared": self._shared.statistics()}

    def _note_failure(self, error: Exception) -> None:
        if not self._failures:
            self._away(True)
            report(LimitsLocal(cause=f"{type(error).__name__}: {error}"))
        self._failures += 1
        self._again = self._clock.monotonic() + BACKOFF.delay(self._failures)

    def _note_success(self) -> None:
        self._failures = 0
        self._away(False)
        report(LimitsShared())
