"""Time and time-ordered identifiers, passed in so that tests can jump."""

import time
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


class Clock(Protocol):
    """What the platform asks of time."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def uuid7() -> UUID:
    """A new UUIDv7: unique, and sorted by its millisecond of creation (RFC 9562 section 5.7)."""
    return _uuid7()
