"""GCRA, the generic cell rate algorithm (ITU-T I.371, annex A): a limit whose whole memory is one moment.

TAT, the theoretical arrival time, is when the next request would come if all came evenly, `interval` apart. One that
comes earlier is let through as long as it is no more than (burst - 1) intervals early. A request that costs c is as
many of one unit at the same moment, and is let through whole or not at all: only if the last of them would be. So
with TAT' = max(TAT, now) + c · interval the rule is

    TAT' - now ≤ burst · interval

which for c = 1 is the usual TAT - now ≤ (burst - 1) · interval. A TAT further ahead than burst · interval, as when a
clock was set back or a limit is made smaller, is brought back to that far: nobody is locked out for longer than a burst
takes to come back. Whole microseconds, no clock in here.
"""

from typing import NamedTuple


class Rate(NamedTuple):
    """How fast one may go: units come back one per `interval` microseconds, and `burst` of them can be saved up."""

    interval: int
    burst: int

    @property
    def depth(self) -> int:
        """How far ahead of now TAT may be, in microseconds."""
        return self.interval * self.burst

    def ahead(self, debt: int, cost: int) -> int:
        """How far ahead of now TAT would be after a charge; `debt` is how far it is before, 0 if it is past."""
        return debt + cost * self.interval

    def left(self, debt: int) -> int:
        """How many units could be charged at once."""
        return (self.depth - debt) // self.interval

    def refuses(self, debt: int, cost: int) -> bool:
        """Whether a charge is too much now."""
        return self.ahead(debt, cost) > self.depth

    def wait(self, debt: int, cost: int) -> int:
        """Microseconds until a charge that is refused now would be let through, if nobody else comes.

        One of more than the burst never would be: then until the whole burst is there.
        """
        return self.ahead(debt, min(cost, self.burst)) - self.depth
