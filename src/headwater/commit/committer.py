"""The committer: rows, events and the response of a command in one commit (G1), once per idempotency key (G2).

A command with a key and some events takes these round trips and no others:

1. ``begin``, lock the key, look for a stored response: one message of three statements;
2. the statements of the command itself;
3. store the response, write the events, ``commit``: one message again.

PostgreSQL runs the statements of one message in order and skips the rest after the first error, so the meaning is the
same and only round trips are saved. They are ``execute`` of statements prepared once per connection, because a simple
query has no parameters; it contains only numbers and hexadecimal digits that are formatted here. A response or events
too large for that are sent just before, in binary.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from headwater.clock import Clock, SystemClock
from headwater.commit import record as sql
from headwater.commit.errors import KeyInFlight, KeyReused, OutcomeUnknown, TransactionEnded
from headwater.commit.flight import RETRY_AFTER_SECONDS, SingleFlight
from headwater.commit.origin import Origin
from headwater.commit.record import IdempotencyKey, Record, Replay, Stored, read_record, write_headers
from headwater.commit.retry import Retries
from headwater.commit.tx import EMIT, Tx, write_payloads
from headwater.db import (
    FOREIGN,
    Connection,
    ConnectionLost,
    Contention,
    LockTimeout,
    Pool,
    SchemaChanged,
    TransactionFailed,
    Unavailable,
    translate,
)
from headwater.observe import Level, Occurrence, report

WAIT_SECONDS = 10.0

_BEGIN = "begin isolation level read committed"
_COMMIT = "commit"
_TEXT_LIMIT_BYTES = 64 * 1024  # above this, hexadecimal costs more than a round trip
_EVENTS_ALONG = 16
_PURGE_ROWS = 1000

_PREPARE_EMIT = f"prepare headwater_emit as {EMIT}"
_PREPARE_KEYS = f"""
prepare headwater_store (bytea, bytea, smallint, bytea, bytea, timestamptz) as {sql.STORE};
prepare headwater_find (bytea) as {sql.FIND};
prepare headwater_lock (bigint) as {sql.LOCK}
"""

T = TypeVar("T")

Work = Callable[[Tx], Awaitable[T]]
Store = Callable[[T], Stored]


class CommandRetried(Occurrence, frozen=True, kw_only=True):
    """A command conflicted with a concurrent transaction and is retried."""

    level: ClassVar[Level] = "debug"
    app: str
    command: str
    attempt: int
    cause: str


class _Landed(NamedTuple, Generic[T]):
    """What a key stands for, and what its execution returned if it was this one."""

    record: Record
    executed: tuple[T] | None


class Committer:
    """Runs commands, each in one transaction on a connection of the pool.

    A stored response is replayed for `keep`. A duplicate waits up to `wait` seconds for the first request in this
    process; across processes it waits up to the pool's lock timeout.
    """

    def __init__(self, pool: Pool, clock: Clock | None = None, *, keep: timedelta, wait: float = WAIT_SECONDS) -> None:
        self._pool = pool
        self._clock = clock or SystemClock()
        self._keep = keep
        self._wait_seconds = wait
        self._flights: SingleFlight[_Landed[Any]] = SingleFlight()
        self._retries = Retries()
        self._executed = self._replayed = self._retried = 0

    @asynccontextmanager
    async def transaction(self, origin: Origin) -> AsyncIterator[Tx]:
        """``async with committer.transaction(origin) as tx``: commits at the end, with the events emitted.

        An exception, cancellation included, rolls everything back. Raises `OutcomeUnknown` if the connection breaks
        during the commit, and the errors of `headwater.db`.
        """
        connection, _ = await self._begin(None)
        tx = Tx(connection, origin, self._clock)
        try:
            yield tx
            await self._commit(connection, tx, None)
        except BaseException as error:
            tx.end()
            await self._give_back_after(error, connection)
            raise
        self._pool.put(connection)

    async def execute(self, work: Work[T], origin: Origin) -> T:
        """Run `work` in a transaction, commit its rows and its events, and return its result.

        If `work` raises, everything is rolled back. After a deadlock or another `Contention`, it is retried from the
        start in a new transaction. Raises `OutcomeUnknown` if the connection breaks during the commit.
        """
        return await self._with_retries(lambda: self._attempt(work, origin), origin)

    async def execute_once(self, work: Work[T], origin: Origin, key: IdempotencyKey, store: Store[T]) -> T | Replay:
        """The same, once per key: what `store` makes of the result is committed with it, and given to duplicates.

        There is one execution within `keep`, whatever crashes. A duplicate waits for the first one and gets a `Replay`
        of its answer; `KeyInFlight` if that takes too long, `KeyReused` if its fingerprint differs. If `work` raises,
        nothing is remembered. After an `OutcomeUnknown`, executing it again settles what happened.
        """
        landed, followed = await self._flights.lead_or_follow(
            key.scope,
            lambda: self._with_retries(lambda: self._attempt_once(work, origin, key, store), origin),
            self._wait_seconds,
        )
        if landed.record.fingerprint != key.fingerprint:
            raise KeyReused()
        if followed or landed.executed is None:
            self._replayed += 1
            return Replay(landed.record.answer)
        result: T = landed.executed[0]
        return result

    async def purge(self, rows: int = _PURGE_ROWS) -> int:
        """Delete the stored responses that are older than `keep`, `rows` per transaction; returns their number."""
        cutoff, dropped = self._clock.now() - self._keep, 0
        while True:
            batch = await self._purge_batch(cutoff, rows)
            dropped += batch
            if batch < rows:
                return dropped

    def statistics(self) -> dict[str, Any]:
        """Counts since the start, and the number of keys in flight."""
        return {
            "executed": self._executed,
            "replayed": self._replayed,
            "retried": self._retried,
            "keys_in_flight": len(self._flights),
        }

    async def _with_retries(self, attempt: Callable[[], Awaitable[T]], origin: Origin) -> T:
        attempts = 1
        while True:
            try:
                return await attempt()
            except LockTimeout:
                raise  # a retry would only wait again
            except Contention as error:
                await self._pause(attempts, origin, error)
            attempts += 1

    async def _pause(self, attempt: int, origin: Origin, error: Contention) -> None:
        seconds = self._retries.pause_after(attempt)
        if seconds is None:
            raise error
        self._retried += 1
        report(CommandRetried(app=origin.app, command=origin.command, attempt=attempt, cause=str(error)))
        await asyncio.sleep(seconds)

    async def _attempt(self, work: Work[T], origin: Origin) -> T:
        async with self.transaction(origin) as tx:
            result = await work(tx)
        self._note_executed()
        return result

    async def _attempt_once(self, work: Work[T], origin: Origin, key: IdempotencyKey, store: Store[T]) -> _Landed[T]:
        connection, earlier = await self._begin(key)
        tx = Tx(connection, origin, self._clock)
        try:
            found = await self._recall(connection, key) if earlier else None
            if found is None:
                result = await work(tx)
                record = Record(key.fingerprint, store(result), self._clock.now())
                await self._commit(connection, tx, (key, record))
            else:
                await _end(connection)
        except BaseException as error:
            tx.end()
            await self._give_back_after(error, connection)
            raise
        self._pool.put(connection)
        if found is not None:
            return _Landed(found, None)
        self._note_executed()
        return _Landed(record, (result,))

    def _note_executed(self) -> None:
        self._executed += 1
        self._retries.earn()

    async def _begin(self, key: IdempotencyKey | None) -> tuple[Connection, bool]:
        """A connection in a transaction that holds the lock of the key, and whether a response is stored already."""
        try:
            return await self._begin_once(key)
        except ConnectionLost:
            return await self._begin_once(key)  # the connection broke while it was idle; nothing was executed

    async def _begin_once(self, key: IdempotencyKey | None) -> tuple[Connection, bool]:
        connection = await self._pool.take()
        try:
            await _prepare(connection, key)
            if key is None:
                await connection.execute(_BEGIN)
                return connection, False
            return connection, await _claim(connection, key)
        except FOREIGN as error:
            ours = translate(error)
            await self._give_back_after(ours, connection)
            if key is not None and isinstance(ours, LockTimeout):
                raise KeyInFlight(retry_after=RETRY_AFTER_SECONDS) from error
            raise ours from error
        except BaseException as error:
            await self._give_back_after(error, connection)
            raise

    async def _recall(self, connection: Connection, key: IdempotencyKey) -> Record | None:
        """The stored response; one that is too old to be replayed is deleted."""
        try:
            row = await connection.fetchrow(sql.READ, key.scope)
            if row is None:  # purged meanwhile, so it was too old
                return None
            found = read_record(*row)
            if found.created_at > self._clock.now() - self._keep:
                return found
            await connection.execute(sql.FORGET, key.scope)
        except FOREIGN as error:
            raise translate(error, sql.READ) from error
        return None

    async def _commit(self, connection: Connection, tx: Tx, kept: tuple[IdempotencyKey, Record] | None) -> None:
        _require_transaction(connection)
        ahead, along = _split(tx.drain())
        tx.end()
        storing = await _storing(connection, *kept) if kept is not None else []
        await write_payloads(connection, ahead)
        emitting = [f"execute headwater_emit('\\x{payload.hex()}')" for payload in along]
        try:
            tag = await connection.execute(";".join([*storing, *emitting, _COMMIT]))
        except FOREIGN as error:
            raise _commit_failure(error, connection) from error
        if tag != "COMMIT":  # the tag is ROLLBACK if a statement failed and its error was swallowed
            raise TransactionFailed()

    async def _give_back_after(self, error: BaseException, connection: Connection) -> None:
        self._pool.note(error)
        if isinstance(error, SchemaChanged):
            connection.unusable = True  # its prepared statements may be lost or outdated
        if isinstance(error, Exception) and not isinstance(error, Unavailable | OutcomeUnknown):
            await self._roll_back(connection)
        else:
            self._pool.recover(connection)  # cancelled, or broken: the caller does not wait for the cleanup

    async def _roll_back(self, connection: Connection) -> None:
        try:
            await connection.execute("rollback")
        except FOREIGN:
            self._pool.recover(connection)
        except BaseException:
            self._pool.recover(connection)
            raise
        else:
            self._pool.put(connection)

    async def _purge_batch(self, cutoff: Any, rows: int) -> int:
        connection = await self._pool.take()
        try:
            tag = await connection.execute(sql.PURGE, cutoff, rows)
        except FOREIGN as error:
            self._pool.recover(connection)
            raise translate(error, sql.PURGE) from error
        except BaseException:
            self._pool.recover(connection)
            raise
        self._pool.put(connection)
        return int(tag.removeprefix("DELETE "))


async def _prepare(connection: Connection, key: IdempotencyKey | None) -> None:
    if "headwater_emit" not in connection.prepared:
        await connection.prepare_by_name("headwater_emit", _PREPARE_EMIT)
    if key is not None and "headwater_store" not in connection.prepared:
        await connection.prepare_by_name("headwater_store", _PREPARE_KEYS)


async def _claim(connection: Connection, key: IdempotencyKey) -> bool:
    """Begin, lock the key, and return whether a response is stored; the tag is that of the last statement."""
    tag = await connection.execute(
        f"{_BEGIN};execute headwater_lock({key.lock});execute headwater_find('\\x{key.scope.hex()}')"
    )
    return bool(tag == "SELECT 1")


async def _end(connection: Connection) -> None:
    try:
        await connection.execute("rollback")
    except FOREIGN as error:
        raise translate(error) from error


def _require_transaction(connection: Connection) -> None:
    if connection.is_closed():
        raise ConnectionLost(reason="it was closed before the commit", retry_after=RETRY_AFTER_SECONDS)
    if not connection.is_in_transaction():
        raise TransactionEnded()


async def _storing(connection: Connection, key: IdempotencyKey, record: Record) -> list[str]:
    """The statement that stores the response, to send with the commit; a response too large for that is stored now."""
    answer, headers = record.answer, write_headers(record.answer)
    if len(answer.body) + len(headers) <= _TEXT_LIMIT_BYTES:
        return [
            f"execute headwater_store('\\x{key.scope.hex()}','\\x{key.fingerprint.hex()}',{answer.status:d},"
            f"'\\x{headers.hex()}','\\x{answer.body.hex()}','{record.created_at.isoformat()}')"
        ]
    try:
        await connection.execute(
            sql.STORE, key.scope, key.fingerprint, answer.status, headers, answer.body, record.created_at
        )
    except FOREIGN as error:
        raise translate(error, sql.STORE) from error
    return []


def _split(payloads: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The payloads to write before the commit, and the last few, which are sent with it."""
    along, room = 0, _TEXT_LIMIT_BYTES
    for payload in payloads[: -_EVENTS_ALONG - 1 : -1]:
        room -= len(payload)
        if room < 0:
            break
        along += 1
    cut = len(payloads) - along
    return payloads[:cut], payloads[cut:]


def _commit_failure(error: BaseException, connection: Connection) -> Exception:
    ours = translate(error, _COMMIT)
    if isinstance(ours, ConnectionLost) or isinstance(error, TimeoutError) or connection.is_closed():
        return OutcomeUnknown(reason=str(ours), retry_after=RETRY_AFTER_SECONDS)
    return ours
