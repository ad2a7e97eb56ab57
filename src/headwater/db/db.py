"""Reads from the pool: each on any free connection, or several in one snapshot."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from headwater.db.connection import Connection
from headwater.db.errors import ConnectionLost, DbError, SchemaChanged
from headwater.db.pool import Pool
from headwater.db.reader import Record
from headwater.db.rowstream import RowStream
from headwater.db.session import CHUNK_ROWS, Reads, Session
from headwater.db.statement import admit
from headwater.db.translate import FOREIGN, translate

T = TypeVar("T")

_BEGIN_SNAPSHOT = "begin isolation level repeatable read read only"


class Db(Reads):
    """Reads for queries; PostgreSQL refuses writes (`ReadOnly`), because the pool's sessions are read-only.

    Each read borrows a connection for one statement. If the connection turns out to be broken, or a migration has
    changed the schema, the read is sent once more on another connection; that is safe, since it changes nothing.
    """

    __slots__ = ("_pool",)

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def stream(self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS) -> RowStream[T]:
        """The rows of one snapshot from a server-side cursor, in constant memory; `chunk` rows are fetched at a time.

        If a handler returns the stream itself, PostgreSQL writes the JSON where the result is the same (see
        `headwater.db.rowstream`). A loop that is left early returns its connection when the iterator is closed: at once
        with ``contextlib.aclosing``, otherwise when it is garbage-collected.
        """
        return RowStream(kind, self._rows(kind, sql, *args, chunk=chunk), self._borrowed, sql, args)

    async def _rows(self, kind: type[T], sql: str, *args: Any, chunk: int) -> AsyncGenerator[T, None]:
        async with aclosing(self.chunks(kind, sql, *args, chunk=chunk)) as chunks:
            async for rows in chunks:
                for row in rows:
                    yield row

    async def chunks(
        self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS
    ) -> AsyncGenerator[list[T], None]:
        """As `stream`, in lists of up to `chunk` rows, for exports that encode many at once."""
        async with self._session() as session, aclosing(session.chunks(kind, sql, *args, chunk=chunk)) as chunks:
            async for rows in chunks:
                yield rows

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Db"]:
        """Several reads in one snapshot: ``async with db.snapshot() as db`` (repeatable read, read only)."""
        async with self._session() as session:
            yield _Snapshot(self._pool, session)

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[Record]:
        try:
            return await self._fetch_once(sql, args)
        except (ConnectionLost, SchemaChanged) as error:
            if isinstance(error, ConnectionLost) and not self._pool.read_only:
                raise
        return await self._fetch_once(sql, args)

    async def _fetch_once(self, sql: str, args: tuple[Any, ...]) -> list[Record]:
        text = admit(sql)
        connection = self._pool.take_nowait() or await self._pool.take()
        try:
            records: list[Record] = await connection.fetch(sql, *args)
        except FOREIGN as error:
            raise self._give_back_after(error, connection, sql) from error
        except BaseException:
            self._pool.recover(connection)
            raise
        if text.leaves_state:
            connection.mark_dirty(text)
        self._pool.put(connection)
        return records

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        async with self._borrowed() as connection:
            session = Session(connection)
            try:
                yield session
            finally:
                session.end()

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Connection]:
        """A connection in a transaction of its own, with one snapshot."""
        connection = await self._begin()
        try:
            yield connection
        finally:
            self._pool.recover(connection)  # however the reads ended, there is nothing to commit

    async def _begin(self) -> Connection:
        try:
            return await self._begin_once()
        except ConnectionLost:
            return await self._begin_once()

    async def _begin_once(self) -> Connection:
        connection = await self._pool.take()
        try:
            await connection.execute(_BEGIN_SNAPSHOT)
        except FOREIGN as error:
            raise self._give_back_after(error, connection, _BEGIN_SNAPSHOT) from error
        except BaseException:
            self._pool.recover(connection)
            raise
        return connection

    def _give_back_after(self, error: BaseException, connection: Connection, sql: str) -> DbError:
        ours = translate(error, sql)
        self._pool.note(ours)
        self._pool.recover(connection)
        return ours


class _Snapshot(Db):
    """A `Db` whose reads all see the same snapshot."""

    __slots__ = ("_on",)

    def __init__(self, pool: Pool, session: Session) -> None:
        super().__init__(pool)
        self._on = session

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[Record]:
        return await self._on._fetch(sql, args)

    def stream(self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS) -> RowStream[T]:
        """As `Db.stream`, on the connection of the snapshot; its settings are shared, so they are not changed."""
        return RowStream(kind, self._rows(kind, sql, *args, chunk=chunk), None, sql, args)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        yield self._on
