"""Statements on one connection, and the reads that every session shares.

SQL is plain SQL with ``$1``, ``$2``, … for the arguments. A statement that returns rows names the *kind* they become
(see `headwater.db.reader`). All errors are `headwater.db.errors`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from headwater.db.connection import Connection
from headwater.db.copy import CopySource, Rows
from headwater.db.errors import ManyRows, NoRow, SessionEnded
from headwater.db.reader import Record, reader
from headwater.db.statement import admit
from headwater.db.translate import FOREIGN, translate

T = TypeVar("T")

CHUNK_ROWS = 500
_UNBOUNDED_SECONDS = 7 * 24 * 3600.0


class Reads:
    """Reads of one row, at most one row, or all rows, for any class that can fetch records."""

    __slots__ = ()

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[Record]:
        raise NotImplementedError

    async def one(self, kind: type[T], sql: str, *args: Any) -> T:
        """The only row; raises `NoRow`, `ManyRows` or `RowMismatch`."""
        records = await self._fetch(sql, args)
        if len(records) != 1:
            raise _wrong_number(kind, records, sql)
        return reader(kind).one(records[0], sql)

    async def maybe(self, kind: type[T], sql: str, *args: Any) -> T | None:
        """The only row, or None if there is none; raises `ManyRows` and `RowMismatch`."""
        records = await self._fetch(sql, args)
        if not records:
            return None
        if len(records) != 1:
            raise _wrong_number(kind, records, sql)
        return reader(kind).one(records[0], sql)

    async def all(self, kind: type[T], sql: str, *args: Any) -> list[T]:
        """Every row, in PostgreSQL's order; raises `RowMismatch`."""
        return reader(kind).all(await self._fetch(sql, args), sql)


def _wrong_number(kind: Any, records: list[Record], sql: str) -> NoRow | ManyRows:
    name = getattr(kind, "__name__", str(kind))
    error = ManyRows(kind=name, count=len(records)) if records else NoRow(kind=name)
    error.add_note(f"in: {sql}")
    return error


class Session(Reads):
    """Statements on one connection, inside a transaction that the caller begins and ends."""

    __slots__ = ("_connection", "_savepoints")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._savepoints = 0

    @property
    def connection(self) -> Connection:
        """asyncpg's connection, for what this class does not do; it is reset before it is lent again."""
        self._connection.dirty = True
        return self._connection

    def end(self) -> None:
        """Drop the connection: it will be lent to others, and a late statement must not reach it."""
        self._connection = _ENDED

    async def run(self, sql: str, *args: Any) -> int:
        """Run a statement for its effect; returns the number of affected rows (0 where that has no meaning).

        Without arguments the text may have several statements; the number is that of the last one.
        """
        self._admit(sql)
        try:
            return _rows_of(await self._connection.execute(sql, *args))
        except FOREIGN as error:
            raise translate(error, sql) from error

    async def copy(self, table: str, rows: Rows, columns: Sequence[str] | None = None) -> int:
        """Load rows with COPY, in constant memory; returns the number of rows.

        `table` is ``schema.table`` or ``table``. `rows` are tuples or Structs, from an iterable or an async iterable.
        Tuples go into `columns`, or into all columns in the table's order. Structs go into the columns of their
        fields, or of the fields that `columns` names. No statement timeout applies.
        """
        source = CopySource(rows, columns)
        if not await source.open():
            return 0
        schema, _, name = table.rpartition(".")
        try:
            await self._connection.execute("set local statement_timeout = 0")
            tag = await self._connection.copy_records_to_table(
                name,
                schema_name=schema or None,
                columns=source.columns,
                records=source.tuples(),
                timeout=_UNBOUNDED_SECONDS,
            )
            await self._connection.execute("set local statement_timeout to default")
        except FOREIGN as error:
            if source.fault is not None:
                raise source.fault from None
            raise translate(error, f"copy {table}") from error
        return _rows_of(tag)

    async def stream(self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS) -> AsyncGenerator[T, None]:
        """The rows from a server-side cursor, in constant memory; `chunk` rows are fetched at a time."""
        async with aclosing(self.chunks(kind, sql, *args, chunk=chunk)) as chunks:
            async for rows in chunks:
                for row in rows:
                    yield row

    async def chunks(
        self, kind: type[T], sql: str, *args: Any, chunk: int = CHUNK_ROWS
    ) -> AsyncGenerator[list[T], None]:
        """As `stream`, in lists of up to `chunk` rows, for exports that encode many at once."""
        self._admit(sql)
        read = reader(kind).all
        try:
            cursor = await self._connection.cursor(sql, *args)
            while records := await cursor.fetch(chunk):
                yield read(records, sql)
        except FOREIGN as error:
            raise translate(error, sql) from error

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A nested transaction: rolled back if the block raises; the transaction itself continues either way."""
        self._savepoints += 1
        name = f"headwater_{self._savepoints}"
        await self._control(f"savepoint {name}")
        try:
            yield
        except (Exception, asyncio.CancelledError):  # a timeout inside the transaction arrives here as a cancellation
            await self._control(f"rollback to savepoint {name}")
            raise
        await self._control(f"release savepoint {name}")

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[Record]:
        self._admit(sql)
        try:
            return await self._connection.fetch(sql, *args)  # type: ignore[no-any-return]
        except FOREIGN as error:
            raise translate(error, sql) from error

    async def _control(self, sql: str) -> None:
        try:
            await self._connection.execute(sql)
        except FOREIGN as error:
            raise translate(error, sql) from error

    def _admit(self, sql: str) -> None:
        text = admit(sql)
        if text.leaves_state:
            self._connection.mark_dirty(text)


class _Ended:
    def __getattr__(self, name: str) -> Any:
        raise SessionEnded()

    def __setattr__(self, name: str, value: Any) -> None:
        raise SessionEnded()


_ENDED: Any = _Ended()


def _rows_of(tag: str) -> int:
    """The row count at the end of a command tag, as in ``INSERT 0 3``."""
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0
