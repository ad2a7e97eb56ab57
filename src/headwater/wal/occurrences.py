"""What the relay reports: logs, metrics and traces subscribe to these."""

from typing import ClassVar

from headwater.observe import Level, Occurrence


class RelayStarted(Occurrence, frozen=True):
    """This relay writes the log now."""

    slot: str
    position: str
    term: int


class RelayInterrupted(Occurrence, frozen=True):
    """The relay lost its connections or its place; it begins again from the slot."""

    level: ClassVar[Level] = "warning"
    reason: str
    retry_in_seconds: float


class EpochOpened(Occurrence, frozen=True):
    """The timeline changed under a slot that lost nothing, as in a planned failover: positions go on in a new epoch."""

    level: ClassVar[Level] = "warning"
    epoch: int
    timeline: int


class Appended(Occurrence, frozen=True):
    """The head of the log moved."""

    level: ClassVar[Level] = "debug"
    position: str
    transactions: int
    entries: int
    seconds: float


class GateClosed(Occurrence, frozen=True):
    """A commit is in the WAL but not visible to others, as when a synchronous standby does not answer."""

    level: ClassVar[Level] = "warning"
    waited_seconds: float
    xid: int


class GatePassed(Occurrence, frozen=True):
    """A commit that was not visible to others when it was to be appended has become so."""

    level: ClassVar[Level] = "debug"
    waited_seconds: float
    xid: int


class CatalogUnseen(Occurrence, frozen=True):
    """Changes of a table are in the WAL but not visible to others, as when a synchronous standby does not answer."""

    level: ClassVar[Level] = "warning"
    table: str
    waited_seconds: float
    xid: int


class OldValuesNotLogged(Occurrence, frozen=True):
    """A consumer declares old values that PostgreSQL does not log; they are absent from its changes."""

    level: ClassVar[Level] = "warning"
    table: str
    columns: list[str]
    remedy: str
