"""Reads from the pool: each on whatever connection is free, or several of them in one snapshot."""

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
    """What a query reads with; PostgreSQL refuses writes (`ReadOnly`), because the pool's sessions are read-only.

    Each read borrows a connection for that one statement. One that finds its connection dead, or a migration come
    between, is sent once more on another: it changes nothing, so that is safe.
    """

    __slots__ = ("_pool",)

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def stream(self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS) -> RowStream[T]:
        """Row after row of one snapshot from a server-side cursor, in constant memory; `chunk` rows travel at once.

        A handler that returns the stream itself has it written as JSON by PostgreSQL where that comes to the same (see
        `headwater.db.rowstream`). A loop that is left early gives its connection back when the iterator is closed: by
        ``contextlib.aclosing`` at once, otherwise when it is collected.
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
        """The same in lists of up to `chunk` rows, for exports that encode many at once."""
        async with self._session() as session, aclosing(session.chunks(kind, sql, *args, chunk=chunk)) as chunks:
            async for rows in chunks:
                yield rows

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Db"]:
        """Several reads of one moment: ``async with db.snapshot() as db`` (repeatable read, read only)."""
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
            self._pool.mend(connection)
            raise
        if text.stains:
            connection.stain(text)
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
        """A connection in a transaction of its own, which sees one moment."""
        connection = await self._begin()
        try:
            yield connection
        finally:
            self._pool.mend(connection)  # however the reads ended, there is nothing to commit

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
            self._pool.mend(connection)
            raise
        return connection

    def _give_back_after(self, error: BaseException, connection: Connection, sql: str) -> DbError:
        ours = translate(error, sql)
        self._pool.note(ours)
        self._pool.mend(connection)
        return ours


class _Snapshot(Db):
    """A `Db` whose reads all see one moment."""

    __slots__ = ("_on",)

    def __init__(self, pool: Pool, session: Session) -> None:
        super().__init__(pool)
        self._on = session

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[Record]:
        return await self._on._fetch(sql, args)

    def stream(self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS) -> RowStream[T]:
        """As that of `Db`, on the connection that has the snapshot, whose settings are others' as well."""
        return RowStream(kind, self._rows(kind, sql, *args, chunk=chunk), None, sql, args)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        yield self._on
