"""Declarations of pages: what the document shows of them, what is refused at the start, and the SQL of a place."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest

from headwater.binding import HandlerError
from headwater.commit import Tx
from headwater.db import Db
from headwater.http import Listing, Page, Pages, RouteError
from headwater.http.page.keyset import branches_from
from headwater.http.page.links import LENGTH_LIMIT, link_header
from headwater.http.page.order import Term
from headwater.http.page.plan import PagePlan
from headwater.types import Row
from tests.unit.http.support import build, command, document_of, query


class Pet(Row, table="pet", rename="camel"):
    id: UUID
    name: str
    born_in: int | None
    kind: Literal["cat", "dog"]
    tags: list[str]
    span: timedelta


PETS = Pages(
    Pet,
    sort=("name", "-bornIn"),
    filters={"bornIn": ("ge", "null"), "kind": ("eq", "in"), "name": ("prefix",)},
    fields=("id", "name", "bornIn"),
    count=("none", "exact"),
    limit=10,
    most=50,
)


async def list_pets(db: Db, page: Annotated[Page, PETS]) -> Listing[Pet]:
    """Pets."""
    return await page.read(db)


def document(handler: Any) -> dict[str, Any]:
    return document_of(query("/pets", handler))


def test_every_parameter_is_documented_with_its_bounds() -> None:
    parameters = {each["name"]: each for each in document(list_pets)["paths"]["/pets"]["get"]["parameters"]}
    assert list(parameters) == [
        *["sort", "limit", "cursor", "count", "fields"],
        *["bornIn[ge]", "bornIn[null]", "kind", "kind[in]", "name[prefix]"],
    ]
    assert parameters["sort"]["schema"]["items"]["enum"] == ["name", "-name", "bornIn", "-bornIn"]
    assert parameters["sort"]["schema"]["default"] == ["name"]
    assert (parameters["sort"]["explode"], parameters["kind[in]"]["explode"]) == (False, True)
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}
    assert parameters["count"]["schema"]["enum"] == ["none", "exact"]
    assert parameters["fields"]["schema"]["items"]["enum"] == ["id", "name", "bornIn"]
    assert parameters["kind[in]"]["schema"]["items"] == {"enum": ["cat", "dog"]}
    assert parameters["name[prefix]"]["schema"] == {"type": "string", "maxLength": 255, "pattern": r"^[^\x00]*$"}
    assert not any(each["required"] for each in parameters.values())


def test_where_fields_can_be_chosen_no_field_must_be_there() -> None:
    written = document(list_pets)
    answer = written["paths"]["/pets"]["get"]["responses"]["200"]
    schemas = written["components"]["schemas"]
    assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Listing_PetFields_"}
    assert schemas["PetFields"]["required"] == []
    assert set(schemas["PetFields"]["properties"]) == {"id", "name", "bornIn", "kind", "tags", "span"}
    assert "Link" in answer["headers"]


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"key": "name_"}, "key: Pet has no field 'name_'"),
        ({"key": "bornIn"}, "never None"),
        ({"key": ()}, "name at least one column"),
        ({"sort": ("colour",)}, "sort: Pet has no field 'colour'"),
        ({"sort": ("tags",)}, "of a type that can be sorted by"),
        ({"sort": ("span",)}, "of a type that can be sorted by"),
        ({"sort": ("name",), "default": "kind"}, "default: 'kind' is not made of the fields that `sort` names"),
        ({"default": "name"}, "default: 'name' is not made of"),
        ({"filters": {"colour": ("eq",)}}, "filters: Pet has no field 'colour'"),
        ({"filters": {"name": ("like",)}}, "'like' is not one of eq, ne"),
        ({"filters": {"tags": ("eq",)}}, "tags cannot have 'eq'"),
        ({"filters": {"bornIn": ("prefix",)}}, "only strings have prefixes"),
        ({"fields": ("colour",)}, "fields: Pet has no field 'colour'"),
        ({"limit": 0}, "1 <= limit <= most"),
        ({"limit": 30, "most": 20}, "1 <= limit <= most"),
        ({"count": ("exact",)}, "count: name some of none"),
        ({"lifetime": timedelta(0)}, "for a minute at least"),
        ({"nulls": "middle"}, "nulls: name last"),
        ({"tenant": "tags"}, "the values of 'tags' cannot be parsed from one string"),
    ],
)
def test_a_declaration_that_cannot_be_names_handler_and_reason(declared: dict[str, Any], reason: str) -> None:
    pages = Pages(Pet, **declared)

    async def show(page: Annotated[Page, pages]) -> Listing[Pet]:
        raise NotImplementedError

    with pytest.raises(RouteError) as raised:
        build(query("/pets", show))
    assert reason in str(raised.value)
    assert "show" in str(raised.value)


def test_pages_belong_to_queries_that_return_listings() -> None:
    async def bare(page: Page) -> Listing[Pet]:
        raise NotImplementedError

    async def number(page: Annotated[int, PETS]) -> Listing[Pet]:
        raise NotImplementedError

    async def other(page: Annotated[Page, PETS]) -> list[Pet]:
        raise NotImplementedError

    async def write(tx: Tx, page: Annotated[Page, PETS]) -> Listing[Pet]:
        raise NotImplementedError

    for route, reason in [
        (query("/pets", bare), "the parameter `page: Page` cannot be bound"),
        (query("/pets", number), "its type is not Page"),
        (query("/pets", other), "Write `-> Listing[Pet]`"),
        (command("/pets", write), "only a query answers with pages"),
    ]:
        with pytest.raises(HandlerError, match=re.escape(reason)):
            build(route)


def test_a_filter_may_not_take_the_name_of_a_parameter_of_pages() -> None:
    class Odd(Row):
        id: int
        limit: int

    async def show(page: Annotated[Page, Pages(Odd, filters={"limit": ("eq",)})]) -> Listing[Odd]:
        raise NotImplementedError

    with pytest.raises(RouteError, match="'limit' is also a query parameter of pages"):
        build(query("/odd", show))


def test_the_key_ends_an_order_and_what_follows_it_is_left_out() -> None:
    plan = PagePlan(Pages(Pet, sort=("name", "bornIn", "id")))
    orders = [plan.order_of(items.split(",")) for items in ("-name", "name,-name", "-bornIn,id,name")]
    assert [[("-" if term.descending else "") + term.column for term in order or ()] for order in orders] == [
        ["-name", "-id"],
        ["name", "id"],
        ["-born_in", "id"],
    ]
    assert plan.order_of(["kind"]) is None


A, B, ID = Term("a"), Term("b", descending=True, nullable=True), Term("id")


@pytest.mark.parametrize(
    ("order", "values", "expected"),
    [
        ((A, ID), (1, 2), ['("a", "id") > (1, 2)']),
        ((A.turned(), ID.turned()), (1, 2), ['("a", "id") < (1, 2)']),
        (
            (A, B, ID),
            (1, 2, 3),
            ['"a" > 1', '"a" = 1 and "b" < 2', '"a" = 1 and "b" is null', '"a" = 1 and "b" = 2 and "id" > 3'],
        ),
        ((B, ID), (None, 3), ['"b" is null and "id" > 3']),
        ((B.turned(), ID), (None, 3), ['"b" is not null', '"b" is null and "id" > 3']),
        ((B, ID), None, ['"b" is not null', '"b" is null']),
        ((B.turned(), ID), None, ['"b" is not null', '"b" is null']),
        ((Term("b", nullable=True), ID), None, [""]),
    ],
)  # fmt: skip
def test_the_rows_behind_a_place_are_ranges(order: Any, values: Any, expected: list[str]) -> None:
    branches = branches_from(order, values, str, inclusive=False)
    assert [" and ".join(branch.conditions) for branch in branches] == expected


def test_a_link_is_escaped_and_left_out_when_it_is_too_long() -> None:
    value = link_header("/caf%C3%A9", b"a=<>&cursor=old&%63ursor=old&b[ge]=\xff", "new", None)
    assert value == (
        b'</caf%C3%A9?a=%3C%3E&b%5Bge%5D=%FF&cursor=new>; rel="next", </caf%C3%A9?a=%3C%3E&b%5Bge%5D=%FF>; rel="first"'
    )
    assert link_header("/", b"", None, None) == b'</>; rel="first"'
    assert link_header("/", b"a" * LENGTH_LIMIT, None, None) is None
