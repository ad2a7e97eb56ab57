"""A stream of rows: as objects, or as JSON lines where they are only sent on.

Both come from one statement, in one snapshot and in constant memory. Objects are read from a cursor. JSON lines are
written by PostgreSQL itself, with parallel workers if the table is large, and pass through here as bytes: a third of
the work. This is done only where the result is the same: the statement's columns are the fields, PostgreSQL writes
their types as msgspec does, and no constraint has to be checked. The one difference: a time ends in ``+00:00`` instead
of ``Z``.
"""

import asyncio
import typing
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from headwater.db.connection import Connection
from headwater.db.errors import RowMismatch
from headwater.db.statement import admit
from headwater.db.translate import FOREIGN, translate

T = TypeVar("T")

WAITING_BYTES: Final = 256 * 1024
"""Bytes that may be buffered; beyond that PostgreSQL has to wait."""

_UNBOUNDED_SECONDS: Final = 7 * 24 * 3600.0
_PREPARE: Final = (
    "set local statement_timeout = 0; set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0"
)
"""No timeout, because the reader decides how long it takes. The planner does not know that writing a row as JSON costs
more than passing it on; at its default costs it would not use parallel workers."""

_SEPARATOR, _QUOTE = "\x02", "\x01"
"""JSON has no control characters, so with these as delimiter and quote COPY leaves it as it is."""

_WRITTEN_ALIKE: Final[dict[Any, frozenset[str]]] = {
    str: frozenset({"text", "varchar"}),
    int: frozenset({"int2", "int4", "int8"}),
    bool: frozenset({"bool"}),
    UUID: frozenset({"uuid"}),
    date: frozenset({"date"}),
    datetime: frozenset({"timestamptz"}),
}

Open = Callable[[], AbstractAsyncContextManager[Connection]]
"""A context manager that gives a connection inside a transaction."""


class RowStream(AsyncGenerator[T, None], Generic[T]):
    """The result of `Db.stream`. Iterate over it, or over `json_lines()`, once."""

    def __init__(self, kind: type[T], rows: AsyncGenerator[T, None], open: Open | None, sql: str, args: Any) -> None:
        self._kind: Any = kind
        self._rows = rows
        self._open = open
        self._sql = sql
        self._args = args
        fields = _fields(kind)
        self._fields = fields if open is not None and fields is not None else None

    def __aiter__(self) -> "RowStream[T]":
        return self

    async def __anext__(self) -> T:
        return await self._rows.__anext__()

    async def asend(self, value: None) -> T:
        return await self._rows.asend(value)

    async def athrow(self, *error: Any) -> T:
        return await self._rows.athrow(*error)

    async def aclose(self) -> None:
        await self._rows.aclose()

    async def json_lines(self) -> AsyncGenerator[bytes, None]:
        """The rows as JSON lines, one or more whole lines at a time.

        Raises what iterating raises; `RowMismatch` also for a NULL where the kind does not allow None.
        """
        if self._fields is not None and self._open is not None:
            async with self._open() as connection:
                if await self._is_written_alike(connection, self._fields):
                    async with aclosing(self._written(connection)) as lines:
                        async for piece in lines:
                            yield piece
                    return
        async with aclosing(self._encoded()) as lines:
            async for piece in lines:
                yield piece

    async def _is_written_alike(self, connection: Connection, fields: dict[str, Any]) -> bool:
        """Whether the statement's columns are the fields, with types that PostgreSQL and msgspec write alike."""
        text = admit(self._sql)
        if text.leaves_state:
            connection.mark_dirty(text)
        try:
            columns = (await connection.prepare(self._sql)).get_attributes()
        except FOREIGN as error:
            raise translate(error, self._sql) from error
        return len(columns) == len(fields) and all(
            column.type.name in _WRITTEN_ALIKE.get(fields.get(column.name), ()) for column in columns
        )

    async def _encoded(self) -> AsyncGenerator[bytes, None]:
        encode = msgspec.json.Encoder().encode
        async for row in self._rows:
            yield encode(row) + b"\n"

    async def _written(self, connection: Connection) -> AsyncGenerator[bytes, None]:
        """The lines that PostgreSQL writes with COPY, which waits while they are not read."""
        pipe = _Pipe()
        copying = asyncio.create_task(self._copy(connection, pipe), name="copy rows")
        check = _Check(self._kind)
        try:
            while (piece := await pipe.take()) is not None:
                check.look(piece)
                yield piece
            await copying
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)

    async def _copy(self, connection: Connection, pipe: "_Pipe") -> None:
        try:
            await connection.execute(_PREPARE)
            await connection.copy_from_query(
                f"select row_to_json(line) from ({self._sql.rstrip().rstrip(';')}) as line",
                *self._args,
                output=pipe.put,
                timeout=_UNBOUNDED_SECONDS,
                format="csv",
                delimiter=_SEPARATOR,
                quote=_QUOTE,
            )
        except FOREIGN as error:
            raise translate(error, self._sql) from error
        finally:
            pipe.end()


class _Pipe:
    """A bounded buffer of bytes between two tasks; gives whole lines."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False

    async def put(self, data: bytes) -> None:
        self._waiting += data
        self._changed.set()
        if len(self._waiting) >= WAITING_BYTES:
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def take(self) -> bytes | None:
        """The lines received since, at least one; None after the last."""
        while True:
            end = self._waiting.rfind(b"\n") + 1
            if end:
                piece = bytes(memoryview(self._waiting)[:end])
                del self._waiting[:end]
                self._room.set()
                return piece
            if self._ended:
                return None
            self._changed.clear()
            self._room.set()  # a line longer than the buffer
            await self._changed.wait()


class _Check:
    """Finds a NULL where the kind does not allow None: more nulls than its optional fields can have."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode_lines
        fields = msgspec.structs.fields(kind)
        self._optional = [f'"{field.name}":null'.encode() for field in fields if _bare(field.type)[1]]

    def look(self, lines: bytes) -> None:
        """Raises `RowMismatch`. Lines that may only seem to have one, as inside a string, are decoded to be sure."""
        if lines.count(b":null") != sum(lines.count(each) for each in self._optional):
            try:
                self._decode(lines)
            except msgspec.ValidationError as error:
                raise _mismatch(error, self._kind) from None


def _fields(kind: Any) -> dict[str, Any] | None:
    """The columns that a kind takes and their types, if PostgreSQL writes them as msgspec does."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return None
    config, fields = kind.__struct_config__, msgspec.structs.fields(kind)
    types = {field.name: _bare(field.type)[0] for field in fields}
    shaped = config.array_like or config.omit_defaults or config.tag is not None
    renamed = any(field.name != field.encode_name for field in fields)
    return None if shaped or renamed or not types.keys() or set(types.values()) - _WRITTEN_ALIKE.keys() else types


def _bare(annotation: Any) -> tuple[Any, bool]:
    """The type without None, and whether it allows None."""
    arguments = typing.get_args(annotation)
    if type(None) in arguments:
        others = [each for each in arguments if each is not type(None)]
        return (others[0] if len(others) == 1 else None), True
    return (annotation if isinstance(annotation, type) else None), False


def _mismatch(error: msgspec.ValidationError, kind: type[Any]) -> RowMismatch:
    reason, _, place = str(error).partition(" - at `$")
    return RowMismatch(column=place.rstrip("`").rpartition(".")[2], kind=kind.__name__, reason=reason.lower())
