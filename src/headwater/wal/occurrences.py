"""The log events of the relay."""

from typing import ClassVar

from headwater.observe import Level, Occurrence


class RelayStarted(Occurrence, frozen=True):
    """This relay has taken over the log and writes it now."""

    slot: str
    position: str
    term: int


class RelayInterrupted(Occurrence, frozen=True):
    """The relay was interrupted, for instance by a lost connection or a busy slot. It restarts from its slot."""

    level: ClassVar[Level] = "warning"
    reason: str
    retry_in_seconds: float


class EpochOpened(Occurrence, frozen=True):
    """The timeline changed and the slot lost nothing, as in a planned failover. Positions continue in a new epoch."""

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
    """A commit is in the WAL but not visible to others, as when a synchronous standby does not respond."""

    level: ClassVar[Level] = "warning"
    waited_seconds: float
    xid: int


class GatePassed(Occurrence, frozen=True):
    """A commit that the relay waited for has become visible to others."""

    level: ClassVar[Level] = "debug"
    waited_seconds: float
    xid: int


class CatalogUnseen(Occurrence, frozen=True):
    """Changes of a table are in the WAL but not visible to others, as when a synchronous standby does not respond."""

    level: ClassVar[Level] = "warning"
    table: str
    waited_seconds: float
    xid: int


class OldValuesNotLogged(Occurrence, frozen=True):
    """A consumer declares old values that PostgreSQL does not log. They are absent from its changes;
    `remedy` is the statement that logs them."""

    level: ClassVar[Level] = "warning"
    table: str
    columns: list[str]
    remedy: str
