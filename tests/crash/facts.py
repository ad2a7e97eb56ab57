"""The records that the workload writes and the checker reads."""

from typing import NamedTuple
from uuid import UUID

from headwater import Event
from headwater.log import Position


class Moved(Event, key="key"):
    """One step of one key: the key's `seq` says the order in which its transactions committed."""

    key: int
    seq: int
    tx: UUID
    ordinal: int
    event: UUID
    padding: str = ""


class Fact(NamedTuple):
    """A row of the ledger: this event was committed."""

    event: UUID
    tx: UUID
    ordinal: int
    key: int
    seq: int


class Logged(NamedTuple):
    """An event as it stands in the log."""

    position: Position
    partition: int
    fact: Fact


class Counted(NamedTuple):
    """A batch as it counts its entries."""

    partition: int
    base_offset: int
    entries: int


class Applied(NamedTuple):
    """One application of an event by a consumer, in the order in which they were written."""

    consumer: str
    key: int
    seq: int
    event: UUID


class Sighting(NamedTuple):
    """Something wrong that the observer saw while it happened."""

    kind: str
    detail: str
    position: str
