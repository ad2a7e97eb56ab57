"""Emitter: how a query says what it has shown.

A query changes no rows. That something was looked at can be a fact all the same: a link was followed, a file fetched.
Such a fact is an event like any other, in the log once and applied exactly once; only its commit is not that of a
command, but one that it shares with those of other requests (`headwater.commit.group`).
"""

from headwater.clock import Clock
from headwater.commit.envelope import write_envelope
from headwater.commit.group import GroupCommit
from headwater.commit.origin import Origin
from headwater.types import Event


class Emitter:
    """``emitter: Emitter`` of a query receives it."""

    __slots__ = ("_clock", "_group", "_origin")

    def __init__(self, group: GroupCommit, origin: Origin, clock: Clock) -> None:
        self._group = group
        self._origin = origin
        self._clock = clock

    async def emit(self, event: Event) -> None:
        """Return once the event is committed: whoever is answered then has been counted.

        Raises `Unavailable` if it was not, `OutcomeUnknown` if the connection broke meanwhile, and what `Tx.emit`
        raises.
        """
        await self._group.commit(write_envelope(event, self._origin, self._clock))

    def emit_nowait(self, event: Event) -> None:
        """The event is committed some ten milliseconds later, while the answer is already on its way.

        It is lost if the process is killed in that time, or ends while the database is away; an outage by itself it
        survives. It is never there twice. Raises `Unavailable` when too many wait, and what `Tx.emit` raises.
        """
        self._group.commit_nowait(write_envelope(event, self._origin, self._clock))
