"""The errors of making ids."""

from headwater.errors import HeadwaterError


class IdsError(HeadwaterError):
    """No id can be made."""


class ClockWentBack(IdsError):
    """The clock went back by {milliseconds} ms, too far to wait for; correct the clock, or restart the process."""


class TimeOutOfRange(IdsError):
    """{milliseconds} ms is outside the range of an id's time, 2025-01-01 to 2094-09-07."""


class NoWorkerFree(IdsError):
    """All {count} worker numbers are leased. One becomes free when a process ends, or {seconds} s after a kill."""
