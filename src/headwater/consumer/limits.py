"""How much a consumer worker takes on at once, and how long it waits."""

from collections.abc import Callable
from typing import Final

import msgspec

from headwater.backoff import Backoff

Step = Callable[[str], None]
"""Told at each named step of a transaction, so that a test can stop a process exactly there."""


def no_step(name: str) -> None:
    """What is told when nobody asks."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults suit one worker on a shared machine; seconds where a time is meant."""

    entries: int = 500
    """Events in one transaction."""
    batch_bytes: int = 1 << 20
    """Payload read by one claim; at least one batch is read, however large."""
    transaction: float = 0.1
    """A transaction takes no further event after so long: commands may wait for the rows it has locked."""
    turn: float = 0.2
    """A lane gives its slot back after so long, at the next end of a transaction."""
    slots: int = 4
    """Lanes that work at once, as long as they are quick."""
    slow_after: float = 0.25
    """A turn that lasts longer is slow: it works beside the slots, so that it delays nobody else."""
    connections: int = 9
    """Lanes that work at once, slow ones included."""
    poll: float = 1.0
    """Looking for work that no wake-up told of, and for other workers' partitions that stand still."""
    foreign_poll: float = 0.3
    """The same, when another worker's partitions have grown."""
    flush: float = 0.1
    """Watermarks that only pass over entries move together, in one transaction, at most so often."""
    locked: Backoff = Backoff(first=0.05, most=1.0)
    """Before a partition is tried again that another worker holds: soon, and then less and less often."""
    stopped_pause: float = 15.0
    """Before a partition is tried again that needs newer code."""
    cancel_grace: float = 5.0
    """For a handler to end once it is cancelled, before its connection is closed under it."""
    drain: float = 5.0
    """For transactions under way when the worker is to stop."""
    contention_tries: int = 5
    """Transactions of one event lost to others in a row before that counts as the event's own failure."""


RECONNECT: Final = Backoff(first=0.1, most=5.0)
"""After PostgreSQL went away."""

SERVER_GRACE: Final = 15.0
"""Added to a handler's timeout: PostgreSQL ends a statement, or an idle transaction, that has lasted for longer."""

DEAD_GRACE: Final = 30.0
"""Added to a handler's timeout: a transaction that takes longer is up against a server that no longer answers."""
