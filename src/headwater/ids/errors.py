"""What can go wrong when ids are given out."""

from headwater.errors import HeadwaterError


class IdsError(HeadwaterError):
    """Ids cannot be given out."""


class ClockWentBack(IdsError):
    """The clock went back by {milliseconds} ms, which is more than waiting would mend; set it right, or start anew."""


class TimeOutOfRange(IdsError):
    """{milliseconds} ms is no time of an id: they reach from 2025-01-01 to 2094-09-07."""


class NoWorkerFree(IdsError):
    """All {count} worker numbers are leased. One comes free when a process ends, or {seconds} s after it was killed."""


class LeaseLost(IdsError):
    """The worker number {number} was taken by another process after its lease had run out."""
