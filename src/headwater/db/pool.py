"""A pool of connections to one PostgreSQL; each is lent to one task at a time.

Why not asyncpg's own pool: it sends a reset query after every use, which doubles the round trips of a read by id.
Here the borrower knows whether its statements may have left state in the session (`headwater.db.statement`), and only
then is the connection reset, in the background, before its next use.

How it behaves:

- The connection used last is lent next, so caches are warm, and surplus connections become idle and are closed.
- If none is free, tasks wait in a queue, first in, first out; a returned connection goes to the first of them. After
  `wait` seconds in the queue, `Unavailable` is raised.
- A broken connection is never lent again. The first task in the queue opens a new one in its stead.
- While PostgreSQL is unreachable, one attempt is made per pause (growing to seconds, with jitter) and everyone else is
  refused at once with the time to wait. The first success ends that; nothing needs a restart.
- A task that is cancelled in the middle of a statement returns the connection at once. It is recovered in the
  background (the statement cancelled, the transaction rolled back) and lent again, or closed if that takes too long.
"""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeGuard

import asyncpg

from headwater.db.breaker import CircuitBreaker
from headwater.db.connection import CONNECT_SECONDS, LOCK_SECONDS, STATEMENT_SECONDS, Connection, connect
from headwater.db.errors import ConnectionLost, SchemaChanged, Unavailable
from headwater.db.translate import FOREIGN, translate, unavailable

WAIT_SECONDS = 5.0

_RECOVER_SECONDS = 5.0
_CLOSE_SECONDS = 10.0
_IDLE_SECONDS = 300.0
_SWEEP_SECONDS = 60.0


class Pool:
    """At most `size` connections; the module's docstring says how they are lent.

    `acquire` is for everyone. `take`, `put` and `recover` are for callers that know what they sent. Each taken
    connection must be returned exactly once: by `put` if it is outside a transaction and `dirty` is set where needed,
    by `recover` in every other case.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        read_only: bool = False,
        application_name: str,
        lock_timeout: float = LOCK_SECONDS,
        statement_timeout: float = STATEMENT_SECONDS,
        connect_timeout: float = CONNECT_SECONDS,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self.size = size
        self.read_only = read_only
        self._url = url
        self._application_name = application_name
        self._lock_timeout = lock_timeout
        self._statement_timeout = statement_timeout
        self._connect_timeout = connect_timeout
        self._wait_seconds = wait
        self._idle: deque[Connection] = deque()
        self._lent: set[Connection] = set()
        self._opening = 0
        self._waiters: dict[asyncio.Future[Connection | None], float] = {}  # in order of arrival, with deadlines
        self._background: set[asyncio.Task[None]] = set()
        self._breaker = CircuitBreaker(application_name)
        self._generation = 0  # of the schema: incremented when a connection finds its cached statements outdated
        self._opened = self._served = 0
        self._closed = False
        self._all_back = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        size: int = 10,
        read_only: bool = False,
        application_name: str,
        lock_timeout: float = LOCK_SECONDS,
        statement_timeout: float = STATEMENT_SECONDS,
        connect_timeout: float = CONNECT_SECONDS,
        wait: float = WAIT_SECONDS,
    ) -> "Pool":
        """A pool with one open connection; raises `Unavailable` if PostgreSQL is unreachable.

        All in seconds: `lock_timeout` and `statement_timeout` limit a statement on the server, `connect_timeout` the
        opening of a connection, `wait` the time in the queue for one.
        """
        pool = cls(
            url,
            size=size,
            read_only=read_only,
            application_name=application_name,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
            connect_timeout=connect_timeout,
            wait=wait,
        )
        pool.put(await pool.take())
        return pool

    async def close(self) -> None:
        """Close every connection: those that are lent when they are returned, or by force after ten seconds."""
        self._closed = True
        for timer in (self._sweeper, self._expiry):
            if timer is not None:
                timer.cancel()
        self._refuse_waiters()
        while self._idle:
            self._in_background(self._idle.pop().leave())
        self._note_if_all_back()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._all_back.wait()
                while self._background:
                    await asyncio.wait(self._background)
        except TimeoutError:
            for connection in self._lent:
                connection.terminate()

    def acquire(self) -> "Acquired":
        """``async with pool.acquire() as connection``: an asyncpg connection, always reset when it is returned.

        Raises `Unavailable` if PostgreSQL is unreachable or no connection is free in time. Inside the block statements
        raise asyncpg's errors; those that leave it become a `DbError` with asyncpg's error as the cause.
        """
        return Acquired(self)

    @property
    def waiting(self) -> int:
        """The number of tasks that wait for a connection."""
        return len(self._waiters)

    @property
    def served(self) -> int:
        """The number of tasks that got a connection after waiting, since the start."""
        return self._served

    def oldest(self) -> float:
        """Seconds that the first task in the queue has waited; 0 if nobody waits."""
        for deadline in self._waiters.values():
            return max(0.0, time.monotonic() - deadline + self._wait_seconds)
        return 0.0

    def statistics(self) -> dict[str, Any]:
        """Current counts, and connections opened since the start."""
        return {
            "size": self.size,
            "open": len(self._idle) + len(self._lent),
            "idle": len(self._idle),
            "waiting": len(self._waiters),
            "opened": self._opened,
            "available": not self._breaker.is_open,
        }

    async def take(self) -> Connection:
        """A connection for the caller alone; raises `Unavailable` as `acquire` does."""
        return self.take_nowait() or await self._take_later()

    def take_nowait(self) -> Connection | None:
        """A connection that is free now, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_closed():
                continue
            if connection.generation != self._generation:
                self._forget_schema(connection)
            self._lent.add(connection)
            return connection
        return None

    def put(self, connection: Connection) -> None:
        """Return a connection that is outside a transaction."""
        if connection.is_closed():
            self._lent.discard(connection)
            self._pass_room()
        elif connection.dirty or connection.unusable:
            self.recover(connection)
        elif self._closed:
            self._lent.discard(connection)
            self._in_background(connection.leave())
        elif not self._pass_connection(connection):
            self._lent.discard(connection)
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        self._note_if_all_back()

    def recover(self, connection: Connection) -> None:
        """Return a connection in any state; it is cleaned up in the background."""
        if connection.is_closed():
            self.put(connection)
        else:
            self._in_background(self._recover(connection))

    def note(self, error: BaseException) -> None:
        """Apply to all connections what an error of one says.

        After `SchemaChanged` each drops its caches. After `ConnectionLost` the idle ones are closed: most likely the
        server went away, and they are broken too.
        """
        if isinstance(error, SchemaChanged):
            self._generation += 1
        elif isinstance(error, ConnectionLost):
            while self._idle:
                self._idle.pop().terminate()

    async def _take_later(self) -> Connection:
        if self._closed:
            raise unavailable("the pool is closed")
        deadline = time.monotonic() + self._wait_seconds
        if len(self._lent) + self._opening < self.size:
            self._opening += 1
            opened = await self._open_connection()
            if opened is not None:
                return opened
        while True:
            turn = await self._wait_in_queue(deadline) or await self._open_connection()
            if turn is not None:
                return turn

    async def _open_connection(self) -> Connection | None:
        """A new connection, counted in `_opening` already; None if the server allows no more, but we have others."""
        try:
            self._breaker.admit()
            connection = await self._connect()
        except Unavailable as error:
            self._opening -= 1
            if self._lent and isinstance(error.__cause__, asyncpg.TooManyConnectionsError):
                return None
            if error.__cause__ is not None:  # an attempt was made
                self._breaker.record_failure(error.reason)
            self._pass_room()
            raise
        except BaseException:
            self._opening -= 1
            self._pass_room()
            raise
        self._opening -= 1
        self._breaker.record_success()
        return self._lend_new(connection)

    async def _connect(self) -> Connection:
        return await connect(
            self._url,
            application_name=self._application_name,
            read_only=self.read_only,
            lock_timeout=self._lock_timeout,
            statement_timeout=self._statement_timeout,
            connect_timeout=self._connect_timeout,
        )

    def _lend_new(self, connection: Connection) -> Connection:
        connection.generation = self._generation
        self._opened += 1
        self._lent.add(connection)
        self._sweep_later()
        return connection

    async def _wait_in_queue(self, deadline: float) -> Connection | None:
        """A returned connection, or None if the caller may open one, which is then counted in `_opening`."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = deadline
        if self._expiry is None:
            self._expire_later(deadline)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            raise

    def _expire_later(self, deadline: float) -> None:
        """One timer serves the whole queue: all wait for the same time, so the first in it times out first."""
        delay = max(0.0, deadline - time.monotonic())
        self._expiry = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        now = time.monotonic()
        for waiter, deadline in list(self._waiters.items()):
            if deadline > now:
                self._expire_later(deadline)
                return
            del self._waiters[waiter]
            if not waiter.done():
                waiter.set_exception(unavailable(f"no connection was free within {self._wait_seconds:g} s"))

    def _pass_on(self, turn: Connection | None) -> None:
        if turn is None:
            self._opening -= 1
            self._pass_room()
        else:
            self.put(turn)

    def _pass_connection(self, connection: Connection) -> bool:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        return waiter is not None

    def _pass_room(self) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            self._opening += 1
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = next(iter(self._waiters))
            del self._waiters[waiter]
            if not waiter.done():
                self._served += 1
                return waiter
        return None

    def _refuse_waiters(self) -> None:
        while waiter := self._next_waiter():
            waiter.set_exception(unavailable("the pool is closed"))

    def _forget_schema(self, connection: Connection) -> None:
        connection.forget_schema()
        connection.generation = self._generation

    async def _recover(self, connection: Connection) -> None:
        """Restore the state of a new connection; asyncpg first waits for the end of a cancelled statement."""
        try:
            async with asyncio.timeout(_RECOVER_SECONDS):
                await connection.execute("rollback")
                if connection.unusable:
                    await connection.leave()
                elif connection.dirty:
                    await connection.reset()
                    connection.dirty = False
        except FOREIGN:
            connection.terminate()
        except BaseException:
            connection.terminate()
            raise
        finally:
            self.put(connection)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _note_if_all_back(self) -> None:
        if self._closed and not self._lent:
            self._all_back.set()

    def _sweep_later(self) -> None:
        if self._sweeper is None and not self._closed:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close the connections that have been idle for long; the longest idle are at the left."""
        self._sweeper = None
        oldest = time.monotonic() - _IDLE_SECONDS
        while self._idle and (self._idle[0].is_closed() or self._idle[0].idle_since < oldest):
            self._in_background(self._idle.popleft().leave())
        if self._idle or self._lent:
            self._sweep_later()


class Acquired:
    """A raw connection for the duration of an ``async with`` block."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.take()
        self._connection.dirty = True
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ours = translate(error) if self._is_of_the_connection(error) else None
        if ours is not None:
            self._pool.note(ours)
        self._pool.recover(self._connection)
        if ours is not None:
            raise ours from error

    def _is_of_the_connection(self, error: BaseException | None) -> TypeGuard[BaseException]:
        """An `OSError` on an open connection is the block's own, such as a missing file or a client that went away."""
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            return bool(self._connection.is_closed())
        return isinstance(error, FOREIGN)
