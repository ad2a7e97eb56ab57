"""GCRA, the generic cell rate algorithm (ITU-T I.371, annex A): a rate limit whose whole state is one time.

TAT, the theoretical arrival time, is when the next request would arrive if all arrived evenly, `interval` apart. An
earlier request is allowed if it is at most (burst - 1) intervals early. A request with cost c counts as c requests at
the same time, and is allowed only if the last of them would be. So with TAT' = max(TAT, now) + c · interval the rule is

    TAT' - now ≤ burst · interval

which for c = 1 is the usual TAT - now ≤ (burst - 1) · interval. A TAT further ahead than burst · interval, after a
clock was set back or a limit was reduced, is capped to that: no client is refused for longer than a burst takes to
refill. All times are whole microseconds, passed in.
"""

from typing import NamedTuple


class Rate(NamedTuple):
    """A rate: one unit refills per `interval` microseconds, up to `burst` units."""

    interval: int
    burst: int

    @property
    def depth(self) -> int:
        """The furthest that TAT may be ahead of now, in microseconds."""
        return self.interval * self.burst

    def ahead(self, debt: int, cost: int) -> int:
        """How far TAT would be ahead of now after a charge; `debt` is how far it is before, 0 if it is past."""
        return debt + cost * self.interval

    def left(self, debt: int) -> int:
        """The units that could be charged now."""
        return (self.depth - debt) // self.interval

    def refuses(self, debt: int, cost: int) -> bool:
        """Whether a charge exceeds the rate now."""
        return self.ahead(debt, cost) > self.depth

    def wait(self, debt: int, cost: int) -> int:
        """Microseconds until a charge that is refused now would be allowed, without other charges.

        A charge above the burst is never allowed: then until the whole burst has refilled.
        """
        return self.ahead(debt, min(cost, self.burst)) - self.depth
