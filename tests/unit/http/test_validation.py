"""Every error of a body: found exactly when msgspec refuses it, and each where its pointer says."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar, Union, get_args, get_origin
from urllib.parse import unquote
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from headwater.http.types.inputerror import LIMIT, InputError
from headwater.http.types.shape import shape_of
from headwater.http.types.validation import errors_of, find_errors, nul_errors, offset_check, pointer
from tests.length import examples

T = TypeVar("T")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Item(msgspec.Struct):
    sku: Annotated[str, Meta(min_length=2, max_length=5)]
    quantity: Annotated[int, Meta(ge=1)] = 1


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    long_name: str
    note: str | None = None


class Card(msgspec.Struct, tag="card"):
    number: str


class Cash(msgspec.Struct, tag="cash"):
    amount: Decimal


class Near(msgspec.Struct, array_like=True, tag="near"):
    x: int
    y: int = 0


class Far(msgspec.Struct, array_like=True, tag="far", forbid_unknown_fields=True):
    x: int


class Place(msgspec.Struct, array_like=True):
    x: float
    y: float


class Span(msgspec.Struct):
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("last lies before first")


class Tree(msgspec.Struct):
    name: str
    children: list["Tree"] = []


class Pair(NamedTuple):
    a: int
    b: str = ""


class Options(TypedDict, total=False):
    depth: int


class Page(msgspec.Struct, Generic[T]):
    items: list[T]


class Order(msgspec.Struct):
    id: UUID
    items: Annotated[list[Item], Meta(min_length=1, max_length=3)]
    payment: Card | Cash | None = None
    prices: dict[str, int] = {}
    colors: set[Color] = set()
    span: Span | None = None


TYPES: list[Any] = [
    int,
    float,
    str,
    bool,
    None,
    Any,
    Annotated[int, Meta(ge=0, lt=10, multiple_of=2)],
    Annotated[str, Meta(pattern="^a")],
    Annotated[float, Meta(gt=0)],
    Decimal,
    UUID,
    date,
    datetime,
    bytes,
    Color,
    Literal["a", 1, None],
    int | str,
    int | None,
    int | list[int] | None,
    str | dict[str, int],
    list[int],
    list[list[Color]],
    set[int],
    frozenset[str],
    tuple[int, ...],
    tuple[int, str],
    dict[str, Item],
    dict[int, str],
    dict[Annotated[str, Meta(min_length=2)], int],
    Annotated[dict[str, int], Meta(max_length=2)],
    Item,
    Strict,
    Card,
    Card | Cash,
    Card | Cash | int | None,
    Near | Far,
    Place,
    Place | None,
    Span,
    Tree,
    Pair,
    Options,
    Page[Item],
    Page[int | None],
    Order,
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-12, 12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "a", "ab", "red", "card", "near", "2026-01-31", "0af76519-16cd-43dd-8448-eb211c80319c", "YQ=="]
    )
    | st.text(max_size=6)
)
NAMES = [
    "sku",
    "quantity",
    "longName",
    "note",
    "type",
    "number",
    "amount",
    "x",
    "y",
    "first",
    "last",
    "name",
    "children",
]
NAMES += ["depth", "items", "id", "payment", "prices", "colors", "span", "a", "1", "~/", "ü %"]
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


def nearly(kind: Any) -> st.SearchStrategy[Any]:
    """JSON values that mostly look like `kind`, so that its deeper parts are reached."""
    return st.one_of(anything, _like(kind), _like(kind), _like(kind))


def _like(kind: Any) -> st.SearchStrategy[Any]:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _like(args[0])
    if origin in (Union, UnionType):
        return st.one_of([_like(arg) for arg in args])
    if origin in (list, set, frozenset) or (origin is tuple and args[-1] is ...):
        return st.lists(_later(args[0]), max_size=2)
    if origin is tuple:
        return st.tuples(*(nearly(arg) for arg in args)).map(list)
    if origin is dict:
        return st.dictionaries(st.sampled_from(["a", "ab", "7", "~/", "x y"]), _later(args[1]), max_size=4)
    if kind is NoneType:
        return st.none()
    base = origin or kind
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return _like_struct(kind, base)
    return scalars


def _later(kind: Any) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: nearly(kind))


def _like_struct(kind: Any, base: Any) -> st.SearchStrategy[Any]:
    fields = {field.encode_name: _later(field.type) for field in msgspec.structs.fields(kind)}
    tag = base.__struct_config__.tag
    if base.__struct_config__.array_like:
        values = st.tuples(*fields.values()).map(list)
        return values.map(lambda items: [tag, *items]) if tag else values
    named = st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)
    return named.map(lambda value: {"type": tag, **value}) if tag else named


def refusal(body: bytes, kind: Any) -> msgspec.ValidationError | None:
    try:
        msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        return error
    return None


def assert_points_into(error: InputError, document: Any) -> None:
    """The pointer leads to a value, or to where one is missing."""
    assert error.pointer is not None
    assert error.pointer.startswith("#")
    *steps, last = ["", *unquote(error.pointer[1:]).split("/")[1:]]
    at = document
    for step in steps[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        at = at[int(name)] if isinstance(at, list) else at[name]
    if steps:
        name = last.replace("~1", "/").replace("~0", "~")
        there = int(name) < len(at) if isinstance(at, list) else name in at
        assert there or "missing" in error.detail or "one of" in error.detail or "Expected `str`" in error.detail


@pytest.mark.parametrize("kind", TYPES, ids=str)
@given(data=st.data())
@settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_there_are_errors_exactly_when_msgspec_refuses(kind: Any, data: st.DataObject) -> None:
    document = data.draw(nearly(kind))
    body = msgspec.json.encode(document)
    document = msgspec.json.decode(body)
    error = refusal(body, kind)
    found = list(errors_of(document, shape_of(kind)))
    assert bool(found) == (error is not None), (document, error, found)
    if error is not None:
        listed = find_errors(body, kind, error)
        assert listed
        for each in listed:
            assert_points_into(each, document)


class Meeting(msgspec.Struct):
    at: datetime
    notes: list[datetime | None] = []
    seen: dict[datetime, int] = {}
    local: Annotated[datetime, Meta(tz=False)] | None = None
    after: "Meeting | None" = None


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"at":"2026-01-31T12:30:00Z","local":"2026-01-31T12:30:00"}', []),
        (b'{"at":"2026-01-31T12:30:00+01:00","notes":[null,"2026-01-31 12:30:00.5Z"]}', []),
        (b'{"at":"2026-01-31T12:30:00"}', ["#/at"]),
        (b'{"at":"2026-01-31T12:30\\u003a00"}', ["#/at"]),
        (b'{"at":"2026-01-31t12:30:00Z","notes":["2026-01-31 12:30:00.25"]}', ["#/notes/0"]),
        (b'{"at":"2026-01-31T12:30:00Z","seen":{"2026-01-31T12:30:00":1.0}}', ["#/seen/2026-01-31T12:30:00"]),
        (
            b'{"at":"2026-01-31T12:30:00","after":{"at":"2026-01-31T12:30:00","local":"2026-01-31T12:30:00"}}',
            ["#/at", "#/after/at"],
        ),
    ],
)
def test_a_datetime_needs_an_offset_unless_its_type_says_that_it_has_none(body: bytes, pointers: list[str]) -> None:
    check = offset_check(Meeting)
    assert check is not None
    found = check(body)
    assert [error.pointer for error in found] == pointers
    assert all("Expected `datetime` with a timezone component" in error.detail for error in found)


def test_a_type_without_such_a_datetime_is_not_looked_at() -> None:
    assert offset_check(Order) is None
    assert offset_check(Annotated[datetime, Meta(tz=True)]) is None


def errors(kind: Any, body: bytes) -> list[tuple[str | None, str]]:
    error = refusal(body, kind)
    assert error is not None
    return [(error.pointer, error.detail) for error in find_errors(body, kind, error)]


def test_all_errors_are_listed_in_the_order_of_the_type() -> None:
    body = b'{"id":"x","items":[{"sku":"a"},{"quantity":0},7],"payment":{"type":"cheque"},"prices":{"a/b":"1"}}'
    assert errors(Order, body) == [
        ("#/id", "Invalid UUID"),
        ("#/items/0/sku", "Expected `str` of length >= 2"),
        ("#/items/1/sku", "The field is missing"),
        ("#/items/1/quantity", "Expected `int` >= 1"),
        ("#/items/2", "Expected `object`, got `int`"),
        ("#/payment/type", "Expected one of 'card', 'cash', got \"cheque\""),
        ("#/prices/a~1b", "Expected `int`, got `str`"),
    ]


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (Order, b"[]", [("#", "Expected `object`, got `array`")]),
        (
            Item,
            b'{"sku":1,"quantity":"x"}',
            [("#/sku", "Expected `str`, got `int`"), ("#/quantity", "Expected `int`, got `str`")],
        ),
        (Strict, b'{"longName":"a","nte":1}', [("#/nte", "There is no such field")]),
        (Strict, b"{}", [("#/longName", "The field is missing")]),
        (Card | Cash, b"{}", [("#/type", "Expected one of 'card', 'cash'")]),
        (Card | Cash, b'{"type":"cash","amount":[]}', [("#/amount", "Expected `decimal`, got `array`")]),
        (int | str | None, b"[]", [("#", "Expected `int | str | null`, got `array`")]),
        (tuple[int, str], b"[1]", [("#", "Expected 2 items, got 1")]),
        (Span, b'{"first":2,"last":1}', [("#", "last lies before first")]),
        (
            Tree,
            b'{"name":"a","children":[{"name":"b","children":[{}]}]}',
            [("#/children/0/children/0/name", "The field is missing")],
        ),
        (dict[int, str], b'{"x":"a"}', [("#/x", "The name does not fit: Expected `int`, got `str`")]),
        (
            Annotated[list[int], Meta(max_length=1)],
            b'[1,"a"]',
            [("#", "Expected at most 1 items, got 2"), ("#/1", "Expected `int`, got `str`")],
        ),
        (Page[int], b'{"items":[1,null]}', [("#/items/1", "Expected `int`, got `null`")]),
        (list[float], b"[1e999]", [("#/0", "Number out of range")]),
    ],
)
def test_an_error_says_what_and_where(kind: Any, body: bytes, expected: list[tuple[str, str]]) -> None:
    assert errors(kind, body) == expected


def test_the_first_of_two_members_of_one_name_is_not_lost() -> None:
    assert errors(Item, b'{"sku":1,"sku":"ab"}') == [("#/sku", "Expected `str`, got `int`")]


def test_no_more_errors_are_gathered_than_are_shown() -> None:
    body = msgspec.json.encode(["x"] * 100_000)
    assert len(errors(list[int], body)) == LIMIT + 1


def test_a_body_that_turns_out_to_be_no_json_is_told_apart() -> None:
    error = refusal(b'["x", nonsense]', list[int])
    assert error is not None
    with pytest.raises(msgspec.DecodeError, match="malformed"):
        find_errors(b'["x", nonsense]', list[int], error)


@pytest.mark.parametrize(
    ("path", "expected"),
    [((), "#"), (("a", 0), "#/a/0"), (("a/b", "c~d"), "#/a~1b/c~0d"), (("ü x",), "#/%C3%BC%20x"), (("",), "#/")],
)
def test_a_pointer_is_written_as_a_fragment(path: tuple[str | int, ...], expected: str) -> None:
    assert pointer(path) == expected


def test_nul_is_pointed_at_in_texts_and_names() -> None:
    found = nul_errors({"a": ["x", "\0"], "b\0": 1})
    assert [error.pointer for error in found] == ["#/a/1", "#/b%00"]
