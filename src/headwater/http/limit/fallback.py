"""A fallback: limits are counted in Valkey, and in this process alone while Valkey is away.

A request never waits longer for its limit than a few hundredths of a second, and never fails because of it. The first
that finds no answer declares Valkey away: from then on requests are counted here at once, while a task of its own tries
to reach Valkey again, after growing pauses. Valkey is back once it has counted something, and not only answered.

A limit that each process counts for itself lets through as many times its quota as there are processes, for as long as
that lasts: too many for a while is a smaller harm than none at all.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final, Protocol

from headwater.backoff import Backoff
from headwater.http.limit.gcra import Rate
from headwater.http.limit.store import Charge, Store, Verdict
from headwater.observe import Level, Occurrence, report

START_SECONDS: Final = 0.05
"""What the first requests wait for a connection, at most."""
RETRY: Final = Backoff(first=0.1, most=2.0)

_TRIAL: Final = (Charge("trial", Rate(1, 1), 1),)


class LimitsLocal(Occurrence, frozen=True, kw_only=True):
    """Valkey is unreachable; until it returns, each process counts its own limits."""

    level: ClassVar[Level] = "warning"
    cause: str


class LimitsShared(Occurrence, frozen=True, kw_only=True):
    """Valkey is reachable again; limits are counted over all processes."""

    level: ClassVar[Level] = "info"


class SharedStore(Store, Protocol):
    """A store that has to be reached before anything can be taken."""

    async def connect(self) -> None: ...


class Fallback:
    """`away` is told whether Valkey is away, whenever that changes. Nothing is connected before the first request."""

    def __init__(
        self,
        shared: SharedStore,
        local: Store,
        away: Callable[[bool], None],
        *,
        backoff: Backoff = RETRY,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._shared = shared
        self._local = local
        self._tell_away = away
        self._backoff = backoff
        self._start_seconds = start_seconds
        self._away = False
        self._reaching: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # whether the first try has come to an end
        self.reached = asyncio.Event()
        """Set while Valkey answers."""

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing, wherever it can be done."""
        if not (self._away or self.reached.is_set()):
            await self._wait_until_settled()
        if self._away:
            return await self._local.take(charges)
        try:
            return await self._shared.take(charges)
        except Exception as error:  # whatever it is that its client raises, a limit is no reason to fail
            self._lose(error)
            return await self._local.take(charges)

    async def close(self) -> None:
        """Stop trying, and close both."""
        if self._reaching is not None:
            self._reaching.cancel()
            await asyncio.gather(self._reaching, return_exceptions=True)
        if self._away:
            self._tell_away(False)
        await self._shared.close()
        await self._local.close()

    def statistics(self) -> dict[str, Any]:
        """Where it counts now."""
        return {"away": self._away, "local": self._local.statistics(), "shared": self._shared.statistics()}

    async def _wait_until_settled(self) -> None:
        if self._reaching is None:
            self._reach_nowait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._start_seconds):
                await self._settled.wait()
        if not self._settled.is_set():
            self._note_away(f"no connection within {self._start_seconds:g} s")

    def _lose(self, error: Exception) -> None:
        """Of many that fail together, the first says it for all, and has it searched for."""
        if self.reached.is_set():
            self.reached.clear()
            self._note_away(_cause(error))
            self._reach_nowait()

    def _reach_nowait(self) -> None:
        self._reaching = asyncio.create_task(self._reach(), name="reach valkey for limits")

    async def _reach(self) -> None:
        failures = 0
        while True:
            try:
                await self._shared.connect()
                await self._shared.take(_TRIAL)
                break
            except Exception as error:
                self._note_away(_cause(error))
            failures += 1
            await asyncio.sleep(self._backoff.delay(failures))
        self._note_back()

    def _note_away(self, cause: str) -> None:
        self._settled.set()
        if not self._away:
            self._away = True
            self._tell_away(True)
            report(LimitsLocal(cause=cause))

    def _note_back(self) -> None:
        self.reached.set()
        self._settled.set()
        if self._away:
            self._away = False
            self._tell_away(False)
            report(LimitsShared())


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
