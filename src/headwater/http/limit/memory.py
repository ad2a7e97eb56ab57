"""Limits in the memory of this process: for one web worker, and while Valkey is unreachable.

Memory is bounded: a time in the past means the same as none, so the oldest entries are deleted. When more clients than
`capacity` have debts at once, the one charged longest ago is deleted.
"""

from collections.abc import Sequence
from typing import Any, Final

from headwater.clock import Clock, SystemClock
from headwater.http.limit.store import Charge, Verdict

CAPACITY: Final = 100_000
"""About 200 bytes each: 20 MB at most."""

_SWEPT: Final = 2


class MemoryStore:
    """Counts by the monotonic time of `clock`."""

    def __init__(self, clock: Clock | None = None, capacity: int = CAPACITY) -> None:
        self._monotonic = (clock or SystemClock()).monotonic
        self._capacity = capacity
        self._moments: dict[str, int] = {}  # in the order in which they were last charged

    async def take(self, charges: Sequence[Charge]) -> Verdict:
        """Charge all or nothing; there is no await in between."""
        # To the nearest microsecond: a product of floats may fall just short of it.
        now, moments = int(self._monotonic() * 1e6 + 0.5), self._moments
        before, after, allowed = [], [], True
        for key, (interval, burst), cost in charges:
            depth = interval * burst
            debt = max(moments.get(key, 0) - now, 0)
            if debt > depth:
                debt, moments[key] = depth, now + depth
            ahead = debt + cost * interval
            before.append(debt)
            after.append(ahead)
            if ahead > depth:
                allowed = False
        if not allowed:
            return Verdict(False, before)
        for charge, debt in zip(charges, after, strict=True):
            moments.pop(charge.key, None)
            if debt:
                moments[charge.key] = now + debt
        self._forget(now)
        return Verdict(True, after)

    async def close(self) -> None:
        self._moments.clear()

    def statistics(self) -> dict[str, Any]:
        """The number of clients in memory."""
        return {"kept": len(self._moments), "capacity": self._capacity}

    def _forget(self, now: int) -> None:
        """Delete a few of the oldest entries, so no request pays for all."""
        moments = self._moments
        for _ in range(_SWEPT):
            key = next(iter(moments), None)
            if key is None or (moments[key] > now and len(moments) <= self._capacity):
                return
            del moments[key]
