"""A fallback: limits are counted in Valkey, or in this process while Valkey is unreachable.

A request waits for its limit for a few hundredths of a second at most, and never fails because of Valkey. The first
request without a response declares an outage: from then on requests are counted here at once, while a task tries to
reach Valkey again with backoff. The outage ends once Valkey has counted a charge.

During an outage each process counts for itself, so a limit allows its quota once per process. Too many requests for a
while are better than none.
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
"""The longest that the first requests wait for a connection."""
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
    """A store that must be connected before charges can be taken."""

    async def connect(self) -> None: ...


class Fallback:
    """`on_outage` is called with True when an outage begins and with False when it ends. It connects at the first
    request."""

    def __init__(
        self,
        shared: SharedStore,
        local: Store,
        on_outage: Callable[[bool], None],
        *,
        backoff: Backoff = RETRY,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._shared = shared
        self._local = local
        self._on_outage = on_outage
        self._backoff = backoff
        self._start_seconds = start_seconds
        self._outage = False
        self._reaching: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # set once the first attempt has ended
        self.reached = asyncio.Event()
        """Set while Valkey is reachable."""

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing, in Valkey if it is reachable."""
        if not (self._outage or self.reached.is_set()):
            await self._wait_until_settled()
        if self._outage:
            return await self._local.take(charges)
        try:
            return await self._shared.take(charges)
        except Exception as error:  # whatever the client raises, a limit must not fail the request
            self._lose(error)
            return await self._local.take(charges)

    async def close(self) -> None:
        """Stop reconnecting, and close both stores."""
        if self._reaching is not None:
            self._reaching.cancel()
            await asyncio.gather(self._reaching, return_exceptions=True)
        if self._outage:
            self._on_outage(False)
        await self._shared.close()
        await self._local.close()

    def statistics(self) -> dict[str, Any]:
        """Whether there is an outage, and the statistics of both stores."""
        return {"outage": self._outage, "local": self._local.statistics(), "shared": self._shared.statistics()}

    async def _wait_until_settled(self) -> None:
        if self._reaching is None:
            self._reach_nowait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._start_seconds):
                await self._settled.wait()
        if not self._settled.is_set():
            self._note_outage(f"no connection within {self._start_seconds:g} s")

    def _lose(self, error: Exception) -> None:
        """Of many calls that fail together, the first one declares the outage and starts the reconnect."""
        if self.reached.is_set():
            self.reached.clear()
            self._note_outage(_cause(error))
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
                self._note_outage(_cause(error))
            failures += 1
            await asyncio.sleep(self._backoff.delay(failures))
        self._note_return()

    def _note_outage(self, cause: str) -> None:
        self._settled.set()
        if not self._outage:
            self._outage = True
            self._on_outage(True)
            report(LimitsLocal(cause=cause))

    def _note_return(self) -> None:
        self.reached.set()
        self._settled.set()
        if self._outage:
            self._outage = False
            self._on_outage(False)
            report(LimitsShared())


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
