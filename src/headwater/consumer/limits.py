"""The limits of a consumer worker: sizes, timeouts and intervals."""

from collections.abc import Callable
from typing import Final

import msgspec

from headwater.backoff import Backoff

Step = Callable[[str], None]
"""Called at each named step of a transaction, so that a test can stop a process exactly there."""


def no_step(name: str) -> None:
    """The default: does nothing."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults suit one worker on a shared machine. Times are in seconds."""

    entries: int = 500
    """Events in one transaction."""
    batch_bytes: int = 1 << 20
    """Payload read by one claim; at least one batch is read, however large."""
    transaction: float = 0.1
    """A transaction takes no further event after so long, because commands may wait for the rows it has locked."""
    turn: float = 0.2
    """A turn ends with the first transaction that ends after so long."""
    turns: int = 4
    """Lanes that run at once, slow ones not included."""
    slow_after: float = 0.25
    """A turn that lasts longer is slow: it no longer counts among `turns`, so it delays no other consumer."""
    connections: int = 9
    """Lanes that run at once, slow ones included."""
    poll: float = 1.0
    """The interval of polling for work without a wake-up, and for other workers' partitions that do not move."""
    foreign_poll: float = 0.3
    """The same, when another worker's partitions have grown."""
    flush: float = 0.1
    """The least interval at which watermarks that only pass over entries move, all in one transaction."""
    locked: Backoff = Backoff(first=0.05, most=1.0)
    """Backoff for a partition that another worker holds."""
    stopped_pause: float = 15.0
    """The pause before a partition that needs newer code is tried again."""
    cancel_grace: float = 5.0
    """The timeout for a cancelled handler to end; then its connection is closed."""
    drain: float = 5.0
    """The drain timeout for transactions under way when the worker stops."""
    contention_tries: int = 5
    """So many consecutive transactions of one event may be lost to others before the event counts as failed."""


RECONNECT: Final = Backoff(first=0.1, most=5.0)
"""Backoff while PostgreSQL is unreachable."""

SERVER_GRACE: Final = 15.0
"""Added to a handler's timeout: PostgreSQL ends a statement, or an idle transaction, that has lasted for longer."""

DEAD_GRACE: Final = 30.0
"""Added to a handler's timeout: a transaction that takes longer means that the server no longer responds."""
