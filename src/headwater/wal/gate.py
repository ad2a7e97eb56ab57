"""The visibility gate: nothing is published before others can see it.

PostgreSQL writes a commit to the WAL, and the slot delivers it, before the transaction leaves the list of those in
progress. With a synchronous standby the time between is as long as the standby takes. A reader that is woken in
between would read the old rows, and a cache would keep them. So a transaction passes only when a snapshot, taken after
the commit was received, sees it.
"""

from collections.abc import Iterable
from typing import Self

LOW_32_BITS = (1 << 32) - 1
_HALF = 1 << 31


class Snapshot:
    """What a snapshot sees: every transaction below `xmin`, and those below `xmax` that are not in progress."""

    __slots__ = ("in_progress", "xmax", "xmin")

    def __init__(self, xmin: int, xmax: int, in_progress: frozenset[int]) -> None:
        self.xmin = xmin
        self.xmax = xmax
        self.in_progress = in_progress

    @classmethod
    def read(cls, value: tuple[int, int, tuple[int, ...]]) -> Self:
        """From PostgreSQL's ``pg_snapshot``."""
        xmin, xmax, in_progress = value
        return cls(xmin, xmax, frozenset(in_progress))

    def sees(self, xid: int) -> bool:
        """Whether the transaction with this 64-bit id is visible."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.in_progress)

    @property
    def oldest(self) -> int:
        """A 64-bit id that no id in use is below: ids in use are never further apart than 2**31."""
        return self.xmax - _HALF

    def widen(self, xid: int) -> int:
        """The 64-bit id of a 32-bit one in use."""
        oldest = self.oldest
        return oldest + (xid - oldest & LOW_32_BITS)

    def unseen(self, xids: Iterable[int]) -> list[int]:
        """The 64-bit ids of those among `xids`, which have 32 bits, that this snapshot does not see."""
        xmin = self.xmin
        recent = [xid for xid in xids if (xid - xmin) & LOW_32_BITS < _HALF]  # not below xmin, as nearly all are
        return [wide for wide in map(self.widen, recent) if not self.sees(wide)]
