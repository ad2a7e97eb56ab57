"""A changed row as the log keeps it: JSON with the table, the operation, the key and the columns that came along.

pgoutput hands over values as text. Booleans, integers, floats and JSON become what they are; bytea becomes base64
and timestamps RFC 3339, so that a typed `Row` can be made of them again; everything else stays PostgreSQL's text.
A numeric stays text, since a JSON number would lose digits.
"""

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from headwater.types import Operation
from headwater.wal.pgoutput import UNCHANGED, Column, Relation, Value, Values


class RowChange(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a change entry in the log."""

    table: str
    operation: Operation
    key: dict[str, Any]
    row: dict[str, Any]
    id: str
    """The text that orders changes of one row (`key_text`); empty for a truncate, which is about every row."""


_encoder = msgspec.json.Encoder()


def write_change(relation: Relation, operation: Operation, key: Values, row: Values) -> bytes:
    """The JSON of one change. `key` and `row` hold a value for every column of the relation."""
    return _encoder.encode(
        RowChange(
            table=f"{relation.schema}.{relation.name}",
            operation=operation,
            key=_columns(relation, key, keys_only=True),
            row=_columns(relation, row, keys_only=False),
            id=key_text(relation, key) if key else "",
        )
    )


def key_text(relation: Relation, values: Values) -> str:
    """The text that orders changes of one row: its key columns, joined by commas.

    For a key of one column it is what an event naming the same row has as its key, so both share a partition.
    """
    return ",".join(
        str(value)
        for column, value in zip(relation.columns, values, strict=True)
        if column.in_key and value is not None
    )


def _columns(relation: Relation, values: Values, *, keys_only: bool) -> dict[str, Any]:
    return {
        column.name: _to_json(column, value)
        for column, value in zip(relation.columns, values, strict=False)
        if value is not UNCHANGED and (column.in_key or not keys_only)
    }


def _to_json(column: Column, value: Value) -> Any:
    if value is None or not isinstance(value, str):
        return None
    convert = _BY_TYPE.get(column.type_oid)
    return value if convert is None else convert(value)


def _float(text: str) -> float | str:
    return text if text in ("NaN", "Infinity", "-Infinity") else float(text)


def _timestamp(text: str) -> str:
    return text.replace(" ", "T", 1)


def _timestamp_with_zone(text: str) -> str:
    text = text.replace(" ", "T", 1)
    return f"{text[:-3]}Z" if text.endswith("+00") else text


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


_BY_TYPE: dict[int, Callable[[str], Any]] = {
    16: "t".__eq__,
    17: _base64,
    20: int,
    21: int,
    23: int,
    26: int,
    114: lambda text: msgspec.Raw(text.encode()),
    700: _float,
    701: _float,
    1114: _timestamp,
    1184: _timestamp_with_zone,
    3802: lambda text: msgspec.Raw(text.encode()),
}
"""By the fixed object ids of pg_type: bool, bytea, int8, int2, int4, oid, json, float4, float8, timestamp,
timestamptz, jsonb."""
