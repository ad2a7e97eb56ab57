"""Rows as JSON: what PostgreSQL sends as text becomes what a typed `Row` can be made of."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headwater.types import Row
from headwater.wal.pgoutput import UNCHANGED, Relation, RelationColumn, Value
from headwater.wal.rows import RowWriter, key_text

# name, object id, what pgoutput sends, what stands in the JSON
TYPES: list[tuple[str, int, Value, Any]] = [
    ("yes", 16, "t", True),
    ("no", 16, "f", False),
    ("small", 21, "-7", -7),
    ("number", 23, "42", 42),
    ("large", 20, "9223372036854775807", 9223372036854775807),
    ("oid", 26, "4294967295", 4294967295),
    ("single", 700, "1.5", 1.5),
    ("double", 701, "-1e-300", -1e-300),
    ("infinite", 701, "-Infinity", "-Infinity"),
    ("unknown", 701, "NaN", "NaN"),
    ("exact", 1700, "12345678901234567890.12", "12345678901234567890.12"),
    ("text", 25, 'a "quoted" text\n', 'a "quoted" text\n'),
    ("bytes", 17, "\\x00ff10", "AP8Q"),
    ("no_bytes", 17, "\\x", ""),
    ("id", 2950, "0193a7b2-1111-7111-8111-000000000000", "0193a7b2-1111-7111-8111-000000000000"),
    ("day", 1082, "2026-11-24", "2026-11-24"),
    ("local", 1114, "2026-11-24 07:00:00.25", "2026-11-24T07:00:00.25"),
    ("moment", 1184, "2026-11-24 07:00:00.25+00", "2026-11-24T07:00:00.25Z"),
    ("never", 1184, "infinity", "infinity"),
    ("span", 1186, "P1DT2H", "P1DT2H"),
    ("document", 3802, '{"a": [1, null]}', {"a": [1, None]}),
    ("source", 114, ' { "a" : 1e2 } ', {"a": 100.0}),
    ("tags", 1009, "{a,b}", "{a,b}"),
    ("mine", 99999, "of a type of one's own", "of a type of one's own"),
    ("nothing", 23, None, None),
]


def written(relation: Relation, *values: Value) -> dict[str, Any]:
    _, body = RowWriter(relation).write("insert", values, None)
    decoded: dict[str, Any] = msgspec.json.decode(body)
    return decoded


@pytest.mark.parametrize(("name", "oid", "sent", "expected"), TYPES, ids=[name for name, *_ in TYPES])
def test_a_value_becomes_what_it_is(name: str, oid: int, sent: Value, expected: Any) -> None:
    relation = Relation(1, "shop", "thing", "d", (RelationColumn(name, oid, True),))
    body = written(relation, sent)
    assert body["row"] == body["key"] == {name: expected}


class Thing(Row, table="shop.thing"):
    yes: bool
    large: int
    double: float
    exact: Decimal
    bytes: bytes
    id: UUID
    day: date
    local: datetime
    moment: datetime
    span: timedelta
    document: dict[str, list[int | None]]
    nothing: int | None


def test_a_row_is_made_of_it_again() -> None:
    by_name = {name: (oid, sent) for name, oid, sent, _ in TYPES}
    names = Thing.__struct_fields__
    relation = Relation(
        1, "shop", "thing", "d", tuple(RelationColumn(name, by_name[name][0], name == "id") for name in names)
    )
    body = written(relation, *(by_name[name][1] for name in names))
    assert msgspec.convert(body["row"], Thing, strict=True) == Thing(
        yes=True,
        large=9223372036854775807,
        double=-1e-300,
        exact=Decimal("12345678901234567890.12"),
        bytes=b"\x00\xff\x10",
        id=UUID("0193a7b2-1111-7111-8111-000000000000"),
        day=date(2026, 11, 24),
        local=datetime(2026, 11, 24, 7, 0, 0, 250000),
        moment=datetime(2026, 11, 24, 7, 0, 0, 250000, UTC),
        span=timedelta(days=1, hours=2),
        document={"a": [1, None]},
        nothing=None,
    )
    assert body["key"] == {"id": "0193a7b2-1111-7111-8111-000000000000"}


def test_what_was_left_alone_is_absent_and_null_is_there() -> None:
    relation = Relation(
        1,
        "shop",
        "thing",
        "d",
        (RelationColumn("a", 25, True), RelationColumn("b", 25, False), RelationColumn("c", 25, False)),
    )
    assert written(relation, "k", UNCHANGED, None)["row"] == {"a": "k", "c": None}


def test_the_text_of_a_key_is_its_values_joined() -> None:
    assert key_text(("1",)) == "1"
    assert key_text(("1", "x")) == "1,x"
    assert key_text((None, "x")) == "x"
    assert key_text(()) == ""
