"""Connections to one PostgreSQL, lent out one task at a time.

Why not asyncpg's own pool: it sends a reset query after every use, which doubles the round trips of a read by id.
Here the borrower knows whether its statements can have left anything behind (`headwater.db.statement`), and only
then is the connection reset, in the background, before its next use.

How it behaves:

- The connection used last is lent next, so caches are warm, and surplus connections grow idle and are closed.
- Whoever finds none free queues up, first come, first served; a returned connection goes straight to the head of
  the queue. Waiting ends in `Unavailable` after `wait` seconds.
- A broken connection is never lent again. Its place goes to the head of the queue, who opens a new one.
- While PostgreSQL cannot be reached, one attempt is made per pause (growing to seconds, with jitter) and everyone
  else is refused at once with the time to wait. The first success ends that; nothing needs a restart.
- A borrower that is cancelled in the middle of a statement gives the connection back at once; it is mended in the
  background (the statement cancelled, the transaction rolled back) and lent again, or closed if that takes too long.
"""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeGuard

import asyncpg

from headwater.db.connection import CONNECT_SECONDS, LOCK_SECONDS, STATEMENT_SECONDS, Connection, connect
from headwater.db.errors import ConnectionLost, SchemaChanged, Unavailable
from headwater.db.outage import Outage
from headwater.db.translate import FOREIGN, translate, unavailable

WAIT_SECONDS = 5.0

_MEND_SECONDS = 5.0
_CLOSE_SECONDS = 10.0
_IDLE_SECONDS = 300.0
_SWEEP_SECONDS = 60.0


class Pool:
    """At most `size` connections; see the module for how they are lent.

    `acquire` is for everyone. `take`, `put` and `mend` are for those who know what they sent: each taken connection
    must be given back exactly once, by `put` when it is outside a transaction and `stained` is set if need be, and
    by `mend` whenever that is not sure.
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
        self._outage = Outage(application_name)
        self._generation = 0  # of the schema: raised when a connection finds its cached statements outdated
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
        """A pool with its first connection made; raises `Unavailable` if PostgreSQL cannot be reached.

        `lock_timeout` and `statement_timeout` bound what the server does for one statement, `connect_timeout` the
        making of one connection, `wait` the time in the queue for one; all in seconds.
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
        """Close every connection: those lent out when they come back, or by force after ten seconds."""
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
        """``async with pool.acquire() as connection``: a raw asyncpg connection, always reset when it comes back.

        Raises `Unavailable` when PostgreSQL cannot be reached or no connection is free in time. Inside the block the
        errors of statements are asyncpg's own; what leaves it is a `DbError` with asyncpg's error as its cause.
        """
        return Acquired(self)

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._waiters)

    @property
    def served(self) -> int:
        """How many have had their turn after waiting, since the start."""
        return self._served

    def oldest(self) -> float:
        """Seconds that the first in the queue has waited; 0 if nobody waits."""
        for deadline in self._waiters.values():
            return max(0.0, time.monotonic() - deadline + self._wait_seconds)
        return 0.0

    def statistics(self) -> dict[str, Any]:
        """Counts of this moment, and connections opened since the start."""
        return {
            "size": self.size,
            "open": len(self._idle) + len(self._lent),
            "idle": len(self._idle),
            "waiting": len(self._waiters),
            "opened": self._opened,
            "available": not self._outage.lasts,
        }

    async def take(self) -> Connection:
        """A connection of one's own; raises `Unavailable` as `acquire` does."""
        return self.take_nowait() or await self._take_later()

    def take_nowait(self) -> Connection | None:
        """A connection that is free at this moment, or None."""
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
        """Give back a connection that is outside a transaction."""
        if connection.is_closed():
            self._lent.discard(connection)
            self._pass_room()
        elif connection.stained or connection.worn:
            self.mend(connection)
        elif self._closed:
            self._lent.discard(connection)
            self._in_background(connection.leave())
        elif not self._pass_connection(connection):
            self._lent.discard(connection)
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        self._note_if_all_back()

    def mend(self, connection: Connection) -> None:
        """Give back a connection in any state whatsoever; returns at once."""
        if connection.is_closed():
            self.put(connection)
        else:
            self._in_background(self._mend(connection))

    def note(self, error: BaseException) -> None:
        """Learn from an error of one connection what may be wrong with the others.

        After a changed schema each forgets what it cached about the old one. After a broken connection the idle ones
        are dropped: what broke it was most likely the server's end, and its end is theirs.
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
            turn = await self._wait_for_turn(deadline) or await self._open_connection()
            if turn is not None:
                return turn

    async def _open_connection(self) -> Connection | None:
        """A new connection in the room that was taken for it; None if the server has no room, but we have others."""
        try:
            self._outage.refuse_or_admit()
            connection = await self._connect()
        except Unavailable as error:
            self._opening -= 1
            if self._lent and isinstance(error.__cause__, asyncpg.TooManyConnectionsError):
                return None
            if error.__cause__ is not None:  # an attempt was made
                self._outage.note_failure(error.reason)
            self._pass_room()
            raise
        except BaseException:
            self._opening -= 1
            self._pass_room()
            raise
        self._opening -= 1
        self._outage.note_success()
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

    async def _wait_for_turn(self, deadline: float) -> Connection | None:
        """A connection that came back, or None: there is room, taken for the caller, to open one."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = deadline
        if self._expiry is None:
            self._expire_later(deadline)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._return_turn(waiter.result())
            raise

    def _expire_later(self, deadline: float) -> None:
        """One timer serves the whole queue: all wait for the same length, so its head is the first to give up."""
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

    def _return_turn(self, turn: Connection | None) -> None:
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

    async def _mend(self, connection: Connection) -> None:
        """Back to the state of a new connection; a cancelled statement is waited for first, by asyncpg itself."""
        try:
            async with asyncio.timeout(_MEND_SECONDS):
                await connection.execute("rollback")
                if connection.worn:
                    await connection.leave()
                elif connection.stained:
                    await connection.reset()
                    connection.stained = False
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
        """Close what has been idle for long; the longest idle stand at the left."""
        self._sweeper = None
        oldest = time.monotonic() - _IDLE_SECONDS
        while self._idle and (self._idle[0].is_closed() or self._idle[0].idle_since < oldest):
            self._in_background(self._idle.popleft().leave())
        if self._idle or self._lent:
            self._sweep_later()


class Acquired:
    """A raw connection for the length of an ``async with`` block."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.take()
        self._connection.stained = True
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ours = translate(error) if self._is_of_the_connection(error) else None
        if ours is not None:
            self._pool.note(ours)
        self._pool.mend(self._connection)
        if ours is not None:
            raise ours from error

    def _is_of_the_connection(self, error: BaseException | None) -> TypeGuard[BaseException]:
        """An `OSError` on a connection that lives is the block's own: a file that is not there, a reader that left."""
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            return bool(self._connection.is_closed())
        return isinstance(error, FOREIGN)
