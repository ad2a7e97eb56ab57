"""Texts read as values."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from headwater.http.types.inputerror import Invalid
from headwater.http.types.scalar import list_reader_of, reader_of
from headwater.http.types.shape import shape_of


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1
    HIGH = 2


Small = Annotated[int, Meta(ge=1, le=9)]


def read(annotation: Any, text: str) -> Any:
    reader = reader_of(shape_of(annotation))
    assert reader is not None
    return reader(text)


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (int, "0", 0),
        (int, "-12", -12),
        (int, "9223372036854775807", 2**63 - 1),
        (Small, "9", 9),
        (bool, "true", True),
        (bool, "false", False),
        (str, "", ""),
        (str, "null", "null"),
        (str | None, "null", "null"),
        (int | None, "3", 3),
        (int | str, "3", 3),
        (int | str, "x", "x"),
        (float, "1.5", 1.5),
        (float, "2", 2.0),
        (float, "-1e3", -1000.0),
        (Decimal, "1.10", Decimal("1.10")),
        (UUID, "0af76519-16cd-43dd-8448-eb211c80319c", UUID("0af76519-16cd-43dd-8448-eb211c80319c")),
        (UUID, "0AF76519-16CD-43DD-8448-EB211C80319C", UUID("0af76519-16cd-43dd-8448-eb211c80319c")),
        (date, "2026-02-28", date(2026, 2, 28)),
        (datetime, "2026-02-28T12:00:00Z", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        (time, "12:30:00", time(12, 30)),
        (timedelta, "PT90S", timedelta(seconds=90)),
        (Color, "red", Color.RED),
        (Level, "2", Level.HIGH),
        (Literal["a", "b"], "b", "b"),
        (Literal[1, 2], "2", 2),
        (Annotated[str, Meta(min_length=2)], "ab", "ab"),
    ],
)
def test_a_value_has_this_spelling(annotation: Any, text: str, expected: Any) -> None:
    assert read(annotation, text) == expected


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, ""),
        (int, "+1"),
        (int, "-0"),
        (int, "01"),
        (int, "1.0"),
        (int, "1e3"),
        (int, "1_000"),
        (int, " 1"),
        (int, "\u0661"),
        (int, "9223372036854775808"),
        (int, "9" * 100_000),
        (int | None, "null"),
        (Small, "0"),
        (bool, "1"),
        (bool, "True"),
        (bool, "yes"),
        (float, "nan"),
        (float, "inf"),
        (float, "1e400"),
        (float, ".5"),
        (Decimal, "NaN"),
        (Decimal, "1e999999"),
        (UUID, "0af7651916cd43dd8448eb211c80319c"),
        (UUID, "{0af76519-16cd-43dd-8448-eb211c80319c}"),
        (UUID, "0af76519-16cd-43dd-8448-eb211c80319x"),
        (date, "2026-02-30"),
        (datetime, "1700000000"),
        (timedelta, "90"),
        (Color, "green"),
        (Level, "3"),
        (Literal["a", "b"], "c"),
        (Annotated[str, Meta(min_length=2)], "a"),
        (str, "a\0b"),
        (Literal["a"], "\0"),
    ],
)
def test_a_value_has_no_other_spelling(annotation: Any, text: str) -> None:
    with pytest.raises(Invalid):
        read(annotation, text)


@pytest.mark.parametrize(
    ("annotation", "texts", "expected"),
    [
        (list[int], ["1", "2"], [1, 2]),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[Color], ["red"], frozenset([Color.RED])),
        (tuple[int, ...], ["3"], (3,)),
        (list[int] | None, ["3"], [3]),
        (Annotated[list[Small], Meta(max_length=2)], ["3", "4"], [3, 4]),
    ],
)
def test_several_texts_are_a_collection(annotation: Any, texts: list[str], expected: Any) -> None:
    reader = list_reader_of(shape_of(annotation))
    assert reader is not None
    assert reader(texts) == expected


@pytest.mark.parametrize(
    ("annotation", "texts"),
    [
        (list[int], ["1", "x"]),
        (Annotated[list[int], Meta(max_length=1)], ["1", "2"]),
        (Annotated[list[int], Meta(min_length=2)], ["1"]),
    ],
)
def test_a_collection_is_as_strict_as_its_items(annotation: Any, texts: list[str]) -> None:
    reader = list_reader_of(shape_of(annotation))
    assert reader is not None
    with pytest.raises(Invalid):
        reader(texts)


@pytest.mark.parametrize("annotation", [list[int], dict[str, int], bytes, object, None, Any])
def test_some_types_have_no_spelling(annotation: Any) -> None:
    assert reader_of(shape_of(annotation)) is None


@pytest.mark.parametrize("annotation", [int, list[list[int]], dict[str, int], tuple[int, int], list[dict[str, int]]])
def test_some_types_are_no_collection_of_texts(annotation: Any) -> None:
    assert list_reader_of(shape_of(annotation)) is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_integer_of_64_bits_reads_as_itself(number: int) -> None:
    assert read(int, str(number)) == number


@given(st.text())
def test_a_text_is_an_integer_only_if_it_is_written_as_one(text: str) -> None:
    try:
        value = read(int, text)
    except Invalid:
        return
    assert str(value) == text


def test_every_identifier_reads_as_itself() -> None:
    identifier = uuid4()
    assert read(UUID, str(identifier)) == identifier
