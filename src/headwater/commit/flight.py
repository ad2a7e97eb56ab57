"""Single flight: one execution per key in this process; concurrent duplicates wait for its result.

The database would make duplicates wait as well, but each would hold a connection, so that fifty duplicates would
exhaust a pool. Here they wait without one. When the leader finishes, all get its result; when it fails, one of the
followers becomes the leader.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from headwater.commit.errors import KeyInFlight

T = TypeVar("T")

RETRY_AFTER_SECONDS = 1.0


class SingleFlight(Generic[T]):
    """The executions in progress in this process, by key."""

    def __init__(self) -> None:
        self._flying: dict[bytes, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flying)

    async def lead_or_follow(self, key: bytes, lead: Callable[[], Awaitable[T]], wait: float) -> tuple[T, bool]:
        """The result of `lead`, and whether another caller led; raises `KeyInFlight` after `wait` seconds."""
        deadline = time.monotonic() + wait
        while (flight := self._flying.get(key)) is not None:
            await flight.wait_until_landed(deadline - time.monotonic())
            if flight.result is not None:
                return flight.result, True
        return await self._lead(key, lead), False

    async def _lead(self, key: bytes, lead: Callable[[], Awaitable[T]]) -> T:
        flight = self._flying[key] = _Flight()
        try:
            flight.result = await lead()
        finally:
            del self._flying[key]
            flight.landed.set()
        return flight.result


class _Flight(Generic[T]):
    __slots__ = ("landed", "result")

    def __init__(self) -> None:
        self.landed = asyncio.Event()
        self.result: T | None = None

    async def wait_until_landed(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.landed.wait()
        except TimeoutError:
            raise KeyInFlight(retry_after=RETRY_AFTER_SECONDS) from None
