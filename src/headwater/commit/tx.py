"""A transaction that can emit events as part of its commit."""

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

    Events are serialised when they are emitted, and written in that order at the end of the transaction. Those of a
    failed `savepoint` are dropped with its rows. Whoever manages the transaction writes the events: `flush` sends them,
    or `drain` returns them to be sent with another statement.
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

        Raises `EventTooLarge`; `TypeError` for anything but an `Event`, or for a key or field that cannot be encoded;
        and `SessionEnded` once the transaction has been committed.
        """
        if self._ended:
            raise SessionEnded()
        for event in events:
            if not isinstance(event, Event):
                raise TypeError(f"{type(event).__name__} is not an Event")
            self._payloads.append(write_envelope(event, self._origin, self._clock))

    def carry(self, payloads: Iterable[bytes]) -> None:
        """Make already serialised payloads part of the commit, after the events emitted before."""
        self._payloads += payloads

    def drain(self) -> list[bytes]:
        """Take the payloads emitted so far; the caller writes them, in order, with `EMIT` or `EMIT_MANY`."""
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
        """A nested transaction: rolled back with its events if the block raises; the transaction itself continues."""
        emitted = len(self._payloads)
        try:
            async with super().savepoint():
                yield
        except BaseException:
            del self._payloads[emitted:]
            raise


async def write_payloads(connection: Connection, payloads: list[bytes]) -> None:
    """Write payloads as messages in the connection's transaction, in order, in few statements."""
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
