"""A delivery: one entry of the log on its way to a handler."""

from typing import Any

import msgspec

from headwater.commit import Envelope
from headwater.log import Entry, Position


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """What a handler can know about its event; a parameter of this type receives it.

    `attempt` counts from 1. `envelope` is None for a row change. `body` is the entry as the log holds it. `xid` is the
    transaction that committed it, as PostgreSQL's ``xid8``; None for entries of the first format.
    """

    consumer: str
    partition: int
    position: Position
    key: str
    event: Any
    envelope: Envelope | None
    kind: int
    body: bytes
    attempt: int = 1
    xid: int | None = None

    @property
    def entry(self) -> Entry:
        """As it is in the log."""
        return Entry(self.position, self.kind, self.body, self.xid)
