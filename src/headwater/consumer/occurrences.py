"""The log events of consumers."""

from typing import ClassVar

from headwater.observe import Level, Occurrence


class EventsApplied(Occurrence, frozen=True, kw_only=True):
    """A transaction applied so many `events`, and passed over so many other entries, in `seconds`."""

    level: ClassVar[Level] = "debug"
    consumer: str
    partition: int
    position: str
    events: int
    passed: int
    seconds: float


class EventApplied(Occurrence, frozen=True, kw_only=True):
    """An event that was set aside with its key was applied; `attempt` is 1 if it was only queued behind another."""

    level: ClassVar[Level] = "debug"
    consumer: str
    partition: int
    key: str
    position: str
    attempt: int


class EventFailed(Occurrence, frozen=True, kw_only=True):
    """An event failed. Its key is set aside and retried in `retry_in_seconds`."""

    level: ClassVar[Level] = "warning"
    consumer: str
    partition: int
    key: str
    position: str
    attempt: int
    retry_in_seconds: float
    cause: str


class KeyParked(Occurrence, frozen=True, kw_only=True):
    """An event failed and has used up its retries. Its key is parked until an operator retries or drops it."""

    level: ClassVar[Level] = "error"
    consumer: str
    partition: int
    key: str
    position: str
    attempt: int
    cause: str


class KeyRecovered(Occurrence, frozen=True, kw_only=True):
    """A key that had failed has applied all its entries."""

    consumer: str
    partition: int
    key: str


class BatchInterrupted(Occurrence, frozen=True, kw_only=True):
    """A transaction was lost because of PostgreSQL or another transaction, not because of its events. It is retried."""

    level: ClassVar[Level] = "warning"
    consumer: str
    partition: int
    reason: str
    retry_in_seconds: float


class ConsumerStopped(Occurrence, frozen=True, kw_only=True):
    """A partition of a consumer is stopped: its next entry needs newer code (guarantee G10)."""

    level: ClassVar[Level] = "error"
    consumer: str
    partition: int
    position: str
    reason: str


class ConsumerResumed(Occurrence, frozen=True, kw_only=True):
    """A stopped partition continues."""

    consumer: str
    partition: int


class HandlerAbandoned(Occurrence, frozen=True, kw_only=True):
    """A handler ignored its cancellation. Its connection was closed."""

    level: ClassVar[Level] = "error"
    consumer: str
    partition: int
    position: str


class LayoutSwitched(Occurrence, frozen=True, kw_only=True):
    """A consumer switched to a new layout of partitions."""

    consumer: str


class ConsumerRegistered(Occurrence, frozen=True, kw_only=True):
    """A consumer was registered for the first time."""

    consumer: str


class ConsumerWithoutCode(Occurrence, frozen=True, kw_only=True):
    """A registered consumer has no handler in this release. The log retains what it has not applied."""

    level: ClassVar[Level] = "warning"
    consumer: str
    handler: str


class ConsumerForgotten(Occurrence, frozen=True, kw_only=True):
    """A consumer of this release is no longer registered, so it is not run."""

    level: ClassVar[Level] = "error"
    consumer: str


class WorkerInterrupted(Occurrence, frozen=True, kw_only=True):
    """A consumer worker cannot read from the database. It retries, and has forgotten what it knew."""

    level: ClassVar[Level] = "warning"
    reason: str
    retry_in_seconds: float
