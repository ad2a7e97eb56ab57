"""The emitter: how a query emits an event about what it has shown.

A query changes no rows, but that something was read can be a fact, too: a link was followed, a file was downloaded.
Such a fact is an ordinary event, once in the log and applied exactly once. It is not committed by a command but
together with the events of other requests (`headwater.commit.group`).
"""

from headwater.clock import Clock
from headwater.commit.envelope import write_envelope
from headwater.commit.group import GroupCommit
from headwater.commit.origin import Origin
from headwater.types import Event


class Emitter:
    """A parameter ``emitter: Emitter`` of a query receives it."""

    __slots__ = ("_clock", "_group", "_origin")

    def __init__(self, group: GroupCommit, origin: Origin, clock: Clock) -> None:
        self._group = group
        self._origin = origin
        self._clock = clock

    async def emit(self, event: Event) -> None:
        """Return once the event is committed, so that a response sent after it implies the event.

        Raises `Unavailable` if it was not committed, `OutcomeUnknown` if the connection broke during the commit, and
        what `Tx.emit` raises.
        """
        await self._group.commit(write_envelope(event, self._origin, self._clock))

    def emit_nowait(self, event: Event) -> None:
        """Return at once; the event is committed some ten milliseconds later, while the response is being sent.

        It is lost if the process is killed in that time, or ends while the database is unreachable; it survives an
        outage alone. It is never in the log twice. Raises `Unavailable` if too many events are waiting, and what
        `Tx.emit` raises.
        """
        self._group.commit_nowait(write_envelope(event, self._origin, self._clock))
