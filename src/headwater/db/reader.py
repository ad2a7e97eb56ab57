"""From asyncpg's records to the type that was asked for, called the *kind*.

A kind can be:

- a `Row`, any other `msgspec.Struct`, a dataclass or a `TypedDict`: columns become fields by name;
- ``dict``: columns by name, unchanged;
- a tuple type or `NamedTuple`: columns by order;
- anything else (`int`, `str`, `UUID`, ``list[str]``, an enum, …): the only column.

`msgspec.convert` checks every value against the declared type. Nothing is coerced except a string to an enum and an
integer to a float. A field with a nested type (a Struct, a mapping) is decoded as JSON is, so a `UUID` or `datetime`
inside a jsonb column becomes one.

A missing column is a `RowMismatch`, and so is a column without a field if the statement names its columns. With
``select *`` or ``returning *`` an unknown column is ignored; otherwise a migration that adds a column would break the
release that is still running.
"""

import dataclasses
import re
import typing
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from headwater.db.errors import RowMismatch
from headwater.db.statement import traits

T = TypeVar("T")

NATIVE = (UUID, datetime, date, time, timedelta, Decimal, bytes)
"""Types, beside those of JSON, in which asyncpg delivers PostgreSQL's values."""

_TEXTS_REMEMBERED = 4096
_MISSING = re.compile(r"missing required field `([^`]+)`")
_FIELD = re.compile(r"\.([^.\[`]+)")
_INDEX = re.compile(r"\[(\d+)\]`$")

Record = Any  # asyncpg.Record


class RowReader(Generic[T]):
    """Converts records to one kind; `reader` makes one per kind."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._many = list[kind]  # type: ignore[valid-type]
        self._fields = _fields(kind)
        self._take = _taking(kind, self._fields)
        self._known: set[str] = set()  # statements whose columns were found to fit

    def one(self, record: Record, sql: str) -> T:
        """The record as the kind; raises `RowMismatch`."""
        if sql not in self._known:
            self._examine(record, sql)
        try:
            return msgspec.convert(self._take(record), self._kind, builtin_types=NATIVE)
        except msgspec.ValidationError as error:
            raise self._mismatch(error, record) from None

    def all(self, records: list[Record], sql: str) -> list[T]:
        """The records as a list of the kind; raises `RowMismatch` for the first that does not fit."""
        if not records:
            return []
        if sql not in self._known:
            self._examine(records[0], sql)
        try:
            return msgspec.convert([self._take(record) for record in records], self._many, builtin_types=NATIVE)
        except msgspec.ValidationError as error:
            raise self._mismatch(error, records[0]) from None

    def _examine(self, record: Record, sql: str) -> None:
        columns = list(record.keys())
        if self._fields is not None:
            self._examine_names(columns, self._fields, traits(sql).columns_open)
        elif _is_scalar(self._kind) and len(columns) != 1:
            raise self._fault(", ".join(columns), f"expected one column, got {len(columns)}")
        if len(self._known) >= _TEXTS_REMEMBERED:
            self._known.clear()
        self._known.add(sql)

    def _examine_names(self, columns: list[str], fields: "Fields", columns_open: bool) -> None:
        for column in columns:
            if columns.count(column) > 1:
                raise self._fault(column, "it appears more than once; name each with `as`")
        for name in fields.required:
            if name not in columns:
                raise self._fault(name, "the statement does not return this column")
        for column in columns:
            if column not in fields.names and not (columns_open or fields.open):
                raise self._fault(column, "there is no such field")

    def _mismatch(self, error: msgspec.ValidationError, record: Record) -> RowMismatch:
        reason, _, place = str(error).partition(" - at `$")
        columns = list(record.keys())
        named = _FIELD.search(place) or _MISSING.search(reason)
        if named is not None:
            return self._fault(self._column(named.group(1)), reason)
        at = _INDEX.search(place) if len(columns) > 1 else None
        return self._fault(columns[int(at.group(1))] if at else columns[0], reason)

    def _column(self, encoded: str) -> str:
        renamed = self._fields.renamed if self._fields is not None else {}
        return next((column for column, name in renamed.items() if name == encoded), encoded)

    def _fault(self, column: str, reason: str) -> RowMismatch:
        return RowMismatch(column=column, kind=_name(self._kind), reason=reason[:1].lower() + reason[1:])


class Fields(typing.NamedTuple):
    """The columns that a kind takes by name."""

    names: frozenset[str]
    required: tuple[str, ...]
    open: bool  # accepts any other columns too
    renamed: dict[str, str]  # columns whose field has another name in JSON
    documents: dict[str, Any]  # columns of nested types, with their type


_readers: dict[Any, RowReader[Any]] = {}


def reader(kind: type[T]) -> RowReader[T]:
    """The reader of a kind; cached."""
    found = _readers.get(kind)
    if found is None:
        found = _readers[kind] = RowReader(kind)
    return found


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def _fields(kind: Any) -> Fields | None:
    """The columns that a kind takes by name, or None if it takes them by order."""
    origin = typing.get_origin(kind) or kind
    if origin is dict:
        return Fields(frozenset(), (), True, {}, {})
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return _struct_fields(kind)
    if dataclasses.is_dataclass(origin):
        return _dataclass_fields(origin)
    if typing.is_typeddict(origin):
        hints = typing.get_type_hints(origin)
        return Fields(frozenset(hints), tuple(sorted(origin.__required_keys__)), False, {}, _documents(hints.items()))
    return None


def _struct_fields(kind: Any) -> Fields:
    fields = msgspec.structs.fields(kind)
    return Fields(
        frozenset(field.name for field in fields),
        tuple(field.name for field in fields if field.required),
        False,
        {str(field.name): field.encode_name for field in fields if field.name != field.encode_name},
        _documents((field.name, field.type) for field in fields),
    )


def _dataclass_fields(kind: Any) -> Fields:
    fields, hints = dataclasses.fields(kind), typing.get_type_hints(kind, include_extras=True)
    return Fields(
        frozenset(field.name for field in fields),
        tuple(
            field.name
            for field in fields
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ),
        False,
        {},
        _documents(hints.items()),
    )


def _documents(types: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: kind for name, kind in types if _holds_structure(kind)}


def _holds_structure(kind: Any) -> bool:
    origin = typing.get_origin(kind) or kind
    if isinstance(origin, type):
        structured = issubclass(origin, msgspec.Struct | dict) or dataclasses.is_dataclass(origin)
        if structured or typing.is_typeddict(origin):
            return bool(typing.get_args(kind)) or origin is not dict
    return any(_holds_structure(part) for part in typing.get_args(kind))


def _is_scalar(kind: Any) -> bool:
    origin = typing.get_origin(kind) or kind
    return _fields(kind) is None and not (isinstance(origin, type) and issubclass(origin, tuple))


def _taking(kind: Any, fields: Fields | None) -> Callable[[Record], Any]:
    """The function that turns a record into plain values for `msgspec.convert`; each kind gets the cheapest one."""
    if fields is None:
        return _take_only if _is_scalar(kind) else tuple
    if fields.renamed or fields.documents:
        return _taking_apart(fields.renamed, fields.documents)
    return _take_columns


def _take_columns(record: Record) -> dict[str, Any]:
    return dict(record.items())


def _take_only(record: Record) -> Any:
    return record[0]


def _taking_apart(renamed: dict[str, str], documents: dict[str, Any]) -> Callable[[Record], dict[str, Any]]:
    def take(record: Record) -> dict[str, Any]:
        values: dict[str, Any] = dict(record.items())
        for column, kind in documents.items():
            if values.get(column) is not None:
                values[column] = _read_document(values[column], kind, column)
        return {renamed.get(column, column): value for column, value in values.items()} if renamed else values

    return take


def _read_document(value: Any, kind: Any, column: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        raise msgspec.ValidationError(f"{text} - at `$.{column}{place or '`'}") from None
