"""What consumers report: logs, metrics and traces subscribe to these."""

from typing import ClassVar

from headwater.observe import Level, Occurrence


class EventsApplied(Occurrence, frozen=True, kw_only=True):
    """One transaction: so many events applied (and so many entries passed over) in `seconds`."""

    level: ClassVar[Level] = "debug"
    consumer: str
    partition: int
    position: str
    events: int
    passed: int
    seconds: float


class EventApplied(Occurrence, frozen=True, kw_only=True):
    """An event that had been set aside with its key was applied; `attempt` is 1 if it had only stood behind another."""

    level: ClassVar[Level] = "debug"
    consumer: str
    partition: int
    key: str
    position: str
    attempt: int


class EventFailed(Occurrence, frozen=True, kw_only=True):
    """An event failed; its key is set aside and tried again in `retry_in_seconds`."""

    level: ClassVar[Level] = "warning"
    consumer: str
    partition: int
    key: str
    position: str
    attempt: int
    retry_in_seconds: float
    cause: str


class KeyParked(Occurrence, frozen=True, kw_only=True):
    """An event failed for the last time; its key waits for a person."""

    level: ClassVar[Level] = "error"
    consumer: str
    partition: int
    key: str
    position: str
    attempt: int
    cause: str


class KeyRecovered(Occurrence, frozen=True, kw_only=True):
    """A key that had failed has caught up."""

    consumer: str
    partition: int
    key: str


class BatchInterrupted(Occurrence, frozen=True, kw_only=True):
    """A transaction was lost to PostgreSQL or to another transaction, not to its events; it is tried again."""

    level: ClassVar[Level] = "warning"
    consumer: str
    partition: int
    reason: str
    retry_in_seconds: float


class ConsumerStopped(Occurrence, frozen=True, kw_only=True):
    """A partition of a consumer stands still: it cannot go on with this code (guarantee G10)."""

    level: ClassVar[Level] = "error"
    consumer: str
    partition: int
    position: str
    reason: str


class ConsumerResumed(Occurrence, frozen=True, kw_only=True):
    """A partition that had stopped goes on."""

    consumer: str
    partition: int


class HandlerAbandoned(Occurrence, frozen=True, kw_only=True):
    """A handler ignored its cancellation; its connection was closed under it."""

    level: ClassVar[Level] = "error"
    consumer: str
    partition: int
    position: str


class LayoutSwitched(Occurrence, frozen=True, kw_only=True):
    """A consumer passed the barrier into a new layout of partitions."""

    consumer: str


class ConsumerRegistered(Occurrence, frozen=True, kw_only=True):
    """A consumer is followed for the first time."""

    consumer: str


class ConsumerWithoutCode(Occurrence, frozen=True, kw_only=True):
    """A registered consumer has no handler in this release. It keeps its place in the log, and the log with it."""

    level: ClassVar[Level] = "warning"
    consumer: str
    handler: str


class ConsumerForgotten(Occurrence, frozen=True, kw_only=True):
    """A consumer that this worker has the code of is registered no more: nothing follows the log for it."""

    level: ClassVar[Level] = "error"
    consumer: str


class WorkerInterrupted(Occurrence, frozen=True, kw_only=True):
    """A consumer worker cannot look into the database; it tries again and has dropped what it remembered."""

    level: ClassVar[Level] = "warning"
    reason: str
    retry_in_seconds: float
