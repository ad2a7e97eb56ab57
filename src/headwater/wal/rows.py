"""Changed rows: converts pgoutput's text to the JSON of `headwater.log.change`.

pgoutput delivers values as text. Booleans, integers, floats and JSON become JSON values. bytea becomes base64 and
timestamps RFC 3339, so a typed `Row` can be decoded from them. Everything else stays PostgreSQL's text: numeric, since
a JSON number would lose digits, arrays, enums, domains and other user-defined types.
"""

import base64
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from headwater.log.change import RowChange, encode_change
from headwater.types import Operation
from headwater.wal.catalog import RelationDescription
from headwater.wal.pgoutput import UNCHANGED, MalformedStream, Relation, Values


class RowWriter:
    """Writes the changes of one relation, by its last description.

    The key of a row is its primary key if the replica identity contains it, so that every change has it; otherwise the
    replica identity, which under REPLICA IDENTITY FULL is the whole row. All methods raise `MalformedStream` for values
    that do not fit the relation.
    """

    def __init__(self, relation: Relation, description: RelationDescription = RelationDescription()) -> None:  # noqa: B008 - frozen
        self._table = f"{relation.schema}.{relation.name}"
        self._columns = [(column.name, _BY_TYPE.get(column.type_oid, _text)) for column in relation.columns]
        self._identity = [index for index, column in enumerate(relation.columns) if column.in_key]
        self._key = _row_key(relation, self._identity, description.primary_key)
        self._logged = range(len(relation.columns)) if description.logs_rows else self._key
        """Of the old row under REPLICA IDENTITY FULL."""
        self._unchanged = self._key if relation.replica_identity == "f" else self._identity
        """Of an update without an old row. Under REPLICA IDENTITY FULL only updates of partitions come so."""
        self._old = [index for index, column in enumerate(relation.columns) if column.name in description.old]

    def key_of(self, values: Values) -> Values:
        """The values of the key's columns."""
        self._check(values)
        return tuple([values[index] for index in self._key])

    def before(self, old_key: Values | None, old: Values | None) -> Values | None:
        """The old row; what the replica identity did not log is `UNCHANGED`. None if nothing of it was sent."""
        if old_key is not None:
            return self._only(self._identity, old_key)
        if old is not None and len(self._logged) < len(old):
            return self._only(self._logged, old)
        return old

    def complete(self, new: Values, before: Values) -> Values:
        """The new row, with unchanged TOAST values taken from the old row where the WAL has it."""
        if UNCHANGED not in new:
            return new
        self._check(new)
        self._check(before)
        return tuple([old if value is UNCHANGED else value for value, old in zip(new, before, strict=True)])

    def write(self, operation: Operation, row: Values, before: Values | None) -> tuple[str, bytes]:
        """The key's text and the JSON of one change: the new `row`, or the old one for a delete.

        `before` is the old row of an update or delete, as far as it was sent.
        """
        text = key_text(self.key_of(row))
        try:
            change = RowChange(
                table=self._table,
                operation=operation,
                key=self._values(self._key, row),
                row={} if operation == "delete" else self._values(range(len(row)), row),
                id=text,
                old=self._old_values(operation, row, before) if self._old else {},
            )
        except ValueError as error:
            raise MalformedStream(reason=f"a row of {self._table}: {error}") from error
        return text, encode_change(change)

    def write_truncate(self) -> bytes:
        """The JSON of a truncate."""
        return encode_change(RowChange(table=self._table, operation="truncate", key={}, row={}, id=""))

    def _old_values(self, operation: Operation, row: Values, before: Values | None) -> dict[str, Any]:
        if operation == "insert":
            return {}
        return self._values(self._old, self._only(self._unchanged, row) if before is None else before)

    def _only(self, indexes: Collection[int], values: Values) -> Values:
        self._check(values)
        return tuple([value if index in indexes else UNCHANGED for index, value in enumerate(values)])

    def _check(self, values: Values) -> None:
        if len(values) != len(self._columns):
            raise MalformedStream(reason=f"{self._table} has {len(self._columns)} columns, its row {len(values)}")

    def _values(self, indexes: Iterable[int], values: Values) -> dict[str, Any]:
        found = {}
        for index in indexes:
            name, convert = self._columns[index]
            value = values[index]
            if isinstance(value, str):
                found[name] = convert(value)
            elif value is None:
                found[name] = None
        return found


def _row_key(relation: Relation, identity: list[int], primary_key: Collection[str]) -> list[int]:
    """The indexes of the key's columns. A table without a replica identity has inserts only."""
    key = [index for index, column in enumerate(relation.columns) if column.name in primary_key]
    is_whole = 0 < len(key) == len(primary_key)
    return key if is_whole and (not identity or set(key) <= set(identity)) else identity


def key_text(key: Values) -> str:
    """The text that orders changes of one row: the values of its key, joined by commas.

    For a key of one column it equals the key of an event that names the same row, so both share a partition.
    """
    return ",".join([value for value in key if isinstance(value, str)])


def _text(text: str) -> str:
    return text


def _float(text: str) -> float | str:
    return text if text in ("NaN", "Infinity", "-Infinity") else float(text)


def _timestamp(text: str) -> str:
    return text.replace(" ", "T", 1)


def _timestamp_with_zone(text: str) -> str:
    text = text.replace(" ", "T", 1)
    return f"{text[:-3]}Z" if text.endswith("+00") else text


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


def _json(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


_BY_TYPE: dict[int, Callable[[str], Any]] = {
    16: "t".__eq__,
    17: _base64,
    20: int,
    21: int,
    23: int,
    26: int,
    114: _json,
    700: _float,
    701: _float,
    1114: _timestamp,
    1184: _timestamp_with_zone,
    3802: _json,
}
"""By the fixed object ids of pg_type: bool, bytea, int8, int2, int4, oid, json, float4, float8, timestamp,
timestamptz, jsonb."""
