"""A transaction that can emit events; they become part of its commit."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from headwater.clock import Clock, SystemClock
from headwater.commit.envelope import PREFIX, write_envelope
from headwater.commit.origin import Origin
from headwater.db import FOREIGN, Connection, Session, SessionEnded, translate
from headwater.types import Event

EMIT = f"select pg_logical_emit_message(true, '{PREFIX}', $1::bytea)"
EMIT_MANY = f"""
select count(pg_logical_emit_message(true, '{PREFIX}', payload)) from unnest($1::bytea[]) as payload
"""

_STATEMENT_BYTES = 16 * 1024 * 1024


class Tx(Session):
    """One transaction: statements, and events that are committed with them or not at all.

    Events are serialised when they are emitted and written in that order at the end of the transaction. Those of a
    `savepoint` that failed are dropped with its rows. Who manages the transaction writes them: `flush` sends them,
    or `drain` hands them over to be sent along with a statement of one's own.
    """

    __slots__ = ("_clock", "_ended", "_origin", "_payloads")

    def __init__(self, connection: Connection, origin: Origin, clock: Clock | None = None) -> None:
        super().__init__(connection)
        self._origin = origin
        self._clock = clock or SystemClock()
        self._payloads: list[bytes] = []
        self._ended = False

    @property
    def origin(self) -> Origin:
        return self._origin

    def emit(self, *events: Event) -> None:
        """Make the events part of the commit, after those emitted before.

        Raises `EventTooLarge`; `TypeError` for what is no `Event`, or an event whose key or fields have no text; and
        `SessionEnded` when the commit is over, for nothing that comes later can be part of it.
        """
        if self._ended:
            raise SessionEnded()
        for event in events:
            if not isinstance(event, Event):
                raise TypeError(f"{type(event).__name__} is no Event")
            self._payloads.append(write_envelope(event, self._origin, self._clock))

    def carry(self, payloads: Iterable[bytes]) -> None:
        """Make payloads that were serialised elsewhere part of the commit, after the events emitted before."""
        self._payloads += payloads

    def drain(self) -> list[bytes]:
        """The payloads emitted so far, which become the caller's to write, in order, with `EMIT` or `EMIT_MANY`."""
        payloads, self._payloads = self._payloads, []
        return payloads

    async def flush(self) -> None:
        """Write the events emitted so far into the transaction."""
        await write_payloads(self._connection, self.drain())

    def end(self) -> None:
        self._ended = True
        super().end()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is inside happens or, if it raises, does not, its events included; the transaction goes on."""
        emitted = len(self._payloads)
        try:
            async with super().savepoint():
                yield
        except BaseException:
            del self._payloads[emitted:]
            raise


async def write_payloads(connection: Connection, payloads: list[bytes]) -> None:
    """Write payloads as messages of the connection's transaction, in order, in as few statements as is sensible."""
    for batch in _batches(payloads):
        try:
            await connection.execute(EMIT_MANY, batch)
        except FOREIGN as error:
            raise translate(error, "the events of the transaction") from error


def _batches(payloads: list[bytes]) -> list[list[bytes]]:
    batches: list[list[bytes]] = []
    room = 0
    for payload in payloads:
        if len(payload) > room or not batches:
            batches.append([])
            room = _STATEMENT_BYTES
        batches[-1].append(payload)
        room -= len(payload)
    return batches
