"""Every example in the document is one that the server would take."""

import enum
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Union
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from headwater.http.openapi.examples import example_of
from headwater.http.openapi.pattern import text_that_matches
from headwater.http.openapi.schemas import Schemas


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(msgspec.Struct, tag=True):
    name: str


class Tree(msgspec.Struct, tag=True):
    left: Union["Tree", Leaf]
    others: list["Tree"]
    parent: Union["Tree", None] = None


Count = Annotated[int, Meta(ge=3, multiple_of=5)]

TYPES: list[Any] = [
    str, int, float, bool, None, bytes, UUID, Decimal, datetime, date, time, timedelta, datetime | None,
    dict[str, list[datetime | int]],
    tuple[time, str], Colour, Leaf, Tree, Any,
    Literal["a", "b"], list[int], dict[str, int], tuple[int, str], set[str], str | None, int | str, Count,
    Annotated[str, Meta(min_length=40)], Annotated[str, Meta(max_length=2)], Annotated[str, Meta(pattern="^[A-Z]{3}$")],
    Annotated[int, Meta(gt=7)], Annotated[int, Meta(le=-7)], Annotated[float, Meta(gt=0, lt=1)],
    Annotated[float, Meta(le=0.25)], Annotated[list[Leaf], Meta(min_length=2)],
    Annotated[list[int], Meta(max_length=0)],
    Annotated[dict[str, int], Meta(min_length=2)], Annotated[datetime, Meta(tz=True)],
    Annotated[datetime, Meta(tz=False)], Annotated[datetime, Meta(tz=False)] | None,
    Annotated[str, Meta(min_length=3, max_length=40, pattern="^[a-z0-9-]+$")],
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: str(kind)[:60])
def test_an_example_is_of_its_type(kind: Any) -> None:
    schemas = Schemas([kind])
    schema, components = schemas.of(kind), schemas.components
    example = example_of(schema, components)
    msgspec.json.decode(msgspec.json.encode(example), type=kind)
    assert example == example_of(schema, components)


def test_what_the_type_gives_as_an_example_comes_first() -> None:
    class Person(msgspec.Struct):
        name: Annotated[str, Meta(examples=["Grace"])]
        city: str = "Porto"

    (schema,), components = msgspec.json.schema_components([Person], ref_template="#/components/schemas/{name}")
    assert example_of(schema, components) == {"name": "Grace", "city": "Porto"}


def test_a_datetime_without_an_offset_is_said_to_be_local() -> None:
    kind: Any = Annotated[datetime, Meta(tz=False)]
    assert Schemas([kind]).of(kind) == {"type": "string", "format": "date-time-local"}


@given(st.integers(-99, 99), st.integers(0, 40), st.integers(1, 7))
def test_a_number_between_bounds_is_found(least: int, width: int, step: int) -> None:
    kind: Any = Annotated[int, Meta(ge=least, le=least + width + step, multiple_of=step)]
    schema = msgspec.json.schema(kind)
    msgspec.convert(example_of(schema, {}), kind)


PATTERNS = [
    "^[a-z]{2,5}$", "^(foo|bar)-\\d+$", "[^abc]x?", "^\\w+@\\w+\\.org$", "^(?:[A-Z]{2}){3}$", "a|b", "^\\S.$",
    "^[^\\W\\d]$", "^[^a-z0-9]$", "^[éà]+$", "^[\\u0400-\\u04ff]$", "^$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_that_a_pattern_matches_is_found(pattern: str) -> None:
    assert re.search(pattern, text_that_matches(pattern))
    assert len(text_that_matches("^[a-z]+$", least=9)) >= 9


class Stay(msgspec.Struct):
    begins: datetime
    ends: datetime | None
    wakes: dict[str, tuple[time, str]]
    before: Union["Stay", None] = None


def test_times_have_their_format_wherever_they_stand() -> None:
    properties = Schemas([list[Stay]]).components["Stay"]["properties"]
    assert properties["begins"] == {"type": "string", "format": "date-time"}
    assert properties["ends"]["anyOf"] == [{"type": "string", "format": "date-time"}, {"type": "null"}]
    assert properties["wakes"]["additionalProperties"]["prefixItems"][0] == {"type": "string", "format": "time-local"}
    assert properties["wakes"]["additionalProperties"]["prefixItems"][1] == {"type": "string"}
