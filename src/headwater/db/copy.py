"""Rows as COPY needs them: the column names, and one tuple at a time in their order."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

Rows = Iterable[Any] | AsyncIterable[Any]


class CopySource:
    """Tuples for one COPY, read from the rows as the server accepts them.

    `fault` holds an error that the rows themselves raised, as opposed to one of the connection.
    """

    def __init__(self, rows: Rows, columns: Sequence[str] | None) -> None:
        self.columns = list(columns) if columns is not None else None
        self.fault: BaseException | None = None
        self._rows = rows if isinstance(rows, AsyncIterable) else _each(rows)
        self._iterator = aiter(self._rows)
        self._first: list[Any] = []

    async def open(self) -> bool:
        """Read the first row, for its columns; False if there is none."""
        try:
            first = await anext(self._iterator)
        except StopAsyncIteration:
            return False
        self._first.append(first)
        if self.columns is None and isinstance(first, msgspec.Struct):
            self.columns = list(first.__struct_fields__)
        return True

    async def tuples(self) -> AsyncIterator[Sequence[Any]]:
        take = _taking(self._first[0], self.columns)
        yield take(self._first.pop())
        try:
            async for row in self._iterator:
                yield take(row)
        except Exception as error:
            self.fault = error
            raise


async def _each(rows: Iterable[Any]) -> AsyncIterator[Any]:
    for row in rows:
        yield row


def _taking(row: Any, columns: list[str] | None) -> Callable[[Any], Sequence[Any]]:
    if not isinstance(row, msgspec.Struct):
        return tuple
    if columns is None or columns == list(row.__struct_fields__):
        return msgspec.structs.astuple
    if len(columns) == 1:
        (column,) = columns
        return lambda row: (getattr(row, column),)
    return attrgetter(*columns)
